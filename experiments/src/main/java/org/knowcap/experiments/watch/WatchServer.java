package org.knowcap.experiments.watch;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;

/**
 * Serves the live page of a study to this machine only: it listens on loopback, and answers only requests that name loopback as their
 * host, as a page of another site could otherwise have its own name lead here (DNS rebinding). It shows, and changes nothing.
 */
public final class WatchServer implements AutoCloseable {
  /** Names of loopback, as a Host header has them; the port may be another, as that of a tunnel is. */
  private static final Pattern LOOPBACK = Pattern.compile("(?i)(localhost|127\\.0\\.0\\.1|\\[::1])(:\\d+)?");
  private static final Pattern CHART = Pattern.compile("/charts/([a-z0-9-]+)\\.svg");
  private static final Map<String, String> PAGES = Map.of("/", "index.html", "/watch.css", "watch.css",
      "/watch.js", "watch.js", "/icon.svg", "icon.svg");
  private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "css",
      "text/css; charset=utf-8", "js", "text/javascript; charset=utf-8", "svg", "image/svg+xml");
  private static final String SCRIPT_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
      + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  /** An SVG's parts have their styles with them. */
  private static final String IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

  private record Answer(int status, String type, byte[] content) {
    static Answer text(int status, String text) {
      return new Answer(status, "text/plain; charset=utf-8", (text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static Answer json(Object value) {
      return new Answer(200, "application/json",
          Json.MAPPER.writeValueAsString(value).getBytes(StandardCharsets.UTF_8));
    }
  }

  /** A request that this server does not answer. */
  private static final class Refusal extends Exception {
    private static final long serialVersionUID = 1;

    private final int status;

    Refusal(int status, String reason) {
      super(reason);
      this.status = status;
    }
  }

  private final WatchedStudy study;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private WatchServer(WatchedStudy study, HttpServer server) {
    this.study = study;
    this.server = server;
  }

  /**
   * Starts to serve.
   *
   * @param port to listen on; 0 for any that is free
   * @throws UserException where another process has the port
   */
  public static WatchServer start(WatchedStudy study, int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    HttpServer server;
    try {
      server = HttpServer.create(address, 0);
    } catch (BindException e) {
      throw UserException.usage("port " + port + " cannot be used (" + e.getMessage()
          + "); give another with --port, or --port 0 for any that is free");
    }
    WatchServer watch = new WatchServer(study, server);
    server.createContext("/", watch::handle);
    server.setExecutor(watch.threads);
    server.start();
    return watch;
  }

  /** Where the page is. */
  public String address() {
    InetSocketAddress address = server.getAddress();
    String host = address.getAddress().getHostAddress();
    return "http://" + (host.contains(":") ? "[::1]" : host) + ":" + address.getPort() + "/";
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer = answer(exchange);
      Headers headers = exchange.getResponseHeaders();
      headers.set("Content-Type", answer.type);
      headers.set("Cache-Control", "no-store");
      headers.set("X-Content-Type-Options", "nosniff");
      headers.set("Referrer-Policy", "no-referrer");
      headers.set("Cross-Origin-Resource-Policy", "same-origin");
      headers.set("Content-Security-Policy",
          answer.type.equals(TYPES.get("svg")) ? IMAGE_POLICY : SCRIPT_POLICY);
      boolean head = exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(answer.status, head ? -1 : answer.content.length);
      if (!head) {
        exchange.getResponseBody().write(answer.content);
      }
    }
  }

  private Answer answer(HttpExchange exchange) throws IOException {
    try {
      List<String> hosts = exchange.getRequestHeaders().getOrDefault("Host", List.of());
      if (hosts.size() != 1 || !LOOPBACK.matcher(hosts.getFirst()).matches()) {
        throw new Refusal(403, "this page is for this machine only: open it as " + address());
      }
      if (!Set.of("GET", "HEAD").contains(exchange.getRequestMethod())) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        throw new Refusal(405, "this page only shows: GET and HEAD are all it takes");
      }
      URI target = exchange.getRequestURI();
      // What begins with two slashes, or with http://, names a host of its own.
      return answer(target.getRawAuthority() == null ? target.getRawPath() : target.toString(),
          Optional.ofNullable(target.getRawQuery()).orElse(""));
    } catch (Refusal e) {
      return Answer.text(e.status, e.getMessage());
    }
  }

  private Answer answer(String path, String query) throws Refusal {
    if (PAGES.containsKey(path)) {
      return page(PAGES.get(path));
    }
    if (path.equals("/state")) {
      return Answer.json(study.view(numbers("since", query).stream().findFirst().orElse(0L)));
    }
    if (path.equals("/curves")) {
      return Answer.json(study.curves(
          numbers("runs", query).stream().map(run -> (int) Math.min(run, Integer.MAX_VALUE)).toList()));
    }
    Matcher chart = CHART.matcher(path);
    Optional<String> svg = chart.matches() ? study.chart(chart.group(1)) : Optional.empty();
    if (svg.isPresent()) {
      return new Answer(200, TYPES.get("svg"), svg.get().getBytes(StandardCharsets.UTF_8));
    }
    throw new Refusal(404, "there is nothing here; the page is at " + address());
  }

  /** The numbers of a query such as {@code runs=1,2}. */
  private static List<Long> numbers(String key, String query) throws Refusal {
    if (query.isEmpty()) {
      return List.of();
    }
    if (!query.matches(key + "=\\d{1,18}(,\\d{1,18})*")) {
      throw new Refusal(400, "the query must be " + key + "=NUMBER, with commas between several");
    }
    return Arrays.stream(query.substring(key.length() + 1).split(",")).map(Long::valueOf).toList();
  }

  private static Answer page(String file) {
    try (InputStream in = WatchServer.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException(file + " is missing in this build");
      }
      return new Answer(200, TYPES.get(file.substring(file.lastIndexOf('.') + 1)), in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
