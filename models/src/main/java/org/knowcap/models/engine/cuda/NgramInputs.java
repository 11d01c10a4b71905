package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.NgramHash;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Program;

/**
 * What a batch's memories of n-grams are to read. The host finds it, as it sorts the tokens: for each hash the rows of the
 * tables, and then their {@link TokenOrder}, for the gradient. To the kernels a memory is an embedding whose tokens are these rows.
 */
final class NgramInputs {
  /** Where in a batch's inputs each hash's begin. */
  private final Map<NgramHash, Long> offsets = new LinkedHashMap<>();
  private final Map<NgramHash, NgramLookup> lookups = new LinkedHashMap<>();
  private final Map<NgramHash, NgramHash.Finder> finders = new LinkedHashMap<>();
  private final long end;

  /** @param offset where they may begin */
  NgramInputs(Program program, long offset) {
    long next = offset;
    for (var operation : program.forward()) {
      // Loops read one memory several times.
      if (operation instanceof NgramLookup lookup && lookups.putIfAbsent(lookup.hash(), lookup) == null) {
        finders.put(lookup.hash(), lookup.finder());
        offsets.put(lookup.hash(), next);
        next += 4L * count(lookup) + TokenOrder.bytes(count(lookup), lookup.table().rows());
      }
    }
    end = next;
  }

  /** Rows that a batch reads, one of each table for each token. */
  static int count(NgramLookup lookup) {
    return lookup.out().rows() * lookup.hash().tables();
  }

  /** Where they end. */
  long end() {
    return end;
  }

  /** Where the rows of an operation begin. */
  long rows(NgramLookup lookup) {
    return offsets.get(lookup.hash());
  }

  /** Where their order begins. */
  long order(NgramLookup lookup) {
    return rows(lookup) + 4L * count(lookup);
  }

  /** Some rows, and their order if there is to be a gradient. */
  private record Found(long offset, int[] rows, List<TokenOrder> order) {
    void write(MemorySegment to) {
      MemorySegment.copy(rows, 0, to, ValueLayout.JAVA_INT, offset, rows.length);
      order.forEach(each -> each.write(to, offset + 4L * rows.length));
    }
  }

  /** What one batch reads. */
  record Batch(List<Found> found) {
    void write(MemorySegment to) {
      found.forEach(each -> each.write(to));
    }
  }

  /** Finds what a batch of tokens reads. */
  Batch find(int[] tokens, boolean learning) {
    return new Batch(lookups.values().stream().map(lookup -> {
      int[] rows = new int[count(lookup)];
      finders.get(lookup.hash()).find(tokens, rows);
      return new Found(rows(lookup), rows,
          learning ? List.of(TokenOrder.of(rows, lookup.table().rows())) : List.of());
    }).toList());
  }
}
