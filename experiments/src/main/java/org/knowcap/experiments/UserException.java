package org.knowcap.experiments;

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
}
