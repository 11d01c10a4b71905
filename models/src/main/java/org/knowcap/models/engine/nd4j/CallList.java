package org.knowcap.models.engine.nd4j;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastAddOp;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastMulOp;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarAdd;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMax;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMultiplication;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarReverseDivision;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarReverseSubtraction;
import org.nd4j.linalg.api.ops.impl.transforms.any.Assign;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.AddOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.SubOp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A list of ND4J calls, made once when a program is compiled and replayed at each step: at the sizes of small models,
 * building views and operation objects costs as much as running them. Arrays are row-major; the last argument of each
 * method is the one written, and may be one of the others where the operation is element-wise.
 */
final class CallList implements Runnable {
  private final SessionArrays arrays;
  private final List<Runnable> calls = new ArrayList<>();

  CallList(SessionArrays arrays) {
    this.arrays = arrays;
  }

  @Override
  public void run() {
    for (Runnable call : calls) {
      call.run();
    }
  }

  CallList call(Runnable call) {
    calls.add(call);
    return this;
  }

  /** z = a * b, matrices [n, k] and [k, m], each transposed before where asked; added to z where {@code adds}. */
  CallList matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, boolean adds, INDArray z) {
    return matmul(1, a, transposeA, b, transposeB, adds, z);
  }

  private CallList matmul(double factor, INDArray a, boolean transposeA, INDArray b, boolean transposeB,
      boolean adds, INDArray z) {
    // Row-major z is column-major z^T = b^T * a^T, which BLAS writes without a copy.
    return custom(new Mmul(b, a, z.transpose(), factor, adds ? 1 : 0, transposes(!transposeB, !transposeA)));
  }

  /** z = a * b for each slice of [s, n, k] and [s, k, m]. */
  CallList batchedMatmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray z) {
    return custom(new Mmul(a, b, z, transposes(transposeA, transposeB)));
  }

  private static MMulTranspose transposes(boolean a, boolean b) {
    return MMulTranspose.builder().transposeA(a).transposeB(b).transposeResult(false).build();
  }

  CallList add(INDArray x, INDArray y, INDArray z) {
    return custom(new AddOp(x, y, z));
  }

  CallList subtract(INDArray x, INDArray y, INDArray z) {
    return custom(new SubOp(x, y, z));
  }

  CallList multiply(INDArray x, INDArray y, INDArray z) {
    return custom(new MulOp(x, y, z));
  }

  /** z[i, j] = x[i, j] + row[j]. */
  CallList addRow(INDArray x, INDArray row, INDArray z) {
    return op(new BroadcastAddOp(x, row.reshape(row.length()), z, 1));
  }

  /** z[i, j] = x[i, j] * row[j]. */
  CallList multiplyRow(INDArray x, INDArray row, INDArray z) {
    return op(new BroadcastMulOp(x, row.reshape(row.length()), z, 1));
  }

  /** z[i, j] = x[i, j] - column[i], by a product with ones: ND4J's own broadcast takes 0.2 us a row. */
  CallList subtractColumn(INDArray x, INDArray column, INDArray z) {
    if (z != x) {
      copy(x, z);
    }
    return matmul(-1, column, false, arrays.ones(1, z.columns()), false, true, z);
  }

  /** z[i, j] = x[i, j] * column[i], by way of {@code spread}, of the shape of z and not x. */
  CallList multiplyColumn(INDArray x, INDArray column, INDArray spread, INDArray z) {
    return matmul(column, false, arrays.ones(1, z.columns()), false, false, spread).multiply(x, spread, z);
  }

  CallList scale(INDArray x, double factor, INDArray z) {
    return op(new ScalarMultiplication(x, null, z, factor));
  }

  /** z = max(0, x). */
  CallList positive(INDArray x, INDArray z) {
    return op(new ScalarMax(x, null, z, 0));
  }

  CallList shift(INDArray x, double term, INDArray z) {
    return op(new ScalarAdd(x, null, z, term));
  }

  /** z = from - x. */
  CallList subtractFrom(double from, INDArray x, INDArray z) {
    return op(new ScalarReverseSubtraction(x, null, z, from));
  }

  /** z = numerator / x. */
  CallList divide(double numerator, INDArray x, INDArray z) {
    return op(new ScalarReverseDivision(x, null, z, numerator));
  }

  CallList exp(INDArray x, INDArray z) {
    return op(new Exp(x, z));
  }

  CallList log(INDArray x, INDArray z) {
    return op(new Log(x, z));
  }

  CallList sqrt(INDArray x, INDArray z) {
    return op(new Sqrt(x, z));
  }

  CallList copy(INDArray x, INDArray z) {
    return op(new Assign(x, z));
  }

  /** z[i] = max over j of x[i, j]; z is a column. */
  CallList rowMaximum(INDArray x, INDArray z) {
    return op(new Max(x, z.reshape(z.length()), false, 1));
  }

  CallList op(Op op) {
    return call(() -> Nd4j.getExecutioner().exec(op));
  }

  /** Keeps the native context of the operation too: ND4J would make, and leave to be collected, one at each call. */
  CallList custom(CustomOp op) {
    OpContext context = arrays.context();
    context.setInputArrays(op.inputArguments());
    context.setOutputArrays(op.outputArguments());
    context.setIArguments(op.iArgs());
    context.setTArguments(op.tArgs());
    context.setBArguments(op.bArgs());
    context.setDArguments(op.dArgs());
    return call(() -> Nd4j.getExecutioner().exec(op, context));
  }
}
