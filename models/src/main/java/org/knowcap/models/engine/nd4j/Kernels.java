package org.knowcap.models.engine.nd4j;

import java.util.HashMap;
import java.util.Map;
import org.knowcap.models.program.BackwardOperation;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Operation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Writes each operation of a program as ND4J calls. What a forward operation leaves for its gradient beyond the
 * program's own tensors (a softmax, a normalised input) is kept here under that operation.
 *
 * <p>Native operations that are slow in ND4J 1.0.0-M2.1 are gone round: sums over rows and columns are products with
 * ones, layer norm and GELU are spelled out, and scattering is a product with a one-hot matrix, which is also the same
 * to the last bit on every run.
 */
final class Kernels {
  /** GELU's sqrt(2/pi) and cubic factor, in its tanh form. */
  private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);

  private static final double GELU_CUBIC = 0.044715;
  /** Added to scores that look ahead: far enough below every score that exp gives exactly zero. */
  private static final double MASKED = -1e9;

  private record NormState(INDArray normalised, INDArray inverseDeviation) {}

  private record GeluState(INDArray sigmoid) {}

  /** Queries (scaled), keys and values as [windows * heads, T, width]; softmax as [windows * heads, T, T]. */
  private record AttentionState(INDArray queries, INDArray keys, INDArray values, INDArray weights,
      INDArray mixed) {}

  private record RotaryState(INDArray cosine, INDArray sine, INDArray swapped, INDArray firstHalf,
      INDArray secondHalf) {}

  private record CrossEntropyState(INDArray probabilities, OneHot targets) {}

  private final Memory memory;
  private final Map<ForwardOperation, Record> states = new HashMap<>();

  Kernels(Memory memory) {
    this.memory = memory;
  }

  Recording of(Operation operation) {
    return switch (operation) {
      case ForwardOperation.Embedding o -> embedding(o);
      case ForwardOperation.LayerNorm o -> layerNorm(o);
      case ForwardOperation.Linear o -> linear(o);
      case ForwardOperation.Gelu o -> gelu(o);
      case ForwardOperation.Rotary o -> rotary(o);
      case ForwardOperation.Attention o -> attention(o);
      case ForwardOperation.Add o ->
        new Recording(memory).add(memory.of(o.a()), memory.of(o.b()), memory.of(o.out()));
      case ForwardOperation.CrossEntropy o -> crossEntropy(o);
      case BackwardOperation.EmbeddingBackward o -> embeddingBackward(o);
      case BackwardOperation.LayerNormBackward o -> layerNormBackward(o);
      case BackwardOperation.LinearBackward o -> linearBackward(o);
      case BackwardOperation.GeluBackward o -> geluBackward(o);
      case BackwardOperation.RotaryBackward o -> rotaryBackward(o);
      case BackwardOperation.AttentionBackward o -> attentionBackward(o);
      case BackwardOperation.CrossEntropyBackward o -> crossEntropyBackward(o);
      case BackwardOperation.Accumulate o ->
        new Recording(memory).add(memory.of(o.a()), memory.of(o.b()), memory.of(o.out()));
    };
  }

  private Recording embedding(ForwardOperation.Embedding o) {
    return new Recording(memory).custom(
        DynamicCustomOp.builder("gather").addInputs(memory.of(o.table()), memory.of(o.tokens()))
            .addOutputs(memory.of(o.out())).addIntegerArguments(0).build());
  }

  private Recording embeddingBackward(BackwardOperation.EmbeddingBackward o) {
    OneHot tokens = oneHot(memory.of(o.forward().tokens()), o.dTable().rows());
    return new Recording(memory).call(tokens).product(tokens.matrix(), true, memory.of(o.dOut()), false, true,
        memory.of(o.dTable()));
  }

  private Recording layerNorm(ForwardOperation.LayerNorm o) {
    INDArray x = memory.of(o.x());
    int rows = o.x().rows();
    int width = o.x().columns();
    INDArray mean = memory.constant(width, 1, 1.0 / width);
    INDArray column = memory.scratch(0, rows, 1);
    INDArray square = memory.scratch(1, rows, width);
    INDArray normalised = memory.own(rows, width);
    INDArray inverseDeviation = memory.own(rows, 1);
    states.put(o, new NormState(normalised, inverseDeviation));
    return new Recording(memory)
        .product(x, false, mean, false, false, column)
        .subtractColumn(x, column, normalised)
        .multiply(normalised, normalised, square)
        .product(square, false, mean, false, false, column)
        .shift(column, o.epsilon(), column)
        .sqrt(column, column)
        .divide(1, column, inverseDeviation)
        .multiplyColumn(normalised, inverseDeviation, square, normalised)
        .multiplyRow(normalised, memory.of(o.gain()), memory.of(o.out()))
        .addRow(memory.of(o.out()), memory.of(o.bias()), memory.of(o.out()));
  }

  /** With g = dOut * gain: dX = (g - mean(g) - normalised * mean(g * normalised)) / deviation. */
  private Recording layerNormBackward(BackwardOperation.LayerNormBackward o) {
    NormState state = (NormState) states.get(o.forward());
    INDArray dOut = memory.of(o.dOut());
    INDArray dX = memory.of(o.dX());
    int rows = o.dX().rows();
    int width = o.dX().columns();
    INDArray sum = memory.ones(1, rows);
    INDArray mean = memory.constant(width, 1, 1.0 / width);
    INDArray column = memory.scratch(0, rows, 1);
    INDArray work = memory.scratch(1, rows, width);
    INDArray g = memory.scratch(2, rows, width);
    return new Recording(memory)
        .product(sum, false, dOut, false, true, memory.of(o.dBias()))
        .multiply(dOut, state.normalised, work)
        .product(sum, false, work, false, true, memory.of(o.dGain()))
        .multiplyRow(dOut, memory.of(o.forward().gain()), g)
        .multiply(g, state.normalised, work)
        .product(work, false, mean, false, false, column)
        .multiplyColumn(state.normalised, column, dX, work)
        .product(g, false, mean, false, false, column)
        .subtractColumn(g, column, g)
        .subtract(g, work, g)
        .multiplyColumn(g, state.inverseDeviation, work, dX);
  }

  private Recording linear(ForwardOperation.Linear o) {
    INDArray out = memory.of(o.out());
    Recording recording = new Recording(memory).product(memory.of(o.x()), false, memory.of(o.weight()),
        o.transposed(), false, out);
    o.bias().ifPresent(bias -> recording.addRow(out, memory.of(bias), out));
    return recording;
  }

  private Recording linearBackward(BackwardOperation.LinearBackward o) {
    ForwardOperation.Linear forward = o.forward();
    INDArray x = memory.of(forward.x());
    INDArray dOut = memory.of(o.dOut());
    INDArray dWeight = memory.of(o.dWeight());
    Recording recording = new Recording(memory).product(dOut, false, memory.of(forward.weight()),
        !forward.transposed(), false, memory.of(o.dX()));
    if (forward.transposed()) {
      recording.product(dOut, true, x, false, true, dWeight);
    } else {
      recording.product(x, true, dOut, false, true, dWeight);
    }
    o.dBias().ifPresent(dBias -> recording.product(memory.ones(1, o.dOut().rows()), false, dOut, false, true,
        memory.of(dBias)));
    return recording;
  }

  /** GELU(x) = x * sigmoid(2u), u = scale * (x + cubic * x^3); the sigmoid by exp, as ND4J's tanh is slower. */
  private Recording gelu(ForwardOperation.Gelu o) {
    INDArray x = memory.of(o.x());
    INDArray sigmoid = memory.own(o.x().rows(), o.x().columns());
    states.put(o, new GeluState(sigmoid));
    return new Recording(memory)
        .multiply(x, x, sigmoid)
        .scale(sigmoid, -2 * GELU_SCALE * GELU_CUBIC, sigmoid)
        .shift(sigmoid, -2 * GELU_SCALE, sigmoid)
        .multiply(sigmoid, x, sigmoid)
        .exp(sigmoid, sigmoid)
        .shift(sigmoid, 1, sigmoid)
        .divide(1, sigmoid, sigmoid)
        .multiply(x, sigmoid, memory.of(o.out()));
  }

  /** With s the sigmoid: GELU' = s + x * s * (1 - s) * 2u', 2u' = 2 * scale * (1 + 3 * cubic * x^2). */
  private Recording geluBackward(BackwardOperation.GeluBackward o) {
    INDArray s = ((GeluState) states.get(o.forward())).sigmoid;
    INDArray x = memory.of(o.forward().x());
    INDArray dX = memory.of(o.dX());
    INDArray work = memory.scratch(0, o.dX().rows(), o.dX().columns());
    return new Recording(memory)
        .multiply(x, x, work)
        .scale(work, 6 * GELU_SCALE * GELU_CUBIC, work)
        .shift(work, 2 * GELU_SCALE, work)
        .multiply(work, x, work)
        .multiply(work, s, work)
        .subtractFrom(1, s, dX)
        .multiply(work, dX, work)
        .add(work, s, work)
        .multiply(work, memory.of(o.dOut()), dX);
  }

  private Recording rotary(ForwardOperation.Rotary o) {
    int rows = o.x().rows();
    int columns = o.x().columns();
    int half = o.rotated() / 2;
    ForwardOperation.Heads heads = o.heads();
    float[] cosine = new float[rows * columns];
    float[] sine = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      int position = row % heads.length();
      for (int column = 0; column < columns; column++) {
        int component = column % heads.width();
        boolean turns = column < 2 * heads.count() * heads.width() && component < o.rotated();
        double angle = turns ? position * Math.pow(o.base(), -2.0 * (component % half) / o.rotated()) : 0;
        cosine[row * columns + column] = (float) Math.cos(angle);
        sine[row * columns + column] = (float) (component < half ? -Math.sin(angle) : Math.sin(angle));
      }
    }
    INDArray swapped = memory.scratch(3, rows, columns);
    INDArray byHead = swapped.reshape(rows, 3, heads.count(), heads.width());
    RotaryState state = new RotaryState(memory.own(rows, columns), memory.own(rows, columns), swapped,
        byHead.get(rotated(0, half)), byHead.get(rotated(half, o.rotated())));
    state.cosine.data().setData(cosine);
    state.sine.data().setData(sine);
    states.put(o, state);
    return turn(state, o, memory.of(o.x()), memory.of(o.out()), false);
  }

  private Recording rotaryBackward(BackwardOperation.RotaryBackward o) {
    return turn((RotaryState) states.get(o.forward()), o.forward(), memory.of(o.dOut()), memory.of(o.dX()),
        true);
  }

  /** z = x * cosine + swapped(x) * sine; swapped exchanges the halves of each rotated part, and stays zero elsewhere. */
  private Recording turn(RotaryState state, ForwardOperation.Rotary o, INDArray x, INDArray z, boolean back) {
    int half = o.rotated() / 2;
    INDArray work = memory.scratch(4, o.x().rows(), o.x().columns());
    INDArray byHead = x.reshape(o.x().rows(), 3, o.heads().count(), o.heads().width());
    Recording recording = new Recording(memory)
        .copy(byHead.get(rotated(half, o.rotated())), state.firstHalf)
        .copy(byHead.get(rotated(0, half)), state.secondHalf)
        .multiply(state.swapped, state.sine, work)
        .multiply(x, state.cosine, z);
    return back ? recording.subtract(z, work, z) : recording.add(z, work, z);
  }

  /** Components of queries and keys in [R, 3, heads, width]. */
  private static INDArrayIndex[] rotated(int from, int to) {
    return new INDArrayIndex[]{NDArrayIndex.all(), NDArrayIndex.interval(0, 2), NDArrayIndex.all(),
        NDArrayIndex.interval(from, to)};
  }

  private Recording attention(ForwardOperation.Attention o) {
    ForwardOperation.Heads heads = o.heads();
    int slices = heads.windows() * heads.count();
    int length = heads.length();
    INDArray split = memory.own(3, slices, length, heads.width());
    INDArray weights = memory.own(slices, length, length);
    INDArray mixed = memory.own(slices, length, heads.width());
    AttentionState state = new AttentionState(slice(split, 0), slice(split, 1), slice(split, 2), weights,
        mixed);
    states.put(o, state);
    return new Recording(memory)
        .copy(byHead(memory.of(o.qkv()), heads, 3), split.reshape(3, heads.windows(), heads.count(), length,
            heads.width()))
        .scale(state.queries, 1 / Math.sqrt(heads.width()), state.queries)
        .sliceProducts(state.queries, false, state.keys, true, weights)
        .addRow(weights.reshape(slices, length * length), causalMask(length),
            weights.reshape(slices, length * length))
        .softmax(weights, weights)
        .sliceProducts(weights, false, state.values, false, mixed)
        .copy(mixed.reshape(1, heads.windows(), heads.count(), length, heads.width()),
            byHead(memory.of(o.out()), heads, 1));
  }

  /** With P the softmax: dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dO * O)); dQ = dS K; dK = dS^T Q. */
  private Recording attentionBackward(BackwardOperation.AttentionBackward o) {
    ForwardOperation.Heads heads = o.forward().heads();
    AttentionState state = (AttentionState) states.get(o.forward());
    int slices = heads.windows() * heads.count();
    int length = heads.length();
    int width = heads.width();
    INDArray dMixed = memory.scratch(0, slices * length, width).reshape(slices, length, width);
    INDArray product = memory.scratch(1, slices * length, width);
    INDArray column = memory.scratch(2, slices * length, 1);
    INDArray dScores = memory.scratch(3, slices * length, length);
    INDArray dScoresBySlice = dScores.reshape(slices, length, length);
    INDArray dSplit = memory.scratch(4, 3 * slices * length, width).reshape(3, slices, length, width);
    return new Recording(memory)
        .copy(byHead(memory.of(o.dOut()), heads, 1),
            dMixed.reshape(1, heads.windows(), heads.count(), length, width))
        .sliceProducts(state.weights, true, dMixed, false, slice(dSplit, 2))
        .sliceProducts(dMixed, false, state.values, true, dScoresBySlice)
        .multiply(dMixed, state.mixed, product.reshape(slices, length, width))
        .product(product, false, memory.ones(width, 1), false, false, column)
        .subtractColumn(dScores, column, dScores)
        .multiply(dScoresBySlice, state.weights, dScoresBySlice)
        .sliceProducts(dScoresBySlice, false, state.keys, false, slice(dSplit, 0))
        .scale(slice(dSplit, 0), 1 / Math.sqrt(width), slice(dSplit, 0))
        .sliceProducts(dScoresBySlice, true, state.queries, false, slice(dSplit, 1))
        .copy(dSplit.reshape(3, heads.windows(), heads.count(), length, width),
            byHead(memory.of(o.dQkv()), heads, 3));
  }

  /** [R, parts * heads * width] seen as [parts, windows, heads, T, width]. */
  private static INDArray byHead(INDArray array, ForwardOperation.Heads heads, int parts) {
    return array.reshape(heads.windows(), heads.length(), parts, heads.count(), heads.width()).permute(2, 0,
        3, 1,
        4);
  }

  private static INDArray slice(INDArray array, int index) {
    return array.get(NDArrayIndex.point(index), NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.all());
  }

  /** [1, T * T]: zero where the key is not after the query. */
  private INDArray causalMask(int length) {
    float[] mask = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = query + 1; key < length; key++) {
        mask[query * length + key] = (float) MASKED;
      }
    }
    INDArray array = memory.own(1, length * length);
    array.data().setData(mask);
    return array;
  }

  /** loss = ln(sum exp(logits - max)) + max - logits[target], which neither overflows nor rounds to infinity. */
  private Recording crossEntropy(ForwardOperation.CrossEntropy o) {
    int rows = o.logits().rows();
    int vocabulary = o.logits().columns();
    INDArray logits = memory.of(o.logits());
    INDArray losses = memory.of(o.out());
    INDArray one = memory.ones(vocabulary, 1);
    INDArray maximum = memory.scratch(0, rows, 1);
    INDArray sum = memory.scratch(5, rows, 1);
    INDArray picked = memory.scratch(1, rows, vocabulary);
    INDArray probabilities = memory.own(rows, vocabulary);
    OneHot targets = oneHot(memory.of(o.targets()), vocabulary);
    states.put(o, new CrossEntropyState(probabilities, targets));
    return new Recording(memory).call(targets)
        .rowMaximum(logits, maximum)
        .subtractColumn(logits, maximum, probabilities)
        .multiply(probabilities, targets.matrix(), picked)
        .exp(probabilities, probabilities)
        .product(probabilities, false, one, false, false, sum)
        .log(sum, losses)
        .divide(1, sum, sum)
        .product(picked, false, one, false, false, maximum)
        .subtract(losses, maximum, losses)
        .multiplyColumn(probabilities, sum, picked, probabilities);
  }

  private Recording crossEntropyBackward(BackwardOperation.CrossEntropyBackward o) {
    CrossEntropyState state = (CrossEntropyState) states.get(o.forward());
    INDArray dLogits = memory.of(o.dLogits());
    return new Recording(memory)
        .subtract(state.probabilities, state.targets.matrix(), dLogits)
        .scale(dLogits, 1.0 / o.dLogits().rows(), dLogits);
  }

  private OneHot oneHot(INDArray ids, int vocabulary) {
    return new OneHot(ids, memory.own(ids.length(), vocabulary));
  }

  /**
   * Keeps a matrix [R, V] at one where the row's id is, and zero elsewhere. Only the ones of the last step are cleared.
   */
  private static final class OneHot implements Runnable {
    private final INDArray ids;
    private final INDArray matrix;
    private final int[] set;

    OneHot(INDArray ids, INDArray matrix) {
      if (ids.dataType() != DataType.INT32) {
        throw new IllegalArgumentException("ids must be integers, found " + ids.dataType());
      }
      this.ids = ids;
      this.matrix = matrix;
      this.set = new int[(int) ids.length()];
    }

    INDArray matrix() {
      return matrix;
    }

    @Override
    public void run() {
      long vocabulary = matrix.columns();
      for (int row = 0; row < set.length; row++) {
        matrix.data().put(row * vocabulary + set[row], 0f);
        set[row] = ids.data().getInt(row);
        matrix.data().put(row * vocabulary + set[row], 1f);
      }
    }
  }
}
