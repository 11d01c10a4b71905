package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.testing.TimeLimit;

/** What drives a study: limited time, previews, the next command, and shells that complete words. */
@Tag("process")
class DrivingTest {
  private static final String STUDY = """
      name: driven
      corpus:
        kind: bioS
        people: 6
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-1, head_width: 8}
      exposures: [1000000, 2]
      engine: cpu
      training: {batch_size: 2, context_length: 128, learning_rate: 0.003, warmup_steps: 1}
      """;

  @TempDir
  private Path directory;

  /** However fast the machine is: the cheap run is done before the dear one begins, and that one is stopped, not failed. */
  @Test
  void whatDoesNotFitIsLeftForLater() throws Exception {
    Path out = directory.resolve("out");
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    Outcome stopped = KnowcapProcess.run("run", spec, "--out", out, "--minutes", 0.25, "--workers", 1);
    assertEquals(UserException.LATER, stopped.exitCode(), stopped.toString());
    assertTrue(
        stopped.err().contains("the time is up (") && stopped.err().contains(" of 2 runs have no result ("),
        stopped.err());
    List<RunStatus> states = StudyFolder.open(out).states();
    RunState dear = states.get(0).state();
    RunState cheap = states.get(1).state();
    assertTrue(dear instanceof RunState.Pending
        || cheap instanceof RunState.Done && dear instanceof RunState.Interrupted, states.toString());
    // Without the dear run, the same folder is soon done; its study file is the one to change.
    Files.writeString(out.resolve("study.yaml"), STUDY.replace("[1000000, 2]", "2"));
    String status = InProcess.succeeds("status", out).out();
    assertTrue(status.contains("next: 'knowcap r"), status);
    Outcome ended = InProcess.succeeds("run", out);
    assertTrue(ended.out().contains("next: 'knowcap results " + out + "'"), ended.out());
    assertTrue(StudyFolder.open(out).states().getFirst().state() instanceof RunState.Done);
    assertTrue(InProcess.succeeds("run", out, "--dry-run").out().contains("nothing to train"));
  }

  @Test
  void aPreviewWritesNothing() throws Exception {
    Path out = directory.resolve("out");
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    String shown = InProcess.succeeds("run", spec, "--out", out, "--dry-run", "--minutes", 3).out();
    List<String> lines = shown.lines().toList();
    assertTrue(lines.get(0).endsWith("not begun") && lines.get(1).endsWith("not begun"), shown);
    assertTrue(lines.get(2).startsWith("driven: 2 runs, 0 done before; ")
        && lines.get(2).endsWith("the cheapest first, for 3 min 0 s"), shown);
    assertFalse(Files.exists(out));
  }

  @Test
  void resultsWithoutARowSayWhatToDo() throws Exception {
    Path out = directory.resolve("out");
    StudyFolder.create(out, Files.writeString(directory.resolve("study.yaml"), STUDY));
    Outcome none = InProcess.run("results", out);
    assertEquals(1, none.exitCode());
    assertEquals("knowcap: no run of " + out + " is done yet (2 runs); 'knowcap status " + out
        + "' shows how far they are, 'knowcap run " + out + "' goes on with them", none.err().strip());
    assertTrue(none.out().isEmpty());
    assertFalse(Files.exists(out.resolve("results.csv")));
    assertTrue(InProcess.succeeds("status", out).out().contains("next: 'knowcap run " + out + "' goes on"));
  }

  @Test
  void aStudysFolderIsRunInPlace() throws Exception {
    Path out = directory.resolve("out");
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    Path empty = Files.createDirectory(directory.resolve("empty"));
    StudyFolder.create(out, spec);
    assertTrue(InProcess.succeeds("run", out, "--dry-run", "--out", out).out().contains("in " + out));
    for (List<Object> wrong : List.of(List.<Object>of("is the directory of a study", out, "--out", empty),
        List.<Object>of("holds no study", empty),
        List.<Object>of("Missing required option: '--out=DIR'", spec),
        List.<Object>of("--minutes must be above 0 and at most a million, found 0.0", out, "--minutes", 0),
        List.<Object>of("--minutes must be above 0 and at most a million, found NaN", out, "--minutes",
            "NaN"),
        List.<Object>of("has no run nothing", out, "--dry-run", "--again", "nothing"))) {
      Object[] words = wrong.toArray();
      words[0] = "run";
      Outcome outcome = InProcess.run(words);
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains((String) wrong.getFirst()), outcome.toString());
    }
    assertFalse(Files.exists(out.resolve("logs")));
  }

  /** The script, as bash reads it. */
  @Test
  void aShellCompletesCommandsAndOptions() throws Exception {
    Path script = Files.writeString(directory.resolve("completion"), InProcess.succeeds("completion").out());
    assertEquals("quickstart query quantise quantize", completed(script, "q"));
    assertEquals("", completed(script, "time"));
    assertTrue((" " + completed(script, "run", "--") + " ").contains(" --minutes "));
    assertEquals("json", completed(script, "query", "--format", "js").strip());
  }

  private static String completed(Path script, String... words) throws Exception {
    String line = "source " + script + "; COMP_WORDS=(knowcap " + String.join(" ", words) + "); COMP_CWORD="
        + words.length + "; _complete_knowcap; echo ${COMPREPLY[@]}";
    Process bash = TimeLimit
        .start(new ProcessBuilder("bash", "-c", line).redirectError(ProcessBuilder.Redirect.DISCARD));
    String answer = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    bash.waitFor();
    return answer;
  }
}
