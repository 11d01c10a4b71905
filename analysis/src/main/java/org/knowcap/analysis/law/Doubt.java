package org.knowcap.analysis.law;

/** Why a judgement is undecided. */
public enum Doubt {
  /** An arm has no run with the seeds that are measured. */
  NOT_RUN("not run"),
  /** Training of an arm diverged with every learning rate. */
  DIVERGED("training diverged with every learning rate"),
  /** There are fewer than three seeds, or pairs of equal seeds. */
  TOO_FEW_SEEDS("too few seeds"),
  /** Two runs share one of the seeds that vary. */
  SEEDS_NOT_INDEPENDENT("seeds are not independent"),
  /** The runs of all seeds are equal: the seed probably had no effect. */
  NO_VARIANCE("no variance over seeds"),
  /** An arm was trained with one learning rate, perhaps another arm's best: another might store more. */
  ONE_LEARNING_RATE("one learning rate"),
  /** The best learning rate of an arm is the least or the greatest of those that were tried. */
  RATE_AT_END("the best learning rate is at the end of its range"),
  /** Over 90 % of an arm's corpus are stored: R then shows the corpus. */
  CORPUS_LIMITED("limited by the corpus"),
  /** An arm was still learning, and the claim is of what it can hold, or would hold more easily after more training. */
  NOT_SATURATED("not saturated: still learning"),
  /** What limits an arm is not known, and the claim is of what it can hold. */
  LIMIT_UNKNOWN("what limits it is not known"),
  /** In one arm each name also costs the bits of guessing its source; with these bits credited the verdict is another. */
  SOURCE_COST("the verdict turns on what guessing the source costs"),
  /** The interval has values on both sides of the border of the claim. */
  INTERVAL_TOO_WIDE("interval too wide");

  private final String words;

  Doubt(String words) {
    this.words = words;
  }

  /** For people. */
  @Override
  public String toString() {
    return words;
  }
}
