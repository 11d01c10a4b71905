package org.knowcap.generators.questions;

import java.util.List;
import java.util.stream.IntStream;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.Pools;

/**
 * A question about an attribute: {@code before}, the person's name, {@code after}, and the answer is the value.
 *
 * @param before words before the name
 * @param after  what follows the name, with the word that the answer follows
 * @param lists  the answer is an entry of each of these, in their order; none if it consists of tokens of its own
 */
record Question(Attribute attribute, String before, String after, List<List<String>> lists) {

  /** The questions about a person of a source: of bioS all but the gender's, as in the paper. */
  static List<Question> of(GeneratedSource<?> source) {
    return switch (source) {
      case BioS _ -> biography(source.pools());
      case BioD strings -> IntStream.rangeClosed(1, strings.shape().attributes())
          .mapToObj(number -> new Question(Attribute.id(number), "What is ID " + number + " of", "? Answer:",
              List.of()))
          .toList();
      default ->
          throw new IllegalArgumentException("there are no questions about the people of " + source.name());
    };
  }

  /** The question for the city in which a person works: two hops, by way of the employer. */
  static Question twoHops(Pools pools) {
    return new Question(Attribute.EMPLOYER_CITY, "In which city does", " work? Answer:",
        List.of(pools.employers().stream().map(Employer::city).toList()));
  }

  /** The text that tells in which city an employer is; the employer stands where questions have a person. */
  static Question headOffice() {
    return new Question(Attribute.EMPLOYER_CITY, "The head office of", " is in", List.of());
  }

  private static List<Question> biography(Pools pools) {
    return List.of(
        new Question(Attribute.BIRTH_DATE, "What is the birth date of", "? Answer:",
            List.of(pools.months(), pools.days().stream().map(day -> day + ",").toList(), pools.years())),
        new Question(Attribute.BIRTH_CITY, "What is the birth city of", "? Answer:",
            List.of(pools.birthCities())),
        new Question(Attribute.UNIVERSITY, "Which university did", " study at? Answer:",
            List.of(pools.universities())),
        new Question(Attribute.MAJOR, "What major did", " study? Answer:", List.of(pools.majors())),
        new Question(Attribute.EMPLOYER, "Which company did", " work for? Answer:",
            List.of(pools.employers().stream().map(Employer::name).toList())));
  }
}
