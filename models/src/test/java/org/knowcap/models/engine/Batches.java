package org.knowcap.models.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.knowcap.models.program.Program;

/** Random parameters and tokens for tests. */
public record Batches(int[] tokens, int[] targets) {
  public static Batches random(Program program, int vocabulary, RandomGenerator random) {
    return new Batches(ids(program.stepRows(), vocabulary, random),
        ids(program.stepRows(), vocabulary, random));
  }

  private static int[] ids(int count, int vocabulary, RandomGenerator random) {
    return random.ints(count, 0, vocabulary).toArray();
  }

  /** Every parameter normal with this deviation: gains and biases too, so that their gradients matter. */
  public static Map<String, float[]> parameters(Program program, double deviation, RandomGenerator random) {
    float[] parameters = new float[(int) program.parameterCount()];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) (deviation * random.nextGaussian());
    }
    return new HashMap<>(Map.of(Session.PARAMETERS, parameters));
  }
}
