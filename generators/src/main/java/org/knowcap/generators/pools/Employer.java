package org.knowcap.generators.pools;

/**
 * An employer and the city of its head office. The employer determines the city, so the city holds no knowledge.
 *
 * @param name such as "Acme Widgets"
 * @param city such as "Princeton, NJ"
 */
public record Employer(String name, String city) {}
