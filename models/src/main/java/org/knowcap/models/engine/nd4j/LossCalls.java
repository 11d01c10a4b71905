package org.knowcap.models.engine.nd4j;

import java.util.HashMap;
import java.util.Map;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Cross-entropy, and what hides the losses of tokens without a target. */
final class LossCalls {
  private final SessionArrays arrays;
  /** By targets; the loss fills it. */
  private final Map<Tensor, OneHot> targets = new HashMap<>();
  private final Map<Tensor, LossMask> masks = new HashMap<>();

  LossCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  /** loss = ln(sum exp(logits - max)) + max - logits[target], which neither overflows nor rounds to infinity. */
  CallList crossEntropy(CrossEntropy o) {
    int rows = o.logits().rows();
    int vocabulary = o.logits().columns();
    INDArray logits = arrays.of(o.logits());
    INDArray losses = arrays.of(o.out());
    INDArray one = arrays.ones(vocabulary, 1);
    INDArray maximum = arrays.scratch(0, rows, 1);
    INDArray sum = arrays.scratch(5, rows, 1);
    INDArray picked = arrays.scratch(1, rows, vocabulary);
    INDArray exponentials = arrays.scratch(8, rows, vocabulary);
    LossMask mask = lossMask(o.targets());
    OneHot target = targets.computeIfAbsent(o.targets(),
        ids -> new OneHot(arrays, arrays.of(ids), vocabulary));
    return new CallList(arrays).call(target)
        .rowMaximum(logits, maximum)
        .subtractColumn(logits, maximum, exponentials)
        .multiply(exponentials, target.matrix(), picked)
        .exp(exponentials, exponentials)
        .matmul(exponentials, false, one, false, false, sum)
        .log(sum, losses)
        .add(losses, maximum, arrays.of(o.logSumExp()))
        .matmul(picked, false, one, false, false, sum)
        .subtract(losses, sum, losses)
        .call(() -> mask.hide(losses));
  }

  /** What hides the losses of tokens without a target. */
  LossMask lossMask(Tensor ids) {
    return masks.computeIfAbsent(ids, _ -> new LossMask(arrays.of(ids)));
  }

  CallList crossEntropyBackward(CrossEntropy.Backward o) {
    CrossEntropy forward = o.forward();
    INDArray dLogits = arrays.of(o.dLogits());
    LossMask mask = lossMask(forward.targets());
    return new CallList(arrays)
        .subtractColumn(arrays.of(forward.logits()), arrays.of(forward.logSumExp()), dLogits)
        .exp(dLogits, dLogits)
        .subtract(dLogits, targets.get(forward.targets()).matrix(), dLogits)
        .scale(dLogits, 1.0 / o.dLogits().rows(), dLogits)
        .call(() -> mask.hideGradients(dLogits));
  }
}
