package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;

/** Exposures that are not everybody once in each round: counted in the stream. */
class ExposureTest {
  private static BioD corpus(int people, long seed) {
    return new BioD(people, new BioDShape(2, 2, 4, 1, 8), seed,
        Pools.shipped(new PoolSizes(20, 20, 20, 12, 28, 60, 40, 50, 30, 80)));
  }

  /** After any number of rounds each person occurred as often as its share says, to a few items, and never in one text twice. */
  @ParameterizedTest
  @CsvSource({"1, 1.5", "2, 1.5", "37, 0.5", "100, 1", "257, 1.2", "300, 3"})
  void everybodyOccursByItsShare(int people, double zipf) {
    Source source = corpus(people, 5).exposed(new Exposure.Zipf(zipf));
    Rounds rounds = source.rounds();
    double[] powers = IntStream.rangeClosed(1, people).mapToDouble(rank -> Math.pow(rank, -zipf)).toArray();
    double all = Arrays.stream(powers).sum();
    assertArrayEquals(Arrays.stream(powers).map(power -> power / all).sorted().toArray(),
        LongStream.range(0, people).mapToDouble(rounds::share).sorted().toArray(), 1e-12);
    long[] counts = new long[people];
    Set<String> texts = new HashSet<>();
    for (int round = 0; round < 50; round++) {
      long[] persons = new long[people];
      rounds.persons((long) round * people, persons);
      for (int i = 0; i < people; i++) {
        long item = (long) round * people + i;
        assertEquals(persons[i], rounds.person(item));
        assertTrue(texts.add(persons[i] + " " + rounds.draw(item)), "a text occurs twice");
        counts[(int) persons[i]]++;
      }
      for (int person = 0; person < people; person++) {
        double expected = (round + 1.0) * people * rounds.share(person);
        assertTrue(Math.abs(counts[person] - expected) < 3, counts[person] + " items, expected " + expected);
      }
    }
  }

  @Test
  void ranksAreOfTheCorpusAndOrdersOfTheOrder() {
    BioD corpus = corpus(200, 5).exposed(new Exposure.Zipf(1.5));
    BioD reordered = corpus.ordered(9);
    double[] shares = LongStream.range(0, 200).mapToDouble(corpus.rounds()::share).toArray();
    assertArrayEquals(shares, LongStream.range(0, 200).mapToDouble(reordered.rounds()::share).toArray());
    assertNotEquals(LongStream.range(0, 200).map(corpus::person).boxed().toList(),
        LongStream.range(0, 200).map(reordered::person).boxed().toList());
    double[] others = LongStream.range(0, 200)
        .mapToDouble(corpus(200, 6).exposed(new Exposure.Zipf(1.5)).rounds()::share)
        .toArray();
    assertTrue(!Arrays.equals(shares, others), "ranks do not depend on the seed");
    assertEquals("bioD(200, 2, 2, 4, 1, 8) zipf 1.5", corpus.name());
    assertNotEquals(corpus(200, 5).digest(), corpus.digest());
    assertEquals(corpus.meanItemTokens(), corpus(200, 5).meanItemTokens());
  }

