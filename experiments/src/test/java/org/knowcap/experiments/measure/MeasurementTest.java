package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.analysis.results.Frequencies;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;
import org.knowcap.testing.TestSeed;

/** Measures models made by hand, which read the text itself, with no help from the corpus's spans. */
class MeasurementTest {
  private static final PoolSizes SIZES = new PoolSizes(6, 5, 12, 12, 28, 60, 40, 50, 30, 80);
  private static final long PEOPLE = 150;
  /** Nats of every token that must not count. */
  private static final float ABSURD = 50;

  private static Corpus corpus(long people, long seed) {
    return new BioS(people, seed, Pools.shipped(SIZES), Templates.shipped());
  }

  /** Which token is what in one person's biography, by place in the window of targets. */
  private record Reading(long person, List<Integer> nameTokens, int[] namePlaces, int[] valuePlaces) {}

  /** Reads biographies by matching the corpus's own templates and values against the text. */
  private static final class Reader {
    private final Corpus corpus;
    private final Map<String, Long> people = new HashMap<>();
    private final Map<Attribute, List<Template>> templates = new HashMap<>();

    Reader(Corpus corpus) {
      this.corpus = corpus;
      LongStream.range(0, corpus.measured().people())
          .forEach(person -> people.put(" " + corpus.measured().values(person).get(Attribute.NAME), person));
      Templates shipped = Templates.shipped();
      templates.put(Attribute.BIRTH_DATE, shipped.birthDate());
      templates.put(Attribute.BIRTH_CITY, shipped.birthCity());
      templates.put(Attribute.UNIVERSITY, shipped.university());
      templates.put(Attribute.MAJOR, shipped.major());
      templates.put(Attribute.EMPLOYER, shipped.employer());
      templates.put(Attribute.EMPLOYER_CITY, shipped.employerCity());
    }

    /** @param targets of one window; the text's end is the first end-of-text token, or the window's */
    Reading read(int[] targets) {
      int tokens = (int) Arrays.stream(targets)
          .takeWhile(token -> token != corpus.vocabulary().eos())
          .count();
      String text = corpus.vocabulary().decode(targets, 0, tokens);
      String name = people.keySet()
          .stream()
          .filter(text::startsWith)
          .max((a, b) -> Integer.compare(a.length(), b.length()))
          .orElseThrow(() -> new AssertionError(text));
      char[] kind = kinds(text, name);
      List<Integer> nameTokens = new ArrayList<>();
      List<Integer> names = new ArrayList<>();
      List<Integer> values = new ArrayList<>();
      int from = 0;
      for (int token = 0; token < tokens; token++) {
        int to = from + corpus.vocabulary().decode(targets, token, token + 1).length();
        for (int i = from; i < to; i++) {
          assertEquals(kind[from], kind[i], "a token on both sides of a span's edge in:" + text);
        }
        if (kind[from] == 'n') {
          nameTokens.add(targets[token]);
          names.add(token);
        } else if (kind[from] == 'v') {
          values.add(token);
        }
        from = to;
      }
      return new Reading(people.get(name), nameTokens, places(names), places(values));
    }

    /** For each character: 'n' in the name, 'v' in a value that counts, '-' elsewhere. */
    private char[] kinds(String text, String name) {
      char[] kind = new char[text.length()];
      Arrays.fill(kind, '-');
      Arrays.fill(kind, 0, name.length(), 'n');
      Map<Attribute, String> values = corpus.measured().values(people.get(name));
      String pronoun = " " + values.get(Attribute.GENDER);
      List<Attribute> order = new ArrayList<>();
      int at = 0;
      while (at < text.length()) {
        String subject = order.isEmpty() ? name : pronoun;
        Attribute found = Attribute.NAME;
        Template form = new Template("", "");
        int end = at;
        for (Attribute attribute : templates.keySet()) {
          for (Template template : templates.get(attribute)) {
            String sentence = subject + template.prefix() + " " + values.get(attribute) + template.suffix();
            if (text.startsWith(sentence, at) && at + sentence.length() > end) {
              found = attribute;
              form = template;
              end = at + sentence.length();
            }
          }
        }
        assertTrue(end > at && !order.contains(found), "cannot read on from " + at + ":" + text);
        if (order.size() == 1) {
          Arrays.fill(kind, at, at + pronoun.length(), 'v');
        }
        order.add(found);
        if (found != Attribute.EMPLOYER_CITY) {
          Arrays.fill(kind, at + subject.length() + form.prefix().length(), end - form.suffix().length(),
              'v');
        }
        if (found == Attribute.BIRTH_DATE) {
          kind[text.indexOf(',', at + subject.length() + form.prefix().length())] = '-';
        }
        at = end;
      }
      assertEquals(templates.size(), order.size(), text);
      assertTrue(order.indexOf(Attribute.EMPLOYER) < order.indexOf(Attribute.EMPLOYER_CITY),
          "the city gives the employer away:" + text);
      return kind;
    }

