package org.knowcap.generators.bior.rewriting;

import java.io.IOException;

/** A server that refuses, or does not answer however often it is asked. */
public final class ServerException extends IOException {
  private static final long serialVersionUID = 1;

  ServerException(String message) {
    super(message);
  }
}
