package org.knowcap.models.training;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Parameter.Initial;
import org.knowcap.models.program.Program;

/** Draws a program's parameters from a seed. All engines get equal numbers. */
public final class InitialParameters {
  private InitialParameters() {}

  /** Flat parameters, [P]. */
  public static float[] of(Program program, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    float[] flat = new float[Math.toIntExact(program.parameterCount())];
    for (Parameter parameter : program.parameters()) {
      int from = (int) parameter.offset();
      for (int i = from; i < from + parameter.tensor().size(); i++) {
        flat[i] = switch (parameter.initial()) {
          case Initial.Constant(float value) -> value;
          case Initial.Normal(double std) -> (float) (std * random.nextGaussian());
        };
      }
    }
    return flat;
  }
}
