package org.knowcap.experiments.bench.gpu;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.gpu.GpuItem.Kind;
import org.knowcap.experiments.bench.gpu.GpuLine.Status;
import org.knowcap.experiments.run.Provenances;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.cuda.DebugSwitch;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Measures items one after the other, each in a process of its own: after an error on a GPU every further call of its
 * process fails, and a kernel that never ends can only be ended with its process.
 */
public final class GpuBench {
  /** Factor of the time limit for items in which PyTorch compiles kernels for minutes. */
  private static final int PEER_LIMITS = 4;
  private static final int LAST_WORDS = 8;

  private final Function<GpuItem, List<String>> command;
  private final Map<String, String> environment;
  private final Limits limits;
  private final Consumer<String> progress;
  private final long began = System.nanoTime();
  /** The longest that an item of a kind has taken. */
  private final Map<Kind, Double> longest = new EnumMap<>(Kind.class);

  /**
   * Limits of the time that items take.
   *
   * @param itemSeconds after which an item's process is ended
   * @param budgetSeconds for all items; empty for no limit
   * @param speedSeconds for which a speed is measured
   * @param atOnce number of items at a time, for items that are not timed
   */
  public record Limits(double itemSeconds, OptionalDouble budgetSeconds, double speedSeconds, int atOnce) {}

  /** What a process that measures an item prints, as its last line: its result, or why there is none. */
  public record Answer(String card, Optional<String> error, JsonNode result) {}

  /**
   * @param command arguments of the process that measures an item and prints an {@link Answer}
   * @param environment of these processes, beside this one's
   * @param progress hears what is being done
   */
  public GpuBench(Function<GpuItem, List<String>> command, Map<String, String> environment, Limits limits,
      Consumer<String> progress) {
    this.command = command;
    this.environment = environment;
    this.limits = limits;
    this.progress = progress;
  }

  /** Receives each item that has ended, before the next begins, from one thread at a time. */
  public interface Listener {
    void onEnd(GpuLine line);
  }

  /**
   * Measures the items that fit into the budget.
   *
   * @throws UserException where it has room for nothing
   */
  public void measure(List<GpuItem> items, Listener listener) throws InterruptedException {
    requireRoom(items);
    List<GpuItem> batch = new ArrayList<>();
    for (GpuItem item : items) {
      if (!item.isUntimed()) {
        together(batch, listener);
        batch.clear();
        listener.onEnd(attempt(item));
      } else {
        batch.add(item);
      }
    }
    together(batch, listener);
  }

  private void requireRoom(List<GpuItem> items) {
    double least = items.stream()
        .mapToDouble(item -> item.expectedSeconds(limits.speedSeconds))
        .min()
        .orElse(0);
    if (left() < least) {
      throw UserException.usage(String.format(Locale.ROOT,
          "a budget of %.0f s is too small for anything: the quickest of these items takes about %.0f s",
          limits.budgetSeconds.orElseThrow(), least));
    }
  }

  private double left() {
    return limits.budgetSeconds.isPresent()
        ? limits.budgetSeconds.getAsDouble() - (System.nanoTime() - began) / 1e9
        : Double.MAX_VALUE;
  }

