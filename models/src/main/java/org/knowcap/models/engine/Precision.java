package org.knowcap.models.engine;

/** What matmuls compute in. Parameters, optimiser state, sums and losses are fp32 in any case. */
public enum Precision {
  /** Everything in fp32. */
  FP32,
  /** Operands of matmuls, and what passes between them, in bf16; sums in fp32. */
  BF16,
  /** bf16 where the hardware multiplies it natively, otherwise fp32. Results then depend on the machine. */
  AUTO
}
