package org.knowcap.models.engine;

/** An engine was asked for that this machine cannot run. */
public final class EngineUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public EngineUnavailableException(String message) {
    super(message);
  }
}
