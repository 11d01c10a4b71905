package org.knowcap.experiments.run;

import org.knowcap.files.FileFailure;
import org.knowcap.files.ParserMessage;
import org.knowcap.experiments.measure.RareTokens;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.files.Sha256;
import org.knowcap.files.WholeFile;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.experiments.study.InitialisationSpec;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of one run, which holds everything that is known of the run: {@code run.json} (the resolved
 * configuration), {@code metrics.jsonl} (a line a report), {@code checkpoint.safetensors}, then {@code result.json}
 * or {@code failure.json}; for each way in which its model was quantised, {@code quantised/LABEL/result.json}. Each
 * file is written under a temporary name and renamed, so that any process on any machine can read it at any moment.
 * A process that works on the run holds the operating system's lock on {@code lock}, which a kill releases.
 */
public final class RunFolder {
  private static final String CHECKSUM = "checksum";
  private static final String REMEDY = "the run's next start";
  /** Longer than a look at a lock takes, nanoseconds. */
  private static final long AFTER_A_LOOK = 20_000_000;

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

  private Path spec() {
    return path.resolve("run.json");
  }

  private Path result() {
    return path.resolve("result.json");
  }

  private Path failure() {
    return path.resolve("failure.json");
  }

  /** The table of people that 'knowcap measure --people' may write here, for 'knowcap query'. */
  public Path people() {
    return path.resolve("people.parquet");
  }

  /** The file of its reports, a JSON object a line. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** A reader of the run's reports that reads each only once, while they are written. */
  public MetricsTail metricsTail() {
    return new MetricsTail(metrics());
  }

  /**
   * The content of failure.json.
   *
   * @param diverged absent in files of earlier versions
   */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  private record Failure(String reason, Optional<Boolean> diverged) {}

  /**
   * A line of metrics.jsonl.
   *
   * @param loss mean over the step's tokens, nats
   * @param seconds of training up to this step, over all processes that took part
   * @param gradientNorm Euclidean norm of the gradient before it was clipped; only for runs that clip
   * @param largestEmbedding largest absolute component of a token's embedding
   * @param largestRareEmbedding largest absolute component of a rare token's embedding, see {@link RareTokens}
   * @param routing what routers of mixtures did in the step; left out where there are none
   * @param measured what the model held after the step, at some steps of runs that are measured along training
   */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  public record Metric(long step, double loss, double learningRate, double tokensPerSecond, double seconds,
      Optional<Double> gradientNorm, Optional<Double> largestEmbedding, Optional<Double> largestRareEmbedding,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<RoutingMetrics> routing,
      Optional<TrainingPoint> measured) {
    public Metric {
      measured = measured == null ? Optional.empty() : measured;
      routing = routing == null ? List.of() : List.copyOf(routing);
    }
  }

  /** Whether there is nothing left to do: a result, or a failure. */
  public boolean finished() {
    return Files.exists(result()) || Files.exists(failure());
  }

  /**
   * Reads the state from the files; it is {@link RunState.Damaged} if they cannot be read. Do not call this while
   * this process holds the run's lock: operating systems release it as soon as the process closes the file a second
   * time.
   */
  public RunState state() {
    try {
      return readState();
    } catch (UserException e) {
      return new RunState.Damaged(e.getMessage());
    } catch (IOException e) {
      return new RunState.Damaged(path + " cannot be used (" + UserException.describe(e) + ")");
    }
  }

