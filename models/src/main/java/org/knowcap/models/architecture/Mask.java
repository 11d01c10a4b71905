package org.knowcap.models.architecture;

/** Which earlier tokens a token sees, besides itself. */
public enum Mask {
  /** All earlier tokens of the window, also those of other texts; the paper does this. */
  CAUSAL,
  /**
   * Earlier tokens of its own document, which begins with the last separator at or before the token: block-causal
   * masking, as in Ouro (arXiv 2510.25741). Positions are still counted from the start of the window.
   */
  DOCUMENT
}
