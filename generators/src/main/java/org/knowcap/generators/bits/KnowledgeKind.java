package org.knowcap.generators.bits;

/** What the tokens of a span are counted as. */
public enum KnowledgeKind {
  /** Their loss is the paper's p1. */
  NAME("names"),
  /** Their loss is p2. */
  VALUE("values"),
  /** The first chunk of a value, whose loss is p3; its tokens are part of a {@link #VALUE} span too. */
  FIRST_CHUNK("diversity"),
  /** Follows from what another span of the text says, and counts as nothing. */
  IMPLIED("none");

  private final String partName;

  KnowledgeKind(String partName) {
    this.partName = partName;
  }

  /** The name of the part of the knowledge that such spans state: "names", "values", "diversity" or "none". */
  public String partName() {
    return partName;
  }
}
