package org.knowcap.generators.bior.rewriting;

/** A file of prompts or of texts that the user named cannot be used; the message says why and what to do. */
public final class RewritingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  RewritingException(String message) {
    super(message);
  }
}
