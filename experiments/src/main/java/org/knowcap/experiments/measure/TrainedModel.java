package org.knowcap.experiments.measure;

import java.util.Map;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** A trained model on an engine, in fp32, ready to be measured and asked about the people of its corpus. */
public final class TrainedModel implements AutoCloseable {
  /** Texts that are scored at once. */
  static final int WINDOWS = 16;

  private final Corpus corpus;
  private final boolean causal;
  private final Session session;
  private final Object origin;
  private final float[] unread;

  private TrainedModel(Corpus corpus, boolean causal, Session session, Object origin, int tokens) {
    this.corpus = corpus;
    this.causal = causal;
    this.session = session;
    this.origin = origin;
    unread = new float[tokens];
  }

  /**
   * Loads a model.
   *
   * @param parameters flat, [P]
   * @param origin of the parameters, such as their file, for messages
   */
  public static TrainedModel load(Engine engine, int threads, ModelSpec model, float[] parameters,
      Corpus corpus, Object origin) {
    int length = corpus.longestItem() - 1;
    Session session = engine.compile(Program.scoring(model, RunSpec.ids(corpus), WINDOWS, length),
        new Execution(threads, Precision.FP32));
    session.load(Map.of(Session.PARAMETERS, parameters));
    return new TrainedModel(corpus, model.causal(), session, origin, WINDOWS * length);
  }

  Corpus corpus() {
    return corpus;
  }

  /** Whether predictions depend on no later token. */
  boolean causal() {
    return causal;
  }

  /**
   * See {@link Measurement.Scorer}.
   *
   * @throws UserException where a loss is no number
   */
  void losses(int[] tokens, int[] targets, float[] losses) {
    session.losses(tokens, targets, losses);
    requireNumbers(losses, origin);
  }

  /**
   * See {@link Predictor}.
   *
   * @throws UserException where a loss is no number, so that no token is the most likely one
   */
  void predict(int[] tokens, int[] predictions) {
    session.score(tokens, tokens, unread, predictions);
    requireNumbers(unread, origin);
  }

  /**
   * Refuses losses that are no finite numbers: weights may be finite and yet too large to compute with.
   *
   * @param origin of the model's parameters
   * @throws UserException which names it
   */
  public static void requireNumbers(float[] losses, Object origin) {
    for (float loss : losses) {
      if (!Float.isFinite(loss)) {
        throw UserException.failure(origin + ": the model cannot be measured: a token's loss is " + loss
            + " nats, because its weights are too large to compute with; train it with a lower learning rate");
      }
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
