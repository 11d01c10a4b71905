package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.Judgement.Direction;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.testing.TestSeed;

/** Verdicts on planted arms: each is reached where it must be, and false ones are as rare as stated. */
class LawVerdictTest {
  private static final LawClaim CLAIM = new LawClaim(10, "Junk", "Junk costs.", "figure 8", 1);
  private static final long PARAMETERS = 1000;
  private static final double CORPUS = 4000;
  private static final Set<Limit> ANY = Set.of(Limit.values());
  private static final int STUDIES = 4000;
  /** What is planted holds at the border, where verdicts are wrong most often; four standard errors of the count. */
  private static final double MOST_FALSE = 0.05 + 4 * Math.sqrt(0.05 * 0.95 / STUDIES);

  private static Arm arm(String name, Limit limit, double... ratios) {
    List<RunResult> runs = new ArrayList<>();
    for (int seed = 1; seed <= ratios.length; seed++) {
      runs.add(Results.limited(Results.run(200, 100, PARAMETERS, seed, ratios[seed - 1] * PARAMETERS, CORPUS),
          limit));
    }
    return new Arm(name, name, runs,
        List.of(new Arm.TriedRate(0.001, 0.1), new Arm.TriedRate(0.002, 1), new Arm.TriedRate(0.004, 0.2)),
        0);
  }

  private static Arm arm(String name, double... ratios) {
    return arm(name, Limit.MODEL, ratios);
  }

  private static Judgement factor(Direction direction, double published, double margin) {
    return new Judgement(new Quantity.Factor("a", "b"), direction, published, margin, Set.of(Limit.MODEL));
  }

  private static LawVerdict judged(Judgement judgement, Arm... arms) {
    return LawVerdict.of(CLAIM, List.of(judgement), List.of(arms));
  }

  private static void undecided(Doubt doubt, LawVerdict law) {
    assertTrue(assertInstanceOf(Verdict.Undecided.class, law.verdict()).doubts().contains(doubt),
        law.sentence());
  }

  @Test
  void theIntervalDecides() {
    Arm b = arm("b", 1.0, 1.02, 0.98);
    Arm twice = arm("a", 2.02, 2.06, 1.95);
    assertEquals("supported at this scale", judged(factor(Direction.AT_LEAST, 2, 1.41), twice, b).sentence());
    assertEquals("contradicted at this scale",
        judged(factor(Direction.AT_LEAST, 3, 1.2), twice, b).sentence());
    assertEquals("contradicted at this scale",
        judged(factor(Direction.AT_MOST, 1.3, 1.2), twice, b).sentence());
    assertEquals("supported at this scale", judged(factor(Direction.AT_MOST, 3, 1), twice, b).sentence());
    assertEquals("supported at this scale", judged(factor(Direction.ABOUT, 2, 1.1), twice, b).sentence());
    assertEquals("contradicted at this scale", judged(factor(Direction.ABOUT, 1, 1.1), twice, b).sentence());
    LawVerdict wide = judged(factor(Direction.AT_LEAST, 2, 1.41), arm("a", 0.9, 2.9, 1.7), b);
    assertEquals("undecided: interval too wide", wide.sentence());
    Estimate figure = judged(factor(Direction.ABOUT, 2, 1.1), twice, b).judged()
        .getFirst()
        .figure()
        .orElseThrow();
    assertEquals(Math.cbrt(2.02 / 1.0 * 2.06 / 1.02 * 1.95 / 0.98), figure.value(), 1e-12);
  }

