package org.knowcap.experiments;

import java.io.IOException;
import org.knowcap.files.FileFailure;

/**
 * A fault that the user can repair. Commands show only its message, without a stack trace: what was wrong, the value
 * found, what to do.
 */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Exit code for wrong input: an argument, a study file. */
  public static final int USAGE = 2;
  /** Exit code for work that failed. */
  public static final int FAILURE = 1;
  /** Exit code for work that another process has or that was stopped: a later try goes on (EX_TEMPFAIL of sysexits.h). */
  public static final int LATER = 75;

  private static final double MOST_MINUTES = 1e6;

  private final int exitCode;

  private UserException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** Wrong input. */
  public static UserException usage(String message) {
    return new UserException(USAGE, message);
  }

  /** Makes an object of the user's input. */
  @FunctionalInterface
  public interface Input<T> {
    T get() throws IOException;
  }

  /**
   * Checks the user's input: if a constructor or a parser refuses it, that becomes a usage error. Only the check
   * belongs in here, because an IllegalArgumentException from anywhere else is a fault of this program.
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

  /** Work that has ended before its end, and goes on when the command is given again. */
  public static UserException later(String message) {
    return new UserException(LATER, message);
  }

  /** Refuses minutes that no command can take. */
  public static void requireMinutes(double minutes) {
    if (!(minutes > 0) || minutes > MOST_MINUTES) {
      throw usage("--minutes must be above 0 and at most a million, found " + minutes);
    }
  }

  /** Failed work. */
  public static UserException failure(String message) {
    return new UserException(FAILURE, message);
  }

  public int exitCode() {
    return exitCode;
  }

  /** A failure to read or write in words for people: first the file, then the reason. */
  public static String describe(IOException failed) {
    return FileFailure.describe(failed);
  }
}
