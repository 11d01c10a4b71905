package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.strings.RandomStrings;
import org.knowcap.generators.strings.StringShape;
import org.knowcap.testing.TestSeed;

/** Models of random strings made by hand, which give each string a probability. */
class StringsMeasurementTest {
  private static final int M = 150;
  private static final int S = 12;
  private static final int V = 10;
  private static final double H = S * Math.log(V) / Math.log(2);
  private static final double LN_2 = Math.log(2);

  private final RandomStrings corpus = new RandomStrings(M, new StringShape(S, V), TestSeed.value(), 1);
  private final Set<List<Integer>> known = strings(corpus, M);

  private static List<Integer> string(int[] tokens, int from) {
    return Arrays.stream(tokens, from, from + S).boxed().toList();
  }

  private static Set<List<Integer>> strings(Source source, long count) {
    Set<List<Integer>> strings = new HashSet<>();
    for (long number = 0; number < count; number++) {
      strings.add(string(source.measuringItem(number, 0).tokens(), 1));
    }
    return strings;
  }

  /** @param loss of a string in nats; it stands at the string's last token, and any other place would do as well */
  private Measurement measure(long most, ToDoubleFunction<List<Integer>> loss) {
    return Measurement.of(corpus, most, (tokens, targets, losses) -> {
      Arrays.fill(losses, 0);
      for (int row = 0; row < targets.length; row += S) {
        assertEquals(0, tokens[row], "a string stands behind an end of text");
        if (targets[row] != 0) {
          losses[row + S - 1] = (float) loss.applyAsDouble(string(targets, row));
        }
      }
    });
  }

  @ParameterizedTest
  @ValueSource(longs = {M, 40})
  void aModelThatGuessesStoresNothing(long most) {
    Measurement guess = measure(most, _ -> H * LN_2);
    Memorisation memorisation = guess.memorisation(100);
    assertEquals(0, guess.capacity(100).storedBits(), 1e-4 * M);
    assertEquals(0, memorisation.memorisedBits().orElseThrow(), 1e-4 * M);
    assertEquals(0, memorisation.unseenMemorisedBits().orElseThrow(), 1e-4 * M);
    assertEquals(0, memorisation.unseenStoredBits().orElseThrow(), 1e-4 * M);
  }

  /** It has nothing left for other strings, which would cost it an endless loss: 1000 nats here. */
  @ParameterizedTest
  @ValueSource(longs = {M, 40})
  void aModelThatKnowsAllStoresAll(long most) {
    Measurement all = measure(most, string -> known.contains(string) ? Math.log(M) : 1000);
    Capacity capacity = all.capacity(100);
    double expected = M * (S * Math.log(V) - Math.log(M)) / LN_2;
    assertEquals(expected, capacity.storedBits(), 1e-5 * expected);
    assertEquals(expected, capacity.totalBits(), 1e-9 * expected);
    assertEquals(1, capacity.saturation(), 1e-5);
    Memorisation memorisation = all.memorisation(100);
    assertEquals(expected, memorisation.memorisedBits().orElseThrow(), 1e-5 * expected);
    assertEquals(expected / 100, memorisation.memorisedRatio().orElseThrow(), 1e-5 * expected);
    assertEquals(0, memorisation.unseenMemorisedBits().orElseThrow());
    assertEquals(M * (H - 1000 / LN_2), memorisation.unseenStoredBits().orElseThrow(), 1e-4 * 1000 * M);
    assertEquals(0, memorisation.memorisedBitsStandardError().orElseThrow(), 1e-6);
  }

  /** A code that is longer than a string is not used: the string counts as 0 bits, and below 0 in the signed sum. */
  @Test
  void noStringIsMemorisedLessThanNotAtAll() {
    ToDoubleFunction<List<Integer>> loss = string -> (H + (string.getFirst() <= V / 2 ? -20 : 7)) * LN_2;
    long saved = known.stream().filter(string -> string.getFirst() <= V / 2).count();
    Measurement half = measure(M, loss);
    assertEquals(20.0 * saved - 7 * (M - saved), half.capacity(1).storedBits(), 1e-4 * 20 * M);
    assertEquals(20.0 * saved, half.memorisation(1).memorisedBits().orElseThrow(), 1e-4 * 20 * M);
    // Of a sample the sum is an estimate, whose error the spread of 0 and 20 bits gives (s^2 / n (1 - n / M)).
    Memorisation sample = measure(60, loss).memorisation(1);
    double share = sample.memorisedBits().orElseThrow() / (20 * M);
    assertEquals(M * 20 * Math.sqrt(share * (1 - share) / 59 * (1 - 60.0 / M)),
        sample.memorisedBitsStandardError().orElseThrow(), 1e-3 * M);
  }

