package org.knowcap.models.engine;

import java.util.Optional;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.UpdateRule;

/**
 * How a program is to be run.
 *
 * @param threads of the CPU, at least 1; an engine may use fewer
 * @param precision of matmuls
 * @param rounding of the weights that matmuls read; absent where they are exact
 */
public record Execution(int threads, Precision precision, Optional<WeightRounding> rounding) {
  /** One thread, fp32. */
  public static final Execution PLAIN = new Execution(1, Precision.FP32);

  /** With exact weights. */
  public Execution(int threads, Precision precision) {
    this(threads, precision, Optional.empty());
  }

  public Execution {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, found " + threads);
    }
  }

  /**
   * Refuses rounded weights, and parameters that are not kept in fp32.
   *
   * @param engine that has neither
   * @throws EngineUnavailableException where they are asked for
   */
  public void requireExactWeights(String engine, Program program) {
    program.updateRule()
        .map(UpdateRule::masterWeights)
        .filter(kept -> kept != MasterWeights.FP32)
        .ifPresent(kept -> {
          throw EngineUnavailableException.fp32ParametersOnly(engine, kept);
        });
    if (rounding.isPresent()) {
      throw EngineUnavailableException.exactWeightsOnly(engine);
    }
  }
}
