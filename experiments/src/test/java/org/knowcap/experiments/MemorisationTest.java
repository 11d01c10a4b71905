package org.knowcap.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.TrainingListener;

/** The whole way with a real model: one that has seen few people often enough must be found to know them all. */
class MemorisationTest {
  private static final String STUDY = """
      name: memorisation
      corpus:
        kind: bioS
        people: 12
        pools: {first: 2, middle: 2, last: 100, months: 12, days: 28, years: 10, birth_cities: 8, universities: 8,
          majors: 8, employers: 8}
      models: {name: gpt2-2-4, head_width: 16}
      exposures: 600
      training: {batch_size: 4, context_length: 128, learning_rate: 0.007, warmup_steps: 50}
      """;

  @TempDir
  Path directory;

  @Test
  void aModelThatHasSeenEveryoneOftenHoldsNearlyAllBits() throws Exception {
    Path file = directory.resolve("study.yaml");
    Files.writeString(file, STUDY);
    RunSpec spec = StudyReader.read(file).runs().getFirst();
    RunResult result = new Run(spec, new RunFolder(directory.resolve("run")), 1, Engine::compile)
        .execute(new TrainingListener() {
          @Override
          public void started(long finishedSteps, String remembered) {
            assertEquals(0, finishedSteps);
          }

          @Override
          public void progressed(Progress progress) {}
        })
        .result();
    assertTrue(result.saturation() >= 0.98 && result.saturation() <= 1, "saturation " + result.saturation());
    assertTrue(result.storedBitsStandardError() < 0.01 * result.totalBits(), "everyone was measured");
    assertEquals(Limit.CORPUS, result.limitedBy());
  }
}
