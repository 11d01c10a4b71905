package org.knowcap.generators.corpus;

/** What the tokens of a span are counted as. */
public enum Part {
  /** Their loss is the paper's p1. */
  NAME("names"),
  /** Their loss is p2. */
  VALUE("values"),
  /** The first chunk of a value, whose loss is p3; its tokens are part of a {@link #VALUE} span too. */
  FIRST_CHUNK("diversity"),
  /** Follows from what another span of the text says, and counts as nothing. */
  IMPLIED("none");

  private final String knowledge;

  Part(String knowledge) {
    this.knowledge = knowledge;
  }

  /** The name of the knowledge that such spans tell: "names", "values", "diversity" or "none". */
  public String knowledge() {
    return knowledge;
  }
}
