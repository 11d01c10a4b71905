package org.knowcap.experiments.run;

import org.knowcap.experiments.measure.RareTokens;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.files.WholeFile;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.experiments.study.InitialisationSpec;
import tools.jackson.core.JacksonException;

/**
 * The folder of one run, and the only memory of it: {@code run.json} (the resolved configuration), {@code
 * metrics.jsonl} (a line a report), {@code checkpoint.safetensors}, then {@code result.json} or {@code failure.json}; for
 * each way in which its model was quantised, {@code quantised/LABEL/result.json}.
 * Each is written aside and renamed, so that any process on any machine can look at any moment. A process that works on
 * the run holds the operating system's lock on {@code lock}, which a kill releases.
 */
public final class RunFolder {
  private final Path path;

  public RunFolder(Path path) {
    this.path = path;
  }

  public Path path() {
    return path;
  }

  public Path checkpoint() {
    return path.resolve(InitialisationSpec.CHECKPOINT);
  }

  private Path result() {
    return path.resolve("result.json");
  }

  private Path failure() {
    return path.resolve("failure.json");
  }

  private Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** What failure.json holds. */
  private record Failure(String reason) {}

  /**
   * A line of metrics.jsonl.
   *
   * @param loss mean over the step's tokens, nats
   * @param seconds of training up to here, over all processes that had a part in it
   * @param gradientNorm length of the gradient before it was clipped; of runs that clip
   * @param largestEmbedding largest absolute component of a token's embedding
   * @param largestRareEmbedding the same of rare tokens alone, see {@link RareTokens}
   * @param routing what routers of mixtures did in the step; left out where there are none
   */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  public record Metric(long step, double loss, double learningRate, double tokensPerSecond, double seconds,
      Optional<Double> gradientNorm, Optional<Double> largestEmbedding, Optional<Double> largestRareEmbedding,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<RoutingMetrics> routing) {
    public Metric {
      routing = routing == null ? List.of() : List.copyOf(routing);
    }
  }

  /** Whether there is nothing left to do: a result, or a failure. */
  public boolean finished() {
    return Files.exists(result()) || Files.exists(failure());
  }

  /**
   * Reads the state from the files. Not to be called while this process holds the run's lock: operating systems
   * release it as soon as the process closes the file a second time.
   *
   * @throws UserException where a file is damaged
   */
  public RunState state() throws IOException {
    if (Files.exists(result())) {
      return new RunState.Done(read(result(), MeasuredRun.class));
    }
    if (Files.exists(failure())) {
      return new RunState.Failed(read(failure(), Failure.class).reason());
    }
    if (!Files.exists(path.resolve("lock"))) {
      return new RunState.Pending();
    }
    List<Metric> metrics = readMetrics();
    RunState.Progressed progress = metrics.isEmpty()
        ? new RunState.Progressed(0, Double.NaN)
        : new RunState.Progressed(metrics.getLast().step, metrics.getLast().loss);
    Optional<Lock> lock = lock();
    if (lock.isPresent()) {
      lock.get().close();
      return new RunState.Interrupted(progress);
    }
    return new RunState.Running(progress);
  }

  private static <T> T read(Path file, Class<T> type) throws IOException {
    try {
      return Optional.ofNullable(Json.MAPPER.readValue(Files.readString(file), type))
          .orElseThrow(() -> damaged(file, 1, "it holds null"));
    } catch (JacksonException e) {
      throw damaged(file, e.getLocation().getLineNr(), e.getOriginalMessage().lines().findFirst().orElse(""));
    }
  }

  private static UserException damaged(Path file, int line, String problem) {
    return UserException.failure(file + ", line " + line + ": damaged or of another version (" + problem
        + "); remove this file, and the run's next start will write it anew");
  }

