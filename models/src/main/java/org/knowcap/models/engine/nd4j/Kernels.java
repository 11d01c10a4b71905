package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.program.BackwardOperation;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.architecture.Activation;
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
 * ones, norms and activations are spelled out, and scattering is a product with a one-hot matrix, which is also the same
 * to the last bit on every run.
 */
final class Kernels {
  /** Added to scores of what a query does not see: far enough below every score that exp gives exactly zero. */
  private static final double MASKED = -1e9;

  private record NormState(INDArray normalised, INDArray inverseDeviation) {}

  private record ActivationState(INDArray sigmoid) {}

  /** Of the left half: itself, its sigmoid and its activation; and the right half. */
  private record GateState(INDArray left, INDArray sigmoid, INDArray activated, INDArray right) {}

  /** Queries (scaled), keys and values as [windows * heads, T, width]; softmax as [windows * heads, T, T]. */
  private record AttentionState(INDArray queries, INDArray keys, INDArray values, INDArray weights,
      INDArray mixed, Optional<DistantState> distant) {}

  /** Queries (scaled) and keys of pairs far apart, and one where a pair is near, one where it is not: [1, T * T] each. */
  private record DistantState(INDArray queries, INDArray keys, INDArray near, INDArray far) {}

  /**
   * The norm of heads, a row for each [rows * heads, width].
   *
   * @param normed 1 for heads of queries and keys, 0 for values, a column
   * @param spread [2 * width, columns], takes the gains of queries and keys to their heads
   * @param gains of all columns of a row; 1 for values
   */
  private record HeadNormState(INDArray normalised, INDArray inverseDeviation, INDArray normed,
      INDArray spread, INDArray gains) {}

  private record RotaryState(INDArray cosine, INDArray sine, INDArray swapped, INDArray firstHalf,
      INDArray secondHalf) {}

  private record CrossEntropyState(INDArray probabilities, OneHot targets, LossMask mask) {}

  private final Memory memory;
  private final Mixtures mixtures;
  private final Map<ForwardOperation, Record> states = new HashMap<>();
  private final Map<ForwardOperation.Heads, INDArray> slopes = new HashMap<>();
  /** By documents and heads; the first layer of attention that needs one fills it, at each step. */
  private final Map<List<Record>, INDArray> documentMasks = new HashMap<>();

  Kernels(Memory memory, Mixtures mixtures) {
    this.memory = memory;
    this.mixtures = mixtures;
  }

  Recording of(Operation operation) {
    return switch (operation) {
      case ForwardOperation.Embedding o -> embedding(o);
      case ForwardOperation.LearnedPositions o -> learnedPositions(o);
      case ForwardOperation.Norm o -> o.heads().map(heads -> headNorm(o, heads)).orElseGet(() -> norm(o));
      case ForwardOperation.Linear o -> linear(o);
      case ForwardOperation.Activate o -> activate(o);
      case ForwardOperation.Gate o -> gate(o);
      case ForwardOperation.Rotary o -> rotary(o);
      case ForwardOperation.Attention o -> attention(o);
      case ForwardOperation.Add o ->
          new Recording(memory).add(memory.of(o.a()), memory.of(o.b()), memory.of(o.out()));
      case ForwardOperation.Route o -> mixtures.route(o);
      case ForwardOperation.Dispatch o -> mixtures.dispatch(o);
      case ForwardOperation.ExpertLinear o -> mixtures.linear(o);
      case ForwardOperation.Combine o -> mixtures.combine(o);
      case ForwardOperation.CrossEntropy o -> crossEntropy(o);
      case BackwardOperation.EmbeddingBackward o -> embeddingBackward(o);
      case BackwardOperation.LearnedPositionsBackward o -> learnedPositionsBackward(o);
      case BackwardOperation.NormBackward o ->
          o.forward().heads().isPresent() ? headNormBackward(o) : normBackward(o);
      case BackwardOperation.LinearBackward o -> linearBackward(o);
      case BackwardOperation.ActivateBackward o -> activateBackward(o);
      case BackwardOperation.GateBackward o -> gateBackward(o);
      case BackwardOperation.RotaryBackward o -> rotaryBackward(o);
      case BackwardOperation.AttentionBackward o -> attentionBackward(o);
      case BackwardOperation.RouteBackward o -> mixtures.routeBackward(o);
      case BackwardOperation.DispatchBackward o -> mixtures.dispatchBackward(o);
      case BackwardOperation.ExpertLinearBackward o -> mixtures.linearBackward(o);
      case BackwardOperation.CombineBackward o -> mixtures.combineBackward(o);
      case BackwardOperation.CrossEntropyBackward o -> crossEntropyBackward(o);
      case BackwardOperation.Accumulate o ->
          new Recording(memory).add(memory.of(o.a()), memory.of(o.b()), memory.of(o.out()));
    };
  }

