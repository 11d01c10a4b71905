package org.knowcap.models.checkpoint;

/**
 * What the numbers of a checkpoint mean. Shapes do not tell this: 4 heads of width 16 and 2 heads of width 32 have
 * equal shapes, and two vocabularies of equal size may have different tokens.
 *
 * @param model its settings, as one line of text
 * @param vocabulary a digest of which token has which number
 * @param optimiser name of the optimiser that the state belongs to
 */
public record ParameterIdentity(String model, String vocabulary, String optimiser) {}