  private RunState readState() throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      return new RunState.Damaged(path + " is a file where a run's folder should be; move it away");
    }
    if (Files.exists(result())) {
      return new RunState.Done(ownResult());
    }
    if (Files.exists(failure())) {
      Failure failure = read(failure(), Failure.class, REMEDY);
      return new RunState.Failed(failure.reason, failure.diverged.orElse(false));
    }
    if (!begun()) {
      return new RunState.Pending();
    }
    List<Metric> metrics = readMetrics();
    RunState.Progressed progress = metrics.isEmpty()
        ? new RunState.Progressed(0, Double.NaN)
        : new RunState.Progressed(metrics.getLast().step, metrics.getLast().loss);
    return taken() ? new RunState.Running(progress) : new RunState.Interrupted(progress);
  }

  /** Whether a process has begun the run, which says nothing of whether it still works on it. */
  public boolean begun() {
    return Files.exists(path.resolve("lock"));
  }

  /**
   * Whether some process works on the run, as its lock says. To look, this process takes the lock for a moment: do not look every
   * second, and never while this process holds the lock.
   */
  public boolean taken() throws IOException {
    try {
      Optional<FolderLock> lock = FolderLock.take(path);
      if (lock.isPresent()) {
        lock.get().close();
      }
      return lock.isEmpty();
    } catch (FileSystemException e) {
      if (isReadOnly(e)) {
        // Who may only look cannot try the lock; nobody trains where nothing can be written.
        return false;
      }
      throw e;
    }
  }

  /** Whether a file could not be written because its folder is read-only. */
  public static boolean isReadOnly(FileSystemException e) {
    return e instanceof AccessDeniedException || String.valueOf(e.getReason()).contains("Read-only");
  }

  /**
   * Deletes all files of the run, so that it is trained again.
   *
   * @return false if another process works on the run
   */
  public boolean forget() throws IOException {
    if (Files.notExists(path)) {
      return true;
    }
    Optional<FolderLock> lock = lock();
    if (lock.isEmpty()) {
      return false;
    }
    try (FolderLock _ = lock.get(); Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (!file.equals(path) && !file.equals(path.resolve("lock"))) {
          Files.delete(file);
        }
      }
    }
    return true;
  }

  private MeasuredRun ownResult() throws IOException {
    MeasuredRun measured = read(result(), MeasuredRun.class, REMEDY);
    if (!RunSpec.sameRun(measured.result().run(), path.getFileName().toString())) {
      throw damaged(result(), 1, "it is of run " + measured.result().run(), REMEDY);
    }
    if (measured.madeFrom().isPresent()) {
      requireOrigin(measured.madeFrom().get());
    }
    return measured;
  }

  /** What a result that is made now belongs to. */
  Origin origin() throws IOException {
    return new Origin(Sha256.of(spec()), Checkpoint.checksum(checkpoint()));
  }

  /** Refuses a result beside other files than it was made from; files that are gone contradict nothing. */
  private void requireOrigin(Origin origin) throws IOException {
    if (Files.exists(spec())) {
      String found = Sha256.of(spec());
      if (!found.equals(origin.runJson())) {
        throw UserException.failure(spec() + ": changed, or of another run (its SHA-256 is " + found
            + ", result.json beside it belongs to " + origin.runJson()
            + "); remove run.json, which no command needs, or train the run again with --again");
      }
    }
    requireCheckpoint(result(), origin.checkpoint(), REMEDY);
  }

  private void requireCheckpoint(Path file, String checkpoint, String remedy) throws IOException {
    if (Files.exists(checkpoint())) {
      String found = statedChecksum();
      if (!found.equals(checkpoint)) {
        throw damaged(file, 1, "it belongs to a checkpoint with the checksum " + checkpoint + ", and "
            + checkpoint().getFileName() + " has " + found, remedy);
      }
    }
  }

  private String statedChecksum() throws IOException {
    try {
      return Checkpoint.checksum(checkpoint());
    } catch (CheckpointException e) {
      throw UserException.failure(e.getMessage()
          + "; the result beside it cannot be compared with it: remove the checkpoint, and the result counts without it, or train the"
          + " run again with --again");
    }
  }

  /** @param remedy the command that makes the file again, once it is removed */
  private static <T> T read(Path file, Class<T> type, String remedy) throws IOException {
    try {
      JsonNode content = Json.MAPPER.readTree(Files.readString(file));
      if (!(content instanceof ObjectNode object)) {
        throw damaged(file, 1, "it holds " + shown(content.toString()) + ", not a mapping", remedy);
      }
      JsonNode checksum = object.path(CHECKSUM);
      object.remove(CHECKSUM);
      if (!checksum.asString("").equals(Sha256.of(object.toString()))) {
        throw damaged(file, 1, "its content has changed since it was written", remedy);
      }
      return Json.MAPPER.treeToValue(object, type);
    } catch (CharacterCodingException e) {
      throw damaged(file, 1, "it is not valid UTF-8", remedy);
    } catch (JacksonException e) {
      int line = Optional.ofNullable(e.getLocation()).map(TokenStreamLocation::getLineNr).orElse(1);
      throw damaged(file, Math.max(1, line), ParserMessage.plain(e.getOriginalMessage()), remedy);
    }
  }

  static String shown(String text) {
    return text.isEmpty() ? "nothing" : text.length() > 40 ? text.substring(0, 40) + "..." : text;
  }

  private static UserException damaged(Path file, int line, String problem, String remedy) {
    return UserException.failure(file + ", line " + line + ": damaged or of another version (" + problem
        + "); remove this file, and " + remedy + " will write it again");
  }

  /**
   * Takes the run for this process; empty if another has it. Whoever asks for the state of a run that is not done takes its lock for
   * a moment, so two more tries follow the first.
   */
  public Optional<FolderLock> lock() throws IOException {
    Optional<FolderLock> lock = FolderLock.take(path);
    for (int i = 0; i < 2 && lock.isEmpty(); i++) {
      LockSupport.parkNanos(AFTER_A_LOOK);
      lock = FolderLock.take(path);
    }
    return lock;
  }

  /** Writes what determines the run. */
  public void writeSpec(RunSpec spec) throws IOException {
    writeJson(spec(), spec.settings());
  }

  /** Writes the result, and deletes what was made from an earlier model of this run. */
  void writeResult(MeasuredRun run) throws IOException {
    for (Path old : quantisedResults()) {
      Files.delete(old);
    }
    writeChecked(result(), run);
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

  /** The result of quantising the run's model with this label, if there is one that can be read. */
  public Optional<MeasuredQuantisation> quantisation(String label) {
    Path file = quantisedResult(label);
    return read(Files.exists(file) ? List.of(file) : List.of()).measured.stream().findFirst();
  }

  /**
   * What quantising a run's model gave.
   *
   * @param measured results, by label
   * @param problems what is wrong with files that cannot be read, a sentence each
   */
  public record Quantisations(List<MeasuredQuantisation> measured, List<String> problems) {}

  /** All results of quantising the run's model; a damaged file does not hide the others. */
  public Quantisations quantisations() {
    try {
      return read(quantisedResults());
    } catch (IOException e) {
      return new Quantisations(List.of(),
          List.of(path.resolve("quantised") + " cannot be used (" + UserException.describe(e) + ")"));
    }
  }

  private Quantisations read(List<Path> files) {
    List<MeasuredQuantisation> measured = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (Path file : files) {
      try {
        measured.add(ownQuantisation(file));
      } catch (UserException e) {
        problems.add(e.getMessage());
      } catch (IOException e) {
        problems.add(file + " cannot be used (" + UserException.describe(e) + ")");
      }
    }
    return new Quantisations(List.copyOf(measured), List.copyOf(problems));
  }

  private MeasuredQuantisation ownQuantisation(Path file) throws IOException {
    String remedy = "'knowcap quantise'";
    MeasuredQuantisation measured = read(file, MeasuredQuantisation.class, remedy);
    String found = measured.result().run().run();
    String label = "/" + file.resolveSibling("").getFileName();
    if (!found.endsWith(label)
        || !RunSpec.sameRun(measured.result().trainedRun(), path.getFileName().toString())) {
      throw damaged(file, 1, "it is of " + found, remedy);
    }
    if (measured.checkpoint().isPresent()) {
      requireCheckpoint(file, measured.checkpoint().get(), remedy);
    }
    return measured;
  }

  /** Writes the result of quantising the run's model with this label. */
  public void writeQuantisation(String label, MeasuredQuantisation measured) throws IOException {
    writeChecked(quantisedResult(label), measured);
  }

  /**
   * Remembers that the run gave up, and why.
   *
   * @param diverged whether its loss did
   */
  public void writeFailure(String reason, boolean diverged) throws IOException {
    writeChecked(failure(), new Failure(reason, Optional.of(diverged)));
  }

  /** Forgets an earlier failure, so that the run is tried again. */
  public void clearFailure() throws IOException {
    Files.deleteIfExists(failure());
  }

  /** Writes what is read back, with a checksum of its content. */
  private static void writeChecked(Path file, Object value) throws IOException {
    ObjectNode content = Json.MAPPER.valueToTree(value);
    // Of what a reader sees: a number may be read as another kind than it was written as.
    String checksum = Sha256.of(Json.MAPPER.readTree(content.toString()).toString());
    writeJson(file, content.put(CHECKSUM, checksum));
  }

  private static void writeJson(Path file, Object value) throws IOException {
    byte[] json = (Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n")
        .getBytes(StandardCharsets.UTF_8);
    WholeFile.write(file, out -> out.write(json));
  }

  /**
   * Reported metrics; a last line cut off by a kill is left out.
   *
   * @throws UserException where a line is damaged
   */
  public List<Metric> readMetrics() throws IOException {
    List<Metric> read = new ArrayList<>();
    for (String line : metricLines()) {
      try {
        read.add(metric(line));
      } catch (JacksonException e) {
        throw UserException.failure(metrics() + ", line " + (read.size() + 1) + ": damaged (" + shown(line)
            + "); remove the line: the curve will lack it; late_share and limited_by are judged by the other lines, and nothing else"
            + " depends on it");
      }
    }
    return read;
  }

  /** @throws JacksonException where the line is no report */
  static Metric metric(String line) {
    return Optional.ofNullable(Json.MAPPER.readValue(line, Metric.class))
        .orElseThrow(() -> DatabindException.from((JsonParser) null, "it holds null"));
  }

  private List<String> metricLines() throws IOException {
    if (!Files.exists(metrics())) {
      return List.of();
    }
    try {
      String text = Files.readString(metrics());
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    } catch (CharacterCodingException e) {
      throw UserException.failure(metrics()
          + ": damaged (it is not valid UTF-8); remove it: the run's curve is lost,"
          + " and a run without result.json may have no late_share and an undecided limited_by; nothing else depends on it");
    }
  }

  /**
   * Removes reports after a step, because a resumed run reports them again, and lines that cannot be read.
   *
   * @param last reported by then, as the checkpoint says; written where the file lacks it
   */
  void rewindMetrics(long step, Optional<Metric> last) throws IOException {
    List<Metric> remaining = new ArrayList<>();
    for (String line : soundLines()) {
      try {
        Metric metric = metric(line);
        if (metric.step <= step && last.isPresent() && metric.step < last.get().step) {
          remaining.add(metric);
        }
      } catch (JacksonException damaged) {
        // The curve lacks it from now on; what is measured comes from the checkpoint.
      }
    }
    last.ifPresent(remaining::add);
    StringBuilder lines = new StringBuilder();
    remaining.forEach(metric -> lines.append(line(metric)));
    WholeFile.write(metrics(), out -> out.write(lines.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private List<String> soundLines() throws IOException {
    try {
      return metricLines();
    } catch (UserException notText) {
      return List.of();
    }
  }

  void appendMetric(Metric metric) throws IOException {
    try {
      Files.writeString(metrics(), line(metric), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw FileFailure.of(metrics(), e);
    }
  }

  private static String line(Metric metric) {
    return Json.MAPPER.writeValueAsString(metric) + "\n";
  }
}
