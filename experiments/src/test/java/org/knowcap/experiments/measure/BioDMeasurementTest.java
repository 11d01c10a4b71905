package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.testing.TestSeed;

/** Measures models of bioD made by hand, which tell names and symbols by the text alone. */
class BioDMeasurementTest {
  private static final int N = 150;
  private static final int K = 4;
  private static final int C = 3;
  private static final int D = 10;
  private static final int L = 2;
  private static final int T = 6;
  private static final double N0 = 6 * 5 * 12;
  /** log2(T^L / D). */
  private static final double STRING_BITS = log2(Math.pow(T, L) / D);
  /** Nats of every token that must not count. */
  private static final float ABSURD = 50;

  private static Corpus corpus() {
    PoolSizes sizes = new PoolSizes(6, 5, 12, 1, 1, 1, 1, 1, 1, 1);
    return new BioD(N, new BioDShape(K, C, D, L, T), 5, Pools.shipped(sizes));
  }

  private static double log2(double x) {
    return Math.log(x) / Math.log(2);
  }

  /** What a model made by hand loses of one person, in nats: at the name, each first chunk, each value's rest. */
  private record Losses(double name, double first, double rest) {}

  private interface Model {
    /** @param row how many people were asked about before */
    Losses of(int row);
  }

  private static Measurement measure(Corpus corpus, long most, Model model) {
    int length = corpus.longestItem() - 1;
    int eos = corpus.vocabulary().eos();
    int[] asked = {0};
    return Measurement.of(corpus, most, (tokens, targets, out) -> {
      Arrays.fill(out, ABSURD);
      for (int row = 0; row < targets.length; row += length) {
        if (targets[row] != eos) {
          score(corpus, Arrays.copyOfRange(targets, row, row + length), model.of(asked[0]++), out, row);
        }
      }
    });
  }

  private static void score(Corpus corpus, int[] text, Losses losses, float[] out, int row) {
    List<List<Integer>> values = new ArrayList<>();
    List<Integer> name = new ArrayList<>();
    boolean named = false;
    boolean before = false;
    for (int at = 0; at < text.length; at++) {
      String token = corpus.vocabulary().decode(text, at, at + 1);
      named = named || token.equals("'s");
      if (!named) {
        name.add(at);
      }
      boolean symbol = token.matches(" #\\d+");
      if (symbol && !before) {
        values.add(new ArrayList<>());
      }
      if (symbol) {
        values.getLast().add(at);
      }
      before = symbol;
    }
    spread(losses.name, name, out, row);
    assertEquals(K, values.size());
    for (List<Integer> value : values) {
      assertEquals(C * L, value.size());
      spread(losses.first, value.subList(0, L), out, row);
      spread(losses.rest, value.subList(L, C * L), out, row);
    }
  }

  private static void spread(double loss, List<Integer> places, float[] out, int row) {
    assertTrue(!places.isEmpty());
    places.forEach(place -> out[row + place] = (float) (loss / places.size()));
  }

  @ParameterizedTest
  @ValueSource(longs = {N, 37})
  void aPerfectModelStoresAllBits(long most) {
    Capacity capacity = measure(corpus(), most, row -> new Losses(Math.log(N), 0, 0)).capacity(1000);
    List<Knowledge> parts = capacity.parts();
    assertEquals(List.of("names", "values", "diversity"), parts.stream().map(Knowledge::name).toList());
    assertEquals(N * log2(N0 / N), parts.get(0).storedBits(), 1e-3);
    assertEquals(N * K * C * log2(D), parts.get(1).storedBits(), 1e-9 * N * K);
    assertEquals(K * D * STRING_BITS, parts.get(2).storedBits(), 1e-9 * K * D);
    assertEquals(1, capacity.saturation(), 1e-6);
  }

  @ParameterizedTest
  @ValueSource(longs = {N, 37})
  void aModelThatGuessesUniformlyStoresNone(long most) {
    double first = STRING_BITS * Math.log(2);
    Capacity capacity = measure(corpus(), most,
        row -> new Losses(Math.log(N0), first, C * Math.log(D) - first)).capacity(1000);
    assertEquals(3, capacity.parts().size());
    for (Knowledge part : capacity.parts()) {
      assertEquals(0, part.storedBits(), 1e-5 * part.totalBits(), part.name());
    }
  }

  /** A value's first chunk weighs D / N of a value: as the paper has it, it stands for D strings, not N. */
  @Test
  void theErrorOfTheTotalIsThatOfEachPersonsShare() {
    long seed = TestSeed.value();
    System.out.println("BioDMeasurementTest seed " + seed);
    int size = 60;
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<Losses> losses = new ArrayList<>();
    double[] shares = new double[size];
    for (int i = 0; i < size; i++) {
      Losses person = new Losses(random.nextDouble(), random.nextDouble(), random.nextDouble());
      losses.add(person);
      shares[i] = person.name + K * (person.first + person.rest) + (double) K * D / N * person.first;
    }
    Capacity capacity = measure(corpus(), size, row -> losses.get(row % size)).capacity(1000);
    SampleSummary share = SampleSummary.of(shares, N);
    double uniform = N * log2(N0) + N * K * C * log2(D) + K * D * STRING_BITS;
    assertEquals(uniform - N * share.mean() / Math.log(2), capacity.storedBits(), 1e-3);
    assertEquals(N * share.standardError() / Math.log(2), capacity.storedBitsStandardError(), 1e-3);
    assertTrue(share.standardError() > 0);
  }
}
