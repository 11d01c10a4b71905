package org.knowcap.models.engine.nd4j;

import org.knowcap.models.program.Activate;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.architecture.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Activations, alone and as gates, and their gradients. */
final class ActivationCalls {
  private final SessionArrays arrays;

  ActivationCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  CallList activate(Activate o) {
    INDArray x = arrays.of(o.x());
    INDArray sigmoid = arrays.scratch(8, o.x().rows(), o.x().columns());
    return sigmoid(new CallList(arrays), o.activation(), x, sigmoid).multiply(x, sigmoid, arrays.of(o.out()));
  }

  /**
   * What x is multiplied by to activate it: max(0, x) for ReLU^2, otherwise the sigmoid of w = x (a + b x^2), by exp, as
   * ND4J's tanh is slower.
   */
  static CallList sigmoid(CallList calls, Activation activation, INDArray x, INDArray sigmoid) {
    if (activation == Activation.RELU2) {
      return calls.positive(x, sigmoid);
    }
    return calls.multiply(x, x, sigmoid)
        .scale(sigmoid, -activation.cubic(), sigmoid)
        .shift(sigmoid, -activation.linear(), sigmoid)
        .multiply(sigmoid, x, sigmoid)
        .exp(sigmoid, sigmoid)
        .shift(sigmoid, 1, sigmoid)
        .divide(1, sigmoid, sigmoid);
  }

  CallList activateBackward(Activate.Backward o) {
    INDArray x = arrays.of(o.forward().x());
    INDArray dX = arrays.of(o.dX());
    INDArray sigmoid = arrays.scratch(8, o.dX().rows(), o.dX().columns());
    INDArray slope = arrays.scratch(0, o.dX().rows(), o.dX().columns());
    CallList calls = sigmoid(new CallList(arrays), o.forward().activation(), x, sigmoid);
    return slope(calls, o.forward().activation(), x, sigmoid, dX, slope).multiply(slope, arrays.of(o.dOut()),
        dX);
  }

  /** slope = s + s * (1 - s) * x w', with s the sigmoid and x w' = x (a + 3 b x^2); 2 s for ReLU^2. */
  static CallList slope(CallList calls, Activation activation, INDArray x, INDArray s, INDArray work,
      INDArray slope) {
    if (activation == Activation.RELU2) {
      return calls.scale(s, 2, slope);
    }
    return calls.multiply(x, x, slope)
        .scale(slope, 3 * activation.cubic(), slope)
        .shift(slope, activation.linear(), slope)
        .multiply(slope, x, slope)
        .multiply(slope, s, slope)
        .subtractFrom(1, s, work)
        .multiply(slope, work, slope)
        .add(slope, s, slope);
  }

  /** The halves of x, and the sigmoid and the activation of the left one. */
  private final class Halves {
    final INDArray left;
    final INDArray right;
    final INDArray sigmoid;
    final INDArray activated;
    final CallList calls = new CallList(arrays);

    Halves(GatedActivation o) {
      int rows = o.out().rows();
      int width = o.out().columns();
      left = arrays.scratch(8, rows, width);
      right = arrays.scratch(9, rows, width);
      sigmoid = arrays.scratch(20, rows, width);
      activated = arrays.scratch(21, rows, width);
      INDArray x = arrays.of(o.x());
      calls.copy(half(x, 0), left).copy(half(x, 1), right);
      sigmoid(calls, o.activation(), left, sigmoid).multiply(left, sigmoid, activated);
    }
  }

  CallList gatedActivation(GatedActivation o) {
    Halves halves = new Halves(o);
    return halves.calls.multiply(halves.activated, halves.right, arrays.of(o.out()));
  }

  CallList gatedActivationBackward(GatedActivation.Backward o) {
    Halves halves = new Halves(o.forward());
    INDArray dOut = arrays.of(o.dOut());
    INDArray dX = arrays.of(o.dX());
    INDArray slope = arrays.scratch(0, o.dOut().rows(), o.dOut().columns());
    INDArray work = arrays.scratch(1, o.dOut().rows(), o.dOut().columns());
    return slope(halves.calls, o.forward().activation(), halves.left, halves.sigmoid, work, slope)
        .multiply(slope, halves.right, slope)
        .multiply(slope, dOut, slope)
        .multiply(halves.activated, dOut, work)
        .copy(slope, half(dX, 0))
        .copy(work, half(dX, 1));
  }

  /** The left (0) or right (1) columns. */
  private static INDArray half(INDArray array, int side) {
    long width = array.columns() / 2;
    return array.get(NDArrayIndex.all(), NDArrayIndex.interval(side * width, (side + 1) * width));
  }
}
