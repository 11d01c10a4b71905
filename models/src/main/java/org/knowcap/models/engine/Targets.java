package org.knowcap.models.engine;

/** The tokens that a batch asks for. */
public final class Targets {
  /** Stands for no target: the loss of such a token is 0, nothing is learnt from it, and a mean loss leaves it out. */
  public static final int NONE = -1;

  private Targets() {}

  /** The number of targets that a mean loss is over; at least 1, so that there is a mean. */
  public static int counted(int[] targets) {
    int counted = 0;
    for (int target : targets) {
      counted += target == NONE ? 0 : 1;
    }
    return Math.max(1, counted);
  }
}