  private void together(List<GpuItem> batch, Listener listener) throws InterruptedException {
    try (ExecutorService threads = Executors.newFixedThreadPool(limits.atOnce)) {
      List<Future<?>> all = new ArrayList<>();
      for (GpuItem item : batch) {
        all.add(threads.submit(() -> {
          GpuLine line = attempt(item);
          synchronized (this) {
            listener.onEnd(line);
          }
          return null;
        }));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
    }
  }

  private GpuLine attempt(GpuItem item) throws InterruptedException {
    double expected;
    synchronized (longest) {
      expected = longest.getOrDefault(item.kind(), item.expectedSeconds(limits.speedSeconds));
    }
    double left = left();
    if (left < expected) {
      progress.accept(item.id() + ": skipped");
      return line(
          item, Status.SKIPPED, 0, "", Optional.of(String.format(Locale.ROOT,
              "it takes about %.0f s, and the budget has %.0f s left", expected, Math.max(0, left))),
          Json.MAPPER.nullNode());
    }
    // What is wrong with the machine the caller says, in one line.
    boolean silent = item.kind() == Kind.MACHINE;
    if (!silent) {
      progress.accept(item.id() + " ...");
    }
    long start = System.nanoTime();
    GpuLine line = inProcess(item,
        Math.min(left, limits.itemSeconds * (item.kind() == Kind.PEER ? PEER_LIMITS : 1)));
    double seconds = (System.nanoTime() - start) / 1e9;
    synchronized (longest) {
      longest.merge(item.kind(), seconds, Math::max);
    }
    line.error().filter(_ -> !silent).ifPresent(error -> progress.accept(item.id() + " failed: " + error));
    return new GpuLine(line.item(), line.status(), seconds, line.finished(), line.commit(), line.card(),
        line.debug(), line.error(), line.result());
  }

  private GpuLine line(GpuItem item, Status status, double seconds, String card, Optional<String> error,
      JsonNode result) {
    return new GpuLine(item.id(), status, seconds, Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        Provenances.commit(), card, debug(), error, result);
  }

  private String debug() {
    String setting = DebugSwitch.SETTING;
    // Of this process, or as the one that measures inherits it.
    return Optional.ofNullable(environment.get(setting))
        .or(() -> Optional.ofNullable(System.getenv(setting)))
        .orElse("");
  }

  private GpuLine inProcess(GpuItem item, double mostSeconds) throws InterruptedException {
    Process process = null;
    try {
      ProcessBuilder builder = ChildProcess.builder(1, command.apply(item).toArray(String[]::new));
      builder.environment().putAll(environment);
      process = builder.start();
      Process started = process;
      StringBuilder output = new StringBuilder();
      Thread out = Thread.ofPlatform()
          .daemon()
          .start(() -> lines(started.inputReader(StandardCharsets.UTF_8),
              line -> output.append(line).append('\n')));
      Deque<String> last = new ArrayDeque<>();
      Thread errors = Thread.ofPlatform()
          .daemon()
          .start(() -> lines(started.errorReader(StandardCharsets.UTF_8), line -> {
            if (!line.equals(ChildProcess.WARNING)) {
              progress.accept(line);
              last.addLast(line);
              if (last.size() > LAST_WORDS) {
                last.removeFirst();
              }
            }
          }));
      boolean ended = process.waitFor((long) (mostSeconds * 1e3), TimeUnit.MILLISECONDS);
      end(process);
      if (!ended) {
        return line(
            item, Status.TIMEOUT, 0, "", Optional.of(String.format(Locale.ROOT,
                "it did not end within %.0f s, and its process was ended", mostSeconds)),
            Json.MAPPER.nullNode());
      }
      out.join(1000);
      errors.join(1000);
      return answered(item, process.exitValue(), output.toString(), List.copyOf(last));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      if (process != null) {
        end(process);
      }
    }
  }

  private GpuLine answered(GpuItem item, int exitCode, String output, List<String> last) {
    List<String> lines = output.lines().toList();
    try {
      if (!lines.isEmpty()) {
        Answer answer = Json.MAPPER.readValue(lines.getLast(), Answer.class);
        return line(item, answer.error.isEmpty() ? Status.OK : Status.FAILED, 0, answer.card, answer.error,
            answer.result);
      }
    } catch (JacksonException e) {
      // It ended in the middle of something else.
    }
    return line(item, Status.FAILED, 0, "",
        Optional.of("its process ended with exit code " + exitCode + ": " + String.join(" / ", last)),
        Json.MAPPER.nullNode());
  }

  /** Ends a process and what it started. */
  private static void end(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static void lines(BufferedReader reader, Consumer<String> each) {
    try (reader) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        each.accept(line);
      }
    } catch (IOException e) {
      // Its process was ended.
    }
  }

  /** Ends this process once the process that started it is gone, so that no GPU works without a reader. */
  public static void endWithParent() {
    Thread.ofPlatform().daemon().start(() -> {
      try {
        System.in.transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        // As at its end.
      }
      Runtime.getRuntime().halt(1);
    });
  }
}
