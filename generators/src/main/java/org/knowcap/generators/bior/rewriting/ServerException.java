package org.knowcap.generators.bior.rewriting;

import java.io.IOException;

/** The server refuses a request, or has failed too often. */
public final class ServerException extends IOException {
  private static final long serialVersionUID = 1;

  ServerException(String message) {
    super(message);
  }
}
