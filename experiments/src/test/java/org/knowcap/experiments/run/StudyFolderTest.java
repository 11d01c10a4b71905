package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bios.BioSBits;
import org.knowcap.generators.pools.PoolSizes;

/** Studies of bioD with names of its own, and of a mixture, as their folders have them. */
@Tag("process")
class StudyFolderTest {
  private static final String STUDY = """
      name: strings
      corpus: {kind: bioD, people: 12, attributes: 2, chunks: 2, diversity: 4, length: 1, alphabet: 8,
        pools: {dir: ../names, middle: 4, last: 50}}
      models: gpt2-2-4-w16
      exposures: 1000
      training: {batch_size: 4, context_length: 128, learning_rate: 0.007, warmup_steps: 50}
      """;

  @TempDir
  private Path directory;

  private Path study() throws Exception {
    Files.createDirectories(directory.resolve("names"));
    Files.writeString(directory.resolve("names/first_name.txt"), "Ada\nBea\nCleo\nDora\n");
    Files.createDirectories(directory.resolve("studies"));
    return Files.writeString(directory.resolve("studies/strings.yaml"), STUDY);
  }

  private static List<String> names(Study study) {
    return study.runs().stream().map(RunSpec::name).toList();
  }

  @Test
  void itKeepsTheListsThatItsRunsWereMadeOf() throws Exception {
    Path file = study();
    Path out = directory.resolve("out");
    List<String> names = names(StudyReader.read(file));
    assertEquals(names, names(StudyFolder.create(out, file).study()));
    Files.writeString(directory.resolve("names/first_name.txt"), "Ada\nBea\nCleo\nEve\n");
    assertEquals(names, names(StudyFolder.open(out).study()));
    List<String> others = names(StudyFolder.create(out, file).study());
    assertNotEquals(names, others);
    assertEquals(others, names(StudyFolder.open(out).study()));
    Files.delete(directory.resolve("names/first_name.txt"));
    Files.writeString(directory.resolve("names/last_name.txt"), "Smith\nJones\n");
    Files.writeString(file, STUDY.replace(", last: 50", ""));
    others = names(StudyFolder.create(out, file).study());
    assertEquals(others, names(StudyFolder.open(out).study()));
  }

  @Test
  void ofAMixtureTheFirstSourceIsMeasured() throws Exception {
    Path file = Files.writeString(directory.resolve("junk.yaml"),
        """
            name: junk
            corpus:
              kind: mixture
              sources:
                - {share: 0.25, token: <useful>, corpus: {kind: bioS, people: 8}}
                - {share: 0.75, corpus: {kind: bioD, people: 100, attributes: 3, chunks: 1, diversity: 9, length: 1,
                    alphabet: 9}}
            models: gpt2-1-1
            exposures: 4
            training: {batch_size: 2, context_length: 64, warmup_steps: 1}
            """);
    Path out = directory.resolve("out");
    Outcome outcome = InProcess.run("run", file, "--out", out);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    StudyFolder folder = StudyFolder.open(out);
    RunSpec spec = folder.study().runs().getFirst();
    MeasuredRun run = ((RunState.Done) folder.runFolder(spec).state()).run();
    assertEquals("0.25 <useful> bioS(8) + 0.75 bioD(100, 3, 1, 9, 1, 9)", run.result().corpus());
    assertEquals(8, run.result().people());
    assertEquals(8, run.measuredPeople());
    assertEquals(BioSBits.of(8, PoolSizes.PAPER).totalBits(), run.result().totalBits(), 1e-9);
    assertEquals(List.of("names", "values"), run.parts().stream().map(Knowledge::name).toList());
    assertEquals(1, spec.corpus().vocabulary().dedicated().stream().filter("<useful>"::equals).count());
    assertEquals(Math.ceil(4 * spec.corpus().stream().tokens(1) / 128), run.result().steps());
  }

  @Test
  void aModelOfBioDIsTrainedMeasuredAndReported() throws Exception {
    Path out = directory.resolve("out");
    Outcome outcome = InProcess.run("run", study(), "--out", out);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertTrue(Files.exists(out.resolve("report/index.html")));
    StudyFolder folder = StudyFolder.open(out);
    RunSpec spec = folder.study().runs().getFirst();
    assertEquals(RunState.Done.class, folder.runFolder(spec).state().getClass());
    MeasuredRun run = ((RunState.Done) folder.runFolder(spec).state()).run();
    assertEquals(List.of("names", "values", "diversity"), run.parts().stream().map(Knowledge::name).toList());
    assertEquals(run.parts().get(1).lossNats(), run.result().valueLossNats());
    assertTrue(run.parts().get(2).lossNats() <= run.parts().get(1).lossNats(), "a chunk is part of a value");
    assertEquals(spec.corpus().measured().bits().totalBits(), run.result().totalBits(), 1e-9);
    assertTrue(run.result().saturation() >= 0.95 && run.result().saturation() <= 1, run.toString());
  }
}
