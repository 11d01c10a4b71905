package org.knowcap.models.engine.cuda;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.models.program.FusedOperation.LossHead;
import org.knowcap.models.program.FusedOperation.NormBackward;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Tensor;

/**
 * The gradients of biases and gains are sums over a batch's rows. Each kernel that computes or reads these rows writes
 * partial sums over ranges of rows ("parts"). At the end of a batch one launch adds them up (see columns.cu).
 */
final class ColumnSums {
  /** Enough blocks to fill a chip, few enough that adding up their sums costs little. */
  private static final int MOST_BLOCKS = 132;
  private static final int LEAST_STRETCH = 64;
  private static final int ROPE_THREADS = 256;
  private static final int ROPE_BLOCKS = 4 * MOST_BLOCKS;
  /** Columns that a block of column_sums adds up. */
  private static final int LANES = 32;
  /** Numbers of a stretch in columns.cu. */
  static final int STRETCH = 5;

  /**
   * Parts of one gradient.
   *
   * @param first where they begin, in numbers
   * @param count how many
   * @param stride numbers from one to the next
   */
  record Parts(long first, int count, int stride) {}

  private final Map<Tensor, Parts> all = new LinkedHashMap<>();
  private final Set<Tensor> apart = new HashSet<>();
  private final int logitRows;
  private long size;

  /** @param logitRows rows whose logits exist at a time */
  ColumnSums(Program program, List<Operation> operations, KernelSource source, int logitRows) {
    this.logitRows = logitRows;
    for (int i = 0; i < operations.size(); i++) {
      Optional<Operation> next = operations.stream().skip(i + 1L).findFirst();
      switch (operations.get(i)) {
        case NormBackward o when o.norm().forward().heads().isPresent() -> add(o.norm().dGain(),
            room(normBlocks(source, o.norm().dX().rows()), o.norm().dGain().columns()), 0);
        case NormBackward o -> {
          int columns = o.norm().dX().columns();
          Parts parts = room(normBlocks(source, o.norm().dX().rows()), 3 * columns);
          add(o.norm().dGain(), parts, 0);
          o.norm().dBias().ifPresent(bias -> add(bias, parts, columns));
          biasOf(o.copy().orElse(o.norm().dX()), next).ifPresent(bias -> add(bias, parts, 2 * columns));
        }
        case Rope.Backward o -> biasOf(o, next, source)
            .ifPresent(bias -> add(bias, room(ropeGrid(o, source).blocks(), o.dX().columns()), 0));
        case Linear.Backward o -> o.dBias()
            .filter(bias -> !all.containsKey(bias))
            .ifPresent(bias -> addApart(bias, parts(o.dOut().rows())));
        case LossHead o -> o.backward()
            .flatMap(Linear.Backward::dBias)
            .ifPresent(bias -> addApart(bias, partsBefore(program.rows())));
        default -> {
          // No sums, or experts', which expert_columns adds up itself.
        }
      }
    }
  }

  private Parts room(int count, int stride) {
    Parts parts = new Parts(size, count, stride);
    size += Math.ceilDiv((long) count * stride, LANES) * LANES;
    return parts;
  }

  private void addApart(Tensor bias, int parts) {
    add(bias, room(parts, bias.columns()), 0);
    apart.add(bias);
  }

  private void add(Tensor gradient, Parts parts, int column) {
    if (all.put(gradient, new Parts(parts.first + column, parts.count, parts.stride)) != null) {
      throw new IllegalArgumentException("two operations add to the gradient of one bias, " + gradient);
    }
  }

  /** The gradient of a bias that is the sum of what is rotated back, if the matmul comes next and a kernel can do it. */
  static Optional<Tensor> biasOf(Rope.Backward rope, Optional<Operation> next, KernelSource source) {
    return isWhole(rope.forward(), source) ? biasOf(rope.dX(), next) : Optional.empty();
  }

  /** The gradient of a bias that is the sum of a gradient's rows, if the matmul comes next. */
  private static Optional<Tensor> biasOf(Tensor dOut, Optional<Operation> next) {
    return next.flatMap(o -> o instanceof Linear.Backward linear && linear.dOut().equals(dOut)
        ? linear.dBias()
        : Optional.empty());
  }

  /** Whether the halves of what is rotated can be read as many numbers at a time as anything. */
  static boolean isWhole(Rope rope, KernelSource source) {
    return source.head() % source.vector() == 0 && rope.rotated() / 2 % source.vector() == 0;
  }

  /**
   * How rope_back is launched.
   *
   * @param blocks along the rows
   * @param high blocks that share a row
   * @param across threads that share a row within a block
   */
  record RopeGrid(int blocks, int high, int across, int threads) {}

  static RopeGrid ropeGrid(Rope.Backward rope, KernelSource source) {
    Rope forward = rope.forward();
    int heads = forward.heads().count() + forward.heads().keyCount();
    // A thread has pairs, or as many of the columns that stay.
    int items = (rope.dX().columns() - heads * (forward.rotated() / 2)) / source.vector();
    int high = Math.ceilDiv(items, ROPE_THREADS);
    int across = Math.ceilDiv(items, high);
    int rows = ROPE_THREADS / across;
    return new RopeGrid(Math.min(Math.ceilDiv(ROPE_BLOCKS, high), Math.ceilDiv(rope.dX().rows(), rows)), high,
        across, Math.ceilDiv(across * rows, LANES) * LANES);
  }

  /** Blocks of a norm's backward kernel. */
  static int normBlocks(KernelSource source, int rows) {
    return Math.min(MOST_BLOCKS * source.normBlocks(), Math.ceilDiv(rows, source.normWarps()));
  }

  /** Stretches of rows that column_parts takes sums of. */
  static int parts(int rows) {
    return Math.ceilDiv(rows, stretch(rows));
  }

  static int stretch(int rows) {
    return Math.max(LEAST_STRETCH, Math.ceilDiv(rows, MOST_BLOCKS));
  }

  /** Stretches of all goes at the logits before a row. */
  int partsBefore(int row) {
    return row / logitRows * parts(logitRows) + (row % logitRows == 0 ? 0 : parts(row % logitRows));
  }

  /** Whether the parts of a bias's gradient are left by column_parts, and not by a kernel that computes these rows. */
  boolean isApart(Tensor gradient) {
    return apart.contains(gradient);
  }

  Parts of(Tensor gradient) {
    return all.get(gradient);
  }

  /** Numbers of all parts. */
  long size() {
    return size;
  }

  /** Blocks of the launch that adds them up. */
  int blocks() {
    return all.keySet().stream().mapToInt(gradient -> Math.ceilDiv(gradient.columns(), LANES)).sum();
  }

  /** Bytes that the launch reads and writes. */
  long bytes() {
    return all.entrySet().stream().mapToLong(e -> 4L * e.getKey().columns() * (e.getValue().count + 2)).sum();
  }

  /**
   * What each block of column_sums is to do, see there.
   *
   * @param offsets where each gradient is among all
   */
  int[] stretches(Map<Tensor, Long> offsets) {
    int[] table = new int[STRETCH * blocks()];
    int at = 0;
    for (Map.Entry<Tensor, Parts> entry : all.entrySet()) {
      Parts parts = entry.getValue();
      int columns = entry.getKey().columns();
      for (int c = 0; c < columns; c += LANES) {
        table[at++] = Math.toIntExact(parts.first + c);
        table[at++] = parts.count;
        table[at++] = parts.stride;
        table[at++] = Math.toIntExact(offsets.get(entry.getKey()) + c);
        table[at++] = Math.min(LANES, columns - c);
      }
    }
    return table;
  }
}
