package org.knowcap.generators.corpus;

import org.knowcap.generators.bits.KnowledgeKind;

/**
 * Tokens of an item that state a name or a value, or a part of one: a birth date has three spans (month, day
 * and year, without the comma).
 *
 * @param kind      which loss the tokens count for
 * @param attribute what they state
 * @param start     the first token's position in the item; position 0 is the end-of-text token
 * @param end       the position after the last token
 */
public record Span(KnowledgeKind kind, Attribute attribute, int start, int end) {}
