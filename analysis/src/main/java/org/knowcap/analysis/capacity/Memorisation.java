package org.knowcap.analysis.capacity;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

/**
 * What a model memorises of random strings (arXiv 2505.24832). A string has H bits, and the model's code of it has
 * {@code loss / ln 2} bits. The string's memorised bits are max(0, H - code length): a code that is longer than the string
 * is not used. All figures are absent for corpora that are not of random strings.
 *
 * @param memorisedBits sum over all strings of max(0, H - code length), bits. The signed sum, without the 0, is {@link
 *        Capacity#storedBits()}
 * @param memorisedBitsStandardError bits; it covers the choice of the strings that were measured
 * @param memorisedRatio memorised bits per parameter; alpha is its maximum over the number of strings
 * @param unseenMemorisedBits the first sum for as many strings that training never showed. By Kraft's inequality the mean of
 *        2^(H - code length) over all possible strings is 1, so that the expectation is at most log2 e = 1.44 bits a string
 * @param unseenStoredBits the signed sum for these strings. Its expectation is 0 for a model that guesses, and below 0 for
 *        any other
 */
public record Memorisation(OptionalDouble memorisedBits, OptionalDouble memorisedBitsStandardError,
    OptionalDouble memorisedRatio, OptionalDouble unseenMemorisedBits, OptionalDouble unseenStoredBits) {
  /** Of corpora that are not of random strings. */
  public static final Memorisation NONE = new Memorisation(OptionalDouble.empty(), OptionalDouble.empty(),
      OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());

  /**
   * From the losses of strings, in nats, each summed over the string's tokens.
   *
   * @param seen losses of strings of the corpus, drawn without replacement
   * @param unseen losses of strings that training never showed, at least one
   * @param strings M
   * @param uniformBits H
   * @param parameters P
   * @throws IllegalArgumentException as {@link SampleSummary#of(double[], long)}
   */
  public static Memorisation of(double[] seen, double[] unseen, long strings, double uniformBits,
      long parameters) {
    SampleSummary memorised = SampleSummary.of(clipped(seen, uniformBits).toArray(), strings);
    return new Memorisation(OptionalDouble.of(strings * memorised.mean()),
        OptionalDouble.of(strings * memorised.standardError()),
        OptionalDouble.of(strings * memorised.mean() / parameters),
        OptionalDouble.of(strings * clipped(unseen, uniformBits).average().orElseThrow()),
        OptionalDouble.of(strings * signed(unseen, uniformBits).average().orElseThrow()));
  }

  private static DoubleStream signed(double[] losses, double uniformBits) {
    return Arrays.stream(losses).map(loss -> uniformBits - loss / Math.log(2));
  }

  private static DoubleStream clipped(double[] losses, double uniformBits) {
    return signed(losses, uniformBits).map(bits -> Math.max(0, bits));
  }

  /** Whether the figures are those of random strings. */
  public boolean ofStrings() {
    return memorisedBits.isPresent();
  }
}
