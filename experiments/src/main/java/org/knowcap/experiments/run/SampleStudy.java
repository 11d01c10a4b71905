package org.knowcap.experiments.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.analysis.results.Completeness;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.architecture.ParameterCount;

/** A study of finished runs with made-up figures, for timing the commands that read results. */
public final class SampleStudy {
  private static final int VOCABULARY = 3275;
  private static final int REPORTS = 20;
  private static final int TOKENS_OF_STEP = 128;

  private SampleStudy() {}

  /**
   * Writes a study of 100 runs a seed.
   *
   * @param directory with no study in it
   */
  public static void write(Path directory, int seeds) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("study.yaml"), String.format(Locale.ROOT, """
        name: sample
        corpus: {kind: bioS, people: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]}
        models: [gpt2-1-1-w16, gpt2-2-1-w16]
        exposures: [10, 20, 50, 100, 200]
        seeds: %s
        training: {batch_size: 2, context_length: 64, learning_rate: 0.003, warmup_steps: 1}
        """, IntStream.rangeClosed(1, seeds).boxed().toList()));
    StudyFolder study = StudyFolder.open(directory);
    Parallel.map(study.study().runs(), run -> {
      write(study.runFolder(run.name()), run);
      return run;
    });
  }

  private static void write(RunFolder folder, RunSpec spec) throws IOException {
    Files.createDirectories(folder.path());
    folder.writeSpec(spec);
    for (int i = 1; i <= REPORTS; i++) {
      folder.appendMetric(new RunFolder.Metric(10L * i, 8.0 / i, 0.003, 1e5, 0.1 * i, Optional.empty(),
          Optional.of(0.5), Optional.of(0.25), List.of(), Optional.empty()));
    }
    long steps = 10L * REPORTS;
    ParameterCount parameters = spec.model().parameters(VOCABULARY);
    double learnt = Math.min(1, spec.exposures().count() / 100.0);
    long people = spec.people();
    SampleSummary names = new SampleSummary(people, people, 10 - 4.8 * learnt, 0);
    SampleSummary values = new SampleSummary(people, people, 30 - 29 * learnt, 0);
    List<Knowledge> parts = List.of(new Knowledge("names", people, 27.2, 20, names.mean(), 0),
        new Knowledge("values", people, 47.6, 47.6, values.mean(), 0));
    Capacity capacity = new Capacity(parts, 0, parameters.total());
    RunResult result = RunResult.of(spec.name(),
        new RunResult.Learnt("bioS(" + people + ")", people, spec.exposures().count(), spec.seeds(),
            Completeness.UNKNOWN, OptionalDouble.empty()),
        new RunResult.Model(spec.model().name(), spec.model().headWidth(), parameters.total(),
            parameters.active(), parameters.frozen(), parameters.inMemory(), spec.model().causal()),
        new RunResult.Training("cpu", spec.setting(), 0.003, steps, TOKENS_OF_STEP * steps, 0.1 * REPORTS,
            8.0 / REPORTS),
        Optional.of(names), values, capacity, OptionalDouble.of(0.5),
        Limit.of(capacity.saturation(), OptionalDouble.of(0.5)), RecallShares.NONE, Memorisation.NONE);
    folder.writeResult(new MeasuredRun(result, parts, people,
        Map.of("engine", "none", "finished", "2026-11-27T00:00:00Z"), List.of(), List.of(), Map.of(),
        List.of(), Optional.empty(), Optional.empty(), Optional.empty(), Map.of()));
  }
}
