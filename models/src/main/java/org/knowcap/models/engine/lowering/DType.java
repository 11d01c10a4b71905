package org.knowcap.models.engine.lowering;

/** How a number is stored. Arithmetic is always in fp32. */
public enum DType {
  FP32(4), BF16(2);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  public int bytes() {
    return bytes;
  }

  public boolean isBf16() {
    return this == BF16;
  }
}
