package org.knowcap.experiments.study;

/**
 * A value for one choice of entries from the lists of a study's mapping.
 *
 * @param label what the lists chose, such as "lr0.003" or "batch12_precision-bf16"; empty where there are no lists
 */
public record Swept<T>(T value, String label) {}
