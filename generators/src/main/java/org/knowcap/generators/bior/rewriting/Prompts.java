package org.knowcap.generators.bior.rewriting;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.random.CounterRandom;

/**
 * Makes prompts that ask for texts about the people of a bioS. A prompt has the six facts about a person as
 * sentences, in an order drawn for each draft, and asks for a length.
 */
public final class Prompts {
  /** Keeps orders and lengths apart from everything else that is drawn from the seed. */
  private static final long STREAM = 0x70726f6d707473L;
  private static final int LEAST_WORDS = 40;
  private static final int MOST_WORDS = 80;

  private record Sentence(Attribute attribute, String words) {}

  private static final List<Sentence> SENTENCES = List.of(
      new Sentence(Attribute.BIRTH_DATE, "%s was born on %s"),
      new Sentence(Attribute.BIRTH_CITY, "%s is a native of %s"),
      new Sentence(Attribute.UNIVERSITY, "%s studied at %s"),
      new Sentence(Attribute.MAJOR, "%s majored in %s"), new Sentence(Attribute.EMPLOYER, "%s works for %s"),
      new Sentence(Attribute.EMPLOYER_CITY, "%s goes to work in %s"));

  private final BioS people;
  private final CounterRandom random;

  /** @param people the people that texts are needed about */
  public Prompts(BioS people) {
    this.people = people;
    random = new CounterRandom(people.seed()).child(STREAM);
  }

  /** {@code drafts} prompts about each of the people. */
  public Stream<Prompt> all(int drafts) {
    return LongStream.range(0, people.people())
        .boxed()
        .flatMap(person -> LongStream.range(0, drafts).mapToObj(draft -> prompt(person, draft)));
  }

  /** The prompt for one text; it depends only on the people, the person and the draft. */
  public Prompt prompt(long person, long draft) {
    CounterRandom random = this.random.child(person).child(draft);
    List<Sentence> order = new ArrayList<>();
    for (int i = 0; i < SENTENCES.size(); i++) {
      order.add(random.below(i + 1, i), SENTENCES.get(i));
    }
    Map<Attribute, String> values = people.values(person);
    String name = values.get(Attribute.NAME);
    String pronoun = values.get(Attribute.GENDER);
    List<String> facts = new ArrayList<>();
    for (Sentence sentence : order) {
      String value = values.get(sentence.attribute);
      facts.add(String.format(Locale.ROOT, sentence.words, facts.isEmpty() ? name : pronoun, value)
          + (value.endsWith(".") ? "" : "."));
    }
    int words = LEAST_WORDS + random.below(MOST_WORDS - LEAST_WORDS + 1, SENTENCES.size());
    return new Prompt(person, draft, String.format(Locale.ROOT, """
        Here are six facts about a person.

        %s

        Write a short biography of this person in one paragraph of about %d words. Tell all six facts in \
        sentences of your own, in whatever order reads well. Begin with the full name, and say "%s" after \
        that. Copy the name, the date and the names of cities, university, subject and employer letter for \
        letter as they stand above. Add no other names, places, dates or numbers. Answer with the biography \
        and nothing else.""", String.join("\n", facts), words, pronoun.toLowerCase(Locale.ROOT)));
  }
}
