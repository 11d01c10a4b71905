package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * NF4 (Dettmers and others, arXiv 2305.14314, section 3): 4-bit codes for quantiles of the normal distribution,
 * because weights are close to normal. Each block is scaled so that its largest absolute weight is 1. Blocks follow
 * the matrix output by output, and a block may begin in one output and end in the next. Each block has a 32-bit
 * scale. The paper also quantises these scales; here they are not quantised.
 *
 * @param group weights of a block, at least 1; the paper has 64
 */
public record NormalFloat(int group) implements Quantiser {
  private static final double[] LEVELS = levels();
  private static final int SCALE_BITS = 32;

  public NormalFloat {
    Grid.requireGroup(group);
  }

  @Override
  public String method() {
    return "nf4";
  }

  @Override
  public int bits() {
    return 4;
  }

  @Override
  public boolean calibrated() {
    return false;
  }

  @Override
  public String label() {
    return "nf4-g" + group;
  }

  /**
   * The 16 levels, rising. Quantiles of the normal distribution at evenly spaced probabilities: eight from 1/2
   * (without it) to p above zero, seven below, and zero between; divided by the greatest. As the quantile of 1 is
   * infinite, p stays away from it by half a step, which is 1/32 with 16 levels a side and 1/30 with 15: the mean of
   * both.
   */
  static double[] levels() {
    double p = 1 - (1.0 / 32 + 1.0 / 30) / 2;
    double greatest = quantile(p);
    return DoubleStream.concat(side(7, p).map(q -> -q), DoubleStream.concat(DoubleStream.of(0), side(8, p)))
        .map(q -> q / greatest)
        .sorted()
        .toArray();
  }

  private static DoubleStream side(int count, double p) {
    return IntStream.rangeClosed(1, count).mapToDouble(i -> quantile(0.5 + (p - 0.5) * i / count));
  }

  private static double quantile(double probability) {
    return new NormalDistribution(0, 1).inverseCumulativeProbability(probability);
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    int width = weights[0].length;
    long size = (long) weights.length * width;
    for (long from = 0; from < size; from += group) {
      long to = Math.min(size, from + group);
      // As it is stored.
      double scale = (float) Rows.largest(weights, from, to);
      for (long i = from; i < to; i++) {
        double[] row = weights[(int) (i / width)];
        int column = (int) (i % width);
        row[column] = scale == 0 ? 0 : scale * nearest(row[column] / scale);
      }
    }
    return size * bits() + Math.ceilDiv(size, group) * SCALE_BITS;
  }

  private static double nearest(double value) {
    int above = Arrays.binarySearch(LEVELS, value);
    if (above >= 0) {
      return value;
    }
    int next = Math.clamp(-above - 1, 1, LEVELS.length - 1);
    return value - LEVELS[next - 1] < LEVELS[next] - value ? LEVELS[next - 1] : LEVELS[next];
  }
}
