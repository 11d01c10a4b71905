package org.knowcap.generators.export;

/** A directory or a manifest that the user named cannot be used; the message says why and what to do. */
public final class ExportException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  ExportException(String message) {
    super(message);
  }

  ExportException(String message, Throwable cause) {
    super(message, cause);
  }
}
