package org.knowcap.analysis.law;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What follows from a law's runs. */
public sealed interface Verdict {
  /** The 95 % interval lies among the values that agree with the claim. */
  record Supported() implements Verdict {
    @Override
    public String toString() {
      return "supported";
    }
  }

  /** The 95 % interval lies outside. */
  record Contradicted() implements Verdict {
    @Override
    public String toString() {
      return "contradicted";
    }
  }

  /**
   * Neither.
   *
   * @param doubts why, at least one
   */
  record Undecided(List<Doubt> doubts) implements Verdict {
    public Undecided {
      doubts = doubts.stream().distinct().sorted(Comparator.naturalOrder()).toList();
      if (doubts.isEmpty()) {
        throw new IllegalArgumentException("what is undecided must have a reason");
      }
    }

    /** The reasons, for people. */
    public String reasons() {
      return doubts.stream().map(Doubt::toString).collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
      return doubts.equals(List.of(Doubt.NOT_RUN)) ? "not run" : "undecided: " + reasons();
    }
  }

  /** One word: supported, contradicted, undecided, or "not run". */
  default String word() {
    return this instanceof Undecided undecided && !undecided.toString().equals("not run")
        ? "undecided"
        : toString();
  }
}