  /** Holds the run for this process until closed. */
  public record Lock(FileChannel channel, FileLock lock) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      lock.release();
      channel.close();
    }
  }

  /** Takes the run for this process; empty if another has it. */
  public Optional<Lock> lock() throws IOException {
    Files.createDirectories(path);
    FileChannel channel = FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE,
        StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(new Lock(channel, lock));
      }
    } catch (OverlappingFileLockException heldByThisProcess) {
      // Another thread of this process has it: as good as another process.
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    return Optional.empty();
  }

  /** Writes what determines the run. */
  public void writeSpec(RunSpec spec) throws IOException {
    writeJson(path.resolve("run.json"), spec.settings());
  }

  /** Writes the result; what was made of an earlier model of this run goes. */
  void writeResult(MeasuredRun run) throws IOException {
    for (Path old : quantisedResults()) {
      Files.delete(old);
    }
    writeJson(result(), run);
  }

  private Path quantisedResult(String label) {
    return path.resolve("quantised").resolve(label).resolve("result.json");
  }

  private List<Path> quantisedResults() throws IOException {
    Path folder = path.resolve("quantised");
    if (Files.notExists(folder)) {
      return List.of();
    }
    try (Stream<Path> labels = Files.list(folder)) {
      return labels.map(label -> quantisedResult(label.getFileName().toString()))
          .filter(Files::exists)
          .sorted()
          .toList();
    }
  }

  /** The result of quantising its model in the way of that label, if there is one. */
  Optional<MeasuredQuantisation> quantisation(String label) throws IOException {
    Path file = quantisedResult(label);
    return Files.exists(file) ? Optional.of(read(file, MeasuredQuantisation.class)) : Optional.empty();
  }

  /** All results of quantising its model, by label. */
  public List<MeasuredQuantisation> quantisations() throws IOException {
    List<MeasuredQuantisation> read = new ArrayList<>();
    for (Path file : quantisedResults()) {
      read.add(read(file, MeasuredQuantisation.class));
    }
    return read;
  }

  void writeQuantisation(String label, MeasuredQuantisation measured) throws IOException {
    writeJson(quantisedResult(label), measured);
  }

  /** Remembers that the run gave up, and why. */
  public void writeFailure(String reason) throws IOException {
    writeJson(failure(), new Failure(reason));
  }

  /** Forgets an earlier failure, so that the run is tried again. */
  public void clearFailure() throws IOException {
    Files.deleteIfExists(failure());
  }

  private static void writeJson(Path file, Object value) throws IOException {
    byte[] json = (Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n")
        .getBytes(StandardCharsets.UTF_8);
    WholeFile.write(file, out -> out.write(json));
  }

  /** Reported metrics; a last line cut off by a kill is left out. */
  public List<Metric> readMetrics() throws IOException {
    if (!Files.exists(metrics())) {
      return List.of();
    }
    String text = Files.readString(metrics());
    List<Metric> read = new ArrayList<>();
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
      try {
        read.add(Json.MAPPER.readValue(line, Metric.class));
      } catch (JacksonException e) {
        throw UserException.failure(metrics() + ", line " + (read.size() + 1) + ": damaged (" + line
            + "); remove the file and " + checkpoint() + " to train this run anew");
      }
    }
    return read;
  }

  /**
   * Drops what was reported after a step: a resumed run reports it again.
   *
   * @return the last metric that stays
   */
  Optional<Metric> rewindMetrics(long step) throws IOException {
    List<Metric> remaining = readMetrics().stream().filter(metric -> metric.step <= step).toList();
    StringBuilder lines = new StringBuilder();
    remaining.forEach(metric -> lines.append(line(metric)));
    WholeFile.write(metrics(), out -> out.write(lines.toString().getBytes(StandardCharsets.UTF_8)));
    return remaining.isEmpty() ? Optional.empty() : Optional.of(remaining.getLast());
  }

  void appendMetric(Metric metric) throws IOException {
    Files.writeString(metrics(), line(metric), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private static String line(Metric metric) {
    return Json.MAPPER.writeValueAsString(metric) + "\n";
  }
}
