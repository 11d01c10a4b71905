package org.knowcap.generators.corpus;

/** The part of a corpus's knowledge that a span belongs to; the paper's losses p1 (names) and p2 (values). */
public enum Part {
  NAME, VALUE
}
