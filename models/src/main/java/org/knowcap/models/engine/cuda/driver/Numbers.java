package org.knowcap.models.engine.cuda.driver;

/**
 * Numbers on the device, one behind the other.
 *
 * @param address of the first
 * @param bf16 whether they are bf16; otherwise fp32
 */
public record Numbers(long address, boolean bf16) {
  /** Bytes of one. */
  public int bytes() {
    return bf16 ? 2 : 4;
  }

  /** The same so many bytes further on. */
  public Numbers shifted(long bytes) {
    return new Numbers(address + bytes, bf16);
  }

  /** Those from an index on. */
  public Numbers from(long index) {
    return new Numbers(address + index * bytes(), bf16);
  }
}
