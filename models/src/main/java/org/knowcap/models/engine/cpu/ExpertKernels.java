package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.knowcap.models.engine.routing.HostRouter;

/**
 * Mixtures of experts: the {@link HostRouter} decides which token has which slot, and slots are packed: each
 * expert's rows follow those of the expert before, so that only slots with tokens are computed. Matmuls take an
 * expert's rows in blocks of a few sizes; its last block is filled up with zeros.
 */
final class ExpertKernels {
  /** Rows of the smallest block; experts' rows begin at multiples of it. */
  static final int UNIT = 8;
  /** Rows of the largest block: enough for an efficient matmul. */
  private static final int LARGEST = 512;

  private ExpertKernels() {}

  /** Routing weights and slots from logits [slice rows, E] in fp32. */
  static Kernel route(MemorySegment memory, HostRouter router, Matrix logits) {
    return firstRow -> {
      MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, logits.offset(), router.logits(), 0,
          router.logits().length);
      router.route();
    };
  }

  /**
   * dLogits [slice rows, E] in fp32, from the routing weights' gradient that {@link #combineBackward} left with the
   * router.
   */
  static Kernel routeBackward(MemorySegment memory, HostRouter router, Matrix dLogits) {
    float[] gradient = new float[dLogits.rows() * dLogits.columns()];
    return firstRow -> {
      router.gradient(gradient);
      MemorySegment.copy(gradient, 0, memory, ValueLayout.JAVA_FLOAT, dLogits.offset(), gradient.length);
    };
  }

  /**
   * Rows of x [slice rows, d] to out [slots, d], zeros in slots without a token.
   */
  static Kernel dispatch(MemorySegment memory, HostRouter router, Matrix x, Matrix out) {
    return firstRow -> {
      for (int row = 0; row < out.rows(); row++) {
        int token = router.token(row);
        if (token < 0) {
          zero(memory, out, row, row + 1);
        } else {
          Loops.scaled(memory, x.at(token, 0), x.isBf16(), 1, out.at(row, 0), out.isBf16(), out.columns());
        }
      }
    };
  }

  /** dX [slice rows, d], in fp32, is the sum of each token's rows of dOut [slots, d]. */
  static Kernel dispatchBackward(MemorySegment memory, HostRouter router, Matrix dOut, Matrix dX) {
    return firstRow -> {
      zero(memory, dX, 0, dX.rows());
      for (int row = 0; row < dOut.rows(); row++) {
        int token = router.token(row);
        if (token >= 0) {
          Loops.accumulate(memory, dOut.at(row, 0), dOut.isBf16(), dX.at(token, 0), dX.columns());
        }
      }
    };
  }

  /** out [slice rows, d], in fp32, is the sum of each token's rows of x [slots, d] by its routing weights. */
  static Kernel combine(MemorySegment memory, HostRouter router, int experts, Matrix x, Matrix out) {
    return firstRow -> {
      zero(memory, out, 0, out.rows());
      for (int e = 0; e < experts; e++) {
        for (int row = router.start(e); row < router.start(e + 1); row++) {
          int token = router.token(row);
          if (token >= 0) {
            Loops.accumulateScaled(memory, x.at(row, 0), x.isBf16(), router.weight(token, e),
                out.at(token, 0), out.columns());
          }
        }
      }
    };
  }

  /**
   * dX [slots, d] is each token's row of dOut [slice rows, d] by its routing weight, whose gradient goes to the
   * router.
   */
  static Kernel combineBackward(MemorySegment memory, HostRouter router, int experts, Matrix x, Matrix dOut,
      Matrix dX) {
    return firstRow -> {
      for (int e = 0; e < experts; e++) {
        for (int row = router.start(e); row < router.start(e + 1); row++) {
          int token = router.token(row);
          if (token < 0) {
            zero(memory, dX, row, row + 1);
          } else {
            Loops.scaled(memory, dOut.at(token, 0), dOut.isBf16(), router.weight(token, e), dX.at(row, 0),
                dX.isBf16(), dX.columns());
            router.weightGradients()[token * experts + e] = Loops.dot(memory, x.at(row, 0), x.isBf16(),
                dOut.at(token, 0), dOut.isBf16(), dX.columns());
          }
        }
      }
      zero(memory, dX, router.start(experts), dX.rows());
    };
  }

  /**
   * out = x * weight + bias, expert by expert.
   *
   * @param x [slots, n]
   * @param weight [E * n, m]
   * @param bias [E, m]
   * @param out [slots, m]
   */
  static Kernel linear(MemorySegment memory, MatMuls matmuls, HostRouter router, int experts, Matrix x,
      Matrix weight, Optional<Matrix> bias, Matrix out) {
    int n = x.columns();
    MatMuls.Movable[] blocks = blocks(x.rows(), rows -> matmuls.movable(x.rows(0, rows), weight.rows(0, n),
        bias.map(each -> each.rows(0, 1)), out.rows(0, rows), false));
    return firstRow -> {
      for (int e = 0; e < experts; e++) {
        long biasOffset = bias.isPresent() ? bias.get().at(e, 0) : 0;
        int rows;
        for (int row = router.start(e); row < router.start(e + 1); row += rows) {
          rows = block(router.start(e + 1) - row);
          blocks[index(rows)].run(x.at(row, 0), weight.at(e * n, 0), biasOffset, out.at(row, 0));
        }
      }
      zero(memory, out, router.start(experts), out.rows());
    };
  }

  /**
   * Expert by expert, dX = dOut * weight^T, dWeight += x^T * dOut, dBias += column sums of dOut; shapes as in {@link
   * #linear}, gradients of parameters in fp32.
   */
  static Kernel linearBackward(MemorySegment memory, MatMuls matmuls, HostRouter router, int experts,
      Matrix x, Matrix weight, Matrix dOut, Matrix dX, Matrix dWeight, Optional<Matrix> dBias) {
    int n = x.columns();
    MatMuls.Movable[] dXs = blocks(x.rows(), rows -> matmuls.movable(dOut.rows(0, rows),
        weight.rows(0, n).transposed(), Optional.empty(), dX.rows(0, rows), false));
    MatMuls.Movable[] dWeights = blocks(x.rows(), rows -> matmuls.movable(x.rows(0, rows).transposed(),
        dOut.rows(0, rows), Optional.empty(), dWeight.rows(0, n), true));
    return firstRow -> {
      for (int e = 0; e < experts; e++) {
        int rows;
        for (int row = router.start(e); row < router.start(e + 1); row += rows) {
          rows = block(router.start(e + 1) - row);
          dXs[index(rows)].run(dOut.at(row, 0), weight.at(e * n, 0), 0, dX.at(row, 0));
          dWeights[index(rows)].run(x.at(row, 0), dOut.at(row, 0), 0, dWeight.at(e * n, 0));
        }
        if (dBias.isPresent()) {
          for (int row = router.start(e); row < router.start(e + 1); row++) {
            Loops.accumulate(memory, dOut.at(row, 0), dOut.isBf16(), dBias.get().at(e, 0), dOut.columns());
          }
        }
      }
      zero(memory, dX, router.start(experts), dX.rows());
    };
  }

  /** Products over blocks of {@link #UNIT} rows, twice as many, and so on, as far as there may be rows. */
  private static MatMuls.Movable[] blocks(int most, IntFunction<MatMuls.Movable> product) {
    List<MatMuls.Movable> blocks = new ArrayList<>();
    for (int rows = UNIT; rows <= Math.min(most, LARGEST); rows *= 2) {
      blocks.add(product.apply(rows));
    }
    return blocks.toArray(MatMuls.Movable[]::new);
  }

  /** Rows of the next block where so many are left. */
  private static int block(int left) {
    return Math.min(LARGEST, Integer.highestOneBit(left));
  }

  private static int index(int rows) {
    return Integer.numberOfTrailingZeros(rows / UNIT);
  }

  private static void zero(MemorySegment memory, Matrix matrix, int from, int to) {
    memory.asSlice(matrix.at(from, 0), matrix.at(to, 0) - matrix.at(from, 0)).fill((byte) 0);
  }
}
