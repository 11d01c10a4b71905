package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bior.BioR;
import org.knowcap.generators.bior.RewrittenLine;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.strings.RandomStrings;
import org.knowcap.generators.strings.StringShape;

/** Small corpora of every kind, and what is asked of several of them. */
public final class Corpora {
  /** 200 names. */
  public static final PoolSizes SMALL = new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 8, 9);
  public static final BioDShape SHAPE = new BioDShape(5, 3, 20, 2, 7);

  private Corpora() {}

  public static BioS bioS(long people, long seed, PoolSizes sizes) {
    return new BioS(people, seed, Pools.shipped(sizes), Templates.shipped());
  }

  public static BioD bioD(long people, long seed, BioDShape shape) {
    return new BioD(people, shape, seed, Pools.shipped(SMALL));
  }

  /** Strings of an odd number of symbols, so many that no two are equal. */
  public static RandomStrings strings(long strings, long seed) {
    return new RandomStrings(strings, new StringShape(9, 11), seed, seed);
  }

  public static BioS revised(BioS corpus, double share) {
    return corpus.revised(new Revision(share, Set.of(Attribute.EMPLOYER, Attribute.BIRTH_DATE), 5));
  }

  /** One useful source without a token, one junk source with one, and one of another vocabulary. */
  public static Mixture mixture(long seed) {
    return new Mixture(seed,
        List.of(new Ingredient(bioS(40, seed, SMALL), 0.125, ""),
            new Ingredient(bioS(100, seed, SMALL).from(40), 0.5, "junk.org"),
            new Ingredient(bioD(30, seed, SHAPE).from(140), 0.375, "numbers.net")));
  }

  /**
   * As if a language model had written what bioS tells in rounds 0 to {@code rounds - 1}; the number of texts
   * that a person has is 1 to {@code rounds}.
   */
  public static BioR bioR(BioS people, int rounds) {
    try {
      Path file = Files.createTempFile("rewritten", ".jsonl");
      Files.write(file,
          LongStream.range(0, rounds * people.people())
              .filter(item -> item / people.people() <= people.person(item) % rounds)
              .mapToObj(item -> new RewrittenLine(people.person(item), item / people.people(), "",
                  text(people, item)).line())
              .toList());
      RewrittenTexts texts = RewrittenTexts.read(file, people);
      Files.delete(file);
      return new BioR(texts, people.seed(), people.seed());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What tells somebody apart from all others: the name, or a random string, which is all of its values. */
  public static String identity(Source source, long person) {
    Map<Attribute, String> values = source.values(person);
    return values.getOrDefault(Attribute.NAME, values.toString());
  }

  /** What an item says. */
  public static String text(Source source, long sequenceNumber) {
    int[] tokens = item(source, sequenceNumber);
    return source.vocabulary().decode(tokens, 1, tokens.length);
  }

  /** One of every kind, by name. */
  public static Map<String, Corpus> all(long seed) {
    BioS plain = bioS(97, seed, SMALL);
    BioS revised = revised(plain, 0.3);
    Map<String, Corpus> all = new LinkedHashMap<>();
    all.put("bioS", plain);
    all.put("bioS-simple", plain.simple());
    all.put("bioS of other people", plain.from(97));
    all.put("bioS revised", revised);
    all.put("bioS revised, changed", revised.changed());
    all.put("bioS revised, unchanged", revised.unchanged());
    all.put("bioD", bioD(97, seed, SHAPE));
    all.put("bioD of one attribute", bioD(97, seed, new BioDShape(1, 1, 1, 1, 1)));
    BioD revisedStrings = bioD(97, seed, SHAPE).revised(new Revision(0.3, Set.of(Attribute.id(2)), 5));
    all.put("bioD revised", revisedStrings);
    all.put("bioD revised, changed", revisedStrings.changed());
    all.put("mixture", mixture(seed));
    all.put("update",
        new RevisedCorpus(bioS(97, seed, SMALL), new Revision(0.3, Set.of(Attribute.MAJOR), 5), 3, 0.5));
    all.put("update of strings without replay",
        new RevisedCorpus(bioD(97, seed, SHAPE), new Revision(0.3, Set.of(Attribute.id(2)), 5), 3, 0));
    all.put("bioR", bioR(bioS(23, seed, SMALL), 4));
    all.put("strings", strings(97, seed));
    return all;
  }

  /** What an item says of each attribute, read from its spans. */
  public static Map<Attribute, String> read(Corpus corpus, AnnotatedItem item) {
    Map<Attribute, String> read = new HashMap<>();
    for (Span span : item.spans()) {
      if (span.kind() != KnowledgeKind.FIRST_CHUNK) {
        read.merge(span.attribute(), corpus.vocabulary().decode(item.tokens(), span.start(), span.end()),
            String::concat);
      }
    }
    read.replaceAll((_, text) -> text.substring(1));
    return read;
  }

  /** What is true of a person, as it stands in spans: a birth date's comma belongs to none. */
  public static Map<Attribute, String> truth(Corpus corpus, long person) {
    Map<Attribute, String> values = new HashMap<>(corpus.measured().values(person));
    values.computeIfPresent(Attribute.BIRTH_DATE, (_, date) -> date.replace(",", ""));
    return values;
  }

  public static int[] item(Source source, long sequenceNumber) {
    int[] tokens = new int[source.longestItem()];
    return Arrays.copyOf(tokens, source.write(sequenceNumber, tokens, 0));
  }

  public static <T> void count(Map<T, Long> counts, T thing) {
    counts.merge(thing, 1L, Long::sum);
  }

  public static void assertUniform(int size, Map<?, Long> counts) {
    assertEquals(size, counts.size());
    long[] observed = counts.values().stream().mapToLong(Long::longValue).toArray();
    double[] expected = new double[size];
    Arrays.fill(expected, Arrays.stream(observed).average().orElseThrow());
    double p = new ChiSquareTest().chiSquareTest(expected, observed);
    assertTrue(p > 1e-4, "p " + p + " of " + size);
  }
}