  private Recording embedding(ForwardOperation.Embedding o) {
    return new Recording(memory).custom(DynamicCustomOp.builder("gather")
        .addInputs(memory.of(o.table()), memory.of(o.tokens()))
        .addOutputs(memory.of(o.out()))
        .addIntegerArguments(0)
        .build());
  }

  private Recording embeddingBackward(BackwardOperation.EmbeddingBackward o) {
    OneHot tokens = oneHot(memory.of(o.forward().tokens()), o.dTable().rows());
    return new Recording(memory).call(tokens)
        .product(tokens.matrix(), true, memory.of(o.dOut()), false, true, memory.of(o.dTable()));
  }

  /** Each window is a row of T d numbers, to which the table's first T rows are added. */
  private Recording learnedPositions(ForwardOperation.LearnedPositions o) {
    return new Recording(memory).addRow(byWindow(memory.of(o.x()), o), used(memory.of(o.table()), o),
        byWindow(memory.of(o.out()), o));
  }

  private Recording learnedPositionsBackward(BackwardOperation.LearnedPositionsBackward o) {
    INDArray dOut = byWindow(memory.of(o.dOut()), o.forward());
    return new Recording(memory).product(memory.ones(1, dOut.rows()), false, dOut, false, true,
        used(memory.of(o.dTable()), o.forward()));
  }

  private static INDArray byWindow(INDArray array, ForwardOperation.LearnedPositions o) {
    return array.reshape(array.rows() / o.length(), o.length() * array.columns());
  }

  private static INDArray used(INDArray table, ForwardOperation.LearnedPositions o) {
    return table.get(NDArrayIndex.interval(0, o.length()), NDArrayIndex.all())
        .reshape(1, o.length() * table.columns());
  }

  private Recording norm(ForwardOperation.Norm o) {
    INDArray x = memory.of(o.x());
    INDArray out = memory.of(o.out());
    int rows = o.x().rows();
    int width = o.x().columns();
    INDArray mean = memory.constant(width, 1, 1.0 / width);
    INDArray column = memory.scratch(0, rows, 1);
    INDArray square = memory.scratch(1, rows, width);
    INDArray normalised = memory.own(rows, width);
    INDArray inverseDeviation = memory.own(rows, 1);
    states.put(o, new NormState(normalised, inverseDeviation));
    Recording recording = new Recording(memory);
    if (o.bias().isPresent()) {
      recording.product(x, false, mean, false, false, column).subtractColumn(x, column, normalised);
    } else {
      recording.copy(x, normalised);
    }
    recording.multiply(normalised, normalised, square)
        .product(square, false, mean, false, false, column)
        .shift(column, o.epsilon(), column)
        .sqrt(column, column)
        .divide(1, column, inverseDeviation)
        .multiplyColumn(normalised, inverseDeviation, square, normalised)
        .multiplyRow(normalised, memory.of(o.gain()), out);
    o.bias().ifPresent(bias -> recording.addRow(out, memory.of(bias), out));
    return recording;
  }

