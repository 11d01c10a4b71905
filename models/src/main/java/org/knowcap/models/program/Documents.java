package org.knowcap.models.program;

/**
 * How the tokens of windows split into documents: each document begins with a separator, except that a window may
 * begin inside a document.
 *
 * @param tokens ids, [R, 1]
 * @param separator the id
 */
public record Documents(Tensor tokens, int separator) {}
