package org.knowcap.experiments.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.cli.Knowcap;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.SampleStudy;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.WatchedFiles;
import org.knowcap.experiments.study.Json;
import org.knowcap.files.Folders;
import tools.jackson.databind.JsonNode;

/** What the server answers, byte by byte, and what it refuses. */
@Tag("process")
class WatchServerTest {
  @TempDir
  private Path directory;
  private StudyFolder study;
  private WatchServer server;

  private record Answer(int status, String head, String body) {
    JsonNode json() {
      return Json.MAPPER.readTree(body);
    }
  }

  @BeforeEach
  void serve() throws IOException {
    SampleStudy.write(directory, 1);
    study = StudyFolder.open(directory);
    server = WatchServer.start(new WatchedStudy(directory), 0);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private int port() {
    return URI.create(server.address()).getPort();
  }

  /** A request as it stands here: Java's own client would mend its target and its host. */
  private Answer send(String method, String target, String headers) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.getOutputStream()
          .write((method + " " + target + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      String said = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int body = said.indexOf("\r\n\r\n");
      assertTrue(said.startsWith("HTTP/1.1 ") && body > 0, said);
      return new Answer(Integer.parseInt(said.substring(9, 12)), said.substring(0, body),
          said.substring(body + 4));
    }
  }

  private Answer get(String target) throws IOException {
    return send("GET", target, "Host: localhost:" + port() + "\r\n");
  }

  @ParameterizedTest
  @CsvSource({"127.0.0.1, 200", "localhost, 200", "LOCALHOST:1234, 200", "[::1]:80, 200", "evil.example, 403",
      "localhost.evil.example, 403", "127.0.0.1.evil.example:80, 403", "127.0.0.2, 403",
      "localhost:evil, 403", "evil.example#localhost, 403", "'', 403"})
  void onlyThisMachineIsAnswered(String host, int status) throws IOException {
    for (String target : List.of("/", "/state", "/watch.js", "/nothing")) {
      Answer answer = send("GET", target, "Host: " + host + "\r\n");
      assertEquals(target.equals("/nothing") && status == 200 ? 404 : status, answer.status, host + target);
      assertTrue(status == 200 || !answer.body.contains("sample"), answer.body);
    }
  }

  @Test
  void aRequestHasOneHost() throws IOException {
    assertEquals(403, send("GET", "/state", "Host: localhost\r\nHost: evil.example\r\n").status);
    assertTrue(send("GET", "/state", "").status >= 400);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/../study.yaml", "/%2e%2e/study.yaml", "/study.yaml", "/runs/", "/charts/../study.yaml",
          "/charts/nothing.svg", "/watch.js/..", "//evil.example/", "/WatchServer.class", "/index.html",
          "/state/", "/charts/%00.svg", "http://evil.example/", "http://localhost/state"})
  void nothingElseIsServed(String target) throws IOException {
    Answer answer = get(target);
    assertEquals(404, answer.status, answer.toString());
    assertEquals(1, answer.body.lines().count(), answer.body);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/state?since=x", "/state?since=-1", "/state?other=1", "/curves?runs=1,,2",
          "/curves?runs=99999999999999999999", "/curves?runs=1&runs=2"})
  void queriesAreRead(String target) throws IOException {
    Answer answer = get(target);
    assertEquals(400, answer.status, answer.toString());
    assertEquals(1, answer.body.lines().count(), answer.body);
  }

  @Test
  void itOnlyShows() throws IOException {
    for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS")) {
      Answer answer = send(method, "/state", "Host: localhost\r\n");
      assertEquals(405, answer.status);
      assertTrue(answer.head.toLowerCase(Locale.ROOT).contains("allow: get, head"), answer.head);
    }
    Answer head = send("HEAD", "/", "Host: localhost\r\n");
    assertEquals(200, head.status);
    assertEquals("", head.body);
    assertTrue(head.head.contains("default-src 'none'"), head.head);
    assertFalse(head.head.toLowerCase(Locale.ROOT).contains("access-control"), head.head);
  }

  private static List<String> names(JsonNode view) {
    return StreamSupport.stream(view.path("runs").spliterator(), false)
        .map(run -> run.path("name").asString())
        .toList();
  }

  @Test
  void onlyWhatHasChangedIsSent() throws Exception {
    JsonNode all = get("/state").json();
    assertTrue(all.path("anew").asBoolean());
    assertEquals(100, all.path("runs").size());
    assertEquals(100, all.path("counts").path("done").asInt());
    assertEquals(1.0, all.path("part_done").asDouble());
    String since = "/state?since=" + all.path("version").asString();
    assertEquals(List.of(), names(get(since).json()));

    // One is trained again from its beginning, one fails, one loses its folder, one's result is damaged.
    List<String> names = names(all);
    WatchedFiles.trainAgain(study.runFolder(names.get(3)), 2);
    RunFolder failed = study.runFolder(names.get(5));
    Files.delete(failed.path().resolve("result.json"));
    failed.writeFailure("out of memory", false);
    Folders.delete(study.runFolder(names.get(7)).path());
    Path damaged = study.runFolder(names.get(9)).path().resolve("result.json");
    Files.move(Files.writeString(damaged.resolveSibling("other"), "{}"), damaged,
        StandardCopyOption.REPLACE_EXISTING);
    try (FolderLock _ = study.runFolder(names.get(3)).lock().orElseThrow()) {
      JsonNode news = await(since, 4);
      assertFalse(news.path("anew").asBoolean());
      assertEquals(IntStream.of(3, 5, 7, 9).mapToObj(names::get).toList(), names(news));
      assertEquals(List.of("running", "failed", "pending", "damaged"),
          StreamSupport.stream(news.path("runs").spliterator(), false)
              .map(run -> run.path("state").asString())
              .toList());
      JsonNode running = news.path("runs").get(0);
      assertEquals(20, running.path("step").asLong());
      assertEquals(4.0, running.path("loss").asDouble());
      assertEquals("out of memory", news.path("runs").get(1).path("detail").asString());
      assertTrue(news.path("runs").get(3).path("detail").asString().contains("result.json"));
      JsonNode counted = await("/state?since=" + news.path("version").asString(), 1);
      JsonNode row = counted.path("runs").get(0);
      long steps = study.study().runs().get(3).steps(study.study().runs().get(3).corpus());
      assertEquals(steps, row.path("steps").asLong());
      assertEquals(0.2 * (steps - 20) / 20, row.path("seconds_left").asDouble(), 1e-9);
      assertTrue(counted.path("seconds_left").asDouble() >= row.path("seconds_left").asDouble());
      assertEquals(1e5, counted.path("tokens_per_second").asDouble());
    }
    JsonNode curve = get("/curves?runs=3,8,100000").json();
    assertEquals(2, curve.size());
    assertEquals(List.of(10L, 20L),
        StreamSupport.stream(curve.get(0).path("steps").spliterator(), false).map(JsonNode::asLong).toList());
    assertEquals(20, curve.get(1).path("losses").size());
  }

  /** Asks until a number of runs has changed; the server looks once a second. */
  private JsonNode await(String target, int changed) throws Exception {
    for (int i = 0; i < 300; i++) {
      JsonNode news = get(target).json();
      if (news.path("runs").size() >= changed) {
        return news;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("nothing new: " + get(target));
  }

  @Test
  void aStudyMayGrowAndVanish() throws Exception {
    get("/state");
    Path file = directory.resolve("study.yaml");
    String text = Files.readString(file);
    Files.writeString(file, text.replace("seeds: [1]", "seeds: [1, 2]"));
    JsonNode grown = awaitField("total", "200");
    assertTrue(grown.path("anew").asBoolean());
    assertEquals(100, grown.path("counts").path("pending").asInt());
    Files.writeString(file, "name: [");
    assertTrue(awaitField("problem", "").path("problem").asString().contains("study.yaml"));
    Files.delete(file);
    assertEquals(200, awaitField("problem", "no such file").path("total").asInt());
  }

  private JsonNode awaitField(String field, String part) throws Exception {
    for (int i = 0; i < 300; i++) {
      JsonNode view = get("/state").json();
      if (view.has(field) && view.path(field).asString().contains(part)) {
        return view;
      }
      Thread.sleep(100);
    }
    throw new AssertionError(field + " never says '" + part + "': " + get("/state").body.substring(0, 300));
  }

  @Test
  void chartsAreThoseOfTheReport() throws Exception {
    JsonNode view = awaitCharts();
    List<String> files = new ArrayList<>();
    view.path("charts").forEach(chart -> files.add(chart.path("file").asString()));
    assertTrue(files.contains("capacity"), files.toString());
    for (String file : files) {
      Answer answer = get("/charts/" + file + ".svg?since=1");
      assertEquals(200, answer.status);
      assertTrue(answer.body.startsWith("<?xml") || answer.body.startsWith("<svg"),
          answer.body.substring(0, 40));
    }
    assertFalse(view.path("sentences").isEmpty());
  }

  private JsonNode awaitCharts() throws Exception {
    for (int i = 0; i < 600; i++) {
      JsonNode view = get("/state").json();
      if (!view.path("charts").isEmpty()) {
        return view;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("no charts");
  }

  @Test
  void inALockedFolderSomebodyTrains() throws Exception {
    RunFolder folder = study.runFolder(study.study().runs().getFirst());
    WatchedFiles.trainAgain(folder, 1);
    WatchedRun run = new WatchedRun(study.study().runs().getFirst(), folder);
    Instant now = Instant.now();
    run.look(now, 1);
    assertEquals(RunState.Interrupted.class, run.state().getClass());
    // Reports that come are a sign of life, also where locks say nothing, as on some shared disks.
    WatchedFiles.report(folder, 2);
    run.look(now.plusSeconds(1), 2);
    assertEquals(RunState.Running.class, run.state().getClass());
    assertEquals(2, run.version());
    run.look(now.plusSeconds(20), 3);
    assertEquals(RunState.Running.class, run.state().getClass());
    assertEquals(2, run.version());
    run.look(now.plusSeconds(40), 4);
    assertEquals(RunState.Interrupted.class, run.state().getClass());
    try (FolderLock _ = folder.lock().orElseThrow()) {
      run.look(now.plusSeconds(60), 5);
      assertEquals(RunState.Running.class, run.state().getClass());
    }
  }

  @Test
  void aPortThatIsTakenIsNamed() {
    Outcome taken = InProcess.run("watch", directory, "--port", port());
    assertEquals(2, taken.exitCode(), taken.toString());
    assertEquals(1, taken.err().lines().count(), taken.err());
    assertTrue(taken.err().contains("port " + port()) && taken.err().contains("--port 0"), taken.err());
  }

  @Test
  void wrongArgumentsAreOneLine() throws IOException {
    Path empty = Files.createDirectories(directory.resolve("empty"));
    for (List<Object> words : List.<List<Object>>of(List.of("watch", directory.resolve("missing")),
        List.of("watch", empty), List.of("watch", directory, "--port", -1),
        List.of("watch", directory, "--port", 65_536), List.of("watch", directory.resolve("study.yaml")))) {
      Outcome outcome = InProcess.run(words.toArray());
      assertEquals(2, outcome.exitCode(), words + ": " + outcome);
      assertEquals(1, outcome.err().lines().count(), outcome.err());
    }
  }

  @Test
  void theCommandSaysWhereThePageIs() throws Exception {
    Process process = KnowcapProcess
        .java(Knowcap.class, List.of(), "watch", directory.toString(), "--port", "0")
        .start();
    try (BufferedReader out = new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = Optional.ofNullable(out.readLine()).orElse("");
      assertTrue(line.matches("watching .* at http://127\\.0\\.0\\.1:\\d+/ \\(Ctrl-C ends it\\)"), line);
      String host = URI.create(line.replaceAll(".* at (\\S+) .*", "$1")).getAuthority();
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(),
          Integer.parseInt(host.split(":")[1]))) {
        socket.getOutputStream()
            .write(("GET /state HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        assertTrue(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .contains("\"total\":100"));
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}
