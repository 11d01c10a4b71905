package org.knowcap.analysis.law;

/** Results that no law can be fitted to. The message says what was wrong, the value found, and what to do. */
public final class LawException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public LawException(String message) {
    super(message);
  }
}
