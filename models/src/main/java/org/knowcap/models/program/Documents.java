package org.knowcap.models.program;

/**
 * How the tokens of windows split into documents: each begins with a separator, but for the one a window begins in.
 *
 * @param tokens ids, [R, 1]
 * @param separator the id
 */
public record Documents(Tensor tokens, int separator) {}
