package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bior.BioR;
import org.knowcap.generators.bior.RewrittenLine;
import tools.jackson.databind.json.JsonMapper;

/** bioR from the prompts to the result, with a server in place of a language model. */
@Tag("process")
class BioRCommandTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String STUDY = """
      name: rewritten
      corpus:
        kind: bioR
        people: [4, 6]
        file: texts/bior.jsonl
        people_seed: 9
        pools: {first: 5, middle: 4, last: 10}
      models: {name: gpt2-1-2, head_width: 8}
      exposures: 12
      seeds: [1, 2]
      training: {batch_size: 2, context_length: 64, learning_rate: 0.003, warmup_steps: 10}
      """;

  @TempDir
  private Path directory;
  private Path study;
  private Path prompts;
  private Path texts;
  private HttpServer server;
  private final AtomicInteger answered = new AtomicInteger();
  /** What the server may answer, until the gate is opened for good. */
  private final Semaphore free = new Semaphore(0);

  @BeforeEach
  void start() throws IOException {
    study = Files.writeString(directory.resolve("study.yaml"), STUDY);
    prompts = directory.resolve("prompts.jsonl");
    texts = directory.resolve("texts/bior.jsonl");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/v1/chat/completions", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  /** The facts as they are, and the number of the answer; but every fifth time the server is tired. */
  private void answer(HttpExchange exchange) throws IOException {
    String prompt = JSON.readTree(exchange.getRequestBody().readAllBytes())
        .path("messages")
        .path(0)
        .path("content")
        .asString();
    try {
      free.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    int number = answered.incrementAndGet();
    if (number % 5 == 0) {
      exchange.getResponseHeaders().set("Retry-After", "0");
      exchange.sendResponseHeaders(429, -1);
    } else {
      byte[] body = JSON.writeValueAsBytes(Map.of("choices", List.of(Map.of("message", Map.of("content",
          prompt.split("\n\n")[1].replace("\n", " ") + " This is story " + number + ".")))));
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  private Object[] rewrite(Object... more) {
    List<Object> arguments = new ArrayList<>(List.of("generate", "bior-rewrite", study, "--prompts", prompts,
        "--endpoint", "http://localhost:" + server.getAddress().getPort() + "/v1", "--model", "none"));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  private static void fails(String message, Object... arguments) {
    Outcome outcome = InProcess.run(arguments);
    assertNotEquals(0, outcome.exitCode(), outcome::toString);
    assertTrue(outcome.err().startsWith("knowcap: ") && outcome.err().contains(message), outcome::toString);
  }

  @Test
  void fromPromptsToResults() throws Exception {
    fails("texts/bior.jsonl is not there; 'knowcap generate bior-prompts' and 'bior-rewrite' make it", "plan",
        study);
    fails("prompts.jsonl is not there", rewrite());
    Outcome written = succeeds("generate", "bior-prompts", study, "--out", prompts, "--texts", 3);
    assertEquals("18 prompts about 6 people in " + prompts + "\n", written.out());
    assertEquals(18, Files.readAllLines(prompts).size());

    // Killed when it has some of the texts, and others are under way.
    free.release(8);
    KnowcapProcess killed = KnowcapProcess.start(List.of(), rewrite("--concurrency", 3));
    while (lines() < 7) {
      Thread.sleep(20);
    }
    killed.handle().destroyForcibly();
    killed.end();
    List<String> before = Files.readAllLines(texts);
    assertEquals(7, before.size());
    Files.writeString(texts, before.getLast().substring(0, 30), StandardOpenOption.APPEND);

    free.release(1000);
    Outcome rest = succeeds(rewrite());
    assertTrue(rest.out().endsWith("11 texts added to " + texts + "\n"), rest.out());
    List<RewrittenLine> all = Files.readAllLines(texts)
        .stream()
        .map(line -> RewrittenLine.parse(line).orElseThrow())
        .toList();
    assertEquals(before, Files.readAllLines(texts).subList(0, 7));
    assertEquals(18, all.stream().map(text -> text.person() + " " + text.draft()).distinct().count());
    assertEquals(18, all.size());

    String notice = "texts/bior.jsonl: 12 texts about 4 people; lines left out: "
        + "is about somebody else than the first 4 people: 6 (lines ";
    Outcome exported = succeeds("generate", study, "--people", 4, "--seed", 2, "--out",
        directory.resolve("files"));
    assertTrue(exported.out().startsWith(notice) && exported.out().contains("bioR(4): vocabulary of"),
        exported.out());
    Outcome run = succeeds("run", study, "--out", directory.resolve("out"));
    assertTrue(run.out().startsWith(notice), run.out());
    Path table = directory.resolve("out/results.csv");
    assertEquals(5, Files.readAllLines(table).size());
    assertTrue(Files.readString(table).contains("bioR(6)"), Files.readString(table));
  }

  private long lines() throws IOException {
    return Files.exists(texts) ? Files.readString(texts).chars().filter(c -> c == '\n').count() : 0;
  }

  @Test
  void whatIsWrongIsSaid() throws Exception {
    free.release(1000);
    succeeds("generate", "bior-prompts", study, "--out", prompts, "--texts", 1);
    fails("the endpoint must be like http://localhost:8000/v1, found nowhere", "generate", "bior-rewrite",
        study, "--prompts", prompts, "--model", "none", "--endpoint", "nowhere");
    fails("--key-env names KNOWCAP_TEST_NO_KEY, which is not set",
        rewrite("--key-env", "KNOWCAP_TEST_NO_KEY"));
    fails("--concurrency must be at least 1, found 0", rewrite("--concurrency", 0));
    fails("--texts must be at least 1, found 0", "generate", "bior-prompts", study, "--out", prompts,
        "--texts", 0);
    fails("generate needs --out DIR, or --describe", "generate", study);
    fails("generate needs a SPEC, or --verify DIR", "generate", "--out", directory);
    server.removeContext("/v1/chat/completions");
    fails("refuses: status 404", rewrite());
    server.createContext("/v1/chat/completions", exchange -> {
      byte[] body = "{\"choices\":[{\"message\":{\"content\":\"No.\"}}]}".getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    fails(
        "6 prompts were given up after 2 answers that cannot be used, the last of which: lacks the name: 6; "
            + "the same command asks again",
        rewrite("--asks", 2));
    Files.writeString(study, STUDY.replace("bioR", "bioS"));
    fails("'corpus.kind' must be bioR, found 'bioS'", rewrite());
    Files.writeString(study, STUDY.replace("  file: texts/bior.jsonl\n", ""));
    fails("'corpus.file' is missing", rewrite());
  }

  /** Texts of other people, as when the seed or the lists have been mistaken. */
  @Test
  void aStudyNamesWhatIsWrongWithItsTexts() throws Exception {
    writeTexts();
    assertEquals(4, StudyReader.read(study).runs().size());
    Files.writeString(study, STUDY.replace("people_seed: 9", "people_seed: 8"));
    assertNamed("'corpus.file': " + texts + " holds no text that can be used about ");
    assertNamed("lacks the name: ");
    Files.writeString(study, STUDY.replace("[4, 6]", "[4, 201]"));
    assertNamed("'corpus.people': people must be 1..200, found 201");
    Files.writeString(study, STUDY.replace("people_seed: 9", "people_seed: -9"));
    assertNamed("'corpus.people_seed' must be a whole number from 0");
    Files.writeString(study, STUDY.replace("file: texts", "files: texts"));
    assertNamed("'corpus.file' is missing");
    Files.writeString(study, STUDY.replace("  people_seed", "  texts: 40\n  people_seed"));
    assertNamed("unknown key 'corpus.texts'");
  }

  private void assertNamed(String message) {
    UserException e = assertThrows(UserException.class, () -> StudyReader.read(study));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  /** The seeds of a study order the texts; whom they are about, and so the texts, stay the same. */
  @Test
  void aRunIsWhatItsTextsAre() throws Exception {
    writeTexts();
    List<RunSpec> runs = StudyReader.read(study).runs();
    BioR one = (BioR) runs.get(0).corpus();
    BioR two = (BioR) runs.get(1).corpus();
    assertEquals(one.values(3), two.values(3));
    assertNotEquals(one.digest(), two.digest());

    Path out = directory.resolve("out");
    List<String> names = runs.stream().map(RunSpec::name).toList();
    StudyFolder.create(out, study);
    Files.writeString(texts, Files.readString(texts).replace("This is", "That is"));
    assertEquals(names, names(StudyFolder.open(out)));
    List<String> others = names(StudyFolder.create(out, study));
    assertNotEquals(names, others);
    assertEquals(others, names(StudyFolder.open(out)));
  }

  private static List<String> names(StudyFolder folder) {
    return folder.study().runs().stream().map(RunSpec::name).toList();
  }

  private void writeTexts() throws IOException {
    free.release(1000);
    assertEquals(0, Knowcap.commandLine()
        .execute("generate", "bior-prompts", study.toString(), "--out", prompts.toString(), "--texts", "2"));
    String[] arguments = Arrays.stream(rewrite()).map(Object::toString).toArray(String[]::new);
    assertEquals(0, Knowcap.commandLine().execute(arguments));
  }
}
