package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.FusedOperation;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Writes each operation of a program as ND4J calls. What a forward operation leaves for its gradient is in the program's tensors;
 * kept here are constants, which operations of equal shape share.
 *
 * <p>Native operations that are slow in ND4J 1.0.0-M2.1 are avoided: sums over rows and columns are matmuls with
 * ones, norms and activations are spelled out, and scattering is a matmul with a one-hot matrix, which also gives the same
 * bits on every run.
 */
final class OperationCalls {
  /** Added to scores of what a query does not see: far enough below every score that exp gives exactly zero. */
  private static final double MASKED = -1e9;

  /** Factors of RoPE, and an array for a tensor with the halves of each rotated part exchanged. */
  private record RopeConstants(INDArray cosine, INDArray sine, INDArray swapped, INDArray firstHalf,
      INDArray secondHalf) {}

  private final SessionArrays arrays;
  private final ExpertCalls experts;
  private final Map<List<Object>, RopeConstants> ropes = new HashMap<>();
  /** By what they are made of: for each lag a column [R, 1] of ones where a token looks that far back, otherwise zeros. */
  private final Map<List<Object>, INDArray[]> lagMasks = new HashMap<>();
  private final Map<List<Object>, HeadConstants> headNorms = new HashMap<>();
  private final Map<List<Object>, INDArray> pairs = new HashMap<>();
  /** By documents and heads; the first layer of attention that needs one fills it, at each step. */
  private final Map<List<Record>, INDArray> documentMasks = new HashMap<>();
  /** By targets; the loss fills it. */
  private final Map<Tensor, OneHot> targets = new HashMap<>();
  private final Map<Tensor, LossMask> lossMasks = new HashMap<>();

  OperationCalls(SessionArrays arrays, ExpertCalls experts) {
    this.arrays = arrays;
    this.experts = experts;
  }

  CallList of(Operation operation) {
    return switch (operation) {
      case Embedding o -> embedding(o);
      case LearnedPositions o -> learnedPositions(o);
      case Normalisation o -> o.heads().map(heads -> headNorm(o, heads)).orElseGet(() -> norm(o));
      case Linear o -> linear(o);
      case Activate o -> activate(o);
      case GatedActivation o -> gatedActivation(o);
      case Canon o -> canon(o);
      case Canon.Backward o -> canonBackward(o);
      case Rope o -> rope(o, o.x(), o.out(), false);
      case Attention o -> attention(o);
      case Add o -> new CallList(arrays).add(arrays.of(o.a()), arrays.of(o.b()), arrays.of(o.out()));
      case Route o -> experts.route(o);
      case Dispatch o -> experts.dispatch(o);
      case ExpertLinear o -> experts.linear(o);
      case Combine o -> experts.combine(o);
      case CrossEntropy o -> crossEntropy(o);
      case Embedding.Backward o -> embeddingBackward(o);
      case LearnedPositions.Backward o -> learnedPositionsBackward(o);
      case Normalisation.Backward o ->
          o.forward().heads().map(heads -> headNormBackward(o, heads)).orElseGet(() -> normBackward(o));
      case Linear.Backward o -> linearBackward(o);
      case Activate.Backward o -> activateBackward(o);
      case GatedActivation.Backward o -> gatedActivationBackward(o);
      case Rope.Backward o -> rope(o.forward(), o.dOut(), o.dX(), true);
      case Attention.Backward o -> attentionBackward(o);
      case Route.Backward o -> experts.routeBackward(o);
      case Dispatch.Backward o -> experts.dispatchBackward(o);
      case ExpertLinear.Backward o -> experts.linearBackward(o);
      case Combine.Backward o -> experts.combineBackward(o);
      case CrossEntropy.Backward o -> crossEntropyBackward(o);
      case Accumulate o -> new CallList(arrays).add(arrays.of(o.a()), arrays.of(o.b()), arrays.of(o.out()));
      case FusedOperation o -> throw new IllegalStateException("this engine fuses nothing, found " + o);
    };
  }

  private CallList embedding(Embedding o) {
    return new CallList(arrays).custom(DynamicCustomOp.builder("gather")
        .addInputs(arrays.of(o.table()), arrays.of(o.tokens()))
        .addOutputs(arrays.of(o.out()))
        .addIntegerArguments(0)
        .build());
  }

  private CallList embeddingBackward(Embedding.Backward o) {
    OneHot tokens = oneHot(arrays.of(o.forward().tokens()), o.dTable().rows());
    return new CallList(arrays).call(tokens)
        .matmul(tokens.matrix(), true, arrays.of(o.dOut()), false, true, arrays.of(o.dTable()));
  }

