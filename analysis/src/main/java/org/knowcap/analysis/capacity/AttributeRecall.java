package org.knowcap.analysis.capacity;

/**
 * How often a model says the right value of one attribute.
 *
 * @param attribute its key, such as "birth_date"
 * @param shares of the people whose value is right
 */
public record AttributeRecall(String attribute, RecallShares shares) {}
