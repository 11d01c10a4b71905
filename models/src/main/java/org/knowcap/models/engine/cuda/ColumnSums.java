package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
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

  /** Of each gradient. A launch takes one of each map: where loops share a bias or a gain, several operations add to its gradient. */
  private final List<Map<Tensor, Parts>> rounds = new ArrayList<>();
  /** Where each operation that writes parts begins. */
  private final Map<Operation, Parts> written = new HashMap<>();
  private final int logitRows;
  private long size;

  /** @param logitRows rows whose logits exist at a time */
  ColumnSums(Program program, List<Operation> operations, KernelSource source, int logitRows) {
    this.logitRows = logitRows;
    // Matmuls whose bias's gradient an operation before them sums up.
    Set<Operation> relieved = new HashSet<>();
    for (int i = 0; i < operations.size(); i++) {
      Optional<Operation> next = operations.stream().skip(i + 1L).findFirst();
      switch (operations.get(i)) {
        case NormBackward o when o.norm().forward().heads().isPresent() -> write(o,
            room(normBlocks(source, o.norm().dX().rows()), o.norm().dGain().columns()), o.norm().dGain());
        case NormBackward o -> {
          int columns = o.norm().dX().columns();
          Parts parts = room(normBlocks(source, o.norm().dX().rows()), 3 * columns);
          write(o, parts, o.norm().dGain());
          o.norm().dBias().ifPresent(bias -> add(bias, parts, columns));
          biasOf(o.copy().orElse(o.norm().dX()), next).ifPresent(bias -> {
            add(bias, parts, 2 * columns);
            relieved.add(next.orElseThrow());
          });
        }
        case Rope.Backward o -> biasOf(o, next, source).ifPresent(bias -> {
          write(o, room(ropeGrid(o, source).blocks(), o.dX().columns()), bias);
          relieved.add(next.orElseThrow());
        });
        case Linear.Backward o -> o.dBias()
            .filter(_ -> !relieved.contains(o))
            .ifPresent(bias -> write(o, room(parts(o.dOut().rows()), bias.columns()), bias));
        case LossHead o -> o.backward()
            .ifPresent(backward -> backward.dBias()
                .ifPresent(bias -> write(backward, room(partsBefore(program.rows()), bias.columns()), bias)));
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

  private void write(Operation operation, Parts parts, Tensor gradient) {
    written.put(operation, parts);
    add(gradient, parts, 0);
  }

  private void add(Tensor gradient, Parts parts, int column) {
    int round = 0;
    while (round < rounds.size() && rounds.get(round).containsKey(gradient)) {
      round++;
    }
    if (round == rounds.size()) {
      rounds.add(new LinkedHashMap<>());
    }
    rounds.get(round).put(gradient, new Parts(parts.first + column, parts.count, parts.stride));
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

  /** Where an operation writes its parts, if it writes any. */
  Optional<Parts> of(Operation operation) {
    return Optional.ofNullable(written.get(operation));
  }

  /** Numbers of all parts. */
  long size() {
    return size;
  }

  /** Number of launches that add them up, one after the other. */
  int rounds() {
    return rounds.size();
  }

  /** Blocks of such a launch. */
  int blocks(int round) {
    return rounds.get(round)
        .keySet()
        .stream()
        .mapToInt(gradient -> Math.ceilDiv(gradient.columns(), LANES))
        .sum();
  }

  /** Blocks of all launches. */
  int blocks() {
    return IntStream.range(0, rounds()).map(this::blocks).sum();
  }

  /** Bytes that such a launch reads and writes. */
  long bytes(int round) {
    return rounds.get(round)
        .entrySet()
        .stream()
        .mapToLong(e -> 4L * e.getKey().columns() * (e.getValue().count + 2))
        .sum();
  }

  /**
   * What each block of column_sums is to do, see there, one launch after the other.
   *
   * @param offsets where each gradient is among all
   */
  int[] stretches(Map<Tensor, Long> offsets) {
    int[] table = new int[STRETCH * blocks()];
    int at = 0;
    for (Map<Tensor, Parts> round : rounds) {
      for (Map.Entry<Tensor, Parts> entry : round.entrySet()) {
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
    }
    return table;
  }
}
