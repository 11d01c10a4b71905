package org.knowcap.models.training;

import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** A task of few tokens: what follows a token depends on it and on the one two before it. */
final class SmallTask {
  static final int VOCABULARY = 13;

  private SmallTask() {}

  /** The training losses of that many steps at a learning rate of 0.01, nats. */
  static double[] losses(Session session, Program program, int steps) {
    session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 5)));
    double[] losses = new double[steps];
    for (int step = 1; step <= steps; step++) {
      int[] tokens = RandomGeneratorFactory.of("L64X128MixRandom")
          .create(step)
          .ints(program.rows(), 0, VOCABULARY)
          .toArray();
      int[] targets = new int[tokens.length];
      for (int i = 0; i < targets.length; i++) {
        targets[i] = (tokens[i] * 5 + (i < 2 ? 0 : tokens[i - 2])) % VOCABULARY;
      }
      session.step(tokens, targets, 0.01, step);
      losses[step - 1] = session.loss();
    }
    return losses;
  }
}
