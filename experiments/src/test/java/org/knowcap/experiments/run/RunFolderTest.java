package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.Frequencies;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.analysis.results.PartBits;
import org.knowcap.analysis.results.Acquisition;
import org.knowcap.analysis.results.Completeness;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.UserException;
import org.knowcap.testing.TimeLimit;

@Tag("process")
class RunFolderTest {
  private static final MeasuredRun MEASURED = new MeasuredRun(
      new RunResult("a-run", "bioS(20)", 20, 100, "gpt2-1-1", 5000, "nd4j", Seeds.all(7),
          OptionalDouble.of(0.1), 1.0 / 3, 250, 300, 0.05, 0.06, 250.0 / 300, 1e4, 12.5, 0,
          OptionalDouble.of(0), 0, 400, 25_600, 1.25, 8, 0.003, 5000, true,
          PartBits.of(List.of(new Knowledge("names", 20, 8, 4, 3, 0))), OptionalDouble.of(0.125), Limit.MODEL,
          new RecallShares(0.5, 0, Double.NaN, Double.NaN, 0.25, 1, Double.NaN, OptionalDouble.of(0.1),
              OptionalDouble.empty(), OptionalDouble.of(0.125)),
          new Completeness(OptionalDouble.of(56.25), OptionalDouble.of(0.75)), OptionalDouble.of(81.5),
          Optional.of("lr0.003"),
          new Memorisation(OptionalDouble.of(240), OptionalDouble.empty(), OptionalDouble.of(0.048),
              OptionalDouble.of(3), OptionalDouble.of(-7)),
          new Acquisition(OptionalDouble.of(4.5), OptionalDouble.of(37.5), OptionalDouble.empty()),
          OptionalDouble.of(7000), OptionalDouble.of(1200)),
      List.of(new Knowledge("names", 20, 8, 4, 3, 0), new Knowledge("values", 20, 20, 20, 1.0 / 3, 0)), 20,
      Map.of("engine", "by hand"), List.of(), List.of(new AttributeRecall("major", RecallShares.NONE)),
      Map.of("names", 81.5), List.of("a caution"),
      Optional.of(new Frequencies(OptionalDouble.of(1.5),
          List.of(new FrequencyBucket(16, 3, 2, 20, 0.5, 3, 10.5, 9.5, 20, 4.85)))),
      Optional.of(new StoredWeights("ternary", 2, 0, 1.75, 9000)), Optional.empty(),
      Map.of("new values", 0.25));

  @TempDir
  private Path directory;

  private RunFolder folder() {
    return new RunFolder(directory.resolve("a-run"));
  }

  private static RunFolder.Metric metric(long step) {
    return new RunFolder.Metric(step, 1.0 / step, 0.001, 1e4, step / 10.0,
        step % 2 == 0 ? Optional.of(0.5) : Optional.empty(), Optional.of(3.0), Optional.empty(), List.of(),
        step % 3 == 0
            ? Optional.of(new TrainingPoint(OptionalDouble.of(2), 3, OptionalDouble.empty(), -4))
            : Optional.empty());
  }

  @Test
  void theStateFollowsFromTheFiles() throws IOException {
    RunFolder folder = folder();
    assertEquals(new RunState.Pending(), folder.state());
    assertFalse(Files.exists(folder.path()), "looking makes no folder");

    try (FolderLock _ = folder.lock().orElseThrow()) {
      assertEquals(new RunState.Running(new RunState.Progressed(0, Double.NaN)), folder.state());
      folder.appendMetric(metric(3));
      folder.appendMetric(metric(6));
      assertEquals(new RunState.Running(new RunState.Progressed(6, 1.0 / 6)), folder.state());
      assertEquals(Optional.empty(), folder.lock());
    }
    assertEquals(new RunState.Interrupted(new RunState.Progressed(6, 1.0 / 6)), folder.state());
    assertFalse(folder.finished());

    folder.writeFailure("the loss is NaN", true);
    assertEquals(new RunState.Failed("the loss is NaN", true), folder.state());
    folder.writeFailure("the dog ate it", false);
    assertEquals(new RunState.Failed("the dog ate it", false), folder.state());
    assertTrue(folder.finished());
    folder.clearFailure();
    assertEquals(new RunState.Interrupted(new RunState.Progressed(6, 1.0 / 6)), folder.state());

    folder.writeResult(MEASURED);
    assertEquals(new RunState.Done(MEASURED), folder.state());
    assertTrue(folder.finished());
  }