  @Test
  void numbersOfOneArmAreJudged() {
    Arm full = arm("a", Limit.CORPUS, 3.96, 3.97, 3.95);
    Judgement stored = new Judgement(new Quantity.Stored("a"), Direction.AT_LEAST, 0.96, 1, ANY);
    assertEquals("supported at this scale", judged(stored, full).sentence());
    Judgement ratio = new Judgement(new Quantity.Ratio("a"), Direction.AT_LEAST, 2, 1, Set.of(Limit.MODEL));
    assertEquals("supported at this scale", judged(ratio, arm("a", 2.1, 2.12, 2.11)).sentence());
    undecided(Doubt.CORPUS_LIMITED, judged(ratio, full));
    // The arm is chosen by the choosing seed, not by the runs that are measured.
    Arm lucky = arm("lucky", 2.5, 2.6, 2.7);
    Arm chosen = new Arm("chosen", "chosen", arm("chosen", 1.5, 1.52, 1.51).runs(),
        List.of(new Arm.TriedRate(0.001, 0), new Arm.TriedRate(0.002, 9), new Arm.TriedRate(0.004, 0)), 0);
    LawVerdict greatest = judged(new Judgement(new Quantity.Greatest(List.of("lucky", "chosen")),
        Direction.AT_LEAST, 2, 1, Set.of(Limit.MODEL)), lucky, chosen);
    assertEquals("R of chosen", greatest.judged().getFirst().quantity());
    assertEquals("contradicted at this scale", greatest.sentence());
  }

  /** 200 people and 1000 parameters: a bit a name is 0.2 bits per parameter. */
  @Test
  void whatGuessingTheSourceCostsDecidesNothing() {
    Arm plain = arm("a", 2.02, 2.06, 1.95);
    Arm charged = arm("b", 0.5, 0.51, 0.49);
    Arm mixture = new Arm("b", "b", charged.runs(), charged.rates(), 0, 2);
    Judgement four = factor(Direction.AT_LEAST, 4, 1.41);
    assertEquals("supported at this scale", judged(four, plain, charged).sentence());
    LawVerdict law = judged(four, plain, mixture);
    undecided(Doubt.SOURCE_COST, law);
    Judged judged = law.judged().getFirst();
    assertEquals(Math.cbrt(2.02 / 0.5 * 2.06 / 0.51 * 1.95 / 0.49), judged.figure().orElseThrow().value(),
        1e-12);
    assertEquals(Math.cbrt(2.02 / 0.9 * 2.06 / 0.91 * 1.95 / 0.89), judged.sourceTold().orElseThrow().value(),
        1e-12);
    assertTrue(law.notes().stream().anyMatch(note -> note.contains("2 bits in b")), law.notes().toString());
    // Where both counts agree, the claim is decided.
    assertEquals("supported at this scale",
        judged(factor(Direction.AT_LEAST, 2, 1.2), plain, mixture).sentence());
    assertEquals("contradicted at this scale",
        judged(factor(Direction.AT_LEAST, 6, 1.2), plain, mixture).sentence());
    // An arm whose texts have a token of their own is charged nothing.
    assertTrue(judged(four, plain, charged).judged().getFirst().sourceTold().isEmpty());
  }

