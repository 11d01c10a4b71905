package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.run.CorpusBatches;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.Trainer;
import org.knowcap.models.training.TrainingListener;
import org.knowcap.models.training.TrainingSpec;

/**
 * Checks that a short training gives equal numbers when it is repeated, when it is resumed in the middle, with
 * another number of threads and on other engines.
 *
 * @param directory for checkpoints
 * @param ways of running it; the others are compared with the first
 */
record AgreementCheck(Path directory, List<Way> ways) implements Check {
  /**
   * Allowed difference of stored bits after training, as a share of all bits; rounding grows over the steps of a
   * training.
   */
  private static final double TRAINED = 0.005;
  /** Allowed difference of stored bits of equal parameters, as a share of all bits. */
  private static final double MEASURED = 1e-5;

  /** An engine and its threads. */
  record Way(String name, Engine engine, int threads) {}

  @Override
  public String name() {
    return "engines";
  }

  @Override
  public String about() {
    return "another run, a resumed run, other threads and other engines give the same numbers";
  }

  @Override
  public List<Finding> findings() throws IOException, InterruptedException {
    Way first = ways.getFirst();
    RunSpec run = Training.runs(directory.resolve("short.yaml"), first.engine, "exposures: 40").getFirst();
    Corpus corpus = run.corpus();
    float[] expected = train(run, corpus, first, directory.resolve("first.safetensors"), false);
    Capacity stored = measure(run, corpus, first, expected);
    List<Finding> findings = new ArrayList<>();
    findings.add(exact(first.name + ", a second time", expected,
        train(run, corpus, first, directory.resolve("second.safetensors"), false)));
    findings.add(exact(first.name + ", stopped and resumed", expected,
        train(run, corpus, first, directory.resolve("resumed.safetensors"), true)));
    for (int i = 1; i < ways.size(); i++) {
      Way way = ways.get(i);
      findings.add(near(way.name + ", measured", stored, measure(run, corpus, way, expected), MEASURED));
      float[] found = train(run, corpus, way, directory.resolve("way" + i + ".safetensors"), false);
      findings.add(near(way.name + ", trained", stored, measure(run, corpus, way, found), TRAINED));
    }
    if (ways.stream().allMatch(way -> way.engine.name().equals(first.engine.name()))) {
      findings.add(new Finding(name(), "another engine", "there is none on this machine", "",
          Finding.Verdict.SKIPPED));
    }
    return findings;
  }

  private static Capacity measure(RunSpec run, Corpus corpus, Way way, float[] parameters) {
    try (TrainedModel model = TrainedModel.load(way.engine, way.threads, run.model(), parameters, corpus,
        way.name)) {
      return Measurement.of(model, corpus.measured().people()).capacity(parameters.length);
    }
  }

  private Finding exact(String what, float[] expected, float[] found) {
    int first = Arrays.mismatch(expected, found);
    return Finding.of(name(), what, first < 0 ? "equal to the last bit" : "parameter " + first + " differs",
        "equal", first < 0);
  }

  private Finding near(String what, Capacity expected, Capacity found, double tolerance) {
    double difference = Math.abs(found.storedBits() - expected.storedBits()) / expected.totalBits();
    return Finding.of(name(), what,
        Units.bits(found.storedBits()) + ", " + String.format(Locale.ROOT, "%.1e", difference)
            + " of all bits apart",
        "at most " + String.format(Locale.ROOT, "%.0e", tolerance), difference <= tolerance);
  }

  /** Stops a training in the middle, as a kill of the process would. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** @param stopped whether it is stopped in the middle, and goes on from its checkpoint in another session */
  private static float[] train(RunSpec run, Corpus corpus, Way way, Path checkpoint, boolean stopped)
      throws IOException, InterruptedException {
    if (stopped) {
      try {
        train(run, corpus, way, checkpoint, run.schedule(corpus).steps() / 2);
        throw new IllegalStateException("the run went on when it was to be stopped");
      } catch (Killed expected) {
        // It is gone; its checkpoint is there.
      }
    }
    return train(run, corpus, way, checkpoint, Long.MAX_VALUE);
  }

  private static float[] train(RunSpec run, Corpus corpus, Way way, Path checkpoint, long last)
      throws IOException, InterruptedException {
    Program program = run.program(corpus);
    TrainingSpec training = new TrainingSpec(run.schedule(corpus), run.initialisation(corpus), new BitSet(),
        1, last == Long.MAX_VALUE ? Duration.ofDays(1) : Duration.ZERO, run.fingerprint(),
        run.identity(corpus));
    try (Session session = way.engine.compile(program, new Execution(way.threads, Precision.FP32))) {
      new Trainer(program, session, training, checkpoint).run(
          new CorpusBatches(corpus, run.training().effectiveBatchSize(), run.training().windows()),
          new TrainingListener() {
            @Override
            public void started(long finishedSteps, String notice) {}

            @Override
            public void progressed(Progress progress) {
              if (progress.step() >= last) {
                throw new Killed();
              }
            }
          });
      return session.state().get(Session.PARAMETERS);
    }
  }
}
