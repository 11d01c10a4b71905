package org.knowcap.analysis.law;

import java.util.List;

/** What a judgement of a law is about: a number that arms have. */
public sealed interface Quantity {
  /** Names of the arms that it is of. */
  List<String> arms();

  /** R of an arm, bits per parameter. */
  record Ratio(String arm) implements Quantity {
    @Override
    public List<String> arms() {
      return List.of(arm);
    }

    @Override
    public String toString() {
      return "R of " + arm;
    }
  }

  /** R of an arm over R of another, in pairs of equal seeds. */
  record Factor(String arm, String over) implements Quantity {
    @Override
    public List<String> arms() {
      return List.of(arm, over);
    }

    @Override
    public String toString() {
      return "R of " + arm + " over R of " + over;
    }
  }

  /** Share of its corpus's bits that an arm stores. */
  record Stored(String arm) implements Quantity {
    @Override
    public List<String> arms() {
      return List.of(arm);
    }

    @Override
    public String toString() {
      return "share of its corpus that " + arm + " stores";
    }
  }

  /**
   * R of the arm that stores most bits per parameter with the seed that chose the learning rates, of those that store at most
   * 90 % of their corpus. The seeds that R is measured with have no part in this choice.
   */
  record Greatest(List<String> arms) implements Quantity {
    public Greatest {
      arms = List.copyOf(arms);
    }

    @Override
    public String toString() {
      return "greatest R of " + String.join(", ", arms);
    }
  }
}
