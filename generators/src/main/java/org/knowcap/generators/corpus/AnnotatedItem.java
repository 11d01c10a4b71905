package org.knowcap.generators.corpus;
import java.util.List;

/**
 * An item with the places of its knowledge.
 *
 * @param tokens the end-of-text token, then one text
 * @param spans  in the order of the text
 */
public record AnnotatedItem(int[] tokens, List<Span> spans) {}
