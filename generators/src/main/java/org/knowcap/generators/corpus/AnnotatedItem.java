package org.knowcap.generators.corpus;

import java.util.List;

/**
 * An item and the spans of its tokens that state knowledge.
 *
 * @param tokens the end-of-text token, then one text
 * @param spans  in the order of the text
 */
public record AnnotatedItem(int[] tokens, List<Span> spans) {}