  /** A process that says whether it got the lock of a run folder. */
  static final class Other {
    public static void main(String[] arguments) throws IOException {
      System.out.print(new RunFolder(Path.of(arguments[0])).lock().isPresent() ? "taken" : "held");
    }
  }

  @Test
  void aLockKeepsOtherProcessesOut() throws Exception {
    RunFolder folder = folder();
    try (FolderLock _ = folder.lock().orElseThrow()) {
      assertEquals("held", other());
    }
    assertEquals("taken", other());
  }

  private String other() throws Exception {
    Process process = TimeLimit
        .start(KnowcapProcess.java(Other.class, List.of(), folder().path().toString()));
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    return said;
  }

  /** Something that happens to the text of a file. */
  private record Damage(String name, UnaryOperator<String> to) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Stream<Damage> damages() {
    return Stream.of(new Damage("its first half", text -> text.substring(0, text.length() / 2)),
        new Damage("nothing", text -> ""), new Damage("no JSON", text -> "\u0089PNG"),
        new Damage("a list", text -> "[]"), new Damage("null", text -> "null"),
        new Damage("text for a number", text -> text.replace("\"people\" : 20", "\"people\" : \"many\"")),
        new Damage("null for a number", text -> text.replace("\"people\" : 20", "\"people\" : null")),
        new Damage("a number out of range", text -> text.replace("\"people\" : 20", "\"people\" : 0")),
        new Damage("an unknown key", text -> text.replace("\"people\" : 20", "\"persons\" : 20")),
        new Damage("another figure", text -> text.replace("250", "251")),
        new Damage("a missing key", text -> text.replace("\"people\" : 20,", "")));
  }

  @ParameterizedTest
  @MethodSource("damages")
  void aDamagedResultIsNamedAndLeftAlone(Damage damage) throws IOException {
    RunFolder folder = folder();
    folder.writeResult(MEASURED);
    Path file = folder.path().resolve("result.json");
    String damaged = damage.to.apply(Files.readString(file));
    assertNotEquals(Files.readString(file), damaged);
    Files.writeString(file, damaged);

    String problem = damage(folder);
    assertTrue(problem.matches(Pattern.quote(file + ", line ") + "[1-9].*"), problem);
    assertEquals(damaged, Files.readString(file));
    try (Stream<Path> files = Files.list(folder.path())) {
      assertEquals(List.of(file), files.toList());
    }
  }