  /** Each window is a row of T d numbers, to which the table's first T rows are added. */
  private CallList learnedPositions(LearnedPositions o) {
    return new CallList(arrays).addRow(byWindow(arrays.of(o.x()), o), used(arrays.of(o.table()), o),
        byWindow(arrays.of(o.out()), o));
  }

  private CallList learnedPositionsBackward(LearnedPositions.Backward o) {
    INDArray dOut = byWindow(arrays.of(o.dOut()), o.forward());
    return new CallList(arrays).matmul(arrays.ones(1, dOut.rows()), false, dOut, false, true,
        used(arrays.of(o.dTable()), o.forward()));
  }

  private static INDArray byWindow(INDArray array, LearnedPositions o) {
    return array.reshape(array.rows() / o.length(), o.length() * array.columns());
  }

  private static INDArray used(INDArray table, LearnedPositions o) {
    return table.get(NDArrayIndex.interval(0, o.length()), NDArrayIndex.all())
        .reshape(1, o.length() * table.columns());
  }

  private CallList norm(Normalisation o) {
    INDArray x = arrays.of(o.x());
    INDArray out = arrays.of(o.out());
    int rows = o.x().rows();
    int width = o.x().columns();
    INDArray mean = arrays.constant(width, 1, 1.0 / width);
    INDArray column = arrays.scratch(0, rows, 1);
    INDArray square = arrays.scratch(1, rows, width);
    INDArray normalised = arrays.scratch(8, rows, width);
    CallList calls = new CallList(arrays);
    if (o.bias().isPresent()) {
      calls.matmul(x, false, mean, false, false, column)
          .copy(column, column(o.statistics(), 0))
          .subtractColumn(x, column, normalised);
    } else {
      calls.copy(arrays.constant(rows, 1, 0), column(o.statistics(), 0)).copy(x, normalised);
    }
    calls.multiply(normalised, normalised, square)
        .matmul(square, false, mean, false, false, column)
        .shift(column, o.epsilon(), column)
        .sqrt(column, column)
        .divide(1, column, column)
        .copy(column, column(o.statistics(), 1))
        .multiplyColumn(normalised, column, square, normalised)
        .multiplyRow(normalised, arrays.of(o.gain()), out);
    o.bias().ifPresent(bias -> calls.addRow(out, arrays.of(bias), out));
    return calls;
  }

  private INDArray column(Tensor tensor, int index) {
    return arrays.of(tensor).get(NDArrayIndex.all(), NDArrayIndex.interval(index, index + 1));
  }

  /**
   * With g = dOut * gain and normalised = (x - mean) * rstd: dX = (g - mean(g) - normalised * mean(g * normalised)) * rstd,
   * where RMSNorm has no mean(g), as it subtracts no mean.
   */
  private CallList normBackward(Normalisation.Backward o) {
    Normalisation forward = o.forward();
    INDArray x = arrays.of(forward.x());
    INDArray dOut = arrays.of(o.dOut());
    INDArray dX = arrays.of(o.dX());
    int rows = o.dX().rows();
    int width = o.dX().columns();
    INDArray sum = arrays.ones(1, rows);
    INDArray mean = arrays.constant(width, 1, 1.0 / width);
    INDArray column = arrays.scratch(0, rows, 1);
    INDArray work = arrays.scratch(1, rows, width);
    INDArray g = arrays.scratch(2, rows, width);
    INDArray normalised = arrays.scratch(8, rows, width);
    INDArray rstd = arrays.scratch(9, rows, 1);
    CallList calls = new CallList(arrays).copy(column(forward.statistics(), 1), rstd);
    if (forward.bias().isPresent()) {
      calls.copy(column(forward.statistics(), 0), column).subtractColumn(x, column, normalised);
    } else {
      calls.copy(x, normalised);
    }
    calls.multiplyColumn(normalised, rstd, work, normalised);
    o.dBias().ifPresent(dBias -> calls.matmul(sum, false, dOut, false, true, arrays.of(dBias)));
    calls.multiply(dOut, normalised, work)
        .matmul(sum, false, work, false, true, arrays.of(o.dGain()))
        .multiplyRow(dOut, arrays.of(forward.gain()), g)
        .multiply(g, normalised, work)
        .matmul(work, false, mean, false, false, column)
        .multiplyColumn(normalised, column, dX, work);
    if (o.dBias().isPresent()) {
      calls.matmul(g, false, mean, false, false, column).subtractColumn(g, column, g);
    }
    return calls.subtract(g, work, g).multiplyColumn(g, rstd, work, dX);
  }

