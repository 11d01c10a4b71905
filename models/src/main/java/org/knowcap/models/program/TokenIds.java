package org.knowcap.models.program;

import java.util.OptionalInt;

/**
 * The ids that a program's tokens can have.
 *
 * @param count V: they are 0..V-1
 * @param separator the id that documents begin with, if that is known
 */
public record TokenIds(int count, OptionalInt separator) {
  public TokenIds {
    if (separator.orElse(0) < 0 || separator.orElse(0) >= count) {
      throw new IllegalArgumentException(
          "the separator must be one of " + count + " ids, found " + separator.getAsInt());
    }
  }

  public TokenIds(int count, int separator) {
    this(count, OptionalInt.of(separator));
  }
}
