package org.knowcap.models.architecture;

/** What keeps the rows that go into a block's parts at one scale. */
public enum Norm {
  /** LayerNorm with gain and bias. */
  LAYER,
  /** RMSNorm: no mean, no bias. */
  RMS
}