  /**
   * A model that is a probability: with 0.9 one of the strings that it knows, else any string. Of strings never seen it
   * stores log2(1 - 0.9) each, below 0, and memorises none. One that knows strings that nobody showed it gains at most log2 e.
   */
  @Test
  void stringsNeverSeenGiveNothing() {
    ToDoubleFunction<List<Integer>> probability = string -> 0.1 * Math.pow(V, -S)
        + (known.contains(string) ? 0.9 / M : 0);
    Measurement measured = measure(M, string -> -Math.log(probability.applyAsDouble(string)));
    Memorisation memorisation = measured.memorisation(1);
    assertEquals(M * (H + Math.log(0.9 / M) / LN_2), memorisation.memorisedBits().orElseThrow(), 1e-2 * M);
    assertEquals(0, memorisation.unseenMemorisedBits().orElseThrow());
    assertEquals(M * Math.log(0.1) / LN_2, memorisation.unseenStoredBits().orElseThrow(), 1e-4 * 100 * M);

    // As sure as a model can be of a part of all strings: k bits saved for 2^-k of them.
    for (double bits : new double[]{0.5, 1 / LN_2, 3, 8}) {
      double part = Math.pow(2, -bits);
      Memorisation sure = measure(M,
          string -> H * LN_2
              + (string.hashCode() * 0x9E3779B9 >>> 1 < part * (1L << 31) ? -bits * LN_2 : 1000))
          .memorisation(1);
      assertTrue(sure.unseenMemorisedBits().orElseThrow() < M / LN_2, bits + " bits: " + sure);
    }
  }

  /** The second half follows from the first; the first cannot be known. */
  @Test
  void aStringIsRecalledIfItsBeginningTellsItsRest() {
    Map<List<Integer>, Integer> next = new HashMap<>();
    known.forEach(string -> {
      for (int at = 0; at < S; at++) {
        next.put(string.subList(0, at), string.get(at));
      }
    });
    Predictor knowing = (tokens, predictions) -> {
      for (int place = 0; place < tokens.length; place++) {
        int start = place / S * S;
        // Windows begin with the end of text.
        List<Integer> before = Arrays.stream(tokens, start + 1, place + 1).boxed().toList();
        predictions[place] = next.getOrDefault(before, 1);
      }
    };
    RecallShares shares = Recall.of(corpus, M, true, knowing).shares();
    assertEquals(1, shares.recalled());
    assertTrue(shares.recalledUnseen() < 0.1, shares.toString());
    assertTrue(Double.isNaN(shares.generated()) && Double.isNaN(shares.extractable()), shares.toString());
    RecallShares guessed = Recall.of(corpus, M, true, (_, predictions) -> Arrays.fill(predictions, 3))
        .shares();
    assertTrue(guessed.recalled() < 0.05, guessed.toString());

    PeopleTable table = PeopleTable.of(corpus, M, (_, _, losses) -> Arrays.fill(losses, 0.25f),
        Recall.of(corpus, M, true, knowing));
    assertEquals(2 * M, table.rows().size());
    assertEquals(List.of("beginning", "rest"),
        table.rows().stream().limit(2).map(PersonValue::attribute).toList());
    assertEquals(S / 2 * 0.25, table.rows().getFirst().lossNats(), 1e-6);
    assertTrue(Double.isNaN(table.rows().getFirst().recalled()) && table.rows().get(1).recalled() == 1);
  }

  @Test
  void theOnlyPartIsTheValues() {
    Measurement measured = measure(M, _ -> 1);
    assertEquals(List.of(KnowledgeKind.VALUE),
        measured.knowledge().stream().map(part -> part.kind()).toList());
    assertTrue(measured.frequencies(corpus, 10).isEmpty());
  }
}
