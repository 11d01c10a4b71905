package org.knowcap.generators.corpus;

/** Receives the spans of an item while it is written. */
interface SpanSink {
  SpanSink NONE = (_, _, _, _) -> {};

  void span(Part part, Attribute attribute, int start, int end);
}
