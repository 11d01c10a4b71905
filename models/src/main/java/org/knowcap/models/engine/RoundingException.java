package org.knowcap.models.engine;

/** A finite weight, or a scale of weights, is beyond the largest number of the format that it should be rounded to. */
public final class RoundingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  public RoundingException(String message) {
    super(message);
  }
}
