package org.knowcap.models.engine;

/** An engine was asked for that does not exist. */
public final class UnknownEngineException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  public UnknownEngineException(String message) {
    super(message);
  }
}
