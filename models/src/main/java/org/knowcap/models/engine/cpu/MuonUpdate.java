package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.HiddenMatrix;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser.Quintic;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Muon's update, see {@link Optimiser.Muon}: matrices of hidden layers one after the other, all other parameters by
 * AdamW. Each worker updates whole matrices, which are divided by the cost of their matmuls, so the result does not
 * depend on the number of workers. Everything is in fp32, in bf16 programs too.
 */
final class MuonUpdate implements Update {
  private final MemorySegment memory;
  private final Layout layout;
  private final Gradients gradients;
  private final Optimiser.Muon optimiser;
  private final boolean gathered;
  private final double decay;
  private final Quintic[] quintics;
  private final ElementwiseUpdate others;
  private final List<Part> parts = new ArrayList<>();

  /** A worker's matrices, and its matmuls for each shape. */
  private record Part(WorkSpace work, List<HiddenMatrix> matrices, Map<Shape, Products> products) {
    Products products(HiddenMatrix matrix) {
      return products.get(Shape.of(matrix));
    }
  }

  private record Shape(int rows, int columns) {
    static Shape of(HiddenMatrix matrix) {
      return new Shape(matrix.rows(), matrix.columns());
    }
  }

  /** Offsets of the matrix X of the largest size, of another one, and of two squares of the largest side. */
  private record WorkSpace(long x, long other, long gram, long square) {
    /** In floats: each begins on a cache line, and ends on a full vector. */
    static long size(Program program) {
      return 2 * largest(program) + 2 * largestSquare(program);
    }

    static WorkSpace at(long offset, Program program) {
      long other = offset + 4 * largest(program);
      long gram = other + 4 * largest(program);
      return new WorkSpace(offset, other, gram, gram + 4 * largestSquare(program));
    }

    private static long largest(Program program) {
      return rounded(program.hiddenMatrices().stream().mapToLong(HiddenMatrix::size).max().orElse(0));
    }

    private static long largestSquare(Program program) {
      long side = program.hiddenMatrices().stream().mapToLong(HiddenMatrix::side).max().orElse(0);
      return rounded(side * side);
    }

    private static long rounded(long floats) {
      return Math.ceilDiv(floats, 16) * 16;
    }
  }

  /**
   * The matmuls of a step from X to the other matrix, and of one from there to X. The product of X with itself is on
   * the smaller side: X X^T, or X^T X where X is tall.
   */
  private record Products(Runnable gram, Runnable gramOfOther, Runnable square, Runnable step,
      Runnable stepBack) {
    static Products of(MatMuls matmuls, WorkSpace work, Shape shape) {
      int side = Math.min(shape.rows, shape.columns);
      Matrix x = Matrix.dense(work.x, shape.rows, shape.columns, DType.FP32);
      Matrix other = x.moved(work.other);
      Matrix gram = Matrix.dense(work.gram, side, side, DType.FP32);
      Matrix square = gram.moved(work.square);
      boolean tall = shape.rows > shape.columns;
      return new Products(gram(matmuls, x, tall, gram), gram(matmuls, other, tall, gram),
          product(matmuls, gram, gram, square), step(matmuls, x, square, tall, other),
          step(matmuls, other, square, tall, x));
    }

    private static Runnable gram(MatMuls matmuls, Matrix x, boolean tall, Matrix gram) {
      return tall ? product(matmuls, x.transposed(), x, gram) : product(matmuls, x, x.transposed(), gram);
    }

    private static Runnable step(MatMuls matmuls, Matrix x, Matrix square, boolean tall, Matrix to) {
      return tall ? product(matmuls, x, square, to) : product(matmuls, square, x, to);
    }

    private static Runnable product(MatMuls matmuls, Matrix a, Matrix b, Matrix out) {
      return matmuls.matmul(a, b, Optional.empty(), out, false);
    }
  }

  /**
   * @param matmuls each worker's
   * @param gathered whether the gradients are summed before this comes
   */
  MuonUpdate(MemorySegment memory, Layout layout, Program program, Gradients gradients,
      Optimiser.Muon optimiser, List<MatMuls> matmuls, boolean gathered) {
    this.memory = memory;
    this.layout = layout;
    this.gradients = gradients;
    this.optimiser = optimiser;
    this.gathered = gathered;
    decay = program.updateRule().orElseThrow().decay(Parameter.Group.MATRICES);
    quintics = optimiser.quintics().toArray(Quintic[]::new);
    others = new ElementwiseUpdate(memory, layout, program.decaysBesideHidden(), program.trainedCount(),
        gradients, optimiser.others(), gathered);
    for (int worker = 0; worker < matmuls.size(); worker++) {
      parts.add(new Part(WorkSpace.at(layout.work(worker), program), new ArrayList<>(), new HashMap<>()));
    }
    divide(program.hiddenMatrices());
    for (int worker = 0; worker < matmuls.size(); worker++) {
      MatMuls own = matmuls.get(worker);
      Part part = parts.get(worker);
      part.matrices.forEach(matrix -> part.products.computeIfAbsent(Shape.of(matrix),
          shape -> Products.of(own, part.work, shape)));
    }
  }

