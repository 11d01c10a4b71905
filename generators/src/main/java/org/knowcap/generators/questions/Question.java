package org.knowcap.generators.questions;

import java.util.List;
import java.util.stream.IntStream;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.people.GeneratedSource;

/**
 * A question about an attribute: {@code before}, the person's name, {@code after}, and the answer is the value.
 *
 * @param before words before the name
 * @param after  what follows the name, with the word that the answer follows
 */
record Question(Attribute attribute, String before, String after) {
  private static final List<Question> BIOGRAPHY = List.of(
      new Question(Attribute.BIRTH_DATE, "What is the birth date of", "? Answer:"),
      new Question(Attribute.BIRTH_CITY, "What is the birth city of", "? Answer:"),
      new Question(Attribute.UNIVERSITY, "Which university did", " study at? Answer:"),
      new Question(Attribute.MAJOR, "What major did", " study? Answer:"),
      new Question(Attribute.EMPLOYER, "Which company did", " work for? Answer:"));

  /** The questions about a person of a source: of bioS all but the gender's, as in the paper. */
  static List<Question> of(GeneratedSource<?> source) {
    return switch (source) {
      case BioS _ -> BIOGRAPHY;
      case BioD strings -> IntStream.rangeClosed(1, strings.shape().attributes())
          .mapToObj(number -> new Question(Attribute.id(number), "What is ID " + number + " of", "? Answer:"))
          .toList();
      default ->
          throw new IllegalArgumentException("there are no questions about the people of " + source.name());
    };
  }

  /** The whole text. */
  String text(String name, String value) {
    return before + " " + name + after + " " + value;
  }
}
