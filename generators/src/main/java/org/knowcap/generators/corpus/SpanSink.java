package org.knowcap.generators.corpus;
import org.knowcap.generators.bits.KnowledgeKind;

/** Receives the spans of an item while it is written. */
public interface SpanSink {
  SpanSink NONE = (_, _, _, _) -> {};

  void span(KnowledgeKind part, Attribute attribute, int start, int end);
}
