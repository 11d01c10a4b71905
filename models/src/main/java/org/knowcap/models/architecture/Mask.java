package org.knowcap.models.architecture;

/** Which of the tokens before it a token sees, besides itself. */
public enum Mask {
  /** All, as in the paper: also those of the texts that stand before its own in the window. */
  CAUSAL,
  /**
   * Those of its own document, which begins with the last separator up to it: block-causal, as in Ouro (arXiv
   * 2510.25741). Places go on counting through the window.
   */
  DOCUMENT
}