  @Test
  void badExponentsAreRefused() {
    for (double zipf : new double[]{0, -1, 11, Double.NaN}) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> corpus(20, 1).exposed(new Exposure.Zipf(zipf)))
              .getMessage()
              .startsWith("the exponent of Zipf's law must be above 0 and at most 10, found "));
    }
  }

  /** How often each person occurs in a training of E exposures; no text occurs twice. */
  private static long[] counts(Source source, int exposures) {
    int people = (int) source.people();
    long[] counts = new long[people];
    long[] persons = new long[people * exposures];
    source.rounds().persons(0, persons);
    Set<String> texts = new HashSet<>();
    for (int item = 0; item < persons.length; item++) {
      assertEquals(persons[item], source.rounds().person(item));
      assertTrue(texts.add(persons[item] + " " + source.rounds().draw(item)), "a text occurs twice");
      counts[(int) persons[item]]++;
    }
    // What lies behind the planned training goes on with other texts.
    for (int item = persons.length; item < persons.length + people; item++) {
      assertTrue(texts.add(source.rounds().person(item) + " " + source.rounds().draw(item)));
    }
    return counts;
  }

  @ParameterizedTest
  @CsvSource({"10, 40", "37, 9", "200, 25"})
  void groupsOccurAsTheyAreTold(int people, int exposures) {
    Source source = corpus(people, 5).exposed(new Exposure.Groups(
        List.of(new Exposure.Group(0.2, 8), new Exposure.Group(0.5, 0.5), new Exposure.Group(0.3, 1))));
    long[] sizes = {Math.round(0.2 * people), Math.round(0.7 * people) - Math.round(0.2 * people),
        people - Math.round(0.7 * people)};
    double[] times = {8, 0.5, 1};
    double all = 8 * sizes[0] + 0.5 * sizes[1] + sizes[2];
    long[] counts = counts(source, exposures);
    long[] found = new long[3];
    for (int person = 0; person < people; person++) {
      int group = source.rounds().group(person).orElseThrow();
      found[group]++;
      double expected = exposures * people * times[group] / all;
      assertEquals(expected, people * exposures * source.rounds().share(person), 1e-6 * expected);
      assertTrue(Math.abs(counts[person] - expected) < 3, counts[person] + " items, expected " + expected);
    }
    assertArrayEquals(sizes, found);
  }

  @ParameterizedTest
  @CsvSource({"40, 20, 0.25, 0.1", "37, 9, 0.5, 0.3", "200, 50, 0.1, 0.02", "10, 2, 0.9, 0.9"})
  void trainingBeginsWithTheSubsetAlone(int people, int exposures, double share, double warmUp) {
    Source source = corpus(people, 5).exposed(new Exposure.WarmUpSubset(share, warmUp))
        .forExposures(exposures);
    long subset = Math.round(share * people);
    Rounds rounds = source.rounds();
    assertEquals(subset,
        LongStream.range(0, people).filter(person -> rounds.group(person).orElseThrow() == 0).count());
    long first = LongStream.range(0, (long) people * exposures)
        .takeWhile(item -> rounds.group(rounds.person(item)).orElseThrow() == 0)
        .count();
    assertTrue(Math.abs(first - warmUp * people * exposures) <= subset,
        first + " items of the subset come first");
    long[] counts = counts(source, exposures);
    assertEquals((long) people * exposures, Arrays.stream(counts).sum());
    for (int person = 0; person < people; person++) {
      assertEquals(people * exposures * rounds.share(person), counts[person], 1);
    }
    assertEquals(1, LongStream.range(0, people).mapToDouble(rounds::share).sum(), 1e-9);
  }

  /** Everybody occurs equally often, and the intervals between texts about a person grow. */
  @ParameterizedTest
  @CsvSource({"60, 20, 8, 10, 0.8", "60, 20, 1, 10, 0.8", "37, 7, 3, 4, 0.2", "5, 1, 2, 5, 0.5",
      "9, 2, 4, 2, 0"})
  void intervalsGrow(int people, int exposures, double ratio, int cohorts, double entering) {
    Source source = corpus(people, 5).exposed(new Exposure.Spaced(ratio, cohorts, entering))
        .forExposures(exposures);
    long[] counts = counts(source, exposures);
    assertTrue(Arrays.stream(counts).allMatch(count -> count == exposures), Arrays.toString(counts));
    long[] first = new long[cohorts];
    for (int person = 0; person < people; person++) {
      int cohort = source.rounds().group(person).orElseThrow();
      first[cohort] = LongStream.range(0, (long) people * exposures)
          .filter(item -> source.rounds().group(source.rounds().person(item)).orElseThrow() == cohort)
          .findFirst()
          .orElseThrow();
    }
    for (int cohort = 1; cohort < cohorts; cohort++) {
      assertTrue(first[cohort] > first[cohort - 1],
          "cohorts enter in their order: " + Arrays.toString(first));
    }
    if (exposures > 10) {
      double[] growth = LongStream.range(0, people).mapToDouble(one -> {
        long[] items = LongStream.range(0, (long) people * exposures)
            .filter(item -> source.rounds().person(item) == one)
            .toArray();
        return (double) (items[items.length - 1] - items[items.length - 3]) / (items[2] - items[0]);
      }).sorted().toArray();
      // Two intervals at the end and two at the beginning are less than the whole apart. The last cohorts deviate.
      double expected = Math.pow(ratio, (exposures - 3.0) / (exposures - 2));
      assertEquals(expected, growth[people / 2], 0.35 * expected);
    }
  }

  @Test
  void oneAfterTheOtherMeansThat() {
    for (double exposures : new double[]{1, 4, 7.3, 2.0 / 3 + 1}) {
      Source source = corpus(9, 5).exposed(new Exposure.OneAfterAnother()).forExposures(exposures);
      long[] items = LongStream.range(0, Math.round(9 * exposures)).map(source.rounds()::person).toArray();
      long[] sorted = items.clone();
      Arrays.sort(sorted);
      assertArrayEquals(sorted, items);
      for (long person = 0; person < 9; person++) {
        long one = person;
        assertEquals(exposures, Arrays.stream(items).filter(item -> item == one).count(), 1 - 1e-9);
      }
    }
  }

  /** The people of the least or the greatest losses, or as many others, share all texts, and nobody else occurs. */
  @ParameterizedTest
  @CsvSource({"40, 20, 0.3", "37, 9, 0.5", "200, 5, 0.02", "10, 2, 0.9"})
  void onlyThoseWhoAreKeptOccur(int people, int exposures, double keep) {
    // Every loss occurs twice, so that some choices fall between equal ones.
    List<Double> losses = LongStream.range(0, people).mapToObj(i -> (double) (i * 7 % people / 2)).toList();
    List<Long> byLoss = LongStream.range(0, people)
        .boxed()
        .sorted((a, b) -> losses.get(a.intValue()).equals(losses.get(b.intValue()))
            ? Long.compare(a, b)
            : Double.compare(losses.get(a.intValue()), losses.get(b.intValue())))
        .toList();
    int kept = (int) Math.round(keep * people);
    for (Exposure.Choice choice : Exposure.Choice.values()) {
      Exposure exposure = new Exposure.Pruned(keep, choice,
          choice == Exposure.Choice.RANDOM ? List.of() : losses);
      Source source = corpus(people, 5).exposed(exposure).forExposures(exposures);
      Set<Long> expected = new HashSet<>(switch (choice) {
        case LOWEST_LOSS -> byLoss.subList(0, kept);
        case HIGHEST_LOSS -> byLoss.subList(people - kept, people);
        case RANDOM -> keptOf(source);
      });
      assertEquals(kept, expected.size());
      assertEquals(expected, keptOf(source));
      assertEquals(expected, keptOf(corpus(people, 5).exposed(exposure).ordered(8)));
      long[] counts = counts(source, exposures);
      for (int person = 0; person < people; person++) {
        double share = expected.contains((long) person) ? 1.0 / kept : 0;
        assertEquals(share, source.rounds().share(person), 1e-12);
        assertEquals(people * exposures * share, counts[person], share == 0 ? 0 : 1);
      }
    }
  }

  private static Set<Long> keptOf(Source source) {
    return LongStream.range(0, source.people())
        .filter(person -> source.rounds().group(person).orElseThrow() == 0)
        .boxed()
        .collect(Collectors.toSet());
  }

  @Test
  void aRandomChoiceIsOfTheCorpusAndAnyChoiceOfItsLosses() {
    Exposure random = new Exposure.Pruned(0.2, Exposure.Choice.RANDOM, List.of());
    assertNotEquals(keptOf(corpus(200, 5).exposed(random)), keptOf(corpus(200, 6).exposed(random)));
    List<Double> losses = Collections.nCopies(20, 1.5);
    List<Double> others = new ArrayList<>(losses);
    others.set(7, 1.25);
    assertNotEquals(
        corpus(20, 5).exposed(new Exposure.Pruned(0.2, Exposure.Choice.LOWEST_LOSS, losses)).digest(),
        corpus(20, 5).exposed(new Exposure.Pruned(0.2, Exposure.Choice.LOWEST_LOSS, others)).digest());
  }

  @Test
  void impossiblePruningIsRefused() {
    List<Double> losses = Collections.nCopies(20, 1.0);
    for (double keep : new double[]{0, 1, -0.5, Double.NaN}) {
      assertRefused("the share of people to keep must lie between 0 and 1, found " + keep,
          () -> new Exposure.Pruned(keep, Exposure.Choice.LOWEST_LOSS, losses));
    }
    assertRefused("but there are no losses",
        () -> new Exposure.Pruned(0.5, Exposure.Choice.HIGHEST_LOSS, List.of()));
    assertRefused("a random choice takes no losses",
        () -> new Exposure.Pruned(0.5, Exposure.Choice.RANDOM, losses));
    Exposure half = new Exposure.Pruned(0.5, Exposure.Choice.LOWEST_LOSS, losses);
    assertRefused("there are losses of 20 people, but the corpus has 30", () -> corpus(30, 1).exposed(half));
    assertRefused("is nobody: nobody would be kept",
        () -> corpus(20, 1).exposed(new Exposure.Pruned(0.01, Exposure.Choice.RANDOM, List.of())));
    assertRefused("is everybody: nobody would be pruned",
        () -> corpus(20, 1).exposed(new Exposure.Pruned(0.99, Exposure.Choice.RANDOM, List.of())));
  }

  @Test
  void impossibleExposuresAreRefused() {
    Exposure.Group half = new Exposure.Group(0.5, 1);
    assertRefused("there must be 2 to 100 groups, found 1", () -> new Exposure.Groups(List.of(half)));
    assertRefused("must sum to 1, found 1.5", () -> new Exposure.Groups(List.of(half, half, half)));
    assertRefused("'times' must be above 0", () -> new Exposure.Group(0.5, 0));
    assertRefused("a group's share of the people must be above 0", () -> new Exposure.Group(-1, 1));
    assertRefused("group 1 is empty", () -> corpus(20, 1)
        .exposed(new Exposure.Groups(List.of(new Exposure.Group(0.01, 1), new Exposure.Group(0.99, 1)))));
    assertRefused("must lie between 0 and 1, found 1.0", () -> new Exposure.WarmUpSubset(1, 0.1));
    assertRefused("must lie between 0 and 1, found 0.0", () -> new Exposure.WarmUpSubset(0.5, 0));
    assertRefused("there is no subset to warm up with",
        () -> corpus(20, 1).exposed(new Exposure.WarmUpSubset(0.01, 0.1)));
    assertRefused("must be 1 to 1000000 times the first, found 0.5", () -> new Exposure.Spaced(0.5, 4, 0.5));
    assertRefused("1 to 1000 cohorts, found 0", () -> new Exposure.Spaced(2, 0, 0.5));
    assertRefused("from 0 to below 1, found 1.0", () -> new Exposure.Spaced(2, 4, 1));
    assertRefused("more cohorts, 30, than people, 20",
        () -> corpus(20, 1).exposed(new Exposure.Spaced(2, 30, 0.5)));
    assertRefused("at most 1000000 can be planned",
        () -> corpus(2000, 1).exposed(new Exposure.Spaced(2, 1000, 0.5)).forExposures(1001));
  }

  private static void assertRefused(String expected, Executable call) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(expected), message);
  }
}