  @Test
  void aDoubtAboutTheDesignLeavesItUndecided() {
    Judgement twice = factor(Direction.AT_LEAST, 2, 1.41);
    Arm b = arm("b", 1.0, 1.02, 0.98);
    Arm a = arm("a", 2.02, 2.06, 1.95);
    Arm never = new Arm("a", "a", List.of(), a.rates(), 6);
    assertEquals("not run", judged(twice, never, b).sentence());
    assertEquals("not run", LawSummary.of(judged(twice, never, b)).verdict());
    LawVerdict diverged = judged(twice,
        new Arm("a", "a", List.of(), List.of(new Arm.TriedRate(0.001, Double.NEGATIVE_INFINITY)), 0), b);
    assertEquals("undecided: training diverged with every learning rate", diverged.sentence());
    assertTrue(diverged.notes().getFirst().contains("Training of a diverged with the learning rate 0.001"),
        diverged.toString());
    undecided(Doubt.TOO_FEW_SEEDS, judged(twice, arm("a", 2.0, 2.1), b));
    undecided(Doubt.NO_VARIANCE, judged(twice, arm("a", 2, 2, 2), arm("b", 1, 1, 1)));
    undecided(Doubt.NOT_SATURATED, judged(twice, arm("a", Limit.LEARNING, 2.02, 2.06, 1.95), b));
    undecided(Doubt.LIMIT_UNKNOWN, judged(twice, arm("a", Limit.UNDECIDED, 2.02, 2.06, 1.95), b));
    undecided(Doubt.CORPUS_LIMITED, judged(twice, arm("a", 3.7, 3.8, 3.65), b));
    undecided(Doubt.ONE_LEARNING_RATE,
        judged(twice, new Arm("a", "a", a.runs(), List.of(new Arm.TriedRate(0.001, 1)), 0), b));
    undecided(Doubt.RATE_AT_END,
        judged(twice,
            new Arm("a", "a", a.runs(), List.of(new Arm.TriedRate(0.001, 2), new Arm.TriedRate(0.002, 1)), 0),
            b));
    LawVerdict fast = judged(new Judgement(new Quantity.Factor("a", "b"), Direction.AT_LEAST, 2, 1.41, ANY),
        arm("a", Limit.LEARNING, 2.02, 2.06, 1.95), b);
    assertInstanceOf(Verdict.Supported.class, fast.verdict());
    assertTrue(fast.notes().stream().anyMatch(note -> note.contains("how fast they learn")), fast.toString());
    assertTrue(fast.notes().stream().anyMatch(note -> note.contains("816 times fewer")), fast.toString());
  }

  /** More training would raise a level, so that only what it would not change is a verdict. */
  @Test
  void whatAnArmStoresWhileItLearnsIsOnlyALowerBound() {
    Judgement two = new Judgement(new Quantity.Ratio("a"), Direction.AT_LEAST, 2, 1, ANY);
    undecided(Doubt.NOT_SATURATED, judged(two, arm("a", Limit.LEARNING, 1.0, 1.02, 0.98)));
    undecided(Doubt.LIMIT_UNKNOWN, judged(two, arm("a", Limit.UNDECIDED, 1.0, 1.02, 0.98)));
    assertInstanceOf(Verdict.Contradicted.class, judged(two, arm("a", 1.0, 1.02, 0.98)).verdict());
    assertInstanceOf(Verdict.Supported.class,
        judged(two, arm("a", Limit.LEARNING, 2.2, 2.22, 2.18)).verdict());
    Judgement most = new Judgement(new Quantity.Ratio("a"), Direction.AT_MOST, 2, 1, ANY);
    undecided(Doubt.NOT_SATURATED, judged(most, arm("a", Limit.LEARNING, 1.0, 1.02, 0.98)));
    assertInstanceOf(Verdict.Contradicted.class,
        judged(most, arm("a", Limit.LEARNING, 2.2, 2.22, 2.18)).verdict());
  }

  /** A size that can test a part of a law says of which part its verdict is. */
  @Test
  void aPartOfALawIsSaidToBeAPart() {
    LawVerdict law = LawVerdict.of(new LawClaim(10, "Junk", "Junk costs.", "figure 8", 4),
        List.of(factor(Direction.AT_LEAST, 2, 1.41)),
        List.of(arm("a", 2.02, 2.06, 1.95), arm("b", 1.0, 1.02, 0.98)));
    assertEquals("supported at this scale, in 1 of 4 judgements", law.sentence());
  }

  /** An arm that stores less than nothing has no factor, and yet stores less than a half. */
  @Test
  void negativeBitsAreJudgedByTheDifference() {
    LawVerdict law = judged(factor(Direction.AT_LEAST, 20, 4.5), arm("a", 1.0, 1.1, 0.9),
        arm("b", -0.05, 0.02, -0.01));
    assertTrue(law.judged().getFirst().figure().isEmpty());
    assertEquals("supported at this scale", law.sentence());
  }

