package org.knowcap.models.engine.nd4j;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** LayerNorm and RMSNorm, of whole rows or of each head, spelled out: ND4J's own are slow. */
final class NormCalls {
  private final SessionArrays arrays;
  private final Map<List<Object>, HeadConstants> headConstants = new HashMap<>();

  NormCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  CallList norm(Normalisation o) {
    return o.heads().map(heads -> ofHeads(o, heads)).orElseGet(() -> rows(o));
  }

  CallList normBackward(Normalisation.Backward o) {
    return o.forward().heads().map(heads -> ofHeadsBackward(o, heads)).orElseGet(() -> rowsBackward(o));
  }

  private CallList rows(Normalisation o) {
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
  private CallList rowsBackward(Normalisation.Backward o) {
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
    return headConstants.computeIfAbsent(List.of(heads, rows), _ -> {
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

  private CallList ofHeads(Normalisation o, Heads heads) {
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
  private CallList ofHeadsBackward(Normalisation.Backward o, Heads heads) {
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
}