  /**
   * With g = dOut * gain: dX = (g - mean(g) - normalised * mean(g * normalised)) / deviation, where RMSNorm has no
   * mean(g), as it subtracts no mean.
   */
  private Recording normBackward(BackwardOperation.NormBackward o) {
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
    Recording recording = new Recording(memory);
    o.dBias().ifPresent(dBias -> recording.product(sum, false, dOut, false, true, memory.of(dBias)));
    recording.multiply(dOut, state.normalised, work)
        .product(sum, false, work, false, true, memory.of(o.dGain()))
        .multiplyRow(dOut, memory.of(o.forward().gain()), g)
        .multiply(g, state.normalised, work)
        .product(work, false, mean, false, false, column)
        .multiplyColumn(state.normalised, column, dX, work);
    if (o.dBias().isPresent()) {
      recording.product(g, false, mean, false, false, column).subtractColumn(g, column, g);
    }
    return recording.subtract(g, work, g).multiplyColumn(g, state.inverseDeviation, work, dX);
  }

  /** Values are rows like the others, of deviation 1 and gain 1. */
  private Recording headNorm(ForwardOperation.Norm o, ForwardOperation.Heads heads) {
    int width = heads.width();
    int columns = o.x().columns();
    int perRow = columns / width;
    int rows = o.x().rows() * perRow;
    int turned = heads.turnedWidth();
    HeadNormState state = new HeadNormState(memory.own(rows, width), memory.own(rows, 1), memory.own(rows, 1),
        memory.own(2 * width, columns), memory.own(1, columns));
    INDArray others = memory.own(rows, 1);
    INDArray valueGains = memory.own(1, columns);
    for (int row = 0; row < rows; row++) {
      boolean value = row % perRow * width >= turned;
      (value ? others : state.normed).putScalar(row, 0, 1);
    }
    for (int column = 0; column < columns; column++) {
      if (column < turned) {
        int gain = column % width + (column < heads.count() * width ? 0 : width);
        state.spread.putScalar(gain, column, 1);
      } else {
        valueGains.putScalar(0, column, 1);
      }
    }
    states.put(o, state);
    INDArray column = memory.scratch(0, rows, 1);
    INDArray square = memory.scratch(1, rows, width);
    return new Recording(memory).copy(memory.of(o.x()).reshape(rows, width), state.normalised)
        .multiply(state.normalised, state.normalised, square)
        .product(square, false, memory.constant(width, 1, 1.0 / width), false, false, column)
        .shift(column, o.epsilon(), column)
        .sqrt(column, column)
        .divide(1, column, state.inverseDeviation)
        .multiply(state.inverseDeviation, state.normed, state.inverseDeviation)
        .add(state.inverseDeviation, others, state.inverseDeviation)
        .multiplyColumn(state.normalised, state.inverseDeviation, square, state.normalised)
        .product(memory.of(o.gain()), false, state.spread, false, false, state.gains)
        .add(state.gains, valueGains, state.gains)
        .multiplyRow(state.normalised.reshape(o.x().rows(), columns), state.gains, memory.of(o.out()));
  }

  /** As of whole rows, where values have no mean of g * normalised. */
  private Recording headNormBackward(BackwardOperation.NormBackward o) {
    HeadNormState state = (HeadNormState) states.get(o.forward());
    INDArray dOut = memory.of(o.dOut());
    int columns = o.dX().columns();
    int rows = state.normalised.rows();
    int width = state.normalised.columns();
    INDArray dX = memory.of(o.dX()).reshape(rows, width);
    INDArray column = memory.scratch(0, rows, 1);
    INDArray work = memory.scratch(1, rows, width);
    INDArray g = memory.scratch(2, rows, width);
    INDArray sums = memory.scratch(3, 1, columns);
    INDArray byRow = state.normalised.reshape(o.dX().rows(), columns);
    return new Recording(memory).multiply(dOut, byRow, work.reshape(o.dX().rows(), columns))
        .product(memory.ones(1, o.dX().rows()), false, work.reshape(o.dX().rows(), columns), false, false,
            sums)
        .product(sums, false, state.spread, true, true, memory.of(o.dGain()))
        .multiplyRow(dOut, state.gains, g.reshape(o.dX().rows(), columns))
        .multiply(g, state.normalised, work)
        .product(work, false, memory.constant(width, 1, 1.0 / width), false, false, column)
        .multiply(column, state.normed, column)
        .multiplyColumn(state.normalised, column, dX, work)
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
    o.dBias()
        .ifPresent(dBias -> recording.product(memory.ones(1, o.dOut().rows()), false, dOut, false, true,
            memory.of(dBias)));
    return recording;
  }

