package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.tokens.Gpt2;

/**
 * Lists whose entries GPT-2 encodes otherwise in front of some texts: it has one token for "..", and it splits "Inc.'s" as
 * ".'" and "s". The sentences are put together a second time here, and encoded whole.
 */
class SeamsTest {
  private static final PoolSizes SIZES = new PoolSizes(2, 1, 4, 2, 2, 3, 2, 2, 3, 3);

  @TempDir
  Path directory;
  private Pools pools;
  private Templates templates;
  private BioS corpus;

  @BeforeEach
  void writeLists() throws IOException {
    write("first_name.txt", "Ann", "J.");
    write("middle_name.txt", "Mae");
    write("last_name.txt", "Smith", "Jr.", "D'", "Zoltán+");
    write("city.txt", "Mayagüez, PR", "Washington D.C.");
    write("university.txt", "MIT", "Yahoo! U.");
    write("field.txt", "Physics", "C++", "\u201cLaw\u201d");
    write("company.txt", "Dow Inc.; Midland, MI", "Paramount+; New York, N.Y.", "Acme; Reno, NV");
    write("template_birth_date.txt", "{name}'s birthday is {value}.", "{name} came on {value}00 years ago.",
        "{name}, born {value}");
    write("template_birth_city.txt", "{name} is from {value}.", "{name}.. from {value}, I hear.");
    write("template_university.txt", "{name}ly went to {value}'s halls.", "{name} left {value}.");
    write("template_major.txt", "{name} took {value}; {name} did.".replace("; {name}", "; one"),
        "{name} (took {value}).", "{name} likes {value}+ and more.");
    write("template_employer.txt", "{name}'s employer is {value}.", "{name} gave {value}, no less.",
        "{name} runs {value}'s team.", "{name} is at {value}..");
    write("template_employer_city.txt", "{name} works in {value}.", "{name} commutes to {value}!");
    pools = Pools.in(directory).cut(SIZES);
    templates = Templates.in(directory);
    corpus = new BioS(8, 1, pools, templates);
  }

  private void write(String name, String... lines) throws IOException {
    Files.write(directory.resolve(name), List.of(lines));
  }

  @Test
  void textsAreEncodedAsGpt2EncodesThemWhole() {
    Set<String> told = new TreeSet<>();
    Set<Met> met = new HashSet<>();
    Set<List<Attribute>> orders = new HashSet<>();
    Set<List<Attribute>> measuredOrders = new HashSet<>();
    // Other seeds have other facts: among them each value belongs to people of both pronouns.
    for (long seed = 1; seed <= 20; seed++) {
      BioS some = new BioS(8, seed, pools, templates);
      for (BioS source : List.of(some, some.simple())) {
        for (long item = 0; item < 2000; item++) {
          Map<Attribute, String> values = source.values(source.person(item));
          AnnotatedItem text = source.annotated(item);
          AnnotatedItem measured = source.measuringItem(source.person(item), item);
          assertWhole(source, text, values, told);
          assertWhole(source, measured, values, told);
          orders.add(order(text));
          measuredOrders.add(order(measured));
          met.addAll(sentences(source, text, values));
          met.addAll(sentences(source, measured, values));
        }
      }
    }
    // All orders of six sentences; measured texts have the half with the employer before its city.
    assertEquals(List.of(720, 360), List.of(orders.size(), measuredOrders.size()));
    assertEquals(all(), met);
    // Each is a value or name and the rest of the token at its end.
    assertTrue(
        told.containsAll(List.of("Dow Inc..", "Dow Inc.,", "Dow Inc.'", "Dow Inc...", "Paramount+.",
            "Paramount+,", "Washington D.C..", "Washington D.C.,", "J. Mae Jr.'", "Ann Mae D',")),
        told.toString());
  }

  /**
   * A sentence that occurred.
   *
   * @param place in the text, from 0; the first sentence has the name, the others the pronoun
   * @param pronoun the person's
   */
  private record Met(Attribute attribute, Template template, String value, int place, String pronoun) {}

