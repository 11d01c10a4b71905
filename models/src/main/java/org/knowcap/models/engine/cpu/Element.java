package org.knowcap.models.engine.cpu;

/** How a number is stored. Arithmetic is always in fp32. */
enum Element {
  FP32(4), BF16(2);

  private final int bytes;

  Element(int bytes) {
    this.bytes = bytes;
  }

  int bytes() {
    return bytes;
  }

  boolean narrow() {
    return this == BF16;
  }
}
