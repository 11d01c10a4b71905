package org.knowcap.experiments;

import java.io.IOException;
import org.knowcap.files.FileFailure;

/**
 * Something the user can mend. The message is shown alone, without a stack trace: what was wrong, the value found, what
 * to do.
 */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Exit code for wrong input: an argument, a study file. */
  public static final int USAGE = 2;
  /** Exit code for work that failed. */
  public static final int FAILURE = 1;

  private final int exitCode;

  private UserException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** Wrong input. */
  public static UserException usage(String message) {
    return new UserException(USAGE, message);
  }

  /** Makes something of what the user gave. */
  @FunctionalInterface
  public interface Input<T> {
    T get() throws IOException;
  }

  /**
   * Judges what the user gave: where a constructor or a parser refuses it, that is the user's fault. Only the judging
   * belongs in here; an IllegalArgumentException from anywhere else is a fault of this program.
   */
  public static <T> T judged(Input<T> input) throws IOException {
    try {
      return input.get();
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  /** Refuses an option's number below 1. */
  public static void requireAtLeastOne(String option, long value) {
    if (value < 1) {
      throw usage(option + " must be at least 1, found " + value);
    }
  }

  /** Failed work. */
  public static UserException failure(String message) {
    return new UserException(FAILURE, message);
  }

  public int exitCode() {
    return exitCode;
  }

  /** A failure to read or write, as a person reads it: the file first, then why. */
  public static String describe(IOException failed) {
    return FileFailure.describe(failed);
  }
}