  /**
   * Constants for the norm of heads, a row for each [R * heads, width], where values are rows of rstd 1 and gain 1.
   *
   * @param normed 1 for heads of queries and keys, 0 for values, a column
   * @param values 1 for heads of values, 0 for the others, a column
   * @param spread [2 * width, columns], takes the gains of queries and keys to their heads
   * @param valueGains of all columns of a row: 1 for values, 0 for the others
   */
  private record HeadConstants(INDArray normed, INDArray values, INDArray spread, INDArray valueGains) {}

  private HeadConstants constants(Heads heads, int rows) {
    return headNorms.computeIfAbsent(List.of(heads, rows), _ -> {
      int width = heads.width();
      int columns = heads.qkvWidth();
      int perRow = columns / width;
      HeadConstants made = new HeadConstants(arrays.own(rows * perRow, 1), arrays.own(rows * perRow, 1),
          arrays.own(2 * width, columns), arrays.own(1, columns));
      for (int row = 0; row < rows * perRow; row++) {
        boolean value = row % perRow * width >= heads.qkWidth();
        (value ? made.values : made.normed).putScalar(row, 0, 1);
      }
      for (int column = 0; column < columns; column++) {
        if (column < heads.qkWidth()) {
          int gain = column % width + (column < heads.count() * width ? 0 : width);
          made.spread.putScalar(gain, column, 1);
        } else {
          made.valueGains.putScalar(0, column, 1);
        }
      }
      return made;
    });
  }

