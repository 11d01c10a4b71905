package org.knowcap.generators.corpus;

/** How a source's items are put into windows. */
public enum Packing {
  /** End to end, and cut wherever a window ends, as in the paper. */
  STREAM,
  /** No item is cut: the rest of a window, which the next item does not fit in, is filled with end-of-text tokens. */
  WHOLE
}