  /** But for its last line's end, which says nothing. */
  @Test
  void aResultThatIsCutAnywhereIsDamaged() throws IOException {
    RunFolder folder = folder();
    folder.writeResult(MEASURED);
    Path file = folder.path().resolve("result.json");
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length - 1; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertTrue(damage(folder).startsWith(file + ", line "), "cut at " + length);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"step\":6,\"loss\":0.1", "{", "\"", "{\"step\":6,\"loss\":0.16,\"learning_rate\":0.001,"
          + "\"tokens_per_second\":1.0,\"seconds\":0.6}"})
  void aLastMetricThatAKillCutOffIsLeftOut(String cutOff) throws IOException {
    RunFolder folder = folder();
    folder.lock().orElseThrow().close();
    folder.appendMetric(metric(3));
    Path file = folder.path().resolve("metrics.jsonl");
    Files.writeString(file, Files.readString(file) + cutOff);
    assertEquals(List.of(metric(3)), folder.readMetrics());
    assertEquals(new RunState.Interrupted(new RunState.Progressed(3, 1.0 / 3)), folder.state());

    folder.rewindMetrics(3, Optional.of(metric(3)));
    folder.appendMetric(metric(6));
    assertEquals(List.of(metric(3), metric(6)), folder.readMetrics());
  }

  @Test
  void aDamagedMetricIsNamed() throws IOException {
    RunFolder folder = folder();
    folder.lock().orElseThrow().close();
    folder.appendMetric(metric(3));
    Path file = folder.path().resolve("metrics.jsonl");
    Files.writeString(file, Files.readString(file) + "{\"step\":4,\n" + Files.readString(file));
    UserException e = assertThrows(UserException.class, folder::readMetrics);
    assertTrue(e.getMessage().contains(file + ", line 2") && e.getMessage().contains("{\"step\":4,"),
        e.getMessage());
  }

  @Test
  void aResumedRunForgetsWhatItWillReportAgain() throws IOException {
    RunFolder folder = folder();
    Files.createDirectories(folder.path());
    folder.rewindMetrics(0, Optional.empty());
    assertEquals(List.of(), folder.readMetrics());
    for (long step = 2; step <= 10; step += 2) {
      folder.appendMetric(metric(step));
    }
    folder.rewindMetrics(7, Optional.of(metric(6)));
    assertEquals(List.of(metric(2), metric(4), metric(6)), folder.readMetrics());
    folder.rewindMetrics(4, Optional.of(metric(4)));
    assertEquals(List.of(metric(2), metric(4)), folder.readMetrics());
    folder.rewindMetrics(0, Optional.empty());
    assertEquals(List.of(), folder.readMetrics());
  }

  /** A disk that lost metrics.jsonl, or part of it, takes nothing from a run whose checkpoint is whole. */
  @Test
  void aCheckpointSaysWhatWasReportedWhateverTheMetricsAre() throws IOException {
    RunFolder folder = folder();
    Path file = folder.path().resolve("metrics.jsonl");
    Files.createDirectories(folder.path());
    for (long step = 2; step <= 6; step += 2) {
      folder.appendMetric(metric(step));
    }
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length <= whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      folder.rewindMetrics(6, Optional.of(metric(6)));
      List<RunFolder.Metric> read = folder.readMetrics();
      assertEquals(metric(6), read.getLast());
      assertEquals(read, Stream.of(metric(2), metric(4), metric(6)).filter(read::contains).toList());
    }
    Files.write(file, new byte[]{(byte) 0xff, '\n'});
    folder.rewindMetrics(6, Optional.of(metric(6)));
    assertEquals(List.of(metric(6)), folder.readMetrics());
    Files.delete(file);
    folder.rewindMetrics(6, Optional.of(metric(6)));
    assertEquals(List.of(metric(6)), folder.readMetrics());
  }

  @Test
  void aResultOfAnotherRunIsRefused() throws IOException {
    RunFolder other = new RunFolder(directory.resolve("another-run"));
    folder().writeResult(MEASURED);
    Files.createDirectories(other.path());
    Files.copy(folder().path().resolve("result.json"), other.path().resolve("result.json"));
    assertTrue(damage(other).contains("it is of run a-run"), damage(other));
  }

  private static String damage(RunFolder folder) {
    return assertInstanceOf(RunState.Damaged.class, folder.state()).problem();
  }

  @Test
  void aFolderThatIsNoneHarmsNobodyElse() throws IOException {
    Files.writeString(directory.resolve("a-run"), "a file");
    assertTrue(damage(folder()).contains("is a file where a run's folder should be"), damage(folder()));
  }

  @Test
  void aForgottenRunIsAsIfItHadNeverBegun() throws IOException {
    RunFolder folder = folder();
    try (FolderLock _ = folder.lock().orElseThrow()) {
      folder.writeResult(MEASURED);
      assertFalse(folder.forget(), "another has it");
    }
    assertEquals(new RunState.Done(MEASURED), folder.state());
    assertTrue(folder.forget());
    assertEquals(new RunState.Interrupted(new RunState.Progressed(0, Double.NaN)), folder.state());
    assertFalse(folder.finished());
  }
}
