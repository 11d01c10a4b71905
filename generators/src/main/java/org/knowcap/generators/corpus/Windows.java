package org.knowcap.generators.corpus;

/**
 * The windows of a training stream.
 *
 * @param length  tokens of a window, at least 1
 * @param packing how items are put into them
 */
public record Windows(int length, Packing packing) {
  /** @throws IllegalArgumentException if the window is empty */
  public Windows {
    if (length < 1) {
      throw new IllegalArgumentException("a window must have 1 or more tokens, found " + length);
    }
  }

  /** Windows that are cut from the stream. */
  public static Windows cut(int length) {
    return new Windows(length, Packing.STREAM);
  }
}
