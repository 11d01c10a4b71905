package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.commons.math3.stat.inference.TTest;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.ArmDifference.Verdict;
import org.knowcap.analysis.results.RunResult;

class ArmComparisonTest {
  private static List<RunResult> arm(String family, double... ratios) {
    List<RunResult> runs = new ArrayList<>();
    for (int s = 0; s < ratios.length; s++) {
      runs.add(Results.run(200, 100, family + "-2-2", 1000, s, 1000 * ratios[s], 10_000));
    }
    return runs;
  }

  private static ArmDifference one(List<RunResult> a, List<RunResult> b, double margin) {
    return ArmComparison.of(a, b, OptionalDouble.of(margin)).differences().getFirst();
  }

  @Test
  void pairsAreTestedAsByStudent() {
    double[] a = {1.5, 1.7, 1.61};
    double[] b = {1.2, 1.35, 1.33};
    ArmDifference found = one(arm("llama", a), arm("gpt2", b), 0.5);
    assertEquals(new TTest().pairedTTest(a, b), found.pValue().orElseThrow(), 1e-9);
    assertEquals(0.31, found.difference().value(), 1e-9);
    assertEquals(Verdict.EQUIVALENT, found.verdict());
    assertEquals(Verdict.MORE, one(arm("llama", a), arm("gpt2", b), 0.1).verdict());
    assertEquals(Verdict.LESS, one(arm("gpt2", b), arm("llama", a), 0.1).verdict());
    // Two one-sided tests are those of the differences moved by the margin.
    double[] moved = {0.3 - 0.5, 0.35 - 0.5, 0.28 - 0.5};
    assertEquals(new TTest().tTest(0, moved) / 2, found.equivalencePValue().orElseThrow(), 1e-9);
    assertEquals(Math.cbrt(1.5 / 1.2 * 1.7 / 1.35 * 1.61 / 1.33), found.factor().value(), 1e-9);
  }

  @Test
  void alikeOrAlonePairsGiveNoVerdict() {
    assertEquals(Verdict.NO_VERDICT, one(arm("llama", 1.5, 1.6), arm("gpt2", 1.5, 1.6), 0.1).verdict());
    assertEquals(Verdict.NO_VERDICT, one(arm("llama", 1.5), arm("gpt2", 1.2), 0.1).verdict());
    assertEquals(Verdict.NO_VERDICT,
        one(arm("llama", 1.5, 1.6), arm("gpt2", 0, 0, 1.2, 1.3).subList(2, 4), 0.1).verdict());
    assertEquals(Verdict.UNDECIDED,
        one(arm("llama", 1.5, 1.6, 1.1), arm("gpt2", 1.2, 1.3, 1.4), 0.01).verdict());
  }

  @Test
  void holmMultipliesTheSmallestByTheNumberOfTests() {
    // The example of three tests: 0.01 x 3, 0.02 x 2, 0.03 x 1 but not below the one before.
    assertArrayEquals(new double[]{0.04, 0.03, 0.04}, Holm.corrected(new double[]{0.02, 0.01, 0.03}), 1e-12);
    assertArrayEquals(new double[]{1, 1}, Holm.corrected(new double[]{0.7, 0.9}), 1e-12);
  }

  @Test
  void armsThatCannotBeComparedAreRefused() {
    assertMessage("have no setting in common", arm("llama", 1.5),
        List.of(Results.run(400, 100, "gpt2-2-2", 1000, 1, 300, 4000)), OptionalDouble.empty());
    List<RunResult> two = new ArrayList<>(arm("llama", 1.5));
    two.addAll(arm("mistral", 1.4));
    assertMessage("the first arm has two cells with N = 200, 100 exposures, 2-2", two, arm("gpt2", 1.5),
        OptionalDouble.empty());
    assertMessage("the margin must be above 0", arm("llama", 1.5), arm("gpt2", 1.5), OptionalDouble.of(0));
  }

  private static void assertMessage(String part, List<RunResult> a, List<RunResult> b,
      OptionalDouble margin) {
    String message = assertThrows(LawException.class, () -> ArmComparison.of(a, b, margin)).getMessage();
    assertTrue(message.contains(part), message);
  }
}