  private Recording activate(ForwardOperation.Activate o) {
    INDArray sigmoid = memory.own(o.x().rows(), o.x().columns());
    states.put(o, new ActivationState(sigmoid));
    return activate(new Recording(memory), o.activation(), memory.of(o.x()), sigmoid, memory.of(o.out()));
  }

  /** out = x * sigmoid(w), w = x (a + b x^2); the sigmoid by exp, as ND4J's tanh is slower. */
  private static Recording activate(Recording recording, Activation activation, INDArray x, INDArray sigmoid,
      INDArray out) {
    return recording.multiply(x, x, sigmoid)
        .scale(sigmoid, -activation.cubic(), sigmoid)
        .shift(sigmoid, -activation.linear(), sigmoid)
        .multiply(sigmoid, x, sigmoid)
        .exp(sigmoid, sigmoid)
        .shift(sigmoid, 1, sigmoid)
        .divide(1, sigmoid, sigmoid)
        .multiply(x, sigmoid, out);
  }

  private Recording activateBackward(BackwardOperation.ActivateBackward o) {
    INDArray sigmoid = ((ActivationState) states.get(o.forward())).sigmoid;
    INDArray dX = memory.of(o.dX());
    INDArray slope = memory.scratch(0, o.dX().rows(), o.dX().columns());
    return slope(new Recording(memory), o.forward().activation(), memory.of(o.forward().x()), sigmoid, dX,
        slope).multiply(slope, memory.of(o.dOut()), dX);
  }

  /** slope = s + s * (1 - s) * x w', with s the sigmoid and x w' = x (a + 3 b x^2). */
  private static Recording slope(Recording recording, Activation activation, INDArray x, INDArray s,
      INDArray work, INDArray slope) {
    return recording.multiply(x, x, slope)
        .scale(slope, 3 * activation.cubic(), slope)
        .shift(slope, activation.linear(), slope)
        .multiply(slope, x, slope)
        .multiply(slope, s, slope)
        .subtractFrom(1, s, work)
        .multiply(slope, work, slope)
        .add(slope, s, slope);
  }

  private Recording gate(ForwardOperation.Gate o) {
    int rows = o.out().rows();
    int width = o.out().columns();
    GateState state = new GateState(memory.own(rows, width), memory.own(rows, width), memory.own(rows, width),
        memory.own(rows, width));
    states.put(o, state);
    INDArray x = memory.of(o.x());
    Recording recording = new Recording(memory).copy(half(x, 0), state.left).copy(half(x, 1), state.right);
    return activate(recording, o.activation(), state.left, state.sigmoid, state.activated)
        .multiply(state.activated, state.right, memory.of(o.out()));
  }

  private Recording gateBackward(BackwardOperation.GateBackward o) {
    GateState state = (GateState) states.get(o.forward());
    INDArray dOut = memory.of(o.dOut());
    INDArray dX = memory.of(o.dX());
    INDArray slope = memory.scratch(0, o.dOut().rows(), o.dOut().columns());
    INDArray work = memory.scratch(1, o.dOut().rows(), o.dOut().columns());
    return slope(new Recording(memory), o.forward().activation(), state.left, state.sigmoid, work, slope)
        .multiply(slope, state.right, slope)
        .multiply(slope, dOut, slope)
        .multiply(state.activated, dOut, work)
        .copy(slope, half(dX, 0))
        .copy(work, half(dX, 1));
  }

