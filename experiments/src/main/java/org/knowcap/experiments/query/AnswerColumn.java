package org.knowcap.experiments.query;

/**
 * A column of an answer.
 *
 * @param name as the query calls it
 * @param number whether its values are numbers
 */
public record AnswerColumn(String name, boolean number) {}
