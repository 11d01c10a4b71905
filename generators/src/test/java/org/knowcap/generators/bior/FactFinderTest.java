package org.knowcap.generators.bior;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.generators.bios.BioS;
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

/** What counts in a text of free words. */
class FactFinderTest {
  private static final Pools POOLS = new Pools(List.of("Anna"), List.of("Mae"), List.of("Jones"),
      List.of("May", "October"), List.of("2", "12"), List.of("1996", "1997"),
      List.of("Reno, NV", "Austin, TX", "Boise, ID"), List.of("Rice University", "Yale University", "MIT"),
      List.of("Business", "Business Law", "Physics"), List.of(new Employer("Acme Inc.", "Austin, TX"),
          new Employer("Zeta", "Boston, MA"), new Employer("Omega", "Salem, OR")));
  private static final List<Template> TEMPLATE = List.of(new Template(" is of", "."));
  private static final Templates TEMPLATES = new Templates(TEMPLATE, TEMPLATE, TEMPLATE, TEMPLATE, TEMPLATE,
      TEMPLATE);
  private static final String REST = " She majored in Physics at Rice University.";

  /** Somebody of these pools, drawn until the values are as wished. */
  private static BioS with(String... values) {
    return LongStream.range(0, 1_000_000)
        .mapToObj(seed -> new BioS(1, seed, POOLS, TEMPLATES))
        .filter(people -> people.values(0).values().containsAll(List.of(values)))
        .findFirst()
        .orElseThrow();
  }

  private static BioS anna() {
    return with("October 2, 1996", "Reno, NV", "Rice University", "Physics", "Zeta", "She");
  }

  /** What counts, as in "VALUE employer: Zeta". */
  private static List<String> counted(BioS people, String text) {
    FactFinder.Usable read = assertInstanceOf(FactFinder.Usable.class, new FactFinder(people).read(0, text));
    List<String> counted = new ArrayList<>();
    for (Span span : read.spans()) {
      StringBuilder told = new StringBuilder();
      for (int token = span.start(); token < span.end(); token++) {
        told.append(new String(Gpt2.bytes(read.gpt2Ids()[token - 1]), StandardCharsets.UTF_8));
      }
      counted.add(span.kind() + " " + span.attribute() + ":" + told);
    }
    return counted;
  }

  private static String fault(BioS people, String text) {
    return assertInstanceOf(FactFinder.Fault.class, new FactFinder(people).read(0, text)).reason();
  }

  /** bioS knows where it put what; here it is found again, for every entry of every list. */
  @Test
  void spansOfATextOfBioSAreFoundWhereBioSHasThem() {
    BioS people = Corpora.bioS(4000, 3, PoolSizes.PAPER);
    FactFinder mentions = new FactFinder(people);
    Map<Attribute, Set<String>> found = new HashMap<>();
    int early = 0;
    for (long item = 0; item < 4000; item++) {
      AnnotatedItem annotated = people.annotated(item);
      long person = people.person(item);
      Map<Attribute, String> values = people.values(person);
      if (values.get(Attribute.BIRTH_CITY).equals(values.get(Attribute.EMPLOYER_CITY))) {
        continue; // Which of the two places is meant cannot be found again.
      }
      int[] gpt2 = people.vocabulary().gpt2Ids();
      int[] ids = Arrays.stream(annotated.tokens()).skip(1).map(token -> gpt2[token]).toArray();
      String text = Corpora.text(people, item);
      FactFinder.Usable read = assertInstanceOf(FactFinder.Usable.class, mentions.read(person, text));
      assertArrayEquals(ids, read.gpt2Ids(), text);
      List<Span> more = new ArrayList<>(read.spans());
      more.removeAll(annotated.spans());
      assertEquals(annotated.spans().size(), read.spans().size() - more.size(), text);
      early += more.isEmpty() ? 0 : 1;
      values.forEach((attribute, value) -> found.computeIfAbsent(attribute, _ -> new HashSet<>()).add(value));
    }
    assertEquals(List.of(200, 300, 100, 2),
        List.of(found.get(Attribute.BIRTH_CITY).size(), found.get(Attribute.UNIVERSITY).size(),
            found.get(Attribute.MAJOR).size(), found.get(Attribute.GENDER).size()));
    assertTrue(found.get(Attribute.EMPLOYER).size() >= 261, "employers " + found.get(Attribute.EMPLOYER));
    assertTrue(early < 60, "early " + early);
  }

  @Test
  void eachValueCountsAtItsFirstMention() {
    assertEquals(List.of("NAME name: Anna Mae Jones", "VALUE birth_date: October", "VALUE birth_date: 2",
        "VALUE birth_date: 1996", "VALUE birth_city: Reno, NV", "VALUE gender: She", "VALUE employer: Zeta",
        "IMPLIED employer_city: Boston, MA", "VALUE major: Physics", "VALUE university: Rice University"),
        counted(anna(), "Anna Mae Jones, born on October 2, 1996 (a Reno, NV native)... She's at Zeta, "
            + "of Boston, MA." + REST + " Anna Mae Jones is from Reno, NV; in 1996, Zeta was new."));
  }

  @Test
  void aCityBeforeItsEmployerCounts() {
    assertEquals(
        List.of("NAME name: Anna Mae Jones", "VALUE birth_date: October", "VALUE birth_date: 2",
            "VALUE birth_date: 1996", "VALUE birth_city: Reno, NV", "VALUE employer_city: Boston, MA",
            "VALUE gender: her", "VALUE employer: Zeta", "VALUE major: Physics",
            "VALUE university: Rice University"),
        counted(anna(),
            "Anna Mae Jones, October 2, 1996, Reno, NV. Boston, MA is where her Zeta is." + REST));
  }

