package org.knowcap.models.engine.cuda.driver;

/**
 * Numbers on the device, one behind the other.
 *
 * @param address of the first
 * @param narrow whether they are bf16; otherwise fp32
 */
public record Numbers(long address, boolean narrow) {
  /** Bytes of one. */
  public int bytes() {
    return narrow ? 2 : 4;
  }

  /** The same so many bytes further on. */
  public Numbers shifted(long bytes) {
    return new Numbers(address + bytes, narrow);
  }

  /** Those from an index on. */
  public Numbers from(long index) {
    return new Numbers(address + index * bytes(), narrow);
  }
}
