package org.knowcap.generators.corpus;

import java.util.List;

/** Questions about the people of a corpus: of some they are in the training stream with their answers, of the others not. */
public interface Questions {
  /** The attributes that are asked for. */
  List<Attribute> attributes();

  /** How many people's questions are in training: those of the people 0 to {@code asked() - 1}. */
  long asked();

  /**
   * A question with its answer, in the corpus's vocabulary: the end-of-text token, the question, and the answer, which ends
   * the text.
   *
   * @param truth  of the corpus's people, or of others
   * @param person whose value is the answer
   * @return with a span of the name and one of the answer
   */
  AnnotatedItem item(GroundTruth truth, long person, Attribute attribute);
}
