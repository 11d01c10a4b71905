package org.knowcap.generators.mixture;

import java.util.List;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;

/**
 * Windows of several sources in random order. In every block of 1,024 consecutive windows, each source gets its
 * share of the windows to within one window; the positions of its windows are redrawn for each block.
 *
 * <p>Exposures are those of the first source's people.
 */
final class MixedStream implements TrainingStream {
  private static final int BLOCK = 1024;

  private final List<Source> sources;
  private final double[] shares;
  /** For each source, the sum of the shares up to and including it. */
  private final double[] bounds;
  private final KeyedPermutation order;
  private final CounterRandom offsets;

  /**
   * @param seed    of the order of the windows
   * @param sources the first is the one whose exposures are counted
   * @param shares  of the windows, one for each source; their sum is 1
   */
  MixedStream(long seed, List<Source> sources, double[] shares) {
    this.sources = sources;
    this.shares = shares;
    bounds = shares.clone();
    for (int i = 1; i < bounds.length; i++) {
      bounds[i] += bounds[i - 1];
    }
    CounterRandom random = RandomStream.WINDOWS.random(seed);
    order = new KeyedPermutation(random.child(0), BLOCK);
    offsets = random.child(1);
  }

  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public int sourceOf(long window, Windows windows) {
    long block = window / BLOCK;
    // A comb with one tooth for each window of the block, evenly spaced, and shifted at random.
    double point = (order.apply(block, window % BLOCK) + offset(block)) / BLOCK;
    int source = 0;
    while (source < bounds.length - 1 && point >= bounds[source]) {
      source++;
    }
    return source;
  }

  /** Uniform over 0..1, in steps of 2^-32. */
  private double offset(long block) {
    return (offsets.bits(block) >>> 32) * 0x1p-32;
  }

  @Override
  public Source counted() {
    return sources.getFirst();
  }

  @Override
  public double windows(double exposures, Windows windows) {
    return sources.getFirst().stream().windows(exposures, windows) / shares[0];
  }

  @Override
  public double tokens(double exposures) {
    return alone(0, exposures) / shares[0];
  }

  @Override
  public double items(int source, double exposures) {
    return source == 0
        ? (double) sources.getFirst().people() * exposures
        : tokens(exposures) * shares[source] / alone(source, 1) * sources.get(source).people();
  }

  /** The tokens that a source by itself would take. */
  private double alone(int source, double exposures) {
    return sources.get(source).stream().tokens(exposures);
  }
}