  private List<Template> templates(Attribute attribute) {
    return Map
        .of(Attribute.BIRTH_DATE, templates.birthDate(), Attribute.BIRTH_CITY, templates.birthCity(),
            Attribute.UNIVERSITY, templates.university(), Attribute.MAJOR, templates.major(),
            Attribute.EMPLOYER, templates.employer(), Attribute.EMPLOYER_CITY, templates.employerCity())
        .get(attribute);
  }

  /** Every template with every value, at every place and with both pronouns. */
  private Set<Met> all() {
    Set<Met> all = new HashSet<>();
    values().forEach((attribute, values) -> {
      for (Template template : templates(attribute)) {
        for (String value : values) {
          for (int place = 0; place < 6; place++) {
            all.add(new Met(attribute, template, value, place, "He"));
            all.add(new Met(attribute, template, value, place, "She"));
          }
        }
      }
    });
    return all;
  }

  private static List<Attribute> order(AnnotatedItem item) {
    return item.spans()
        .stream()
        .map(Span::attribute)
        .filter(each -> !each.equals(Attribute.NAME) && !each.equals(Attribute.GENDER))
        .distinct()
        .toList();
  }

  /** The sentences of a text, read from its words: no two templates of an attribute begin alike. */
  private List<Met> sentences(BioS source, AnnotatedItem item, Map<Attribute, String> values) {
    String text = source.vocabulary().decode(item.tokens(), 1, item.tokens().length);
    List<Met> sentences = new ArrayList<>();
    int at = 0;
    for (Attribute attribute : order(item)) {
      String subject = " " + values.get(at == 0 ? Attribute.NAME : Attribute.GENDER);
      String value = values.get(attribute);
      int from = at;
      Template template = templates(attribute).stream()
          .filter(each -> text.startsWith(subject + each.prefix() + " " + value + each.suffix(), from))
          .findFirst()
          .orElseThrow(() -> new AssertionError(attribute + " at " + from + " of " + text));
      at += (subject + template.prefix() + " " + value + template.suffix()).length();
      sentences.add(new Met(attribute, template, value, sentences.size(), values.get(Attribute.GENDER)));
    }
    assertEquals(text.length(), at, text);
    return sentences;
  }

