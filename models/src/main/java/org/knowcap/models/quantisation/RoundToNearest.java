package org.knowcap.models.quantisation;

/**
 * Rounds every weight to the nearest number of its group's {@link Grid}. A group is a number of consecutive inputs
 * of one output. The last group of an output is smaller if the number of inputs is not a multiple of the group.
 *
 * @param bits 8, 4, 3 or 2
 * @param group weights that share a grid, at least 1
 */
public record RoundToNearest(int bits, int group) implements Quantiser {
  /** The group where nobody chooses one; GPTQ's, too. */
  public static final int USUAL_GROUP = 128;

  public RoundToNearest {
    Grid.require(bits, group);
  }

  @Override
  public String method() {
    return "rtn";
  }

  @Override
  public boolean calibrated() {
    return false;
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    int width = weights[0].length;
    for (double[] row : weights) {
      for (int from = 0; from < width; from += group) {
        int to = Math.min(width, from + group);
        Grid grid = Grid.over(row, from, to, bits);
        for (int i = from; i < to; i++) {
          row[i] = grid.round(row[i]);
        }
      }
    }
    return weights.length * ((long) width * bits + (long) Grid.groups(width, group) * Grid.storage(bits));
  }
}