  /** The most expensive matrices come first, and each goes to the worker that has least to do. */
  private void divide(List<HiddenMatrix> all) {
    long[] costs = new long[parts.size()];
    all.stream().sorted(Comparator.comparingLong(optimiser::flops).reversed()).forEach(matrix -> {
      int least = 0;
      for (int worker = 1; worker < costs.length; worker++) {
        least = costs[worker] < costs[least] ? worker : least;
      }
      parts.get(least).matrices.add(matrix);
      costs[least] += optimiser.flops(matrix);
    });
  }

  /** Floats of work space. */
  static long workSize(Program program) {
    return WorkSpace.size(program);
  }

  @Override
  public void run(int worker, double learningRate, long step, float scale) {
    others.run(worker, learningRate, step, scale);
    Part part = parts.get(worker);
    for (int i = 0; i < part.matrices.size(); i++) {
      HiddenMatrix matrix = part.matrices.get(i);
      double norm = Math.sqrt(momentum(matrix, part.work.x, scale));
      Loops.multiply(memory, part.work.x, (float) (1 / optimiser.orthogonaliser().divisor(norm)), 0,
          matrix.size());
      long orthogonalised = orthogonalise(part.work, part.products(matrix), matrix.side());
      change(matrix, orthogonalised, (float) (learningRate * optimiser.scale(matrix)),
          (float) (1 - learningRate * decay));
    }
  }

  /** Renews the momentum, and leaves what is to be orthogonalised in x, dense; returns the sum of its squares. */
  private double momentum(HiddenMatrix matrix, long x, float scale) {
    float keep = (float) optimiser.momentum();
    double squares = 0;
    for (int row = 0; row < matrix.rows(); row++) {
      long first = matrix.offset() + (long) row * matrix.stride();
      long end = first + matrix.columns();
      for (long i = first; i < end; i += Gradients.CHUNK) {
        long to = Math.min(i + Gradients.CHUNK, end);
        if (!gathered) {
          gradients.gather(i, to);
        }
        gradients.scale(i, to, scale);
        int size = (int) (to - i);
        long at = x + 4 * ((long) row * matrix.columns() + i - first);
        Loops.runningMean(memory, layout.firstMoment + 4 * i, gradients.sum() + 4 * i, at, keep,
            optimiser.nesterov() ? keep : 1, size);
        squares += Loops.dot(memory, at, false, at, false, size);
      }
    }
    return squares;
  }

  /** Returns the offset of the result, which is X's or the other's. */
  private long orthogonalise(WorkSpace work, Products products, int side) {
    long at = work.x;
    for (Quintic quintic : quintics) {
      boolean here = at == work.x;
      (here ? products.gram : products.gramOfOther).run();
      products.square.run();
      // a + b (X X^T) + c (X X^T)^2, by which X is multiplied.
      Loops.blend(memory, work.gram, (float) quintic.b(), work.square, (float) quintic.c(), side * side);
      for (int i = 0; i < side; i++) {
        long diagonal = work.square + 4L * i * (side + 1);
        memory.set(ValueLayout.JAVA_FLOAT, diagonal,
            memory.get(ValueLayout.JAVA_FLOAT, diagonal) + (float) quintic.a());
      }
      (here ? products.step : products.stepBack).run();
      at = here ? work.other : work.x;
    }
    return at;
  }

  private void change(HiddenMatrix matrix, long orthogonalised, float factor, float keep) {
    for (int row = 0; row < matrix.rows(); row++) {
      long first = matrix.offset() + (long) row * matrix.stride();
      Loops.step(memory, layout.parameters + 4 * first, orthogonalised + 4L * row * matrix.columns(), factor,
          keep, matrix.columns());
      if (layout.dtype().isBf16()) {
        Loops.toBf16(memory, layout.parameters, layout.copy, first, first + matrix.columns());
      }
    }
  }
}