  private static void assertWhole(BioS source, AnnotatedItem item, Map<Attribute, String> values,
      Set<String> told) {
    int[] tokens = item.tokens();
    String text = source.vocabulary().decode(tokens, 1, tokens.length);
    assertArrayEquals(Arrays.stream(Gpt2.encode(text)).map(source.vocabulary()::token).toArray(),
        Arrays.copyOfRange(tokens, 1, tokens.length), text);
    assertTrue(tokens.length <= source.longestItem(), text);
    for (Span span : item.spans()) {
      String value = values.get(span.attribute());
      String spanned = source.vocabulary().decode(tokens, span.start(), span.end());
      if (span.attribute().equals(Attribute.BIRTH_DATE)) {
        assertTrue(value.contains(spanned.strip()) || spanned.matches(" \\d+"), spanned);
      } else {
        // All of the value, and nothing of the token after the one that ends it. In bytes: a token may end in a character.
        int last = source.vocabulary().bytes(tokens[span.end() - 1]).length;
        int excess = bytes(spanned) - bytes(" " + value);
        assertTrue(spanned.startsWith(" " + value) && excess < last, value + " in " + spanned);
        told.add(spanned.substring(1));
      }
    }
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  @Test
  void theVocabularyIsWhatTheSentencesHold() {
    Set<Integer> ids = new TreeSet<>(List.of(Gpt2.EOS));
    sentences().values().stream().flatMap(List::stream).forEach(sentence -> sentence.ids().forEach(ids::add));
    assertEquals(List.copyOf(ids), IntStream.of(corpus.vocabulary().gpt2Ids()).boxed().toList());
  }

  @Test
  void theMeanLengthIsThatOfAllSentences() {
    double bioS = 1;
    double simple = 1;
    for (Map.Entry<Attribute, List<Sentence>> each : sentences().entrySet()) {
      double named = mean(each.getValue(), true);
      double pronounced = mean(each.getValue(), false);
      bioS += named / 6 + pronounced * 5 / 6;
      // Of all orders, the half with the employer before its city: a third of these begin with it, none with the city.
      double first = each.getKey().equals(Attribute.EMPLOYER)
          ? 1.0 / 3
          : each.getKey().equals(Attribute.EMPLOYER_CITY) ? 0 : 1.0 / 6;
      simple += first * named + (1 - first) * pronounced;
    }
    assertEquals(bioS, corpus.meanItemTokens(), 1e-9);
    assertEquals(simple, corpus.simple().meanItemTokens(), 1e-9);
  }

  @Test
  void namesOfBioDAreEncodedWithWhatFollows() {
    BioD strings = new BioD(8, new BioDShape(1, 1, 2, 1, 3), 1, pools);
    Set<Integer> ids = new TreeSet<>(List.of(Gpt2.EOS));
    double tokens = 0;
    for (long person = 0; person < 8; person++) {
      AnnotatedItem item = strings.measuringItem(person, 0);
      String head = " " + strings.values(person).get(Attribute.NAME) + "'s ID 1 is";
      int[] expected = Gpt2.encode(head);
      assertArrayEquals(Arrays.stream(expected).map(strings.vocabulary()::token).toArray(),
          Arrays.copyOfRange(item.tokens(), 1, 1 + expected.length), head);
      assertEquals(item.tokens().length, 1 + expected.length + 2);
      tokens += item.tokens().length / 8.0;
      Arrays.stream(expected).forEach(ids::add);
    }
    Arrays.stream(Gpt2.encode(".")).forEach(ids::add);
    Arrays.stream(Gpt2.encode(" Their")).forEach(ids::add);
    // All eight possible names occur, each once.
    assertEquals(List.copyOf(ids), IntStream.of(strings.vocabulary().gpt2Ids()).boxed().toList());
    assertEquals(tokens, strings.meanItemTokens(), 1e-9);
  }

  /** A sentence, and whether its subject is a name. */
  private record Sentence(boolean named, String text) {
    IntStream ids() {
      return IntStream.of(Gpt2.encode(text));
    }
  }

  private static double mean(List<Sentence> sentences, boolean named) {
    return sentences.stream()
        .filter(each -> each.named == named)
        .mapToLong(each -> each.ids().count())
        .average()
        .orElseThrow();
  }

  /** Every subject in every template with every value. */
  private Map<Attribute, List<Sentence>> sentences() {
    Map<Attribute, List<Sentence>> sentences = new LinkedHashMap<>();
    values()
        .forEach((attribute, values) -> sentences.put(attribute, sentences(templates(attribute), values)));
    return sentences;
  }

  /** Every value of each attribute; a city as often as employers have it. */
  private Map<Attribute, List<String>> values() {
    List<String> dates = new ArrayList<>();
    pools.months()
        .forEach(month -> pools.days()
            .forEach(day -> pools.years().forEach(year -> dates.add(month + " " + day + ", " + year))));
    return Map.of(Attribute.BIRTH_DATE, dates, Attribute.BIRTH_CITY, pools.birthCities(),
        Attribute.UNIVERSITY, pools.universities(), Attribute.MAJOR, pools.majors(), Attribute.EMPLOYER,
        pools.employers().stream().map(Employer::name).toList(), Attribute.EMPLOYER_CITY,
        pools.employers().stream().map(Employer::city).toList());
  }

  private List<Sentence> sentences(List<Template> templates, List<String> values) {
    List<String> names = pools.first()
        .stream()
        .flatMap(first -> pools.middle()
            .stream()
            .flatMap(middle -> pools.last().stream().map(last -> first + " " + middle + " " + last)))
        .toList();
    List<Sentence> sentences = new ArrayList<>();
    for (String subject : Stream.concat(names.stream(), Stream.of("He", "She")).toList()) {
      for (Template template : templates) {
        values.forEach(value -> sentences.add(new Sentence(names.contains(subject),
            " " + subject + template.prefix() + " " + value + template.suffix())));
      }
    }
    return sentences;
  }
}
