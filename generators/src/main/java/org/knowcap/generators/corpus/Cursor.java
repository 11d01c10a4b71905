package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.List;

/**
 * A place in a corpus's training stream, and all that is needed to go on from there.
 *
 * @param window how many windows came before
 * @param positions how far each source has been read, in the order of {@link Corpus#sources()}; none stands for
 *               the beginning of all
 */
public record Cursor(long window, List<Position> positions) {

  /**
   * A place in the stream of one source.
   *
   * @param item   sequence number of the item that the next token belongs to
   * @param offset tokens of that item that are already consumed
   */
  public record Position(long item, int offset) {
    /** The beginning. */
    public static final Position START = new Position(0, 0);

    /** @throws IllegalArgumentException if a number is negative */
    public Position {
      if (item < 0 || offset < 0) {
        throw new IllegalArgumentException(
            "a cursor's item and offset must be 0 or more, found " + item + " and " + offset);
      }
    }
  }

  /** Nothing consumed yet. */
  public static final Cursor START = new Cursor(0, List.of());

  /** @throws IllegalArgumentException if the window is negative */
  public Cursor {
    if (window < 0) {
      throw new IllegalArgumentException("a cursor's window must be 0 or more, found " + window);
    }
    positions = List.copyOf(positions);
  }

  /** The numbers to store: the window, then item and offset of each source. */
  public long[] toNumbers() {
    long[] numbers = new long[1 + 2 * positions.size()];
    numbers[0] = window;
    for (int i = 0; i < positions.size(); i++) {
      numbers[1 + 2 * i] = positions.get(i).item();
      numbers[2 + 2 * i] = positions.get(i).offset();
    }
    return numbers;
  }

  /**
   * Undoes {@link #toNumbers()}.
   *
   * @throws IllegalArgumentException if these are no cursor's numbers
   */
  public static Cursor ofNumbers(long... numbers) {
    if (numbers.length % 2 != 1) {
      throw new IllegalArgumentException(
          "a cursor is stored as an odd number of integers, found " + numbers.length);
    }
    List<Position> positions = new ArrayList<>();
    for (int i = 1; i < numbers.length; i += 2) {
      positions.add(new Position(numbers[i], Math.toIntExact(numbers[i + 1])));
    }
    return new Cursor(numbers[0], positions);
  }
}