  /** The left (0) or right (1) columns. */
  private static INDArray half(INDArray array, int side) {
    long width = array.columns() / 2;
    return array.get(NDArrayIndex.all(), NDArrayIndex.interval(side * width, (side + 1) * width));
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
        boolean turns = column < heads.turnedWidth() && component < o.rotated();
        double place = column < heads.count() * heads.width()
            ? o.places().query(position)
            : o.places().key(position);
        double angle = turns ? place * Math.pow(o.base(), -2.0 * (component % half) / o.rotated()) : 0;
        cosine[row * columns + column] = (float) Math.cos(angle);
        sine[row * columns + column] = (float) (component < half ? -Math.sin(angle) : Math.sin(angle));
      }
    }
    // Of a slot of its own: nobody else may write where it stays zero.
    INDArray swapped = memory.scratch(7, rows, columns);
    INDArray byHead = swapped.reshape(rows, columns / heads.width(), heads.width());
    RotaryState state = new RotaryState(memory.own(rows, columns), memory.own(rows, columns), swapped,
        byHead.get(rotated(heads, 0, half)), byHead.get(rotated(heads, half, o.rotated())));
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
    INDArray byHead = x.reshape(o.x().rows(), o.x().columns() / o.heads().width(), o.heads().width());
    Recording recording = new Recording(memory)
        .copy(byHead.get(rotated(o.heads(), half, o.rotated())), state.firstHalf)
        .copy(byHead.get(rotated(o.heads(), 0, half)), state.secondHalf)
        .multiply(state.swapped, state.sine, work)
        .multiply(x, state.cosine, z);
    return back ? recording.subtract(z, work, z) : recording.add(z, work, z);
  }

  /** Components of queries and keys in [R, heads of queries, keys and values, width]. */
  private static INDArrayIndex[] rotated(ForwardOperation.Heads heads, int from, int to) {
    return new INDArrayIndex[]{NDArrayIndex.all(), NDArrayIndex.interval(0, heads.count() + heads.keyCount()),
        NDArrayIndex.interval(from, to)};
  }

  private Recording attention(ForwardOperation.Attention o) {
    ForwardOperation.Heads heads = o.heads();
    int slices = heads.windows() * heads.count();
    int length = heads.length();
    INDArray qkv = memory.of(o.qkv());
    AttentionState state = new AttentionState(memory.own(slices, length, heads.width()),
        memory.own(slices, length, heads.width()), memory.own(slices, length, heads.width()),
        memory.own(slices, length, length), memory.own(slices, length, heads.width()),
        o.scores() instanceof ForwardOperation.Scores.Distant distant
            ? Optional.of(new DistantState(memory.own(slices, length, heads.width()),
                memory.own(slices, length, heads.width()), apart(heads, 0, distant.from()),
                apart(heads, distant.from(), length)))
            : Optional.empty());
    states.put(o, state);
    Recording recording = queriesAndKeys(new Recording(memory), qkv, heads, state.queries, state.keys);
    for (int member = 0; member < heads.group(); member++) {
      recording.copy(values(qkv, heads), shared(state.values, heads, member));
    }
    INDArray scores = state.weights.reshape(slices, length * length);
    recording.sliceProducts(state.queries, false, state.keys, true, state.weights);
    state.distant.ifPresent(distant -> {
      INDArray work = memory.scratch(3, slices * length, length);
      INDArray others = work.reshape(slices, length * length);
      queriesAndKeys(recording, memory.of(o.distant().orElseThrow()), heads, distant.queries, distant.keys)
          .sliceProducts(distant.queries, false, distant.keys, true, work.reshape(slices, length, length))
          .multiplyRow(scores, distant.near, scores)
          .multiplyRow(others, distant.far, others)
          .add(scores, others, scores);
    });
    switch (o.scores()) {
      case ForwardOperation.Scores.Product _,ForwardOperation.Scores.Distant _ -> {
        // The products are all.
      }
      case ForwardOperation.Scores.Sloping sloping ->
          recording.add(scores, slopes.computeIfAbsent(heads, key -> slopes(heads, sloping)), scores);
    }
    o.documents().ifPresent(documents -> {
      INDArray mask = documentMasks.computeIfAbsent(List.of(documents, heads), key -> {
        INDArray made = memory.own(slices, length * length);
        recording.call(new DocumentMask(memory.of(documents.tokens()), documents.separator(), heads, made));
        return made;
      });
      recording.add(scores, mask, scores);
    });
    return recording.addRow(scores, mask(heads), scores)
        .softmax(state.weights, state.weights)
        .sliceProducts(state.weights, false, state.values, false, state.mixed)
        .copy(byWindow(state.mixed, heads), byHead(memory.of(o.out()), heads, 0, heads.count()));
  }

  /** Queries scaled, and keys as often as there are heads of queries. */
  private static Recording queriesAndKeys(Recording recording, INDArray qkv, ForwardOperation.Heads heads,
      INDArray queries, INDArray keys) {
    recording.copy(byHead(qkv, heads, 0, heads.count()), byWindow(queries, heads))
        .scale(queries, 1 / Math.sqrt(heads.width()), queries);
    for (int member = 0; member < heads.group(); member++) {
      recording.copy(keys(qkv, heads), shared(keys, heads, member));
    }
    return recording;
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
    INDArray dValues = memory.scratch(6, slices * length, width).reshape(slices, length, width);
    INDArray dQkv = memory.of(o.dQkv());
    Recording recording = new Recording(memory)
        .copy(byHead(memory.of(o.dOut()), heads, 0, heads.count()), byWindow(dMixed, heads))
        .sliceProducts(state.weights, true, dMixed, false, dValues)
        .sliceProducts(dMixed, false, state.values, true, dScoresBySlice)
        .multiply(dMixed, state.mixed, product.reshape(slices, length, width))
        .product(product, false, memory.ones(width, 1), false, false, column)
        .subtractColumn(dScores, column, dScores)
        .multiply(dScoresBySlice, state.weights, dScoresBySlice);
    state.distant.ifPresent(distant -> {
      INDArray dDistant = memory.of(o.dDistant().orElseThrow());
      INDArray work = memory.scratch(9, slices * length, length);
      INDArray scores = dScores.reshape(slices, length * length);
      recording.multiplyRow(scores, distant.far, work.reshape(slices, length * length))
          .multiplyRow(scores, distant.near, scores)
          .call(() -> dDistant.assign(0));
      dQueriesAndKeys(recording, work.reshape(slices, length, length), distant.queries, distant.keys, heads,
          dDistant);
    });
    dQueriesAndKeys(recording, dScoresBySlice, state.queries, state.keys, heads, dQkv)
        .copy(shared(dValues, heads, 0), values(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      recording.add(values(dQkv, heads), shared(dValues, heads, member), values(dQkv, heads));
    }
    return recording;
  }

  private Recording dQueriesAndKeys(Recording recording, INDArray dScores, INDArray queries, INDArray keys,
      ForwardOperation.Heads heads, INDArray dQkv) {
    int rows = heads.windows() * heads.count() * heads.length();
    INDArray dQueries = memory.scratch(4, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    INDArray dKeys = memory.scratch(5, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    recording.sliceProducts(dScores, false, keys, false, dQueries)
        .scale(dQueries, 1 / Math.sqrt(heads.width()), dQueries)
        .sliceProducts(dScores, true, queries, false, dKeys)
        .copy(byWindow(dQueries, heads), byHead(dQkv, heads, 0, heads.count()))
        .copy(shared(dKeys, heads, 0), keys(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      recording.add(keys(dQkv, heads), shared(dKeys, heads, member), keys(dQkv, heads));
    }
    return recording;
  }

  /** Some heads of [R, heads * width], seen as [windows, heads, T, width]. */
  private static INDArray byHead(INDArray array, ForwardOperation.Heads heads, int from, int count) {
    return array.reshape(heads.windows(), heads.length(), array.columns() / heads.width(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, from + count),
            NDArrayIndex.all())
        .permute(0, 2, 1, 3);
  }

  private static INDArray keys(INDArray qkv, ForwardOperation.Heads heads) {
    return byHead(qkv, heads, heads.count(), heads.keyCount());
  }

  private static INDArray values(INDArray qkv, ForwardOperation.Heads heads) {
    return byHead(qkv, heads, heads.count() + heads.keyCount(), heads.keyCount());
  }

  /** [windows * heads, T, width] seen as [windows, heads, T, width]. */
  private static INDArray byWindow(INDArray array, ForwardOperation.Heads heads) {
    return array.reshape(heads.windows(), heads.count(), heads.length(), heads.width());
  }

  /** Of [windows * heads, T, width], one of the heads that share each head of keys: [windows, key heads, T, width]. */
  private static INDArray shared(INDArray array, ForwardOperation.Heads heads, int member) {
    return array.reshape(heads.windows(), heads.keyCount(), heads.group(), heads.length(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(member), NDArrayIndex.all(),
            NDArrayIndex.all());
  }

  /** [1, T * T]: zero where the query sees the key. */
  private INDArray mask(ForwardOperation.Heads heads) {
    int length = heads.length();
    float[] mask = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        if (key > query || key < heads.firstKey(query)) {
          mask[query * length + key] = (float) MASKED;
        }
      }
    }
    INDArray array = memory.own(1, length * length);
    array.data().setData(mask);
    return array;
  }

  /** [1, T * T]: one where a key is so many tokens before its query, from one number to before another. */
  private INDArray apart(ForwardOperation.Heads heads, int from, int to) {
    int length = heads.length();
    float[] apart = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key <= query; key++) {
        apart[query * length + key] = query - key >= from && query - key < to ? 1 : 0;
      }
    }
    INDArray array = memory.own(1, length * length);
    array.data().setData(apart);
    return array;
  }

  /** [windows * heads, T * T]: what ALiBi adds to scores. */
  private INDArray slopes(ForwardOperation.Heads heads, ForwardOperation.Scores.Sloping sloping) {
    int length = heads.length();
    int slices = heads.windows() * heads.count();
    float[] slopes = new float[slices * length * length];
    for (int slice = 0; slice < slices; slice++) {
      double slope = sloping.slope(heads, slice % heads.count());
      for (int query = 0; query < length; query++) {
        for (int key = 0; key <= query; key++) {
          slopes[(slice * length + query) * length + key] = (float) (slope * (key - query));
        }
      }
    }
    INDArray array = memory.own(slices, length * length);
    array.data().setData(slopes);
    return array;
  }

  /** Keeps a matrix [windows * heads, T * T] at {@link #MASKED} where a key is of an earlier document, zero elsewhere. */
  private static final class DocumentMask implements Runnable {
    private final INDArray tokens;
    private final int separator;
    private final ForwardOperation.Heads heads;
    private final INDArray matrix;
    private final float[] values;

    DocumentMask(INDArray tokens, int separator, ForwardOperation.Heads heads, INDArray matrix) {
      this.tokens = tokens;
      this.separator = separator;
      this.heads = heads;
      this.matrix = matrix;
      values = new float[Math.toIntExact(matrix.length())];
    }

    @Override
    public void run() {
      int length = heads.length();
      for (int window = 0; window < heads.windows(); window++) {
        int start = 0;
        for (int query = 0; query < length; query++) {
          start = tokens.data().getInt(window * length + query) == separator ? query : start;
          for (int head = 0; head < heads.count(); head++) {
            int row = ((window * heads.count() + head) * length + query) * length;
            Arrays.fill(values, row, row + start, (float) MASKED);
            Arrays.fill(values, row + start, row + length, 0);
          }
        }
      }
      matrix.data().setData(values);
    }
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
    LossMask mask = new LossMask(memory.of(o.targets()));
    states.put(o, new CrossEntropyState(probabilities, targets, mask));
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
        .multiplyColumn(probabilities, sum, picked, probabilities)
        .call(() -> mask.hide(losses));
  }

  /** What hides the losses of tokens without a target. */
  LossMask lossMask(ForwardOperation.CrossEntropy o) {
    return ((CrossEntropyState) states.get(o)).mask;
  }

  /** Of the tokens scored last, [R, V]. */
  INDArray probabilities(ForwardOperation.CrossEntropy o) {
    return ((CrossEntropyState) states.get(o)).probabilities;
  }

  private Recording crossEntropyBackward(BackwardOperation.CrossEntropyBackward o) {
    CrossEntropyState state = (CrossEntropyState) states.get(o.forward());
    INDArray dLogits = memory.of(o.dLogits());
    return new Recording(memory).subtract(state.probabilities, state.targets.matrix(), dLogits)
        .scale(dLogits, 1.0 / o.dLogits().rows(), dLogits)
        .call(() -> state.mask.hideGradients(dLogits));
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
        int id = ids.data().getInt(row);
        set[row] = Math.max(0, id);
        matrix.data().put(row * vocabulary + set[row], id < 0 ? 0f : 1f);
      }
    }
  }
}
