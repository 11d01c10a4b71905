package org.knowcap.experiments.quantise;

import org.knowcap.experiments.measure.MeasuredPeople;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.Recall;
import org.knowcap.experiments.measure.TrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.MeasuredQuantisation;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.MergedModel;
import org.knowcap.models.quantisation.Calibration;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.quantisation.Quantiser;

/**
 * Quantises the model of a finished run, and measures it on the people and texts of the run's own measurement, on
 * the run's engine, in fp32. Calibration runs on the portable engine, which can show the inputs of operations.
 */
public final class Quantisation {
  /** Number of biographies for calibration, each of another person (paper, section 8). */
  private static final long CALIBRATION_PEOPLE = 1000;
  private static final int WINDOWS = 16;
  /** The stream of random numbers for the choice of people and texts, which differs from that of the measurement. */
  private static final long STREAM = 0x63616c6962726174L;

  private final RunSpec spec;
  private final RunFolder folder;
  private final int threads;

  /** @param threads of the CPU that the engines may use */
  public Quantisation(RunSpec spec, RunFolder folder, int threads) {
    this.spec = spec;
    this.folder = folder;
    this.threads = threads;
  }

  /**
   * Quantises, measures and writes the result; a result that is there is read instead, unless it is damaged.
   *
   * @param weights file for a checkpoint of the rounded parameters; if it is given, everything is computed again
   * @throws UserException where the run is not finished, or its checkpoint is missing or has numbers that are not
   *        finite
   */
  public MeasuredQuantisation execute(Quantiser quantiser, Optional<Path> weights) throws IOException {
    RunResult trained = trained();
    Optional<MeasuredQuantisation> before = folder.quantisation(quantiser.label());
    if (before.isPresent() && weights.isEmpty()) {
      return before.get();
    }
    Corpus corpus = spec.corpus();
    Checkpoint checkpoint = checkpoint(Program.scoring(spec.model(), RunSpec.ids(corpus), 1, 1));
    float[] learnt = checkpoint.state().get(Session.PARAMETERS);
    MergedModel merged = MergedModel.of(spec.model(), RunSpec.ids(corpus),
        spec.rounded(corpus, learnt, folder.checkpoint()).map(QuantisedModel::parameters).orElse(learnt));
    Program program = Program.scoring(merged.model(), RunSpec.ids(corpus), WINDOWS, corpus.longestItem() - 1);
    long people = quantiser.calibrated() ? Math.min(CALIBRATION_PEOPLE, corpus.measured().people()) : 0;
    QuantisedModel model = quantised(program, merged.parameters(), quantiser,
        calibrationTexts(corpus, people));
    MeasuredQuantisation measured = measured(trained, corpus, merged.model(), model, quantiser, people);
    if (weights.isPresent()) {
      Checkpoint.Head head = checkpoint.head();
      // No run's: to be continued from, but never to be gone on with.
      new Checkpoint(
          new Checkpoint.Head(spec.fingerprint() + "/" + quantiser.label(), head.step(), head.updates(),
              head.position(),
              merged.model().equals(spec.model()) ? head.identity() : spec.originIdentity(corpus), ""),
          Map.of(Session.PARAMETERS, model.parameters())).write(weights.get(), program);
    }
    folder.writeQuantisation(quantiser.label(), measured);
    return measured;
  }

  private RunResult trained() throws IOException {
    return switch (folder.state()) {
      case RunState.Done(MeasuredRun run) -> run.result();
      case RunState.Pending _ -> throw unfinished("has not begun");
      case RunState.Running _ -> throw unfinished("is still running");
      case RunState.Interrupted _ -> throw unfinished("was interrupted");
      case RunState.Failed _ -> throw unfinished("failed");
      case RunState.Damaged(String problem) -> throw UserException.failure(problem);
    };
  }

  private UserException unfinished(String state) {
    return UserException.failure("run " + spec.name() + " " + state
        + ", and only the model of a finished run can be quantised; finish it with 'knowcap run'");
  }

  private Checkpoint checkpoint(Program program) throws IOException {
    if (Files.notExists(folder.checkpoint())) {
      throw UserException.failure(folder.checkpoint() + " is not there, and with it the model's weights; "
          + "remove result.json beside it and train the run again");
    }
    return Checkpoint.read(folder.checkpoint(), program);
  }

  private QuantisedModel quantised(Program program, float[] parameters, Quantiser quantiser,
      List<Calibration.Batch> texts) {
    try (InspectableSession session = new Nd4jEngine().compile(program,
        new Execution(threads, Precision.FP32))) {
      return QuantisedModel.of(program, parameters, quantiser, new Calibration(program, session, texts));
    } catch (IllegalArgumentException e) {
      throw UserException.failure(folder.checkpoint() + ": " + e.getMessage());
    }
  }

  /**
   * Biographies of people drawn by the corpus's seed, each alone after the end-of-text token, as in the measurement.
   */
  private static List<Calibration.Batch> calibrationTexts(Corpus corpus, long people) {
    int length = corpus.longestItem() - 1;
    MeasuredPeople chosen = MeasuredPeople.of(corpus, people, STREAM);
    List<Calibration.Batch> batches = new ArrayList<>();
    for (long first = 0; first < people; first += WINDOWS) {
      int[] tokens = new int[WINDOWS * length];
      int[] lengths = new int[WINDOWS];
      Arrays.fill(tokens, corpus.vocabulary().eos());
      for (int row = 0; row < Math.min(WINDOWS, people - first); row++) {
        int[] item = chosen.item(first + row).tokens();
        lengths[row] = item.length - 1;
        System.arraycopy(item, 0, tokens, row * length, lengths[row]);
      }
      batches.add(new Calibration.Batch(tokens, lengths));
    }
    return batches;
  }

  private MeasuredQuantisation measured(RunResult trained, Corpus corpus, ModelSpec architecture,
      QuantisedModel model, Quantiser quantiser, long calibrationPeople) throws IOException {
    Engine engine = Run.engine(spec);
    Measurement losses;
    Recall recall;
    try (TrainedModel rounded = TrainedModel.load(engine, threads, architecture, model.parameters(), corpus,
        folder.checkpoint() + ", rounded by " + quantiser.label())) {
      losses = Measurement.of(rounded, spec.measuredPeople());
      recall = Recall.of(rounded, spec.measuredPeople());
    }
    RunFolder.Metric last = new RunFolder.Metric(trained.steps(), trained.finalLossNats(),
        trained.learningRate(), trained.tokensPerSecond(), trained.seconds(), Optional.empty(),
        Optional.empty(), Optional.empty(), List.of(), Optional.empty());
    MeasuredRun run = Run.measured(spec, spec.name() + "/" + quantiser.label(), engine, threads, corpus,
        losses, recall, last, trained.tokens(), trained.lateShare(), Optional.of(trained.limitedBy()));
    return new MeasuredQuantisation(
        new QuantisedResult(run.result(), quantiser.method(), quantiser.bits(), quantiser.group(),
            model.bitsPerWeight(), model.modelBits(), run.result().storedBits() / model.modelBits()),
        run.parts(), run.measuredPeople(), calibrationPeople, run.provenance(),
        Optional.of(Checkpoint.checksum(folder.checkpoint())));
  }
}
