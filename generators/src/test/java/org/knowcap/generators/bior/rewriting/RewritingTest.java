package org.knowcap.generators.bior.rewriting;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.bior.RewrittenLine;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A language model's server that does all that servers do, in this process. */
class RewritingTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final BioS PEOPLE = new BioS(10, 3, Pools.shipped(PoolSizes.PAPER), Templates.shipped());
  private static final int DRAFTS = 4;
  private static final RetryPolicy QUICK = new RetryPolicy(5, Duration.ofMillis(1), Duration.ofMillis(20),
      Duration.ofSeconds(20));

  /** Answers a request, given how many there were with the same prompt before. */
  private interface Model {
    void answer(HttpExchange exchange, String prompt, int before) throws IOException;
  }

  @TempDir
  private Path directory;
  private HttpServer server;
  private Path prompts;
  private Path texts;
  private final Map<String, Integer> asked = new ConcurrentHashMap<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final Set<String> keys = ConcurrentHashMap.newKeySet();
  private volatile Model model = (exchange, prompt, _) -> say(exchange, facts(prompt));

  @BeforeEach
  void start() throws IOException {
    prompts = Files.write(directory.resolve("prompts.jsonl"),
        new Prompts(PEOPLE).all(DRAFTS).map(Prompt::line).toList());
    texts = directory.resolve("made/texts.jsonl");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/v1/chat/completions", exchange -> {
      requests.incrementAndGet();
      keys.add(Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization")).orElse("none"));
      JsonNode body = JSON.readTree(exchange.getRequestBody().readAllBytes());
      assertEquals("some-model", body.path("model").asString());
      String prompt = body.path("messages").path(0).path("content").asString();
      model.answer(exchange, prompt, asked.merge(prompt, 1, Integer::sum) - 1);
      exchange.close();
    });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  /** The facts as they are, and something that tells this answer from others. */
  private static String facts(String prompt) {
    return prompt.split("\n\n")[1].replace('\n', ' ') + " So goes story " + prompt.hashCode() + ".";
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static void say(HttpExchange exchange, String text) throws IOException {
    send(exchange, 200, JSON.writeValueAsString(
        Map.of("choices", List.of(Map.of("message", Map.of("role", "assistant", "content", text))))));
  }

  private Rewriting.Tally run(RetryPolicy patience, int concurrency)
      throws IOException, InterruptedException {
    try (ChatServer chat = new ChatServer(endpoint(), "some-model", Optional.of("secret"), patience,
        new CounterRandom(1))) {
      List<Long> done = new ArrayList<>();
      Rewriting rewriting = new Rewriting(PEOPLE, chat, concurrency, 3);
      Rewriting.Tally tally = rewriting.run(prompts, texts, (through, _) -> done.add(through));
      assertEquals(rewriting.count(prompts), done.getLast());
      assertEquals(done.stream().sorted().distinct().toList(), done);
      return tally;
    }
  }

  private String endpoint() {
    return "http://localhost:" + server.getAddress().getPort() + "/v1";
  }

  private List<RewrittenLine> written() throws IOException {
    return Files.readAllLines(texts).stream().map(line -> RewrittenLine.parse(line).orElseThrow()).toList();
  }

  /** Each prompt has exactly one text, and a corpus can be made of them. */
  private void assertAllThere() throws IOException {
    List<RewrittenLine> written = written();
    assertEquals(PEOPLE.people() * DRAFTS, written.size());
    assertEquals(PEOPLE.people() * DRAFTS,
        written.stream().map(text -> text.person() + " " + text.draft()).distinct().count());
    assertTrue(written.stream().allMatch(text -> text.model().equals("some-model")));
    assertEquals(List.of(), RewrittenTexts.read(texts, PEOPLE).rejections());
  }

  @Test
  void everyPromptGetsItsText() throws Exception {
    assertEquals(new Rewriting.Tally(40, Map.of(), Map.of()), run(QUICK, 4));
    assertAllThere();
    assertEquals(40, requests.get());
    assertEquals(Set.of("Bearer secret"), keys);
  }

  @Test
  void aPromptHoldsTheFactsInDifferentOrders() {
    Set<String> orders = new HashSet<>();
    new Prompts(PEOPLE).all(DRAFTS).forEach(prompt -> {
      PEOPLE.values(prompt.person())
          .values()
          .forEach(value -> assertTrue(prompt.prompt().contains(value), prompt.prompt()));
      orders.add(prompt.prompt()
          .lines()
          .skip(2)
          .limit(6)
          .map(line -> line.split(" (?=on|in|of|at|for) ?")[0])
          .map(line -> line.substring(line.lastIndexOf(' ')))
          .collect(Collectors.joining()));
      assertEquals(prompt, new Prompts(PEOPLE).prompt(prompt.person(), prompt.draft()));
      assertEquals(prompt, Prompt.parse(prompt.line()).orElseThrow());
    });
    assertTrue(orders.size() > 30, orders.toString());
  }

  /** Everything goes wrong once for every prompt, in turn. */
  @Test
  void failuresPass() throws Exception {
    model = (exchange, prompt, before) -> {
      switch (before) {
        case 0 -> {
          exchange.getResponseHeaders().set("Retry-After", "0");
          send(exchange, 429, "slow down");
        }
        case 1 -> send(exchange, 503, "");
        case 2 -> send(exchange, 200, "{\"choices\": [");
        case 3 -> exchange.close();
        case 4 -> say(exchange, facts(prompt).replaceFirst("works for [^.]*", "works for someone"));
        default -> say(exchange, "\n" + facts(prompt).replaceFirst(" ", "\n  ") + "\n");
      }
    };
    assertEquals(new Rewriting.Tally(40, Map.of("lacks the employer", 40L), Map.of()), run(QUICK, 8));
    assertAllThere();
    assertTrue(written().stream().noneMatch(text -> text.text().contains("\n")));
    assertEquals(6 * 40, requests.get());
  }

  @Test
  void aServerThatNeverAnswersWellEndsTheRun() {
    for (Model bad : List.<Model>of((exchange, _, _) -> send(exchange, 500, "out of\n memory"),
        (exchange, _, _) -> send(exchange, 200, "{\"choices\":[{\"message\":{}}]}"))) {
      model = bad;
      requests.set(0);
      String message = assertThrows(ServerException.class, () -> run(QUICK, 1)).getMessage();
      assertTrue(message.startsWith(endpoint() + "/chat/completions failed 5 times in a row, at last: "),
          message);
      assertTrue(message.endsWith("status 500: out of memory")
          || message.endsWith("no chat completion: {\"choices\":[{\"message\":{}}]}"), message);
      assertEquals(5, requests.get());
    }
    server.stop(0);
    String message = assertThrows(ServerException.class, () -> run(QUICK, 8)).getMessage();
    assertTrue(message.contains("ConnectException"), message);
  }

  /** And at once, though others are waiting for their turn or for an answer. */
  @Test
  void aRefusalEndsTheRunAndKeepsWhatThereIs() throws Exception {
    RetryPolicy endless = new RetryPolicy(5, Duration.ofMinutes(9), Duration.ofMinutes(9),
        Duration.ofMinutes(9));
    model = (exchange, prompt, _) -> {
      int number = requests.get();
      if (number <= 10) {
        say(exchange, facts(prompt));
      } else if (number <= 12) {
        send(exchange, 503, "");
      } else {
        send(exchange, 401, "{\"error\": \"no such key\"}");
      }
    };
    String message = assertThrows(ServerException.class, () -> run(endless, 4)).getMessage();
    assertEquals(endpoint() + "/chat/completions refuses: status 401: {\"error\": \"no such key\"}", message);
    // Of four at a time, two wait and one is refused: the tenth answer may still be on its way.
    int before = written().size();
    assertTrue(before == 9 || before == 10, before + " texts");
    model = (exchange, prompt, _) -> say(exchange, facts(prompt));
    requests.set(0);
    assertEquals(40 - before, run(QUICK, 4).kept());
    assertEquals(40 - before, requests.get());
    assertAllThere();
  }

  @Test
  void aServerIsGivenTheTimeThatItAsksFor() throws Exception {
    for (Supplier<String> ask : List.<Supplier<String>>of(() -> "1",
        () -> DateTimeFormatter.RFC_1123_DATE_TIME
            .format(Instant.now().plusSeconds(2).atOffset(ZoneOffset.UTC)))) {
      Files.deleteIfExists(texts);
      asked.clear();
      model = (exchange, prompt, before) -> {
        if (before == 0) {
          exchange.getResponseHeaders().set("Retry-After", ask.get());
          send(exchange, 429, "");
        } else {
          say(exchange, facts(prompt));
        }
      };
      long began = System.nanoTime();
      assertEquals(40, run(QUICK, 40).kept());
      assertTrue(System.nanoTime() - began > 900_000_000L);
    }
    model = (exchange, _, _) -> {
      exchange.getResponseHeaders().set("Retry-After", "7201");
      send(exchange, 429, "come back tomorrow");
    };
    Files.delete(texts);
    String message = assertThrows(ServerException.class, () -> run(QUICK, 1)).getMessage();
    assertTrue(message.endsWith("asks to wait for 120 minutes; status 429: come back tomorrow"), message);
  }

  @Test
  void aSlowAnswerIsAskedForAgain() throws Exception {
    model = (exchange, prompt, before) -> {
      if (before == 0 && prompt.hashCode() % 4 == 0) {
        try {
          Thread.sleep(3000);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      say(exchange, facts(prompt));
    };
    assertEquals(40,
        run(new RetryPolicy(9, Duration.ofMillis(1), Duration.ofMillis(20), Duration.ofSeconds(1)), 40)
            .kept());
    assertAllThere();
    assertTrue(requests.get() > 40);
  }

  @Test
  void waitsGrowAndAreDrawn() {
    RetryPolicy patience = new RetryPolicy(9, Duration.ofSeconds(1), Duration.ofSeconds(60),
        Duration.ofSeconds(1));
    assertEquals(List.of(500L, 1000L, 2000L, 4000L, 30_000L),
        List.of(1, 2, 3, 4, 900).stream().map(failures -> patience.pause(failures, 0).toMillis()).toList());
    assertEquals(4000, patience.pause(3, 1).toMillis());
    assertThrows(IllegalArgumentException.class,
        () -> new RetryPolicy(0, Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(1)));
    assertThrows(IllegalArgumentException.class,
        () -> new RetryPolicy(1, Duration.ZERO, Duration.ofSeconds(1), Duration.ofSeconds(1)));
  }

  /** Not one request more than may be under way, and not fewer as long as there is work. */
  @Test
  void soManyRequestsAreUnderWay() throws Exception {
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    model = (exchange, prompt, _) -> {
      most.accumulateAndGet(now.incrementAndGet(), Math::max);
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      now.decrementAndGet();
      say(exchange, facts(prompt));
    };
    run(QUICK, 7);
    assertEquals(7, most.get());
  }

  @Test
  void aPromptThatIsNeverAnsweredWellIsGivenUpAndReported() throws Exception {
    String hopeless = new Prompts(PEOPLE).prompt(4, 2).prompt();
    model = (exchange, prompt, _) -> say(exchange,
        prompt.equals(hopeless) ? facts(prompt).replaceAll("\\b[Ss]?[Hh]e\\b", "They") : facts(prompt));
    assertEquals(new Rewriting.Tally(39, Map.of("does not tell the gender", 2L),
        Map.of("does not tell the gender", 1L)), run(QUICK, 4));
    assertEquals(39, written().size());
    model = (exchange, prompt, _) -> say(exchange, facts(prompt));
    requests.set(0);
    assertEquals(1, run(QUICK, 4).kept());
    assertEquals(1, requests.get());
    assertAllThere();
  }

  @Test
  void theSameTextTwiceIsAskedForAgain() throws Exception {
    Map<String, String> first = new ConcurrentHashMap<>();
    model = (exchange, prompt, before) -> {
      String text = facts(prompt);
      String name = text.split(" (was|is|studied|majored|works|goes)")[0];
      say(exchange, before == 0 ? first.computeIfAbsent(name, _ -> text) : text);
    };
    assertEquals(
        new Rewriting.Tally(40, Map.of("repeats an earlier text about the same person", 30L), Map.of()),
        run(QUICK, 1));
    assertAllThere();
  }

  /** As a kill leaves it: half a line at the end, with more than a buffer's worth before it. */
  @Test
  void halfALineIsDroppedAndWrittenAgain() throws Exception {
    run(QUICK, 4);
    List<String> lines = Files.readAllLines(texts);
    for (String half : List.of(lines.getLast().substring(0, 40), lines.getLast(), "x".repeat(200_000))) {
      Files.write(texts, lines.subList(0, 39));
      Files.writeString(texts, half, StandardOpenOption.APPEND);
      requests.set(0);
      assertEquals(1, run(QUICK, 4).kept());
      assertEquals(1, requests.get());
      assertAllThere();
      assertEquals(lines.subList(0, 39), Files.readAllLines(texts).subList(0, 39));
    }
    Files.writeString(texts, "no line has an end");
    assertEquals(40, run(QUICK, 4).kept());
    assertAllThere();
  }

  @Test
  void linesOfNoUseStayAndAreAskedForAgain() throws Exception {
    run(QUICK, 4);
    List<String> lines = new ArrayList<>(Files.readAllLines(texts));
    lines.set(5, "{\"person\": 1}");
    lines.set(7, lines.get(7).replace("20", "no").replace("19", "no"));
    Files.write(texts, lines);
    assertEquals(2, run(QUICK, 4).kept());
    assertEquals(lines, Files.readAllLines(texts).subList(0, 40));
    Map<String, Long> reasons = new TreeMap<>();
    RewrittenTexts.read(texts, PEOPLE).rejections().forEach(each -> reasons.put(each.reason(), each.lines()));
    assertEquals(2, reasons.size(), reasons.toString());
  }

  @Test
  void aFileOfOthersIsNotTouched() throws Exception {
    Files.createDirectories(texts.getParent());
    Files.writeString(texts, "something else\n");
    String message = assertThrows(IllegalArgumentException.class, () -> run(QUICK, 1)).getMessage();
    assertTrue(message.contains("has 1 lines, but none that can be used about these people"), message);
    assertEquals("something else\n", Files.readString(texts));
    assertEquals(0, requests.get());
  }

  @Test
  void twoDoNotWriteToOneFile() throws Exception {
    try (TextsFile file = new TextsFile(texts, _ -> {})) {
      String message = assertThrows(IllegalArgumentException.class, () -> run(QUICK, 1)).getMessage();
      assertTrue(message.endsWith("is being written to by another process"), message);
      file.append("{}");
    }
    assertEquals(List.of("{}"), Files.readAllLines(texts));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{}", "{\"person\":1,\"draft\":0}", "{\"person\":1,\"draft\":-1,\"prompt\":\"\"}",
          "{\"person\":1.5,\"draft\":0,\"prompt\":\"\"}", "{\"person\":1,\"draft\":0,\"prompt\":\"\"",
          "{\"person\":10,\"draft\":0,\"prompt\":\"\"}"})
  void aLineThatIsNoPromptIsNamed(String line) throws Exception {
    List<String> lines = new ArrayList<>(Files.readAllLines(prompts));
    lines.add(3, line);
    Files.write(prompts, lines);
    try (ChatServer chat = new ChatServer(endpoint(), "some-model", Optional.empty(), QUICK,
        new CounterRandom(1))) {
      String message = assertThrows(IllegalArgumentException.class,
          () -> new Rewriting(PEOPLE, chat, 1, 1).count(prompts)).getMessage();
      assertTrue(message.startsWith(prompts + ", line 4 "), message);
      assertEquals(line.contains("10"), message.contains("is about person 10, but there are only 10"),
          message);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost:8000/v1", "", "ftp://localhost/v1", "http:///v1", "http://a b/v1"})
  void anEndpointIsAnAddressForHttp(String endpoint) {
    assertTrue(assertThrows(IllegalArgumentException.class,
        () -> new ChatServer(endpoint, "some-model", Optional.empty(), QUICK, new CounterRandom(1)))
        .getMessage()
        .startsWith("the endpoint must be like http://localhost:8000/v1, found " + endpoint));
  }

  @Test
  void theWholeAddressIsAnEndpointToo() throws Exception {
    for (String endpoint : List.of(endpoint() + "/", endpoint() + "/chat/completions")) {
      try (ChatServer chat = new ChatServer(endpoint, "some-model", Optional.empty(), QUICK,
          new CounterRandom(1))) {
        String prompt = new Prompts(PEOPLE).prompt(0, 0).prompt();
        assertEquals(facts(prompt), chat.answer(prompt));
      }
    }
    assertFalse(keys.contains("Bearer secret"));
  }
}
