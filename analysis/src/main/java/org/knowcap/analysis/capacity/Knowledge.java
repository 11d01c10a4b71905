package org.knowcap.analysis.capacity;

/**
 * One part of what a corpus holds (its names, its values), and how much of it a model holds.
 *
 * <p>A model that guesses uniformly stores 0 bits, and a perfect model stores all bits. A model that is worse than a
 * uniform guess has a negative number, which is not rounded up to zero (paper, section 2 and definition 4.3).
 *
 * @param name of the part, such as "names"
 * @param count number of items that the loss is a mean over: N people, or N * K values
 * @param uniformBits bits of a uniform guess of one item: log2 N0 for a name, log2 S0 for the values
 * @param maxBits bits of one item, if all is stored: log2(N0 / N) for a name, because the N names are a set; log2 S0
 *        for the values
 * @param lossNats measured loss: nats, summed over the knowledge tokens, averaged over people
 * @param lossStandardError standard error of that average, nats
 */
public record Knowledge(String name, double count, double uniformBits, double maxBits, double lossNats,
    double lossStandardError) {

  private static final double LN_2 = Math.log(2);

  public Knowledge {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a part of the knowledge needs a name");
    }
    if (!(count > 0) || !Double.isFinite(count)) {
      throw new IllegalArgumentException(name + ": count is " + count + "; it must be finite and above 0");
    }
    if (!Double.isFinite(uniformBits) || !(maxBits >= 0) || maxBits > uniformBits) {
      throw new IllegalArgumentException(name + ": maxBits is " + maxBits + ", uniformBits is " + uniformBits
          + "; they must be finite, and maxBits between 0 and uniformBits");
    }
    if (!Double.isFinite(lossNats) || lossNats < 0) {
      throw new IllegalArgumentException(name + ": lossNats is " + lossNats + "; it must be finite and >= 0");
    }
    if (!Double.isFinite(lossStandardError) || lossStandardError < 0) {
      throw new IllegalArgumentException(
          name + ": lossStandardError is " + lossStandardError + "; it must be finite and >= 0");
    }
  }

  /** Bits of this part that the model stores. */
  public double storedBits() {
    return count * (uniformBits - lossNats / LN_2);
  }

  /** Standard error of {@link #storedBits}, bits. */
  public double storedBitsStandardError() {
    return count * lossStandardError / LN_2;
  }

  /** Bits of this part in the corpus: the most that a model can store of it. */
  public double totalBits() {
    return count * maxBits;
  }
}
