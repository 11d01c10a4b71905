package org.knowcap.models.engine.nd4j;

import org.knowcap.models.engine.Targets;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Hides the tokens of a batch that have no target: their losses are 0, and the gradients are those of the others' mean. */
final class LossMask {
  private final INDArray targets;
  private double factor = 1;

  /** @param targets of a batch, [R, 1] */
  LossMask(INDArray targets) {
    this.targets = targets;
  }

  /** Prepares for a step that has so many tokens, of which so many count. */
  void begin(int tokens, int counted) {
    factor = (double) tokens / counted;
  }

  /** @param losses [R, 1] */
  void hide(INDArray losses) {
    for (int row = 0; row < targets.length(); row++) {
      if (targets.data().getInt(row) == Targets.NONE) {
        losses.putScalar(row, 0, 0);
      }
    }
  }

  /** @param gradients of the logits, for a mean over all tokens, [R, V] */
  void hideGradients(INDArray gradients) {
    if (factor == 1) {
      return;
    }
    for (int row = 0; row < targets.length(); row++) {
      if (targets.data().getInt(row) == Targets.NONE) {
        gradients.getRow(row).assign(0);
      }
    }
    gradients.muli(factor);
  }
}
