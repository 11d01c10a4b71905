package org.knowcap.models.architecture;

/** The norm in front of each half of a block. */
public enum Norm {
  /** LayerNorm with gain and bias. */
  LAYER,
  /** RMSNorm: no mean, no bias. */
  RMS
}
