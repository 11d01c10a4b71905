package org.knowcap.models.program;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** One flat buffer of an optimiser's state, in the order of the parameters. */
public enum StateBuffer {
  /** A running mean or sum of gradients: n m numbers for a parameter [n, m]. */
  FIRST_MOMENT,
  /** A running mean of squared gradients: n m numbers. */
  SECOND_MOMENT,
  /** A running mean of each row's mean squared gradient: n numbers. */
  ROW_MOMENT,
  /** A running mean of each column's mean squared gradient: m numbers. */
  COLUMN_MOMENT;

  /** Its name in checkpoints and sessions. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The buffer with this name. */
  public static Optional<StateBuffer> named(String key) {
    return Arrays.stream(values()).filter(buffer -> buffer.key().equals(key)).findFirst();
  }

  /** Number of elements that the buffer has for a parameter. */
  public long size(Tensor parameter) {
    return switch (this) {
      case FIRST_MOMENT, SECOND_MOMENT -> parameter.size();
      case ROW_MOMENT -> parameter.rows();
      case COLUMN_MOMENT -> parameter.columns();
    };
  }
}