  @Test
  void oneContradictionContradictsTheLaw() {
    Arm b = arm("b", 1.0, 1.02, 0.98);
    Arm a = arm("a", 2.02, 2.06, 1.95);
    LawVerdict law = LawVerdict.of(CLAIM,
        List.of(factor(Direction.AT_LEAST, 2, 1.41), factor(Direction.AT_LEAST, 4, 1.1)), List.of(a, b));
    assertEquals("contradicted at this scale", law.sentence());
    assertTrue(law.notes().contains("1 of the 2 judgements are supported."), law.notes().toString());
    LawVerdict open = LawVerdict.of(CLAIM,
        List.of(factor(Direction.AT_LEAST, 2, 1.41),
            new Judgement(new Quantity.Ratio("c"), Direction.AT_LEAST, 1, 1, ANY)),
        List.of(a, b, new Arm("c", "c", List.of(), List.of(), 6)));
    assertEquals("undecided: not run", "undecided: " + ((Verdict.Undecided) open.verdict()).reasons());
  }

  @Test
  void impossibleClaimsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> factor(Direction.ABOUT, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> factor(Direction.AT_LEAST, 0, 2));
    assertThrows(IllegalArgumentException.class, () -> factor(Direction.AT_MOST, 2, 0.9));
    assertThrows(IllegalArgumentException.class,
        () -> new Judgement(new Quantity.Ratio("a"), Direction.AT_LEAST, 2, 2, Set.of()));
  }

  private static double[] noisy(Random random, double mean, double[] shared) {
    double[] ratios = new double[shared.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = mean * Math.exp(shared[i] + 0.04 * random.nextGaussian());
    }
    return ratios;
  }

  private static double falseVerdicts(Direction direction, double truth, boolean wrongIfSupported) {
    Random random = new Random(TestSeed.value());
    int decided = 0;
    for (int study = 0; study < STUDIES; study++) {
      double[] shared = new double[3];
      for (int i = 0; i < shared.length; i++) {
        shared[i] = 0.05 * random.nextGaussian();
      }
      Verdict verdict = judged(factor(direction, 1.5, 1.2), arm("a", noisy(random, 1.5 * truth, shared)),
          arm("b", noisy(random, 1, shared))).verdict();
      boolean wrong = wrongIfSupported
          ? verdict instanceof Verdict.Supported
          : verdict instanceof Verdict.Contradicted;
      decided += wrong ? 1 : 0;
    }
    return (double) decided / STUDIES;
  }

  /** At the border both verdicts are false, a little to either side. */
  @Test
  void falseVerdictsAreRareAtTheBorders() {
    for (Direction direction : Direction.values()) {
      if (direction != Direction.AT_MOST) {
        double both = falseVerdicts(direction, 1 / 1.2, true) + falseVerdicts(direction, 1 / 1.2, false);
        assertTrue(both <= MOST_FALSE, direction + ", low: " + both);
      }
      if (direction != Direction.AT_LEAST) {
        double both = falseVerdicts(direction, 1.2, true) + falseVerdicts(direction, 1.2, false);
        assertTrue(both <= MOST_FALSE, direction + ", high: " + both);
      }
    }
  }

  /** With two judgements at their borders, Holm's correction keeps the law's contradictions rare. */
  @Test
  void severalJudgementsMakeNoMoreFalseContradictions() {
    Random random = new Random(TestSeed.value());
    int contradicted = 0;
    for (int study = 0; study < STUDIES; study++) {
      double[] none = new double[3];
      Arm a = arm("a", noisy(random, 1.5, none));
      Arm b = arm("b", noisy(random, 1, none));
      Arm c = arm("c", noisy(random, 1, none));
      Judgement other = new Judgement(new Quantity.Ratio("c"), Direction.AT_LEAST, 1, 1, Set.of(Limit.MODEL));
      LawVerdict law = LawVerdict.of(CLAIM, List.of(factor(Direction.AT_LEAST, 1.5, 1), other),
          List.of(a, b, c));
      contradicted += law.verdict() instanceof Verdict.Contradicted ? 1 : 0;
    }
    assertTrue((double) contradicted / STUDIES <= MOST_FALSE, "contradicted: " + contradicted);
  }
}
