package org.knowcap.generators.pools;

/**
 * An employer and the city of its head office, which therefore carries no knowledge of its own.
 *
 * @param name as in "Acme Widgets"
 * @param city as in "Princeton, NJ"
 */
public record Employer(String name, String city) {}
