package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.files.Folders;

/** A finished study whose file gets more seeds and more entries in lists, run in the same folder. */
class GrownStudyTest {
  @TempDir
  private Path directory;
  private Path study;

  private StudyFolder grown(String text, String longer) throws IOException {
    study = directory.resolve("study");
    SampleStudy.write(study, 1);
    Path file = study.resolve("study.yaml");
    String before = Files.readString(file);
    assertTrue(before.contains(text), before);
    Files.writeString(file, before.replace(text, longer));
    return StudyFolder.create(study, file);
  }

  private Set<String> folders() throws IOException {
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      return runs.map(run -> run.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  private static long done(StudyFolder folder) {
    return folder.states().stream().filter(status -> status.state() instanceof RunState.Done).count();
  }

  @Test
  void newSeedsAreNewRuns() throws IOException {
    StudyFolder folder = grown("seeds: [1]", "seeds: [1, 2, 3]");
    assertEquals(300, folder.states().size());
    assertEquals(100, done(folder));
    assertTrue(StudyReport.of(folder).missingRows().isEmpty());
  }

  /** The names of the runs that were there get what the list chose for them; their folders keep their names. */
  @Test
  void aRunKeepsItsResultWhenAListGetsLonger() throws IOException {
    StudyFolder folder = grown("learning_rate: 0.003", "learning_rate: [0.003, 0.01]");
    Set<String> folders = folders();
    List<RunStatus> states = folder.states();
    assertEquals(200, states.size());
    for (RunStatus status : states) {
      boolean before = status.spec().training().learningRate() == 0.003;
      assertEquals(before, status.state() instanceof RunState.Done, status.toString());
      assertFalse(folders.contains(status.name()));
      if (status.state() instanceof RunState.Done(MeasuredRun run)) {
        assertEquals(status.name(), run.result().run());
        assertEquals(Optional.of("lr0.003"), run.result().setting());
        RunFolder of = folder.runFolder(status.name());
        assertTrue(folders.contains(of.path().getFileName().toString()), of.path().toString());
        assertEquals(status.spec(), StudyFolder.ofRun(of.path()).run(of.path().getFileName().toString()));
      }
    }
    StudyReport report = StudyReport.of(folder);
    assertTrue(report.missingRows().isEmpty(), report.missingRows().toString());
    assertEquals(Set.of(Optional.of("lr0.003")),
        report.results().results().stream().map(RunResult::setting).collect(Collectors.toSet()));
    // And back again.
    Files.writeString(study.resolve("study.yaml"),
        Files.readString(study.resolve("study.yaml")).replace("[0.003, 0.01]", "0.003"));
    StudyFolder back = StudyFolder.create(study, study.resolve("study.yaml"));
    assertEquals(100, done(back));
    assertEquals(folders, back.states().stream().map(RunStatus::name).collect(Collectors.toSet()));
  }

  @Test
  void aResultOfAnotherRunIsDamage() throws IOException {
    StudyFolder folder = grown("learning_rate: 0.003", "learning_rate: [0.003, 0.01]");
    List<String> done = folder.states()
        .stream()
        .filter(status -> status.state() instanceof RunState.Done)
        .map(RunStatus::name)
        .toList();
    Path from = folder.runFolder(done.get(0)).path().resolve("result.json");
    Path to = folder.runFolder(done.get(1)).path().resolve("result.json");
    Files.delete(to);
    Files.copy(from, to);
    assertTrue(folder.runFolder(done.get(1)).state() instanceof RunState.Damaged);
  }

  @Test
  void namesOfOneRunShareItsPartsAndItsHash() {
    String name = "bioS-200_gpt2-2-4_e100_s1-1a2b3c4d";
    assertTrue(RunSpec.sameRun(name, "bioS-200_gpt2-2-4_e100_s1_lr0.003_batch-no2-1a2b3c4d"));
    assertFalse(RunSpec.sameRun(name, "bioS-200_gpt2-2-4_e100_s1_lr0.003-1a2b3c4e"));
    assertFalse(RunSpec.sameRun(name, "bioS-200_gpt2-2-4_e100_s2_lr0.003-1a2b3c4d"));
    assertFalse(RunSpec.sameRun("notes.txt", "notes"));
    assertEquals("", RunSpec.hash("lock"));
  }

  /** An edited copy in the study's own folder is run there, with the lists that were copied. */
  @Test
  void theOwnCopyCanBeEditedAndRun() throws IOException {
    Path names = Files.createDirectories(directory.resolve("names"));
    Files.writeString(names.resolve("first_name.txt"), "Ada\nBea\nCleo\n");
    String text = """
        name: lists
        corpus: {kind: bioS, people: 5, pools: {dir: names, first: 3, middle: 4, last: 10}}
        models: gpt2-1-1
        exposures: 40
        training: {batch_size: 2, context_length: 512, warmup_steps: 1}
        """;
    Path out = directory.resolve("out");
    StudyFolder.create(out, Files.writeString(directory.resolve("lists.yaml"), text));
    Folders.delete(names);
    Files.writeString(out.resolve("study.yaml"), text.replace("exposures: 40", "exposures: [40, 50]"));
    String shown = InProcess.succeeds("run", out, "--dry-run").out();
    assertTrue(shown.contains("lists: 2 runs, 0 done before") && shown.contains("_e50_"), shown);
  }
}
