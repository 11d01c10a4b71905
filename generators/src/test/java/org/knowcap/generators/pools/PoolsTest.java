package org.knowcap.generators.pools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.tokens.Gpt2;

/**
 * The shipped lists: their lengths, and that nothing read in a biography can be mistaken for something
 * else.
 */
class PoolsTest {
  private static final Pools POOLS = Pools.shipped(PoolSizes.PAPER);
  private static final Templates TEMPLATES = Templates.shipped();

  @Test
  void everyPoolHasThePapersSizeAndNoEntryTwice() {
    List<Integer> sizes = pools().values().stream().map(List::size).toList();
    assertEquals(List.of(400, 400, 1000, 12, 28, 200, 200, 300, 100, 263), sizes);
    assertEquals(160_000_000, PoolSizes.PAPER.names());
    pools().forEach((name, entries) -> assertEquals(entries.size(), new HashSet<>(entries).size(), name));
    templates().forEach((name, templates) -> {
      assertEquals(50, templates.size(), name);
      assertEquals(50, new HashSet<>(templates).size(), name);
    });
  }

  /** Else the shorter entry's probability would include the longer one's. */
  @Test
  void noEntrysTokensBeginAnotherEntry() {
    pools().forEach((name, entries) -> {
      List<String> tokens = entries.stream().map(entry -> tokens(" " + entry)).toList();
      for (String one : tokens) {
        for (String other : tokens) {
          assertTrue(one.equals(other) || !other.startsWith(one), name + ": " + one + " begins " + other);
        }
      }
    });
  }

  /** What stands between subject and value says where the value begins, and of which attribute it is. */
  @Test
  void noTemplateCanBeTakenForAnother() {
    Map<String, String> attributeOf = new LinkedHashMap<>();
    templates().forEach((attribute, templates) -> templates.forEach(template -> {
      String other = attributeOf.putIfAbsent(tokens(template.prefix()), attribute);
      assertTrue(other == null || other.equals(attribute), template + " also in " + other);
    }));
    for (String one : attributeOf.keySet()) {
      for (String other : attributeOf.keySet()) {
        assertTrue(one.equals(other) || !other.startsWith(one), one + " begins " + other);
      }
    }
  }

  /**
   * So that every value's tokens are the same in every sentence: each value in each template, as GPT-2
   * encodes it.
   */
  @Test
  void everyValueKeepsItsTokensInEveryTemplate() {
    Map<String, List<String>> values = Map.of("birth date", dates(), "birth city", POOLS.birthCities(),
        "university", POOLS.universities(), "major", POOLS.majors(), "employer", pools().get("employer"),
        "employer city", POOLS.employers().stream().map(Employer::city).distinct().toList());
    templates().forEach((attribute, templates) -> templates.forEach(template -> {
      int[] before = Gpt2.encode(" She" + template.prefix());
      int[] after = Gpt2.encode(template.suffix());
      for (String value : values.get(attribute)) {
        int[] apart = Stream.of(before, Gpt2.encode(" " + value), after)
            .flatMapToInt(Arrays::stream)
            .toArray();
        String sentence = template.line().replace("{name}", " She").replace("{value}", value);
        assertArrayEquals(apart, Gpt2.encode(sentence), sentence);
      }
    }));
  }

  @Test
  void aCutPoolIsTheBeginningOfItsList() {
    Pools cut = Pools.shipped(new PoolSizes(20, 30, 50, 3, 10, 50, 20, 30, 10, 25));
    assertEquals(POOLS.first().subList(0, 20), cut.first());
    assertEquals(POOLS.middle().subList(0, 30), cut.middle());
    assertEquals(POOLS.last().subList(0, 50), cut.last());
    assertEquals(List.of("January", "February", "March"), cut.months());
    assertEquals("10", cut.days().getLast());
    assertEquals(List.of("1900", "1949"), List.of(cut.years().getFirst(), cut.years().getLast()));
    assertEquals(POOLS.birthCities().subList(0, 20), cut.birthCities());
    assertEquals(POOLS.universities().subList(0, 30), cut.universities());
    assertEquals(POOLS.majors().subList(0, 10), cut.majors());
    assertEquals(POOLS.employers().subList(0, 25), cut.employers());
  }

  @Test
  void aPoolCannotBeCutBelowOneOrAboveItsList() {
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> Pools.shipped(new PoolSizes(400, 400, 1000, 12, 28, 200, 200, 300, 0, 263)));
    assertEquals("pool majors must have 1..100 entries, found 0", fault.getMessage());
    fault = assertThrows(IllegalArgumentException.class,
        () -> Pools.shipped(new PoolSizes(401, 400, 1000, 12, 28, 200, 200, 300, 100, 263)));
    assertEquals("pool first must have 1..400 entries, found 401", fault.getMessage());
  }

  @Test
  void anEmployersCityIsNotPartOfItsName() {
    assertFalse(POOLS.employers().stream().anyMatch(employer -> employer.name().contains(";")));
    assertTrue(POOLS.employers().stream().allMatch(employer -> employer.city().matches(".+, [A-Z]{2}")));
  }

  private static Map<String, List<String>> pools() {
    Map<String, List<String>> pools = new LinkedHashMap<>();
    pools.put("first", POOLS.first());
    pools.put("middle", POOLS.middle());
    pools.put("last", POOLS.last());
    pools.put("month", POOLS.months());
    pools.put("day", POOLS.days());
    pools.put("year", POOLS.years());
    pools.put("birth city", POOLS.birthCities());
    pools.put("university", POOLS.universities());
    pools.put("major", POOLS.majors());
    pools.put("employer", POOLS.employers().stream().map(Employer::name).toList());
    return pools;
  }

  private static Map<String, List<Template>> templates() {
    Map<String, List<Template>> templates = new LinkedHashMap<>();
    templates.put("birth date", TEMPLATES.birthDate());
    templates.put("birth city", TEMPLATES.birthCity());
    templates.put("university", TEMPLATES.university());
    templates.put("major", TEMPLATES.major());
    templates.put("employer", TEMPLATES.employer());
    templates.put("employer city", TEMPLATES.employerCity());
    return templates;
  }

  /** Dates with every month, every day and every year. */
  private static List<String> dates() {
    return IntStream.range(0, 200)
        .mapToObj(
            i -> POOLS.months().get(i % 12) + " " + POOLS.days().get(i % 28) + ", " + POOLS.years().get(i))
        .toList();
  }

  /** The ids, with a comma behind each, so that prefixes of the string are prefixes of the sequence. */
  private static String tokens(String text) {
    StringBuilder ids = new StringBuilder();
    for (int id : Gpt2.encode(text)) {
      ids.append(id).append(',');
    }
    return ids.toString();
  }
}
