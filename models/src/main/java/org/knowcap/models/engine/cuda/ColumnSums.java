package org.knowcap.models.engine.cuda;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.models.engine.lowering.Step;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * The gradients of biases and gains are sums over a batch's rows. The kernels that compute or read these rows leave sums of
 * stretches of them, parts; at the end of a batch one launch adds up the parts of all (see columns.cu).
 */
final class ColumnSums {
  /** Enough blocks to fill a chip, few enough that adding up their sums costs little. */
  private static final int MOST_BLOCKS = 132;
  private static final int LEAST_STRETCH = 64;
  private static final int TURN_THREADS = 256;
  private static final int TURN_BLOCKS = 4 * MOST_BLOCKS;
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
  ColumnSums(Program program, List<Step> steps, KernelSource source, int logitRows) {
    this.logitRows = logitRows;
    for (int i = 0; i < steps.size(); i++) {
      List<Step> next = steps.subList(i + 1, steps.size());
      switch (steps.get(i)) {
        case Step.NormBackward s when s.heads().isPresent() ->
            add(s.dGain(), room(normBlocks(source, s.x().rows()), s.dGain().columns()), 0);
        case Step.NormBackward s -> {
          int columns = s.x().columns();
          Parts parts = room(normBlocks(source, s.x().rows()), 3 * columns);
          add(s.dGain(), parts, 0);
          s.dBias().ifPresent(bias -> add(bias, parts, columns));
          biasOf(s, next).ifPresent(bias -> add(bias, parts, 2 * columns));
        }
        case Step.Turn s -> biasOf(s, next, source)
            .ifPresent(bias -> add(bias, room(turnGrid(s, source).blocks(), s.qkv().columns()), 0));
        case Step.LinearBackward s -> s.dBias()
            .filter(bias -> !all.containsKey(bias))
            .ifPresent(bias -> addApart(bias, parts(s.dOut().rows())));
        case Step.Head s -> s.backward()
            .flatMap(Step.LinearBackward::dBias)
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

  /** The copy of a norm's gradient as products read it, if that is what comes next. */
  static Optional<Step.Copy> copyOf(Step.NormBackward norm, List<Step> next) {
    return next.stream()
        .limit(1)
        .filter(step -> step instanceof Step.Copy copy && copy.x().equals(norm.dX()))
        .map(Step.Copy.class::cast)
        .findFirst();
  }

  /** The gradient of a bias that is the sum of a norm's gradient, if the product comes next. */
  private static Optional<Tensor> biasOf(Step.NormBackward norm, List<Step> next) {
    Optional<Step.Copy> copy = copyOf(norm, next);
    return biasOf(copy.map(Step.Copy::out).orElse(norm.dX()),
        next.subList(copy.isPresent() ? 1 : 0, next.size()));
  }

  /** The gradient of a bias that is the sum of what is turned back, if the product comes next and a kernel can do it. */
  static Optional<Tensor> biasOf(Step.Turn turn, List<Step> next, KernelSource source) {
    return turn.direction() < 0 && isWhole(turn, source) ? biasOf(turn.qkv(), next) : Optional.empty();
  }

  private static Optional<Tensor> biasOf(Tensor dOut, List<Step> next) {
    return next.stream()
        .limit(1)
        .filter(step -> step instanceof Step.LinearBackward linear && linear.dOut().equals(dOut))
        .flatMap(step -> ((Step.LinearBackward) step).dBias().stream())
        .findFirst();
  }

  /** Whether the halves of what is turned can be read as many numbers at a time as anything. */
  static boolean isWhole(Step.Turn turn, KernelSource source) {
    return source.head() % source.vector() == 0 && turn.rotary().rotated() / 2 % source.vector() == 0;
  }

  /**
   * How turn_back is launched.
   *
   * @param blocks along the rows
   * @param high blocks that share a row
   * @param across threads that share a row within a block
   */
  record TurnGrid(int blocks, int high, int across, int threads) {}

  static TurnGrid turnGrid(Step.Turn turn, KernelSource source) {
    int heads = turn.rotary().heads().count() + turn.rotary().heads().keyCount();
    // A thread has pairs, or as many of the columns that stay.
    int items = (turn.qkv().columns() - heads * (turn.rotary().rotated() / 2)) / source.vector();
    int high = Math.ceilDiv(items, TURN_THREADS);
    int across = Math.ceilDiv(items, high);
    int slots = TURN_THREADS / across;
    return new TurnGrid(Math.min(Math.ceilDiv(TURN_BLOCKS, high), Math.ceilDiv(turn.qkv().rows(), slots)),
        high, across, Math.ceilDiv(across * slots, LANES) * LANES);
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