  /** Means (0) or rstds (1) of the heads of queries and keys, [R, heads]. */
  private INDArray headStatistics(Normalisation o, Heads heads, int which) {
    int normed = heads.count() + heads.keyCount();
    return arrays.of(o.statistics())
        .reshape(o.x().rows(), normed, 2)
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(which));
  }

  /** The rstds among those of all heads, a column of which is given. */
  private static INDArray ofQueriesAndKeys(INDArray column, Normalisation o, Heads heads) {
    return column.reshape(o.x().rows(), heads.qkvWidth() / heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.interval(0, heads.count() + heads.keyCount()));
  }

  /** The gains of all columns of a row. */
  private INDArray gains(CallList calls, Normalisation o, HeadConstants constants) {
    INDArray gains = arrays.scratch(31, 1, o.x().columns());
    calls.matmul(arrays.of(o.gain()), false, constants.spread, false, false, gains)
        .add(gains, constants.valueGains, gains);
    return gains;
  }

  private CallList headNorm(Normalisation o, Heads heads) {
    int width = heads.width();
    int rows = o.x().rows() * (o.x().columns() / width);
    HeadConstants constants = constants(heads, o.x().rows());
    INDArray column = arrays.scratch(0, rows, 1);
    INDArray square = arrays.scratch(1, rows, width);
    INDArray normalised = arrays.scratch(8, rows, width);
    CallList calls = new CallList(arrays).copy(arrays.of(o.x()).reshape(rows, width), normalised)
        .multiply(normalised, normalised, square)
        .matmul(square, false, arrays.constant(width, 1, 1.0 / width), false, false, column)
        .shift(column, o.epsilon(), column)
        .sqrt(column, column)
        .divide(1, column, column)
        .copy(ofQueriesAndKeys(column, o, heads), headStatistics(o, heads, 1))
        .scale(headStatistics(o, heads, 1), 0, headStatistics(o, heads, 0))
        .multiply(column, constants.normed, column)
        .add(column, constants.values, column)
        .multiplyColumn(normalised, column, square, normalised);
    INDArray gains = gains(calls, o, constants);
    return calls.multiplyRow(normalised.reshape(o.x().rows(), o.x().columns()), gains, arrays.of(o.out()));
  }

  /** As of whole rows, where values have no mean of g * normalised. */
  private CallList headNormBackward(Normalisation.Backward o, Heads heads) {
    Normalisation forward = o.forward();
    int columns = o.dX().columns();
    int batch = o.dX().rows();
    int width = heads.width();
    int rows = batch * (columns / width);
    HeadConstants constants = constants(heads, batch);
    INDArray dOut = arrays.of(o.dOut());
    INDArray dX = arrays.of(o.dX()).reshape(rows, width);
    INDArray column = arrays.scratch(0, rows, 1);
    INDArray work = arrays.scratch(1, rows, width);
    INDArray g = arrays.scratch(2, rows, width);
    INDArray sums = arrays.scratch(3, 1, columns);
    INDArray normalised = arrays.scratch(8, rows, width);
    INDArray rstd = arrays.scratch(9, rows, 1);
    CallList calls = new CallList(arrays).copy(constants.values, rstd)
        .copy(headStatistics(forward, heads, 1), ofQueriesAndKeys(rstd, forward, heads))
        .copy(arrays.of(forward.x()).reshape(rows, width), normalised)
        .multiplyColumn(normalised, rstd, work, normalised);
    INDArray gains = gains(calls, forward, constants);
    return calls.multiply(dOut, normalised.reshape(batch, columns), work.reshape(batch, columns))
        .matmul(arrays.ones(1, batch), false, work.reshape(batch, columns), false, false, sums)
        .matmul(sums, false, constants.spread, true, true, arrays.of(o.dGain()))
        .multiplyRow(dOut, gains, g.reshape(batch, columns))
        .multiply(g, normalised, work)
        .matmul(work, false, arrays.constant(width, 1, 1.0 / width), false, false, column)
        .multiply(column, constants.normed, column)
        .multiplyColumn(normalised, column, dX, work)
        .subtract(g, work, g)
        .multiplyColumn(g, rstd, work, dX);
  }

  private CallList linear(Linear o) {
    INDArray out = arrays.of(o.out());
    CallList calls = new CallList(arrays).matmul(arrays.of(o.x()), false, arrays.of(o.weight()),
        o.transposed(), false, out);
    o.bias().ifPresent(bias -> calls.addRow(out, arrays.of(bias), out));
    return calls;
  }

  private CallList linearBackward(Linear.Backward o) {
    Linear forward = o.forward();
    INDArray x = arrays.of(forward.x());
    INDArray dOut = arrays.of(o.dOut());
    INDArray dWeight = arrays.of(o.dWeight());
    CallList calls = new CallList(arrays).matmul(dOut, false, arrays.of(forward.weight()),
        !forward.transposed(), false, arrays.of(o.dX()));
    if (forward.transposed()) {
      calls.matmul(dOut, true, x, false, true, dWeight);
    } else {
      calls.matmul(x, true, dOut, false, true, dWeight);
    }
    o.dBias()
        .ifPresent(dBias -> calls.matmul(arrays.ones(1, o.dOut().rows()), false, dOut, false, true,
            arrays.of(dBias)));
    return calls;
  }

  private CallList activate(Activate o) {
    INDArray x = arrays.of(o.x());
    INDArray sigmoid = arrays.scratch(8, o.x().rows(), o.x().columns());
    return sigmoid(new CallList(arrays), o.activation(), x, sigmoid).multiply(x, sigmoid, arrays.of(o.out()));
  }

  /**
   * The sigmoid of w = x (a + b x^2), by which x is multiplied to activate it; by exp, as ND4J's tanh is slower.
   */
  private static CallList sigmoid(CallList calls, Activation activation, INDArray x, INDArray sigmoid) {
    return calls.multiply(x, x, sigmoid)
        .scale(sigmoid, -activation.cubic(), sigmoid)
        .shift(sigmoid, -activation.linear(), sigmoid)
        .multiply(sigmoid, x, sigmoid)
        .exp(sigmoid, sigmoid)
        .shift(sigmoid, 1, sigmoid)
        .divide(1, sigmoid, sigmoid);
  }

  private CallList activateBackward(Activate.Backward o) {
    INDArray x = arrays.of(o.forward().x());
    INDArray dX = arrays.of(o.dX());
    INDArray sigmoid = arrays.scratch(8, o.dX().rows(), o.dX().columns());
    INDArray slope = arrays.scratch(0, o.dX().rows(), o.dX().columns());
    CallList calls = sigmoid(new CallList(arrays), o.forward().activation(), x, sigmoid);
    return slope(calls, o.forward().activation(), x, sigmoid, dX, slope).multiply(slope, arrays.of(o.dOut()),
        dX);
  }

  /** slope = s + s * (1 - s) * x w', with s the sigmoid and x w' = x (a + 3 b x^2). */
  private static CallList slope(CallList calls, Activation activation, INDArray x, INDArray s, INDArray work,
      INDArray slope) {
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

  private CallList gatedActivation(GatedActivation o) {
    Halves halves = new Halves(o);
    return halves.calls.multiply(halves.activated, halves.right, arrays.of(o.out()));
  }

  private CallList gatedActivationBackward(GatedActivation.Backward o) {
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

  /** A sum of shifted copies, each times a row of weights. */
  private CallList canon(Canon o) {
    CallList calls = new CallList(arrays);
    INDArray[] mask = lagMasks(calls, o);
    INDArray x = arrays.of(o.x());
    INDArray out = arrays.of(o.out());
    INDArray weighted = arrays.scratch(0, x.rows(), x.columns());
    calls.copy(x, out);
    for (int k = 0; k < mask.length; k++) {
      calls.multiplyRow(earlier(calls, x, k, mask[k]), weight(o, k), weighted).add(out, weighted, out);
    }
    return calls;
  }

  private CallList canonBackward(Canon.Backward o) {
    CallList calls = new CallList(arrays);
    Canon forward = o.forward();
    INDArray[] mask = lagMasks(calls, forward);
    INDArray x = arrays.of(forward.x());
    INDArray dOut = arrays.of(o.dOut());
    INDArray dX = arrays.of(o.dX());
    INDArray product = arrays.scratch(0, x.rows(), x.columns());
    INDArray spread = arrays.scratch(1, x.rows(), x.columns());
    calls.copy(dOut, dX);
    for (int k = 0; k < mask.length; k++) {
      calls.multiply(dOut, earlier(calls, x, k, mask[k]), product)
          .matmul(arrays.ones(1, x.rows()), false, product, false, true, row(arrays.of(o.dWeight()), k))
          .multiplyRow(dOut, weight(forward, k), product)
          .multiplyColumn(product, mask[k], spread, product);
      // What a token got from k before it goes back there; k rows of each chunk are zero by the mask.
      calls.add(rows(dX, 0, dX.rows() - k), rows(product, k, product.rows()), rows(dX, 0, dX.rows() - k));
    }
    return calls;
  }

  /** x shifted by k tokens, and zero where the mask is. */
  private INDArray earlier(CallList calls, INDArray x, int k, INDArray mask) {
    // Rows before the first are never written: they stay zero.
    INDArray shifted = arrays.scratch(30 + k, x.rows(), x.columns());
    INDArray spread = arrays.scratch(1, x.rows(), x.columns());
    calls.copy(rows(x, 0, x.rows() - k), rows(shifted, k, x.rows()))
        .multiplyColumn(shifted, mask, spread, shifted);
    return shifted;
  }

  private INDArray weight(Canon o, int k) {
    return row(arrays.of(o.weight()), k);
  }

  private static INDArray row(INDArray matrix, int k) {
    return rows(matrix, k, k + 1);
  }

  private static INDArray rows(INDArray matrix, int from, int to) {
    return matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  /** The masks of each lag that a window has; where there are documents, the first operation fills them at each step. */
  private INDArray[] lagMasks(CallList calls, Canon o) {
    return lagMasks.computeIfAbsent(List.of(o.length(), o.x().rows(), o.documents()), _ -> {
      INDArray[] made = new INDArray[Math.min(Canon.WIDTH, o.length())];
      for (int k = 0; k < made.length; k++) {
        made[k] = arrays.own(o.x().rows(), 1);
      }
      if (o.documents().isPresent()) {
        Documents documents = o.documents().get();
        INDArray tokens = arrays.of(documents.tokens());
        calls.call(
            () -> fillLags(made, o.length(), token -> tokens.data().getInt(token) == documents.separator()));
      } else {
        fillLags(made, o.length(), _ -> false);
      }
      return made;
    });
  }

  private interface Separators {
    boolean at(int row);
  }

  private static void fillLags(INDArray[] masks, int length, Separators separators) {
    int rows = masks[0].rows();
    float[][] values = new float[masks.length][rows];
    int start = 0;
    for (int row = 0; row < rows; row++) {
      start = row % length == 0 || separators.at(row) ? row : start;
      for (int k = 0; k < masks.length && k <= row - start; k++) {
        values[k][row] = 1;
      }
    }
    for (int k = 0; k < masks.length; k++) {
      masks[k].data().setData(values[k]);
    }
  }

  private RopeConstants constants(Rope o) {
    int rows = o.x().rows();
    int columns = o.x().columns();
    return ropes.computeIfAbsent(List.of(o.heads(), o.rotated(), o.base(), o.positions(), rows), _ -> {
      int half = o.rotated() / 2;
      Heads heads = o.heads();
      float[] cosine = new float[rows * columns];
      float[] sine = new float[rows * columns];
      for (int row = 0; row < rows; row++) {
        int token = row % heads.length();
        for (int column = 0; column < columns; column++) {
          int component = column % heads.width();
          boolean rotates = column < heads.qkWidth() && component < o.rotated();
          double position = column < heads.count() * heads.width()
              ? o.positions().query(token)
              : o.positions().key(token);
          double angle = rotates ? position * Math.pow(o.base(), -2.0 * (component % half) / o.rotated()) : 0;
          cosine[row * columns + column] = (float) Math.cos(angle);
          sine[row * columns + column] = (float) (component < half ? -Math.sin(angle) : Math.sin(angle));
        }
      }
      // In a slot of its own: nobody else may write where it stays zero.
      INDArray swapped = arrays.scratch(7, rows, columns);
      INDArray byHead = swapped.reshape(rows, columns / heads.width(), heads.width());
      RopeConstants made = new RopeConstants(arrays.own(rows, columns), arrays.own(rows, columns), swapped,
          byHead.get(rotated(heads, 0, half)), byHead.get(rotated(heads, half, o.rotated())));
      made.cosine.data().setData(cosine);
      made.sine.data().setData(sine);
      return made;
    });
  }

  /** out = x * cosine + swapped(x) * sine; swapped exchanges the halves of each rotated part, and stays zero elsewhere. */
  private CallList rope(Rope o, Tensor from, Tensor to, boolean back) {
    RopeConstants constants = constants(o);
    INDArray x = arrays.of(from);
    INDArray out = arrays.of(to);
    int half = o.rotated() / 2;
    INDArray work = arrays.scratch(4, from.rows(), from.columns());
    INDArray byHead = x.reshape(from.rows(), from.columns() / o.heads().width(), o.heads().width());
    CallList calls = new CallList(arrays)
        .copy(byHead.get(rotated(o.heads(), half, o.rotated())), constants.firstHalf)
        .copy(byHead.get(rotated(o.heads(), 0, half)), constants.secondHalf)
        .multiply(constants.swapped, constants.sine, work)
        .multiply(x, constants.cosine, out);
    return back ? calls.subtract(out, work, out) : calls.add(out, work, out);
  }

  /** Components of queries and keys in [R, heads of queries, keys and values, width]. */
  private static INDArrayIndex[] rotated(Heads heads, int from, int to) {
    return new INDArrayIndex[]{NDArrayIndex.all(), NDArrayIndex.interval(0, heads.count() + heads.keyCount()),
        NDArrayIndex.interval(from, to)};
  }

  /**
   * Queries (scaled), keys and values as [windows * heads, T, width], and the scores of all pairs as [windows * heads, T, T],
   * in memory that every layer shares.
   */
  private final class Scored {
    final Heads heads;
    final INDArray queries;
    final INDArray keys;
    final INDArray values;
    final INDArray distantQueries;
    final INDArray distantKeys;
    /** [windows * heads * T, T]. */
    final INDArray rows;
    /** [windows * heads, T, T]. */
    final INDArray bySlice;
    /** Of each row, [windows * heads * T, 1]. */
    final INDArray logSumExp;
    final CallList calls = new CallList(arrays);

    Scored(Attention o) {
      heads = o.heads();
      int slices = heads.windows() * heads.count();
      int length = heads.length();
      queries = byToken(20);
      keys = byToken(21);
      values = byToken(22);
      distantQueries = byToken(25);
      distantKeys = byToken(26);
      rows = arrays.scratch(23, slices * length, length);
      bySlice = rows.reshape(slices, length, length);
      logSumExp = arrays.scratch(27, slices * length, 1);
      INDArray qkv = arrays.of(o.qkv());
      queriesAndKeys(calls, qkv, heads, queries, keys);
      for (int member = 0; member < heads.group(); member++) {
        calls.copy(values(qkv, heads), shared(values, heads, member));
      }
      INDArray scores = rows.reshape(slices, length * length);
      calls.batchedMatmul(queries, false, keys, true, bySlice);
      switch (o.scores()) {
        case Attention.Scores.DotProduct _ -> {
          // The matmul is all.
        }
        case Attention.Scores.Rerope rerope -> {
          INDArray work = arrays.scratch(3, slices * length, length);
          INDArray others = work.reshape(slices, length * length);
          queriesAndKeys(calls, arrays.of(rerope.qkv()), heads, distantQueries, distantKeys)
              .batchedMatmul(distantQueries, false, distantKeys, true, work.reshape(slices, length, length))
              .multiplyRow(scores, near(rerope), scores)
              .multiplyRow(others, far(rerope), others)
              .add(scores, others, scores);
        }
        case Attention.Scores.Alibi alibi -> calls.add(scores,
            pairs.computeIfAbsent(List.of("slopes", heads), _ -> slopes(heads, alibi)), scores);
      }
      o.documents().ifPresent(documents -> {
        INDArray mask = documentMasks.computeIfAbsent(List.of(documents, heads), _ -> {
          INDArray made = arrays.own(slices, length * length);
          calls.call(new DocumentMask(arrays.of(documents.tokens()), documents.separator(), heads, made));
          return made;
        });
        calls.add(scores, mask, scores);
      });
      calls.addRow(scores, pairs.computeIfAbsent(List.of("mask", heads), _ -> mask(heads)), scores);
    }

    private INDArray byToken(int slot) {
      int slices = heads.windows() * heads.count();
      return arrays.scratch(slot, slices * heads.length(), heads.width())
          .reshape(slices, heads.length(), heads.width());
    }

    INDArray near(Attention.Scores.Rerope rerope) {
      return pairs.computeIfAbsent(List.of("near", heads, rerope.window()),
          _ -> apart(heads, 0, rerope.window()));
    }

    INDArray far(Attention.Scores.Rerope rerope) {
      return pairs.computeIfAbsent(List.of("far", heads, rerope.window()),
          _ -> apart(heads, rerope.window(), heads.length()));
    }

    /** [windows, heads, T] of the operation's [R, heads], and of {@link #logSumExp}. */
    INDArray kept(Attention o) {
      return arrays.of(o.logSumExp())
          .reshape(heads.windows(), heads.length(), heads.count())
          .permute(0, 2, 1);
    }

    INDArray own() {
      return logSumExp.reshape(heads.windows(), heads.count(), heads.length());
    }
  }

  private CallList attention(Attention o) {
    Scored scored = new Scored(o);
    Heads heads = o.heads();
    INDArray rows = scored.rows;
    INDArray sum = arrays.scratch(28, rows.rows(), 1);
    INDArray spread = arrays.scratch(3, rows.rows(), heads.length());
    INDArray mixed = scored.byToken(24);
    return scored.calls.rowMaximum(rows, scored.logSumExp)
        .subtractColumn(rows, scored.logSumExp, rows)
        .exp(rows, rows)
        .matmul(rows, false, arrays.ones(heads.length(), 1), false, false, sum)
        .divide(1, sum, arrays.scratch(2, rows.rows(), 1))
        .multiplyColumn(rows, arrays.scratch(2, rows.rows(), 1), spread, rows)
        .log(sum, sum)
        .add(scored.logSumExp, sum, scored.logSumExp)
        .copy(scored.own(), scored.kept(o))
        .batchedMatmul(scored.bySlice, false, scored.values, false, mixed)
        .copy(byWindow(mixed, heads), byHead(arrays.of(o.out()), heads, 0, heads.count()));
  }

  /** Queries scaled, and keys as often as there are heads of queries. */
  private static CallList queriesAndKeys(CallList calls, INDArray qkv, Heads heads, INDArray queries,
      INDArray keys) {
    calls.copy(byHead(qkv, heads, 0, heads.count()), byWindow(queries, heads))
        .scale(queries, 1 / Math.sqrt(heads.width()), queries);
    for (int member = 0; member < heads.group(); member++) {
      calls.copy(keys(qkv, heads), shared(keys, heads, member));
    }
    return calls;
  }

  /** With P the softmax: dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dO * O)); dQ = dS K; dK = dS^T Q. */
  private CallList attentionBackward(Attention.Backward o) {
    Scored scored = new Scored(o.forward());
    Heads heads = o.forward().heads();
    int slices = heads.windows() * heads.count();
    int length = heads.length();
    int width = heads.width();
    INDArray dMixed = arrays.scratch(0, slices * length, width).reshape(slices, length, width);
    INDArray product = arrays.scratch(1, slices * length, width);
    INDArray column = arrays.scratch(2, slices * length, 1);
    INDArray dScores = arrays.scratch(3, slices * length, length);
    INDArray dScoresBySlice = dScores.reshape(slices, length, length);
    INDArray dValues = arrays.scratch(6, slices * length, width).reshape(slices, length, width);
    INDArray mixed = scored.byToken(24);
    INDArray dQkv = arrays.of(o.dQkv());
    CallList calls = scored.calls.copy(scored.kept(o.forward()), scored.own())
        .subtractColumn(scored.rows, scored.logSumExp, scored.rows)
        .exp(scored.rows, scored.rows)
        .copy(byHead(arrays.of(o.forward().out()), heads, 0, heads.count()), byWindow(mixed, heads))
        .copy(byHead(arrays.of(o.dOut()), heads, 0, heads.count()), byWindow(dMixed, heads))
        .batchedMatmul(scored.bySlice, true, dMixed, false, dValues)
        .batchedMatmul(dMixed, false, scored.values, true, dScoresBySlice)
        .multiply(dMixed, mixed, product.reshape(slices, length, width))
        .matmul(product, false, arrays.ones(width, 1), false, false, column)
        .subtractColumn(dScores, column, dScores)
        .multiply(dScoresBySlice, scored.bySlice, dScoresBySlice);
    if (o.forward().scores() instanceof Attention.Scores.Rerope rerope) {
      INDArray dDistant = arrays.of(o.dDistant().orElseThrow());
      INDArray work = arrays.scratch(9, slices * length, length);
      INDArray scores = dScores.reshape(slices, length * length);
      calls.multiplyRow(scores, scored.far(rerope), work.reshape(slices, length * length))
          .multiplyRow(scores, scored.near(rerope), scores)
          .call(() -> dDistant.assign(0));
      dQueriesAndKeys(calls, work.reshape(slices, length, length), scored.distantQueries, scored.distantKeys,
          heads, dDistant);
    }
    dQueriesAndKeys(calls, dScoresBySlice, scored.queries, scored.keys, heads, dQkv)
        .copy(shared(dValues, heads, 0), values(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      calls.add(values(dQkv, heads), shared(dValues, heads, member), values(dQkv, heads));
    }
    return calls;
  }

  private CallList dQueriesAndKeys(CallList calls, INDArray dScores, INDArray queries, INDArray keys,
      Heads heads, INDArray dQkv) {
    int rows = heads.windows() * heads.count() * heads.length();
    INDArray dQueries = arrays.scratch(4, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    INDArray dKeys = arrays.scratch(5, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    calls.batchedMatmul(dScores, false, keys, false, dQueries)
        .scale(dQueries, 1 / Math.sqrt(heads.width()), dQueries)
        .batchedMatmul(dScores, true, queries, false, dKeys)
        .copy(byWindow(dQueries, heads), byHead(dQkv, heads, 0, heads.count()))
        .copy(shared(dKeys, heads, 0), keys(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      calls.add(keys(dQkv, heads), shared(dKeys, heads, member), keys(dQkv, heads));
    }
    return calls;
  }

  /** Some heads of [R, heads * width], seen as [windows, heads, T, width]. */
  private static INDArray byHead(INDArray array, Heads heads, int from, int count) {
    return array.reshape(heads.windows(), heads.length(), array.columns() / heads.width(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, from + count),
            NDArrayIndex.all())
        .permute(0, 2, 1, 3);
  }

  private static INDArray keys(INDArray qkv, Heads heads) {
    return byHead(qkv, heads, heads.count(), heads.keyCount());
  }

  private static INDArray values(INDArray qkv, Heads heads) {
    return byHead(qkv, heads, heads.count() + heads.keyCount(), heads.keyCount());
  }

  /** [windows * heads, T, width] seen as [windows, heads, T, width]. */
  private static INDArray byWindow(INDArray array, Heads heads) {
    return array.reshape(heads.windows(), heads.count(), heads.length(), heads.width());
  }

  /** Of [windows * heads, T, width], one of the heads that share each head of keys: [windows, key heads, T, width]. */
  private static INDArray shared(INDArray array, Heads heads, int member) {
    return array.reshape(heads.windows(), heads.keyCount(), heads.group(), heads.length(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(member), NDArrayIndex.all(),
            NDArrayIndex.all());
  }

  /** [1, T * T]: zero where the query sees the key. */
  private INDArray mask(Heads heads) {
    int length = heads.length();
    float[] mask = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        if (key > query || key < heads.firstKey(query)) {
          mask[query * length + key] = (float) MASKED;
        }
      }
    }
    INDArray array = arrays.own(1, length * length);
    array.data().setData(mask);
    return array;
  }

  /** [1, T * T]: one where a key is so many tokens before its query, from one number to before another. */
  private INDArray apart(Heads heads, int from, int to) {
    int length = heads.length();
    float[] apart = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key <= query; key++) {
        apart[query * length + key] = query - key >= from && query - key < to ? 1 : 0;
      }
    }
    INDArray array = arrays.own(1, length * length);
    array.data().setData(apart);
    return array;
  }

  /** [windows * heads, T * T]: what ALiBi adds to scores. */
  private INDArray slopes(Heads heads, Attention.Scores.Alibi alibi) {
    int length = heads.length();
    int slices = heads.windows() * heads.count();
    float[] slopes = new float[slices * length * length];
    for (int slice = 0; slice < slices; slice++) {
      double slope = alibi.slope(heads, slice % heads.count());
      for (int query = 0; query < length; query++) {
        for (int key = 0; key <= query; key++) {
          slopes[(slice * length + query) * length + key] = (float) (slope * (key - query));
        }
      }
    }
    INDArray array = arrays.own(slices, length * length);
    array.data().setData(slopes);
    return array;
  }

  /** Keeps a matrix [windows * heads, T * T] at {@link #MASKED} where a key is of an earlier document, zero elsewhere. */
  private static final class DocumentMask implements Runnable {
    private final INDArray tokens;
    private final int separator;
    private final Heads heads;
    private final INDArray matrix;
    private final float[] values;

    DocumentMask(INDArray tokens, int separator, Heads heads, INDArray matrix) {
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
  private CallList crossEntropy(CrossEntropy o) {
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
    OneHot target = targets.computeIfAbsent(o.targets(), ids -> oneHot(arrays.of(ids), vocabulary));
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
    return lossMasks.computeIfAbsent(ids, _ -> new LossMask(arrays.of(ids)));
  }

  private CallList crossEntropyBackward(CrossEntropy.Backward o) {
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

  private OneHot oneHot(INDArray ids, int vocabulary) {
    return new OneHot(ids, arrays.own(ids.length(), vocabulary));
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
