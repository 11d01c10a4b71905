package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.List;

/**
 * A position in a corpus's training stream; reading can resume from it.
 *
 * @param window    how many windows came before
 * @param positions how far each source has been read, in the order of {@link TrainingStream#sources()}; an empty
 *                  list stands for the beginning of every source
 */
public record Cursor(long window, List<Position> positions) {

  /**
   * A position in the stream of one source.
   *
   * @param item   sequence number of the item that the next token belongs to
   * @param offset tokens of that item that have been read
   */
  public record Position(long item, int offset) {
    /** The beginning of a source. */
    public static final Position START = new Position(0, 0);

    /** @throws IllegalArgumentException if a number is negative */
    public Position {
      if (item < 0 || offset < 0) {
        throw new IllegalArgumentException(
            "a cursor's item and offset must be 0 or more, found " + item + " and " + offset);
      }
    }
  }

  /** The beginning of the stream. */
  public static final Cursor START = new Cursor(0, List.of());

  /** @throws IllegalArgumentException if the window is negative */
  public Cursor {
    if (window < 0) {
      throw new IllegalArgumentException("a cursor's window must be 0 or more, found " + window);
    }
    positions = List.copyOf(positions);
  }

  /** The cursor as numbers to store: the window, then item and offset of each source. */
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
   * Makes a cursor from the numbers of {@link #toNumbers()}.
   *
   * @throws IllegalArgumentException if the numbers are not those of a cursor
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
