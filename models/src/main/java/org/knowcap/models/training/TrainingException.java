package org.knowcap.models.training;

/** A run cannot continue, for example because its loss is no longer a number. */
public sealed class TrainingException extends RuntimeException permits DivergedException {
  private static final long serialVersionUID = 1;

  public TrainingException(String message) {
    super(message);
  }

  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
