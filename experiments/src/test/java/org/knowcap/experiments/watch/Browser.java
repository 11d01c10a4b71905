package org.knowcap.experiments.watch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.knowcap.experiments.study.Json;
import org.knowcap.files.Folders;
import tools.jackson.databind.JsonNode;

/** A page in headless Chromium, driven by its DevTools protocol. */
final class Browser implements AutoCloseable {
  private static final long MOST_SECONDS = 120;
  private static final Pattern DEVTOOLS = Pattern.compile("DevTools listening on ws://([^/]+)/.*");

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> complaints = new CopyOnWriteArrayList<>();

  /** Chromium's program, if this machine has it. */
  static Optional<Path> program() {
    return Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst();
  }

  Browser(Path program) throws Exception {
    profile = Files.createTempDirectory("knowcap-chromium");
    process = new ProcessBuilder(program.toString(), "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0", "--remote-allow-origins=*",
        "--user-data-dir=" + profile, "about:blank").redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    String host = devTools(
        new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8)));
    HttpClient client = HttpClient.newHttpClient();
    JsonNode page = Json.MAPPER
        .readTree(client.send(HttpRequest.newBuilder(URI.create("http://" + host + "/json/new?about:blank"))
            .PUT(HttpRequest.BodyPublishers.noBody())
            .build(), BodyHandlers.ofString()).body());
    socket = client.newWebSocketBuilder()
        .buildAsync(URI.create(page.path("webSocketDebuggerUrl").asString()), new Listener())
        .get(MOST_SECONDS, TimeUnit.SECONDS);
    call("Page.enable", "{}");
    call("Runtime.enable", "{}");
    call("Log.enable", "{}");
    call("Network.enable", "{}");
  }

  private String devTools(BufferedReader log) throws IOException {
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      Matcher matcher = DEVTOOLS.matcher(line);
      if (matcher.matches()) {
        // Or it stops when nobody reads what it says.
        Thread.ofVirtual().start(() -> log.lines().forEach(_ -> {}));
        return matcher.group(1);
      }
    }
    throw new IOException("Chromium ended with exit code " + process.exitValue());
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder message = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      message.append(data);
      if (last) {
        JsonNode said = Json.MAPPER.readTree(message.toString());
        message.setLength(0);
        if (said.has("id")) {
          answers.get(said.path("id").asInt()).complete(said);
        } else if (List.of("Runtime.exceptionThrown", "Log.entryAdded")
            .contains(said.path("method").asString(""))
            || said.path("params").path("type").asString("").equals("error")) {
          complaints.add(said.toString());
        }
      }
      from.request(1);
      return CompletableFuture.completedFuture(null);
    }
  }

  private JsonNode call(String method, String parameters) throws Exception {
    int id = calls.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    socket.sendText("{\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + parameters + "}", true)
        .get(MOST_SECONDS, TimeUnit.SECONDS);
    JsonNode said = answer.get(MOST_SECONDS, TimeUnit.SECONDS);
    if (said.has("error")) {
      throw new IOException(method + ": " + said);
    }
    return said.path("result");
  }

  void open(String address) throws Exception {
    call("Page.navigate", "{\"url\":" + Json.MAPPER.writeValueAsString(address) + "}");
  }

  /** Makes the page as wide as a telephone, say. */
  void resize(int width, int height) throws Exception {
    call("Emulation.setDeviceMetricsOverride", "{\"width\":" + width + ",\"height\":" + height
        + ",\"deviceScaleFactor\":1,\"mobile\":" + (width < 600) + "}");
  }

  void prefer(String colourScheme) throws Exception {
    call("Emulation.setEmulatedMedia",
        "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + colourScheme + "\"}]}");
  }

  /** The value of an expression of JavaScript; a promise's once it is kept. */
  JsonNode value(String expression) throws Exception {
    JsonNode result = call("Runtime.evaluate", "{\"returnByValue\":true,\"awaitPromise\":true,\"expression\":"
        + Json.MAPPER.writeValueAsString(expression) + "}");
    if (result.has("exceptionDetails")) {
      throw new IOException(expression + ": " + result);
    }
    return result.path("result").path("value");
  }

  /** Waits until an expression is true. */
  void await(String expression) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS);
    while (!value("Boolean(" + expression + ")").asBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never true: " + expression + "; the page says "
            + value("document.body.innerText") + "; complaints: " + complaints);
      }
      Thread.sleep(100);
    }
  }

  /** Errors of scripts, and what the browser has refused or not found. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** A picture of the whole page, for people. */
  void picture(Path file) throws Exception {
    JsonNode png = call("Page.captureScreenshot", "{\"captureBeyondViewport\":true}");
    Files.createDirectories(file.resolveSibling(""));
    Files.write(file, Base64.getDecoder().decode(png.path("data").asString()));
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    List<ProcessHandle> all = Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(each -> each.onExit().join());
    Folders.delete(profile);
  }
}
