package org.knowcap.models.quantisation;

/** A quantiser that has nothing to choose but its name: its format fixes bits and scales, and it needs no texts. */
public sealed interface FixedQuantiser extends Quantiser permits GgufBlocks, Fp8, Fp4, Ternary {
  @Override
  default boolean calibrated() {
    return false;
  }

  @Override
  default String label() {
    return method();
  }
}
