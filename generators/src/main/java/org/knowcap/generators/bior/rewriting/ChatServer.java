package org.knowcap.generators.bior.rewriting;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.knowcap.generators.random.CounterRandom;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A language model behind a server that speaks OpenAI's chat completions. Temporary failures (no connection, no
 * answer in time, a malformed answer, status 408, 429 and 5xx) are retried with growing, random waits, so that
 * many requests do not return at once. Threads may share an instance.
 */
public final class ChatServer implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration CONNECT = Duration.ofSeconds(10);
  /** If a server asks for a longer wait, the request fails. */
  private static final Duration MOST_ASKED = Duration.ofHours(1);
  private static final int SHOWN = 300;

  private final URI address;
  private final String model;
  private final Optional<String> key;
  private final RetryPolicy retries;
  private final CounterRandom random;
  private final AtomicLong waits = new AtomicLong();
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT).build();

  /** The result of one attempt. */
  private sealed interface Attempt {
    record Answer(String text) implements Attempt {}

    /** @param asked the wait that the server asks for; zero if it asks for none */
    record Failure(String problem, Duration asked) implements Attempt {}
  }

  /**
   * @param endpoint such as http://localhost:8000/v1; /chat/completions is appended unless the address ends with it
   * @param model    the server's name for the model
   * @param key      sent as a bearer token if present
   * @param retries  what to do after failures
   * @param random   of the waits
   * @throws IllegalArgumentException if the endpoint is not an HTTP address
   */
  public ChatServer(String endpoint, String model, Optional<String> key, RetryPolicy retries,
      CounterRandom random) {
    String base = endpoint.replaceFirst("/+$", "");
    try {
      address = URI.create(base.endsWith("/chat/completions") ? base : base + "/chat/completions");
    } catch (IllegalArgumentException e) {
      throw noAddress(endpoint);
    }
    if (address.getHost() == null || !List.of("http", "https").contains(address.getScheme())) {
      throw noAddress(endpoint);
    }
    this.model = model;
    this.key = key;
    this.retries = retries;
    this.random = random;
  }

  private static IllegalArgumentException noAddress(String endpoint) {
    return new IllegalArgumentException(
        "the endpoint must be like http://localhost:8000/v1, found " + endpoint);
  }

  /** The server's name for the model. */
  public String model() {
    return model;
  }

  /**
   * The model's answer to a prompt.
   *
   * @throws ServerException if the server refuses, or has failed as often as the policy allows
   */
  public String answer(String prompt) throws ServerException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(address)
        .timeout(retries.timeout())
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(
            Map.of("model", model, "messages", List.of(Map.of("role", "user", "content", prompt))))));
    key.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    for (int failures = 1;; failures++) {
      switch (attempt(request.build())) {
        case Attempt.Answer(String text) -> {
          return text;
        }
        case Attempt.Failure(String problem, Duration asked) -> {
          if (failures == retries.attempts()) {
            throw new ServerException(
                address + " failed " + failures + " times in a row, at last: " + problem);
          }
          Duration wait = retries.pause(failures, (random.bits(waits.getAndIncrement()) >>> 11) * 0x1p-53);
          Thread.sleep(asked.compareTo(wait) > 0 ? asked : wait);
        }
      }
    }
  }

  private Attempt attempt(HttpRequest request) throws ServerException, InterruptedException {
    HttpResponse<String> response;
    try {
      response = client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      String name = e.getClass().getSimpleName();
      return new Attempt.Failure(e.getMessage() == null ? name : name + ": " + e.getMessage(), Duration.ZERO);
    }
    int status = response.statusCode();
    if (status == 200) {
      return content(response.body()).<Attempt>map(Attempt.Answer::new)
          .orElseGet(
              () -> new Attempt.Failure("no chat completion: " + shown(response.body()), Duration.ZERO));
    }
    String problem = "status " + status + ": " + shown(response.body());
    if (status != 408 && status != 429 && status < 500) {
      throw new ServerException(address + " refuses: " + problem);
    }
    Duration wait = response.headers()
        .firstValue("Retry-After")
        .map(ChatServer::retryAfter)
        .orElse(Duration.ZERO);
    if (wait.compareTo(MOST_ASKED) > 0) {
      throw new ServerException(address + " asks to wait for " + wait.toMinutes() + " minutes; " + problem);
    }
    return new Attempt.Failure(problem, wait);
  }

  private static Optional<String> content(String body) {
    try {
      JsonNode content = JSON.readTree(body).path("choices").path(0).path("message").path("content");
      return content.isString() ? Optional.of(content.asString()) : Optional.empty();
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  /** Reads seconds or a date; anything else asks for no wait. */
  private static Duration retryAfter(String value) {
    try {
      return value.matches("\\d{1,9}")
          ? Duration.ofSeconds(Long.parseLong(value))
          : Duration.between(Instant.now(),
              ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
    } catch (DateTimeException e) {
      return Duration.ZERO;
    }
  }

  private static String shown(String body) {
    String line = body.strip().replaceAll("\\s+", " ");
    return line.isEmpty() ? "nothing" : line.length() > SHOWN ? line.substring(0, SHOWN) + "..." : line;
  }

  /** Cancels requests under way. */
  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }
}
