package org.knowcap.generators.corpus;

import org.knowcap.generators.bits.KnowledgeKind;

/** Receives the spans of an item while it is written. */
public interface SpanSink {
  /** Ignores all spans. */
  SpanSink NONE = (_, _, _, _) -> {};

  /**
   * Takes a span.
   *
   * @param start position in the item of the first token
   * @param end   position after the last token
   */
  void span(KnowledgeKind kind, Attribute attribute, int start, int end);
}
