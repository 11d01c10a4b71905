package org.knowcap.models.engine.nd4j;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** RoPE: x times cosines, and x with the halves of each rotated part exchanged times sines. */
final class RopeCalls {
  private final SessionArrays arrays;
  private final Map<List<Object>, RopeConstants> constants = new HashMap<>();

  RopeCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  /** Factors of RoPE, and an array for a tensor with the halves of each rotated part exchanged. */
  private record RopeConstants(INDArray cosine, INDArray sine, INDArray swapped, INDArray firstHalf,
      INDArray secondHalf) {}

  private RopeConstants constants(Rope o) {
    int rows = o.x().rows();
    int columns = o.x().columns();
    return constants.computeIfAbsent(List.of(o.heads(), o.rotated(), o.base(), o.positions(), rows), _ -> {
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
  CallList rope(Rope o, Tensor from, Tensor to, boolean back) {
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
}
