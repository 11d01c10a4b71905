package org.knowcap.analysis.results;

/** A table of results that cannot be read, or whose rows cannot be told apart; the message says where and why. */
public final class ResultsException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  ResultsException(String message) {
    super(message);
  }

  ResultsException(String message, Throwable cause) {
    super(message, cause);
  }
}
