package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.FusedOperation.NormBackward;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Tensor;

/**
 * The embedding with the norm and the matmul after it, in models whose positions come later. What these compute for
 * a row depends only on the token. With a small vocabulary they are computed once for each token and copied to the
 * rows; in the backward part the matmul's gradient is first summed over the rows of each token.
 *
 * @param linear the norm's only reader
 */
record FirstLayer(Embedding embedding, Normalisation norm, Linear linear) {
  /** Number of operations that it replaces at the beginning of the forward part and at the end of the backward part. */
  static final int OPERATIONS = 3;
  /** Least number of rows of a slice for each token of the vocabulary; with fewer rows it is not faster. */
  private static final int LEAST_ROWS = 2;
  private static final int LINE = 64;

  /**
   * The first layer of a lowered program, if it has this form.
   *
   * @param rows of a slice
   */
  static Optional<FirstLayer> of(List<Operation> operations, int rows, boolean learning) {
    if (operations.size() > 2 * OPERATIONS && operations.get(0) instanceof Embedding embedding
        && operations.get(1) instanceof Normalisation norm && operations.get(2) instanceof Linear linear
        && norm.x().equals(embedding.out()) && norm.heads().isEmpty() && linear.x().equals(norm.out())
        && !linear.exact() && LEAST_ROWS * embedding.table().rows() <= rows) {
      FirstLayer first = new FirstLayer(embedding, norm, linear);
      boolean stands = learning
          ? first.endsAs(operations) && first.readers(operations, norm.out()) == 2
          : first.readers(operations, norm.out()) == 1;
      return stands ? Optional.of(first) : Optional.empty();
    }
    return Optional.empty();
  }

  private long readers(List<Operation> operations, Tensor tensor) {
    return operations.stream().filter(operation -> operation.reads().contains(tensor)).count();
  }

  private boolean endsAs(List<Operation> operations) {
    int end = operations.size();
    return operations.get(end - 3) instanceof Linear.Backward product && product.forward().equals(linear)
        && product.dWeight().isPresent() && operations.get(end - 2) instanceof NormBackward normed
        && normed.norm().forward().equals(norm) && normed.norm().dOut().equals(product.dX())
        && normed.residual().isPresent() && normed.copy().isEmpty()
        && operations.get(end - 1) instanceof Embedding.Backward last
        && last.dOut().equals(normed.norm().dX());
  }

  private int tokens() {
    return embedding.table().rows();
  }

  private int width() {
    return embedding.table().columns();
  }

  private int columns() {
    return linear.out().columns();
  }

  /** Floats of work space. */
  long workSize() {
    // Each begins on a line, and has a row more, of zeros.
    long wide = (long) (tokens() + 1) * columns() + LINE;
    long narrow = (long) (tokens() + 1) * width() + LINE;
    return 2 * wide + 3 * narrow + 2L * tokens() + LINE + Norms.workSize(width());
  }

  /** Where a token's rows lie in the work space. */
  private final class Rows {
    private final Matrix normed;
    private final Matrix statistics;
    private final Matrix projected;
    private final Matrix sums;
    private final Matrix dNormed;
    private final Matrix dTable;
    private final long work;
    private long end;

    Rows(long from, DType dtype) {
      end = from;
      normed = matrix(width(), dtype);
      statistics = matrix(2, DType.FP32);
      projected = matrix(columns(), dtype);
      sums = dtype.isBf16() ? matrix(columns(), DType.FP32) : projected;
      dNormed = matrix(width(), dtype);
      dTable = matrix(width(), DType.FP32);
      work = end;
    }

    private Matrix matrix(int columns, DType dtype) {
      Matrix matrix = Matrix.dense(end, tokens(), columns, dtype);
      end = Math.ceilDiv(matrix.at(tokens() + 1, 0), LINE) * LINE;
      return matrix;
    }
  }

