package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.SampleStudy;
import org.knowcap.files.Folders;

/**
 * What 'knowcap run --launcher slurm' submits, and what 'knowcap status' says of it, with stand-ins for Slurm's commands that
 * remember what is queued and start nothing. The study has 100 runs, of which five lack their results.
 */
@Tag("process")
class FakeSlurmTest {
  private static final Path FAKE = Path.of("src", "test", "resources", "fake-slurm").toAbsolutePath();

  @TempDir
  private Path directory;
  private Path study;
  private final List<String> open = new ArrayList<>();

  @BeforeEach
  void makeStudy() throws IOException {
    study = directory.resolve("study");
    SampleStudy.write(study, 1);
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      for (Path run : runs.sorted().limit(5).toList()) {
        Files.delete(run.resolve("result.json"));
        open.add(run.getFileName().toString());
      }
    }
    state("queue", "");
    state("last", "100");
    state("limit", "1000");
  }

  private void state(String file, String content) throws IOException {
    Files.writeString(directory.resolve(file), content);
  }

  private String state(String file) throws IOException {
    return Files.readString(directory.resolve(file));
  }

  private Outcome knowcap(String path, Object... arguments) {
    return KnowcapProcess
        .start(Map.of("PATH", path, "FAKE_SLURM", directory.toString()), List.of(), arguments)
        .end();
  }

  private Outcome launch(Object... options) {
    return knowcap(FAKE + ":" + System.getenv("PATH"),
        Stream
            .concat(Stream.of("run", study.resolve("study.yaml"), "--out", study, "--launcher", "slurm"),
                Stream.of(options))
            .toArray());
  }

  private Outcome status(Object... options) {
    return knowcap(FAKE + ":" + System.getenv("PATH"),
        Stream.concat(Stream.of("status", study), Stream.of(options)).toArray());
  }

  private List<String> launchFiles(String ending) throws IOException {
    try (Stream<Path> files = Files.list(study.resolve("launch"))) {
      return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(ending)).toList();
    }
  }

  @Test
  void onlyWhatIsNeitherDoneNorQueuedIsSubmitted() throws Exception {
    Outcome first = launch("--array-limit", 3, "--workers", 2, "--time", "4:00:00");
    assertEquals(0, first.exitCode(), first.toString());
    assertTrue(first.out().contains("sample: 100 runs, 95 done, 5 to submit"), first.out());
    List<String> calls = state("calls").lines().toList();
    assertEquals(3, calls.size(), calls.toString());
    assertEquals("--parsable --dependency=afterany:101:102 launch/report.sh", calls.getLast());
    assertTrue(first.out().contains("'scancel 101 102 103'"), first.out());

    TreeSet<String> submitted = new TreeSet<>();
    for (String tasks : launchFiles(".tasks")) {
      submitted.addAll(Files.readAllLines(study.resolve("launch").resolve(tasks)));
    }
    assertEquals(new TreeSet<>(open), submitted);
    String script = Files.readString(study.resolve("launch")
        .resolve(
            launchFiles(".sh").stream().filter(name -> !name.equals("report.sh")).findFirst().orElseThrow()));
    assertTrue(script.matches("(?s).*#SBATCH --array=0-[12]%2\n.*"), script);
    assertTrue(script.contains("#SBATCH --time=4:00:00\n") && script.contains("--signal=B:USR1@120\n"),
        script);

    // The ids are lost, as after a kill: the jobs' names tell.
    for (String job : launchFiles(".job")) {
      Files.delete(study.resolve("launch").resolve(job));
    }
    Outcome second = launch();
    assertTrue(second.out().contains("95 done, 5 in Slurm's queue, 0 to submit"), second.toString());
    assertEquals(3, state("calls").lines().count());

    state("queue", state("queue").replaceFirst("PENDING\\|\\|Priority", "RUNNING|n1|None")
        .replaceFirst("PENDING\\|\\|Priority", "TIMEOUT|n1|TimeLimit"));
    Outcome status = status();
    assertTrue(status.out().contains("RUNNING (n1)") && status.out().contains("TIMEOUT (n1)"), status.out());
    assertTrue(status.out()
        .contains("95 of 100 runs done; in Slurm's queue: 3 PENDING (Priority), 1 RUNNING\n'knowcap run'"),
        status.out());
    assertTrue(status("--json").out().contains("\"state\":\"TIMEOUT\""));

    Outcome third = launch();
    assertTrue(third.out().contains("4 in Slurm's queue, 1 to submit"), third.toString());
    List<String> ids = state("queue").lines().map(line -> line.split("\\|")[1]).toList();
    assertEquals(6, ids.size());
    assertEquals("104", ids.getLast());
  }

  @Test
  void aQueueThatTakesLessThanAllIsFilledLater() throws Exception {
    state("limit", "2");
    Outcome none = launch();
    assertEquals(UserException.FAILURE, none.exitCode(), none.toString());
    assertTrue(none.err().contains("AssocMaxSubmitJobLimit") && none.err().contains("nothing is submitted")
        && none.err().contains("--array-limit"), none.err());
    assertEquals(List.of(), launchFiles(".tasks"));

    Outcome some = launch("--array-limit", 2);
    assertEquals(UserException.FAILURE, some.exitCode(), some.toString());
    assertTrue(some.err().contains("2 of 5 runs are submitted, the others are not: sbatch refused the job"),
        some.err());
    assertEquals(1, some.err().lines().count(), some.err());
    state("limit", "100");
    Outcome rest = launch("--array-limit", 2);
    assertTrue(rest.out().contains("2 in Slurm's queue, 3 to submit"), rest.toString());
    assertEquals(5, state("queue").lines().count());
  }

  @Test
  void theAdviceFitsTheRefusal() throws Exception {
    state("refusal", "sbatch: error: Memory specification can not be satisfied\n"
        + "sbatch: error: Batch job submission failed: Requested node configuration is not available\n");
    Outcome refused = launch("--memory", "900000G");
    assertEquals(UserException.FAILURE, refused.exitCode(), refused.toString());
    assertTrue(
        refused.err().contains("Memory specification can not be satisfied")
            && refused.err().contains("give less --memory") && !refused.err().contains("--array-limit"),
        refused.err());
    assertEquals(List.of(), launchFiles(".tasks"));
  }

  @Test
  void aMissingOrSilentSchedulerIsSaid() throws Exception {
    Path empty = Files.createDirectory(directory.resolve("empty"));
    Outcome missing = knowcap(empty.toString(), "run", study.resolve("study.yaml"), "--out", study,
        "--launcher", "slurm");
    assertEquals(UserException.FAILURE, missing.exitCode());
    assertTrue(missing.err().startsWith("knowcap: sbatch is not on this machine's PATH"), missing.err());
    assertEquals(List.of(), launchFiles(".tasks"));

    launch();
    Files.delete(directory.resolve("queue"));
    Outcome silent = launch();
    assertEquals(UserException.FAILURE, silent.exitCode());
    assertTrue(silent.err().contains("squeue failed") && silent.err().contains("Unable to contact"),
        silent.err());
    Outcome status = status();
    assertEquals(0, status.exitCode());
    assertTrue(status.err().contains("what follows is what the folders say"), status.err());
    assertTrue(status.out().contains("95 of 100 runs done"), status.out());
    // Where all is done, nobody asks.
    Path done = directory.resolve("done");
    SampleStudy.write(done, 1);
    Files.move(study.resolve("launch"), done.resolve("launch"));
    assertEquals("", InProcess.succeeds("status", done).err());
  }

  @Test
  void whatAccountingAloneHasAsRunningIsNotQueued() throws Exception {
    launch();
    state("queue", "");
    state("accounts", "101_0|RUNNING|0:0\n101_1|PENDING|0:0\n101_2|FAILED|1:0\n");
    Outcome status = status();
    assertTrue(status.out().contains("Slurm 101_2 FAILED (exit code 1)"), status.toString());
    assertFalse(status.out().contains("RUNNING") || status.out().contains("PENDING"), status.out());
    Outcome again = launch();
    assertTrue(again.out().contains("95 done, 5 to submit"), again.toString());
  }

  /** As on a full disk: 75 would have a task put back in the queue for ever. */
  @Test
  void aFailureThatCannotBeWrittenDownIsStillAFailure() throws Exception {
    Path run = study.resolve("runs").resolve(open.getFirst());
    Folders.delete(run);
    Files.createSymbolicLink(run, directory.resolve("gone"));
    Outcome worked = KnowcapProcess.run("worker", study, "--run", open.getFirst());
    assertTrue(worked.out().startsWith(open.getFirst() + ": FAILED: its folder cannot be used"),
        worked.toString());
    assertEquals(UserException.FAILURE, worked.exitCode(), worked.toString());
  }

  @Test
  void twoLaunchersDoNotSubmitAtATime() throws Exception {
    try (FolderLock _ = FolderLock.take(study.resolve("launch")).orElseThrow()) {
      Outcome second = launch();
      assertEquals(UserException.FAILURE, second.exitCode());
      assertTrue(second.err().contains("another 'knowcap run' is submitting"), second.err());
    }
    assertFalse(Files.exists(directory.resolve("calls")));
  }
}
