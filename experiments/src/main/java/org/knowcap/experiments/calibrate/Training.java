package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.runner.FailureReason;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.TrainingListener;

/** The runs of the study of known answer, each trained once, when a check first asks for one. */
final class Training {
  private static final TrainingListener NOBODY = new TrainingListener() {
    @Override
    public void started(long finishedSteps, String notice) {}

    @Override
    public void progressed(Progress progress) {}
  };

  private final Path directory;
  private final Engine engine;
  private final List<RunSpec> runs;
  private final List<MeasuredRun> measured = new ArrayList<>();
  private final Map<Long, float[]> weights = new HashMap<>();

  /**
   * @param directory for the runs' folders
   * @param engine that trains and measures them
   * @param seeds of each run: the first numbers from 1 on
   */
  Training(Path directory, Engine engine, int seeds) throws IOException {
    this.directory = directory;
    this.engine = engine;
    runs = runs(directory.resolve("calibrate.yaml"), engine,
        "seeds: " + LongStream.rangeClosed(1, seeds).boxed().toList());
  }

  /**
   * The runs of the study of known answer.
   *
   * @param file that the study is written to
   * @param shortened lines that replace the study's lines with equal keys; may be empty
   */
  static List<RunSpec> runs(Path file, Engine engine, String shortened) throws IOException {
    String study;
    try (InputStream in = Training.class.getResourceAsStream("/studies/calibrate.yaml")) {
      study = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (String line : shortened.lines().toList()) {
      String key = line.substring(0, line.indexOf(':') + 1);
      study = study.replaceFirst("(?m)^" + key + ".*$", line);
    }
    Files.writeString(file, study + "engine: " + engine.name() + "\n");
    return StudyReader.read(file).runs();
  }

  /** The first of the study's runs with so many people. */
  RunSpec run(long people) {
    return runs.stream().filter(run -> run.people() == people).findFirst().orElseThrow();
  }

  private RunFolder folder(RunSpec run) {
    return new RunFolder(directory.resolve(run.name()));
  }

  /** The results of all runs, in the study's order; each run has a thread of its own. */
  List<MeasuredRun> measured() throws IOException, InterruptedException {
    if (measured.isEmpty()) {
      try (ExecutorService threads = Executors
          .newFixedThreadPool(Math.min(runs.size(), Runtime.getRuntime().availableProcessors()))) {
        List<Future<MeasuredRun>> all = new ArrayList<>();
        for (RunSpec run : runs) {
          all.add(threads.submit(() -> new Run(run, folder(run), 1, Engine::compile).execute(NOBODY)));
        }
        for (Future<MeasuredRun> each : all) {
          measured.add(each.get());
        }
      } catch (ExecutionException e) {
        RunSpec failed = runs.get(measured.size());
        measured.clear();
        FailureReason reason = FailureReason.of(failed.name(), e.getCause());
        if (reason.internal()) {
          throw new IllegalStateException("run " + failed.name() + " of calibrate's study failed",
              e.getCause());
        }
        throw UserException.failure("a run of calibrate's study failed: " + reason.sentence());
      }
    }
    return List.copyOf(measured);
  }

  /**
   * Measures the model of the first run with so many people again.
   *
   * @param corpus the run's own corpus, or one that differs in which people are measured in which texts
   * @param most people who are measured
   */
  Measurement measure(long people, Corpus corpus, long most) throws IOException, InterruptedException {
    measured();
    RunSpec run = run(people);
    if (!weights.containsKey(people)) {
      Program program = Program.scoring(run.model(), RunSpec.ids(corpus), 1, 1);
      weights.put(people, Checkpoint.read(folder(run).checkpoint(), program).state().get(Session.PARAMETERS));
    }
    try (TrainedModel model = TrainedModel.load(engine, 1, run.model(), weights.get(people), corpus,
        folder(run).checkpoint())) {
      return Measurement.of(model, most);
    }
  }
}
