package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.commons.math3.stat.inference.TTest;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.ArmDifference.Verdict;
import org.knowcap.analysis.results.Limit;
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
    assertEquals(Math.cbrt(1.5 / 1.2 * 1.7 / 1.35 * 1.61 / 1.33), found.factor().orElseThrow().value(), 1e-9);
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

  private static List<RunResult> limited(List<RunResult> arm, Limit limit) {
    return arm.stream().map(run -> Results.limited(run, limit)).toList();
  }

  @Test
  void whatTheCorpusLimitsHasNoVerdict() {
    List<RunResult> a = arm("llama", 1.5, 1.7, 1.61);
    List<RunResult> b = arm("gpt2", 1.2, 1.35, 1.33);
    ArmDifference full = one(limited(a, Limit.CORPUS), b, 0.1);
    assertEquals(Verdict.NO_VERDICT, full.verdict());
    assertTrue(full.pValue().isEmpty());
    assertTrue(full.caveats().getFirst().contains("R shows the corpus"), full.toString());
    ArmDifference learning = one(a, limited(b, Limit.LEARNING), 0.1);
    assertEquals(Verdict.MORE, learning.verdict());
    assertTrue(learning.caveats().getFirst().contains("which learns faster"), learning.toString());
  }

  /** 865 and 1000 complete exposures of 1000: the windows of one arm cut texts. */
  @Test
  void armsOfDifferentWindowsAreNamed() {
    List<RunResult> a = arm("llama", 1.5, 1.7, 1.61);
    List<RunResult> b = arm("gpt2", 1.2, 1.35, 1.33);
    ArmDifference apart = one(a.stream().map(run -> Results.withCounts(run, 1000, 10)).toList(),
        b.stream().map(run -> Results.withCounts(run, 865, 10)).toList(), 0.1);
    assertTrue(
        apart.caveats().stream().anyMatch(text -> text.contains("865 are complete, and of the other 1000")),
        apart.toString());
    ArmDifference alike = one(a.stream().map(run -> Results.withCounts(run, 865, 10)).toList(),
        b.stream().map(run -> Results.withCounts(run, 865.2, 10)).toList(), 0.1);
    assertTrue(alike.caveats().stream().noneMatch(text -> text.contains("complete")), alike.toString());
  }

  @Test
  void roundingIsNoVariance() {
    ArmDifference found = one(arm("llama", 1.5, 1.6, 1.7), arm("gpt2", 1.5 + 1e-14, 1.6 - 1e-14, 1.7 + 2e-14),
        0.1);
    assertEquals(Verdict.NO_VERDICT, found.verdict());
    assertFalse(found.difference().hasInterval());
  }

  @Test
  void whatStoresNothingHasNoFactor() {
    assertTrue(one(arm("llama", -1.5, -1.6), arm("gpt2", -0.5, -0.7), 0.1).factor().isEmpty());
  }

  @Test
  void armsThatDifferInMoreThanOneThingSaySo() {
    List<RunResult> a = arm("llama", 1.5, 1.7, 1.61).stream()
        .map(run -> Results.withRate(run, 0.01))
        .toList();
    ArmComparison found = ArmComparison.of(a, arm("gpt2", 1.2, 1.35, 1.33, 1.3), OptionalDouble.empty());
    List<String> caveats = found.differences().getFirst().caveats();
    assertEquals(List.of("The arms differ in: model (llama, gpt2), learning rate (0.01, 0.001).",
        "Runs without a partner of equal seeds are left out: gpt2-2-2-n200-e100-s3."), caveats);
    assertTrue(found.warnings().getFirst().contains("differ in more than one thing"),
        found.warnings().toString());
  }

  @Test
  void powerIsThatOfTheNoncentralT() {
    assertEquals(0.05, Power.of(0, 4, 0.05), 1e-6);
    assertEquals(0.8, Power.of(Power.effect(0.8, 2, 0.0125), 2, 0.0125), 1e-5);
    // Of many degrees, Student's t is normal: 1.96 + 0.8416.
    assertEquals(2.8016, Power.effect(0.8, 100_000, 0.05), 1e-3);
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
