package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;

/**
 * Places every activation of a program in one arena. Two activations share memory only if the last reader of one
 * comes before the writer of the other. The plan is greedy by size: the largest come first, each at the lowest free
 * place.
 *
 * @param offsets first element of each activation, in elements
 * @param size elements of the arena
 */
public record MemoryPlan(Map<Tensor, Long> offsets, long size) {
  /** Offsets are multiples of this many elements (64 bytes: a cache line, a full vector). */
  public static final int ALIGNMENT = 16;

  /**
   * One step of a sequence, with the tensors that it reads and writes. A tensor that is both read and written is
   * changed in place.
   */
  public interface Use {
    List<Tensor> reads();

    List<Tensor> writes();
  }

  private record Life(Tensor tensor, long room, int first, int last) {
    boolean overlaps(Life other) {
      return first <= other.last && other.first <= last;
    }
  }

  /**
   * Plans the memory of operations in the order in which they run.
   *
   * @param kept activations that must survive to the end
   * @param elements number of elements that the engine stores of an activation
   */
  public static MemoryPlan of(List<? extends Use> operations, Set<Tensor> kept,
      ToLongFunction<Tensor> elements) {
    List<Life> lives = lives(operations, kept, elements);
    lives.sort(Comparator.comparingLong(Life::room)
        .reversed()
        .thenComparing(Life::first)
        .thenComparing(life -> life.tensor.name()));
    Map<Tensor, Long> offsets = new HashMap<>();
    List<Life> placed = new ArrayList<>();
    long size = 0;
    for (Life life : lives) {
      long offset = lowestFree(life, placed, offsets);
      offsets.put(life.tensor, offset);
      placed.add(life);
      size = Math.max(size, offset + life.room());
    }
    return new MemoryPlan(Map.copyOf(offsets), size);
  }

  private static List<Life> lives(List<? extends Use> operations, Set<Tensor> kept,
      ToLongFunction<Tensor> elements) {
    Map<Tensor, Integer> first = new HashMap<>();
    Map<Tensor, Integer> last = new HashMap<>();
    Set<Tensor> seen = new HashSet<>();
    for (int i = 0; i < operations.size(); i++) {
      for (Tensor tensor : operations.get(i).writes()) {
        if (tensor.role() == Tensor.Role.ACTIVATION) {
          if (seen.contains(tensor) && operations.get(i).reads().contains(tensor)) {
            continue;
          }
          if (!seen.add(tensor)) {
            throw new IllegalStateException("two operations write " + tensor);
          }
          first.put(tensor, i);
          last.put(tensor, kept.contains(tensor) ? operations.size() : i);
        }
      }
      for (Tensor tensor : operations.get(i).reads()) {
        if (tensor.role() == Tensor.Role.ACTIVATION) {
          if (!seen.contains(tensor)) {
            throw new IllegalStateException(tensor + " is read before it is written");
          }
          last.merge(tensor, i, Math::max);
        }
      }
    }
    List<Life> lives = new ArrayList<>();
    first.forEach((tensor, start) -> lives.add(new Life(tensor,
        Math.ceilDiv(elements.applyAsLong(tensor), ALIGNMENT) * ALIGNMENT, start, last.get(tensor))));
    return lives;
  }

  private static long lowestFree(Life life, List<Life> placed, Map<Tensor, Long> offsets) {
    List<Life> inTheWay = placed.stream()
        .filter(life::overlaps)
        .sorted(Comparator.comparing(other -> offsets.get(other.tensor)))
        .toList();
    long offset = 0;
    for (Life other : inTheWay) {
      long start = offsets.get(other.tensor);
      if (offset + life.room() <= start) {
        break;
      }
      offset = Math.max(offset, start + other.room());
    }
    return offset;
  }
}
