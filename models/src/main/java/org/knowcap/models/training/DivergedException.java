package org.knowcap.models.training;

/** The loss is no longer a number, or far above that of guessing: another start of this run would end the same way. */
public final class DivergedException extends TrainingException {
  private static final long serialVersionUID = 1;

  public DivergedException(String message) {
    super(message);
  }
}
