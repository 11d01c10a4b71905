package org.knowcap.models.engine;

/** The target tokens of a batch. */
public final class Targets {
  /** Stands for no target: the loss of such a token is 0, has no gradient, and does not count in the mean loss. */
  public static final int NONE = -1;

  private Targets() {}

  /** The number of targets that the mean loss counts; at least 1, so that the mean is defined. */
  public static int counted(int[] targets) {
    int counted = 0;
    for (int target : targets) {
      counted += target == NONE ? 0 : 1;
    }
    return Math.max(1, counted);
  }
}
