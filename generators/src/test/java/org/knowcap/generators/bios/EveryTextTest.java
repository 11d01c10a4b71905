package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.tokens.Gpt2;

/**
 * Texts at the paper's sizes, put together a second time: from the person's values, the order that the spans tell, and
 * whichever templates fit.
 */
class EveryTextTest {
  private static final Pools POOLS = Pools.shipped(PoolSizes.PAPER);
  private static final Templates TEMPLATES = Templates.shipped();
  private static final Map<Attribute, List<Template>> LISTS = Map.of(Attribute.BIRTH_DATE,
      TEMPLATES.birthDate(), Attribute.BIRTH_CITY, TEMPLATES.birthCity(), Attribute.UNIVERSITY,
      TEMPLATES.university(), Attribute.MAJOR, TEMPLATES.major(), Attribute.EMPLOYER, TEMPLATES.employer(),
      Attribute.EMPLOYER_CITY, TEMPLATES.employerCity());
  private static final int ORDERS = 720;

  /** Every entry of every list, of dates each of the three, that a value can be. */
  private static final int ENTRIES = 12 + 28 + 200 + 200 + 300 + 100 + 263
      + (int) POOLS.employers().stream().map(Employer::city).distinct().count();

  private final BioS corpus = new BioS(3_000_000, 5, POOLS, TEMPLATES);

  /** A sentence as it was told: of what, by which template, and with which entries of lists. */
  private record Told(Attribute attribute, Template template, List<String> entries) {}

  @Test
  void spansAreExactForEveryEntryInEveryTemplate() {
    Set<List<Object>> seen = new HashSet<>();
    long item = 0;
    for (; item < 600_000 && seen.size() < 50 * ENTRIES; item++) {
      boolean more = false;
      for (Told told : read(item)) {
        for (String entry : told.entries) {
          more |= seen.add(List.of(told.attribute, entry, told.template));
        }
      }
      if (more) {
        assertEncodedWhole(item);
      }
    }
    assertEquals(50 * ENTRIES, seen.size(), "after " + item + " texts");
  }

  @Test
  @Tag("slow")
  void spansAreExactForEveryEntryInEveryOrder() {
    Set<List<Object>> seen = new HashSet<>();
    long item = 0;
    for (; item < 9_000_000 && seen.size() < ORDERS * ENTRIES; item++) {
      List<Told> sentences = read(item);
      String order = sentences.stream().map(told -> told.attribute.key()).toList().toString();
      for (Told told : sentences) {
        told.entries.forEach(entry -> seen.add(List.of(told.attribute, entry, order.hashCode())));
      }
    }
    assertEquals(ORDERS * ENTRIES, seen.size(), "after " + item + " texts");
  }

  /** The tokens are those that GPT-2 makes of the whole text. */
  private void assertEncodedWhole(long item) {
    int[] tokens = corpus.annotated(item).tokens();
    String text = corpus.vocabulary().decode(tokens, 1, tokens.length);
    assertArrayEquals(Arrays.stream(Gpt2.encode(text)).map(corpus.vocabulary()::token).toArray(),
        Arrays.copyOfRange(tokens, 1, tokens.length), text);
  }

  /** Checks a text, and says what its sentences are. */
  private List<Told> read(long item) {
    long person = corpus.person(item);
    Map<Attribute, String> values = corpus.values(person);
    AnnotatedItem annotated = corpus.annotated(item);
    assertEquals(Corpora.truth(corpus, person), Corpora.read(corpus, annotated));
    String text = corpus.vocabulary().decode(annotated.tokens(), 1, annotated.tokens().length);
    SequencedSet<Attribute> order = new LinkedHashSet<>();
    annotated.spans().stream().map(Span::attribute).filter(LISTS::containsKey).forEach(order::add);
    assertEquals(LISTS.keySet(), order);
    List<Told> sentences = new ArrayList<>();
    int at = 0;
    for (Attribute attribute : order) {
      String subject = " " + values.get(at == 0 ? Attribute.NAME : Attribute.GENDER);
      String value = values.get(attribute);
      int from = at;
      List<Template> fitting = LISTS.get(attribute)
          .stream()
          .filter(each -> text.startsWith(each.prefix(), from + subject.length()))
          .filter(each -> text.startsWith(sentence(subject, each, value), from))
          .sorted(Comparator.comparingInt(each -> each.suffix().length()))
          .toList();
      assertFalse(fitting.isEmpty(), text);
      at += sentence(subject, fitting.getLast(), value).length();
      sentences.add(new Told(attribute, fitting.getLast(),
          attribute.equals(Attribute.BIRTH_DATE)
              ? List.of(value.replaceAll(" .*", ""), value.replaceAll(".* (.*),.*", "$1"),
                  value.replaceAll(".* ", ""))
              : List.of(value)));
    }
    assertTrue(at == text.length(), text);
    return sentences;
  }

  private static String sentence(String subject, Template template, String value) {
    return subject + template.prefix() + " " + value + template.suffix();
  }
}
