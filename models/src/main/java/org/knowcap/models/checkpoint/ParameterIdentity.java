package org.knowcap.models.checkpoint;

/**
 * What the numbers of a checkpoint mean. Their shapes do not tell: 4 heads of 16 are stored as 2 of 32 are, and equally
 * many tokens may be others.
 *
 * @param model its settings, as one line of text
 * @param vocabulary a digest of which token has which number
 * @param optimiser name of the one that the state belongs to
 */
public record ParameterIdentity(String model, String vocabulary, String optimiser) {}
