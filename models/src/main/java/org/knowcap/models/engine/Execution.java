package org.knowcap.models.engine;

/**
 * How a program is to be run.
 *
 * @param threads of the CPU, at least 1; an engine may use fewer
 * @param precision of matmuls
 */
public record Execution(int threads, Precision precision) {
  /** One thread, fp32. */
  public static final Execution PLAIN = new Execution(1, Precision.FP32);

  public Execution {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, found " + threads);
    }
  }
}
