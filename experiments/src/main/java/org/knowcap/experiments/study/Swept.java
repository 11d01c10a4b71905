package org.knowcap.experiments.study;

/**
 * One of the choices that the lists of a study's mapping span.
 *
 * @param label what the lists chose, such as "lr0.003" or "batch12_precision-bf16"; empty where there are no lists
 */
public record Swept<T>(T value, String label) {}
