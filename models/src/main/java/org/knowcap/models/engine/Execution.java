package org.knowcap.models.engine;

import java.util.Optional;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.Program;

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
    if (program.updateRule().filter(rule -> rule.masterWeights() != MasterWeights.FP32).isPresent()) {
      throw new EngineUnavailableException(
          "engine '" + engine + "' keeps parameters in fp32 only; use engine cpu for master weights in bf16");
    }
    if (rounding.isPresent()) {
      throw new EngineUnavailableException(
          "engine '" + engine + "' trains with exact weights only; use engine cpu for rounded ones");
    }
  }
}
