package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.ResultRows;
import org.knowcap.testing.TimeLimit;

/**
 * A study in a folder that two machines share, as NFS or Lustre would: two mounts of one folder by bindfs (FUSE), each with a
 * cache of its own in which files and their absence are a minute old; once with locks that both mounts share, once with
 * locks that each keeps for itself. Skipped without bindfs, or where it may not mount.
 */
@Tag("slow")
class SharedFolderTest {
  private static final String STUDY = """
      name: shared
      corpus:
        kind: bioS
        people: 16
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 10
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      seeds: [%s]
      """;
  private static final String LATE = "attr_timeout=60,entry_timeout=60,negative_timeout=60";

  @TempDir
  private Path directory;
  private Path folder;
  private Path calm;
  private Path spec;
  private final List<Path> mounts = new ArrayList<>();

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectory(directory.resolve("folder"));
    calm = directory.resolve("calm");
    spec = directory.resolve("shared.yaml");
  }

  @AfterEach
  void unmount() throws Exception {
    for (Path mount : mounts) {
      call("fusermount", "-u", mount.toString());
    }
  }

  private static int call(String... command) throws InterruptedException {
    try {
      return TimeLimit.start(new ProcessBuilder(command).redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)).waitFor();
    } catch (IOException missing) {
      return -1;
    }
  }

  /** The study's folder as a machine of the cluster sees it. */
  private Path machine(String name, String... options) throws Exception {
    Path mount = Files.createDirectory(directory.resolve(name));
    int code = call(
        Stream
            .of(Stream.of("bindfs", "-o", LATE), Stream.of(options),
                Stream.of(folder.toString(), mount.toString()))
            .flatMap(words -> words)
            .toArray(String[]::new));
    assumeTrue(code == 0, "bindfs is not installed or cannot mount: shared folders are not tested");
    mounts.add(mount);
    return mount.resolve("study");
  }

  private void studyOf(String seeds) throws IOException {
    Files.writeString(spec, STUDY.formatted(seeds));
    KnowcapProcess.succeeds("run", spec, "--out", calm, "--workers", 2);
  }

  private KnowcapProcess run(Path study) {
    return KnowcapProcess.start(List.of("-Dknowcap.checkpoint.seconds=0"), "run", spec, "--out", study,
        "--workers", 1);
  }

  /** Whatever two machines have left, one command on either ends well. */
  private void requireRowsOfCalm() throws IOException {
    KnowcapProcess.succeeds("run", spec, "--out", folder.resolve("study"), "--workers", 1);
    Map<String, String> rows = ResultRows.withoutTimes(folder.resolve("study"));
    assertEquals(ResultRows.withoutTimes(calm), rows);
  }

  @Test
  void withLocksEachRunIsTrainedOnceHoweverLateFilesAreSeen() throws Exception {
    studyOf("1, 2, 3, 4");
    KnowcapProcess one = run(machine("one", "--multithreaded", "--enable-lock-forwarding"));
    KnowcapProcess other = run(machine("other", "--multithreaded", "--enable-lock-forwarding"));
    List<Outcome> outcomes = List.of(one.end(), other.end());
    // A machine that sees a result late says that its run has none.
    outcomes.forEach(each -> assertTrue(List.of(0, 1).contains(each.exitCode()), each.toString()));
    String said = outcomes.toString();
    assertEquals(4, said.split(" bits? stored|bit stored", -1).length - 1, said);
    assertTrue(!said.contains("FAILED"), said);
    requireRowsOfCalm();
  }

  @Test
  void withoutSharedLocksARunMayBeTrainedTwiceAndItsResultIsTheSame() throws Exception {
    studyOf("1");
    KnowcapProcess one = run(machine("one"));
    KnowcapProcess other = run(machine("other"));
    for (Outcome each : List.of(one.end(), other.end())) {
      assertTrue(each.exitCode() == 0 || each.exitCode() == 1 && each.out().contains("FAILED"),
          each.toString());
    }
    requireRowsOfCalm();
  }
}
