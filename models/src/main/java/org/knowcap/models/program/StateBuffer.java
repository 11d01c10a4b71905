package org.knowcap.models.program;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What an optimiser remembers of earlier gradients, in one flat buffer; the parameters come in their order. */
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

  /** The buffer of a name. */
  public static Optional<StateBuffer> named(String key) {
    return Arrays.stream(values()).filter(buffer -> buffer.key().equals(key)).findFirst();
  }

  /** How many numbers it has for a parameter. */
  public long size(Tensor parameter) {
    return switch (this) {
      case FIRST_MOMENT, SECOND_MOMENT -> parameter.size();
      case ROW_MOMENT -> parameter.rows();
      case COLUMN_MOMENT -> parameter.columns();
    };
  }
}