  /** Whatever tells a part of a value before the whole is told counts as well, once. */
  @Test
  void wordsThatTellAPartBeforeCount() {
    assertEquals(
        List.of("NAME name: Jones", "VALUE birth_date: 1996", "VALUE major: physics", "VALUE gender: man",
            "VALUE employer_city:Boston", "NAME name: Anna Mae Jones", "VALUE birth_date: October",
            "VALUE birth_date: 2", "VALUE birth_date: 1996", "VALUE birth_city: Reno, NV",
            "VALUE employer: Zeta", "IMPLIED employer_city: Boston, MA", "VALUE university: MIT",
            "VALUE major: Physics"),
        counted(with("October 2, 1996", "Reno, NV", "MIT", "Physics", "Zeta", "He"),
            "Jones, class of 1996, is a physics man (Boston). A University? Anna Mae Jones, "
                + "October 2, 1996, Reno, NV, Zeta in Boston, MA, MIT, Physics."));
  }

  @Test
  void aValueInsideALongerOneIsNotThatValue() {
    BioS business = with("October 2, 1996", "Reno, NV", "Business", "Zeta", "Rice University", "She");
    String text = "Anna Mae Jones, October 2, 1996, Reno, NV, Zeta, Boston, MA, Rice University. She chose ";
    assertEquals("lacks the major", fault(business, text + "Business Law."));
    assertEquals("lacks the major", fault(business, text + "Businesses."));
    List<String> counted = counted(business, text + "Business Law, then Business.");
    assertEquals("VALUE major: Business", counted.getLast());
  }

  @Test
  void someoneBornWhereTheEmployerIsHasThePlaceToldTwice() {
    BioS home = with("October 2, 1996", "Austin, TX", "Physics", "Acme Inc.", "Rice University", "She");
    String text = "Anna Mae Jones was born in Austin, TX on October 2, 1996. She joined Acme Inc.";
    assertEquals("lacks the employer city", fault(home, text + " there." + REST));
    List<String> counted = counted(home, text + " in Austin, TX." + REST);
    assertTrue(counted.containsAll(List.of("VALUE birth_city: Austin, TX", "VALUE employer: Acme Inc.",
        "IMPLIED employer_city: Austin, TX")), counted.toString());
  }

  /** GPT-2 has a token for ".," and one for "..": a value's last period goes into it. */
  @Test
  void aTokenAcrossAValuesEndBelongsToTheValue() {
    BioS acme = with("October 2, 1996", "Reno, NV", "Physics", "Acme Inc.", "Rice University", "She");
    String text = "Anna Mae Jones, October 2, 1996, Reno, NV. She is with Acme Inc.%s Austin, TX." + REST;
    assertTrue(counted(acme, text.formatted(",")).contains("VALUE employer: Acme Inc.,"));
    assertTrue(counted(acme, text.formatted(". In")).contains("VALUE employer: Acme Inc.."));
    assertTrue(counted(acme, text.formatted(" of")).contains("VALUE employer: Acme Inc."));
  }

  @ParameterizedTest
  @CsvSource({"Anna Mae Jones,Anna M. Jones,lacks the name",
      "'October 2, 1996',2 October 1996,lacks the birth date",
      "'October 2, 1996','October 2, 19960',lacks the birth date", "'Reno, NV',Reno,lacks the birth city",
      "Rice University,Rice,lacks the university", "Physics,physics,lacks the major",
      "Zeta,Zetas,lacks the employer", "'Boston, MA',Boston,lacks the employer city",
      "She,They,does not tell the gender", "She,He,tells another gender",
      "joined,joi\uFFFDned,is not valid UTF-8"})
  void whatATextLacksIsSaid(String right, String wrong, String reason) {
    String text = "Anna Mae Jones was born on October 2, 1996 in Reno, NV. She joined Zeta in Boston, MA after "
        + "Physics at Rice University.";
    counted(anna(), text);
    assertEquals(reason, fault(anna(), text.replace(right, wrong)));
    assertEquals("has more than 1024 tokens", fault(anna(), text + " word".repeat(1024)));
  }

  @Test
  void aTextIsOrderlyIfTheNameAndTheEmployerComeFirst() {
    String values = "October 2, 1996, Reno, NV, Physics, Rice University";
    Map<String, Boolean> orderly = Map.of("Anna Mae Jones, " + values + ", Zeta, Boston, MA. She.", true,
        "Anna Mae Jones, " + values + ", Boston, MA, Zeta. She.", false,
        "She: Anna Mae Jones, " + values + ", Zeta, Boston, MA.", false,
        "Anna Mae Jones, 1996, " + values + ", Zeta, Boston, MA. She.", false);
    orderly.forEach((text, expected) -> assertEquals(expected,
        assertInstanceOf(FactFinder.Usable.class, new FactFinder(anna()).read(0, text)).orderly(), text));
  }

  @Test
  void whiteSpaceAroundATextDoesNotCount() {
    String text = "Anna Mae Jones, October 2, 1996, Reno, NV, Physics, Rice University, Zeta, Boston, MA. She.";
    int[] ids = Gpt2.encode(" " + text);
    assertNotEquals(ids[0], Gpt2.encode(text)[0]);
    for (String around : List.of(text, " " + text, "\n\n" + text + "\n ")) {
      assertArrayEquals(ids,
          assertInstanceOf(FactFinder.Usable.class, new FactFinder(anna()).read(0, around)).gpt2Ids());
    }
  }
}