  /** Kernels in the place of the first operations. */
  List<Slice.Timed> forward(Slice s) {
    Rows rows = new Rows(s.work(), s.layout().dtype());
    MemorySegment memory = s.memory();
    Matrix out = s.at(linear.out());
    Kernel normed = norm(s, rows);
    Runnable matmul = s.matmuls()
        .matmul(rows.normed, KernelPlan.weight(s, linear), linear.bias().map(s::parameter), rows.projected,
            false);
    return List.of(
        new Slice.Timed(embedding.kind(),
            EmbeddingKernels.gather(memory, s.layout().tokens, s.parameter(embedding.table()),
                s.at(embedding.out()))),
        new Slice.Timed(norm.kind(), normed),
        new Slice.Timed(linear.kind(), Kernel.inOrder(List.of(firstRow -> matmul.run(),
            EmbeddingKernels.gather(memory, s.layout().tokens, rows.projected, out)))));
  }

  private Kernel norm(Slice s, Rows rows) {
    return Norms.forward(s.memory(), s.parameter(embedding.table()), s.parameter(norm.gain()),
        norm.bias().map(s::parameter), (float) norm.epsilon(), Optional.empty(), rows.normed, rows.statistics,
        rows.work);
  }

  /** Kernels in the place of the last operations. */
  List<Slice.Timed> backward(Slice s, List<Operation> operations) {
    int end = operations.size();
    Linear.Backward product = (Linear.Backward) operations.get(end - 3);
    NormBackward normed = (NormBackward) operations.get(end - 2);
    Embedding.Backward last = (Embedding.Backward) operations.get(end - 1);
    return List.of(new Slice.Timed(product.kind(), productBackward(s, product)),
        new Slice.Timed(normed.kind(), normBackward(s, normed, last)),
        new Slice.Timed(last.kind(), EmbeddingKernels.scatter(s.memory(), s.layout().tokens,
            s.at(normed.residual().orElseThrow()), s.gradient(last.dTable()))));
  }

  private Kernel productBackward(Slice s, Linear.Backward product) {
    Rows rows = new Rows(s.work(), s.layout().dtype());
    MemorySegment memory = s.memory();
    List<Kernel> stages = new ArrayList<>();
    // Products of bf16 read numbers in pairs, and of an odd number of rows one behind the last.
    stages.add(firstRow -> {
      zero(memory, rows.normed);
      zero(memory, rows.projected);
      if (rows.sums != rows.projected) {
        zero(memory, rows.sums);
      }
    });
    stages.add(norm(s, rows));
    stages.add(EmbeddingKernels.scatter(memory, s.layout().tokens, s.at(product.dOut()), rows.sums));
    if (s.layout().dtype().isBf16()) {
      stages.add(Elementwise.convert(memory, rows.sums, rows.projected));
    }
    stages.add(KernelPlan.linearBackward(s, linear, rows.normed, rows.projected, rows.dNormed,
        s.gradient(product.dWeight().orElseThrow()), product.dBias().map(s::gradient)));
    return Kernel.inOrder(stages);
  }

  private static void zero(MemorySegment memory, Matrix rows) {
    memory.asSlice(rows.offset(), (rows.rows() + 1) * rows.rowBytes()).fill((byte) 0);
  }

  private Kernel normBackward(Slice s, NormBackward normed, Embedding.Backward last) {
    Rows rows = new Rows(s.work(), s.layout().dtype());
    Matrix dTable = s.gradient(last.dTable());
    Kernel gradient = Norms.backward(s.memory(), Optional.empty(), s.parameter(embedding.table()),
        s.parameter(norm.gain()), Optional.empty(), rows.statistics, rows.dNormed, rows.dTable,
        s.gradient(normed.norm().dGain()), normed.norm().dBias().map(s::gradient), rows.work);
    return firstRow -> {
      gradient.run(firstRow);
      Loops.accumulate(s.memory(), rows.dTable.offset(), false, dTable.offset(), embedding.table().size());
    };
  }
}