    private static int[] places(List<Integer> list) {
      return list.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** What a model made by hand loses, in nats, at the tokens that count. */
  private interface Losses {
    /** One a token of the name. */
    double[] name(Reading reading);

    /** Over all the values together. */
    double values(Reading reading);
  }

  /**
   * Gives tokens the losses it is told to, and an absurd one to all that must not count.
   *
   * @param seen receives the people, in the order in which they are measured
   */
  private static Measurement.Scorer scorer(Corpus corpus, Losses losses, List<Long> seen) {
    Reader reader = new Reader(corpus);
    int eos = corpus.vocabulary().eos();
    int length = corpus.longestItem() - 1;
    return (tokens, targets, out) -> {
      assertEquals(tokens.length, targets.length);
      assertEquals(0, tokens.length % length);
      Arrays.fill(out, ABSURD);
      for (int row = 0; row < tokens.length; row += length) {
        int[] input = Arrays.copyOfRange(tokens, row, row + length);
        int[] target = Arrays.copyOfRange(targets, row, row + length);
        assertEquals(eos, input[0]);
        if (target[0] != eos) {
          int last = IntStream.range(0, length).filter(i -> target[i] == eos).findFirst().orElse(length) - 1;
          assertArrayEquals(Arrays.copyOfRange(input, 1, last + 1), Arrays.copyOf(target, last));
          Reading reading = reader.read(target);
          seen.add(reading.person);
          double[] name = losses.name(reading);
          for (int i = 0; i < name.length; i++) {
            out[row + reading.namePlaces[i]] = (float) name[i];
          }
          for (int place : reading.valuePlaces) {
            out[row + place] = (float) (losses.values(reading) / reading.valuePlaces.length);
          }
        }
      }
    };
  }

  private static Measurement measure(Corpus corpus, long most, Losses losses) {
    List<Long> seen = new ArrayList<>();
    Measurement measurement = Measurement.of(corpus, most, scorer(corpus, losses, seen));
    int people = (int) Math.min(most, corpus.measured().people());
    assertEquals(people, measurement.losses(KnowledgeKind.NAME).length);
    List<Long> once = seen.subList(0, people);
    assertEquals(people, new HashSet<>(once).size(), "someone was measured twice");
    assertEquals(once.subList(0, Math.min(people, 256)), seen.subList(people, seen.size()),
        "the first are measured once more, in the same order");
    return measurement;
  }

  /**
   * It knows the set of names and nothing of who comes next: its chance of a token is the share of the names
   * that go on so, which makes every name cost ln N. Of a person it then knows everything.
   */
  private static Losses perfect(Corpus corpus) {
    Map<List<Integer>, Integer> beginnings = new HashMap<>();
    measure(corpus, corpus.measured().people(), new Losses() {
      @Override
      public double[] name(Reading reading) {
        for (int i = 0; i <= reading.nameTokens.size(); i++) {
          beginnings.merge(List.copyOf(reading.nameTokens.subList(0, i)), 1, Integer::sum);
        }
        return new double[0];
      }

      @Override
      public double values(Reading reading) {
        return 0;
      }
    });
    return new Losses() {
      @Override
      public double[] name(Reading reading) {
        double[] losses = new double[reading.nameTokens.size()];
        for (int i = 0; i < losses.length; i++) {
          losses[i] = Math.log((double) beginnings.get(reading.nameTokens.subList(0, i))
              / beginnings.get(reading.nameTokens.subList(0, i + 1)));
        }
        assertEquals(Math.log(corpus.measured().people()), Arrays.stream(losses).sum(), 1e-9);
        return losses;
      }

      @Override
      public double values(Reading reading) {
        return 0;
      }
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {PEOPLE, 2000, 37})
  void aPerfectModelStoresAllBits(long most) {
    Corpus corpus = corpus(PEOPLE, 3);
    Measurement losses = measure(corpus, most, perfect(corpus));
    for (int i = 0; i < losses.losses(KnowledgeKind.NAME).length; i++) {
      assertEquals(Math.log(PEOPLE), losses.losses(KnowledgeKind.NAME)[i], 1e-5);
      assertEquals(0, losses.losses(KnowledgeKind.VALUE)[i]);
    }
    Capacity capacity = losses.capacity(1000);
    assertEquals(capacity.totalBits(), capacity.storedBits(), 1e-6 * capacity.totalBits());
    assertEquals(1, capacity.saturation(), 1e-6);
    assertEquals(corpus.measured().bits().totalBits() / 1000, capacity.capacityRatio(), 1e-6);
    assertEquals(0, capacity.storedBitsStandardError(), 1e-3);
  }

  @ParameterizedTest
  @ValueSource(longs = {PEOPLE, 37})
  void aUniformModelStoresNone(long most) {
    Corpus corpus = corpus(PEOPLE, 4);
    double names = Math.log(6.0 * 5 * 12);
    double values = Math.log(2 * (12.0 * 28 * 60) * 40 * 50 * 30 * 80);
    Capacity capacity = measure(corpus, most, new Losses() {
      @Override
      public double[] name(Reading reading) {
        double[] losses = new double[reading.nameTokens.size()];
        Arrays.fill(losses, names / losses.length);
        return losses;
      }

      @Override
      public double values(Reading reading) {
        return values;
      }
    }).capacity(1000);
    assertEquals(0, capacity.storedBits(), 1e-6 * capacity.totalBits());
    assertEquals(0, capacity.parts().get(0).storedBits(), 1e-6 * capacity.totalBits());
    assertEquals(PEOPLE * values / Math.log(2), capacity.parts().get(1).totalBits(),
        1e-9 * capacity.totalBits());
  }

  /** Over many corpora, the sample's error squared is on average the standard error squared. */
  @Test
  void theStandardErrorCoversTheMeanOfAll() {
    long seed = TestSeed.value();
    System.out.println("MeasurementTest seed " + seed);
    int corpora = 150;
    double squares = 0;
    for (int i = 0; i < corpora; i++) {
      Corpus corpus = corpus(60, seed + i);
      double all = LongStream.range(0, 60)
          .mapToDouble(person -> known(corpus, person))
          .average()
          .orElseThrow();
      Measurement sample = measure(corpus, 48, new Losses() {
        @Override
        public double[] name(Reading reading) {
          return new double[reading.nameTokens.size()];
        }

        @Override
        public double values(Reading reading) {
          return known(corpus, reading.person);
        }
      });
      SampleSummary summary = sample.summary(KnowledgeKind.VALUE);
      squares += Math.pow((summary.mean() - all) / summary.standardError(), 2) / corpora;
    }
    // Five standard errors around 1, for 150 squares of variance 2 each. Without its correction for a finite
    // population, the standard error would be sqrt(5) times as large.
    assertTrue(squares > 0.42 && squares < 1.6, "mean square " + squares + ", seed " + seed);
  }

  /** What is known of the frequent is known of few people and of many exposures. */
  @Test
  void frequenciesAddUpToTheWhole() {
    Source corpus = new BioS(PEOPLE, 3, Pools.shipped(SIZES), Templates.shipped())
        .exposed(new Exposure.Zipf(1.4));
    Rounds rounds = corpus.rounds();
    Losses losses = new Losses() {
      @Override
      public double[] name(Reading reading) {
        return new double[reading.nameTokens.size()];
      }

      @Override
      public double values(Reading reading) {
        return rounds.share(reading.person) * PEOPLE * 20 < 32 ? 4 : 1;
      }
    };
    Measurement measured = measure(corpus, PEOPLE, losses);
    Frequencies found = measured.frequencies(corpus, 20).orElseThrow();
    List<FrequencyBucket> buckets = found.buckets();
    assertEquals(OptionalDouble.of(1.4), found.zipf());
    assertEquals(PEOPLE, buckets.stream().mapToLong(FrequencyBucket::bucketPeople).sum());
    assertEquals(1, buckets.stream().mapToDouble(FrequencyBucket::share).sum(), 1e-9);
    assertEquals(20 * PEOPLE,
        buckets.stream().mapToDouble(each -> each.meanExposures() * each.bucketPeople()).sum(), 1e-6);
    assertEquals(measured.parts().get(1).storedBits(),
        buckets.stream().mapToDouble(each -> each.valueStoredBits() * each.bucketPeople()).sum(), 1e-3);
    for (FrequencyBucket bucket : buckets) {
      assertTrue(bucket.meanExposures() >= bucket.exposuresFrom()
          && bucket.meanExposures() < Math.max(1, 2 * bucket.exposuresFrom()), bucket.toString());
      assertEquals(bucket.exposuresFrom() < 32 ? 4 : 1, bucket.valueLoss(), 1e-5);
      assertEquals(bucket.exposuresFrom() < 32 ? 4 : 1, bucket.weightedValueLoss(), 1e-5);
    }
    // Of a sample, nobody is lost either.
    Frequencies sampled = measure(corpus, 40, losses).frequencies(corpus, 20).orElseThrow();
    assertEquals(PEOPLE, sampled.buckets().stream().mapToLong(FrequencyBucket::bucketPeople).sum());
    assertEquals(40, sampled.buckets().stream().mapToLong(FrequencyBucket::measuredPeople).sum());
    assertTrue(measure(corpus(PEOPLE, 3), 40, losses).frequencies(corpus(PEOPLE, 3), 20).isEmpty());
  }

  /** Groups and cohorts are buckets of their own, in their order, whatever their exposures are. */
  @Test
  void groupsAreBuckets() {
    BioS all = new BioS(PEOPLE, 3, Pools.shipped(SIZES), Templates.shipped());
    Source corpus = all
        .exposed(new Exposure.Groups(List.of(new Exposure.Group(0.5, 1), new Exposure.Group(0.5, 1.1))));
    Losses losses = new Losses() {
      @Override
      public double[] name(Reading reading) {
        return new double[reading.nameTokens.size()];
      }

      @Override
      public double values(Reading reading) {
        return 2 + corpus.rounds().group(reading.person).orElseThrow();
      }
    };
    Frequencies found = measure(corpus, PEOPLE, losses).frequencies(corpus, 21).orElseThrow();
    assertEquals(OptionalDouble.empty(), found.zipf());
    assertEquals(List.of(PEOPLE / 2, PEOPLE - PEOPLE / 2),
        found.buckets().stream().map(FrequencyBucket::bucketPeople).toList());
    assertEquals(List.of(20, 22),
        found.buckets().stream().map(bucket -> (int) Math.round(bucket.exposuresFrom())).toList());
    for (int group = 0; group < 2; group++) {
      assertEquals(2 + group, found.buckets().get(group).valueLoss(), 1e-5);
    }
    Source spaced = all.exposed(new Exposure.Spaced(2, 4, 0.5)).forExposures(20);
    assertEquals(List.of(20.0, 20.0, 20.0, 20.0),
        measure(spaced, PEOPLE, losses).frequencies(spaced, 20)
            .orElseThrow()
            .buckets()
            .stream()
            .map(bucket -> (double) Math.round(1e6 * bucket.exposuresFrom()) / 1e6)
            .toList());
  }

  /** Losses for a choice are of all people, by their numbers; those whom training leaves out are a bucket without texts. */
  @Test
  void whoIsLeftOutIsMeasuredToo() {
    BioS all = new BioS(PEOPLE, 3, Pools.shipped(SIZES), Templates.shipped());
    Losses losses = new Losses() {
      @Override
      public double[] name(Reading reading) {
        return new double[reading.nameTokens.size()];
      }

      @Override
      public double values(Reading reading) {
        return 1 + known(all, reading.person);
      }
    };
    List<Double> found = Measurement.valueLosses(all, scorer(all, losses, new ArrayList<>()));
    assertEquals(PEOPLE, found.size());
    for (int person = 0; person < PEOPLE; person++) {
      assertEquals(1 + known(all, person), found.get(person), 1e-5);
    }
    Source pruned = all.exposed(new Exposure.Pruned(0.2, Exposure.Choice.LOWEST_LOSS, found));
    List<FrequencyBucket> buckets = measure(pruned, PEOPLE, losses).frequencies(pruned, 20)
        .orElseThrow()
        .buckets();
    assertEquals(1, buckets.getFirst().share(), 1e-12);
    assertEquals(0, buckets.getLast().share());
    assertEquals(0, buckets.getLast().meanExposures());
    assertEquals(List.of(PEOPLE / 5, PEOPLE - PEOPLE / 5),
        buckets.stream().map(FrequencyBucket::bucketPeople).toList());
    List<Double> sorted = found.stream().sorted().toList();
    assertEquals(
        sorted.subList(0, (int) PEOPLE / 5).stream().mapToDouble(loss -> loss).average().orElseThrow(),
        buckets.getFirst().weightedValueLoss(), 1e-5);
    assertEquals(sorted.subList((int) PEOPLE / 5, (int) PEOPLE)
        .stream()
        .mapToDouble(loss -> loss)
        .average()
        .orElseThrow(), buckets.getLast().weightedValueLoss(), 1e-5);
  }

  /** A loss that differs from person to person: 0 to 3 nats. */
  private static double known(Corpus corpus, long person) {
    return Math.floorMod(corpus.measured().values(person).toString().hashCode(), 1000) * 0.003;
  }
}
