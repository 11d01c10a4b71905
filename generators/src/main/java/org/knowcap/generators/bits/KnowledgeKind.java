package org.knowcap.generators.bits;

/** The kind of knowledge that the tokens of a span state; it decides which loss they count for. */
public enum KnowledgeKind {
  /** A name: the loss of its tokens is the paper's p1. */
  NAME("names"),
  /** A value: the loss of its tokens is p2. */
  VALUE("values"),
  /** The first chunk of a value: the loss of its tokens is p3. They are part of a {@link #VALUE} span as well. */
  FIRST_CHUNK("diversity"),
  /** A value that another span of the text implies: the loss of its tokens does not count. */
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
