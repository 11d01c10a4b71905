package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.testing.TestSeed;

class LossLawTest {
  /** E, A, B, alpha and beta of arXiv 2404.10102, and their standard errors. */
  private static final double[] CHINCHILLA = {1.8172, 482.01, 2085.43, 0.3478, 0.3658};
  private static final double[] ERRORS = {0.03, 124.58, 1293.23, 0.02, 0.02};

  private final RandomGenerator random = new SplittableRandom(TestSeed.value());

  @TempDir
  private Path directory;

  private List<LossPoint> points(double[] law, int count, double noise) {
    LossLaw planted = new LossLaw(law[0], law[1], law[2], law[3], law[4], 0, 0, "", 0, 0);
    List<LossPoint> points = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double parameters = 5e7 * Math.pow(300, random.nextDouble());
      double tokens = 1e9 * Math.pow(300, random.nextDouble());
      points.add(new LossPoint(parameters, tokens,
          planted.at(parameters, tokens) * Math.exp(noise * random.nextGaussian()), "run " + i));
    }
    return points;
  }

  @RepeatedTest(5)
  void whatHasNoNoiseIsRecovered() {
    double alpha = 0.15 + 0.6 * random.nextDouble();
    double beta = 0.15 + 0.6 * random.nextDouble();
    // Terms of 0.2 to 2 nats in the middle of the data.
    double[] law = {1 + random.nextDouble(), (0.2 + 1.8 * random.nextDouble()) * Math.pow(9e8, alpha),
        (0.2 + 1.8 * random.nextDouble()) * Math.pow(2e10, beta), alpha, beta};
    double[] found = LossLaw.fit(points(law, 100, 0)).values();
    for (int i = 0; i < law.length; i++) {
      assertEquals(1, found[i] / law[i], 1e-6, LossLaw.NAMES.get(i));
    }
  }

  @Test
  void thePublishedRefitIsReproducedWithinItsIntervals() {
    List<LossPoint> points = points(CHINCHILLA, 240, 0.004);
    LossFit fit = LossFit.of(points, 100);
    for (int i = 0; i < CHINCHILLA.length; i++) {
      assertEquals(CHINCHILLA[i], fit.estimates().get(i).value(), 1.96 * ERRORS[i], LossLaw.NAMES.get(i));
      assertTrue(fit.estimates().get(i).low().getAsDouble() < fit.estimates().get(i).value());
    }
    assertEquals(240, fit.checklist().pointsUsed());
  }

  @Test
  void theOptimumIsOne() {
    List<LossPoint> points = points(CHINCHILLA, 240, 0.02);
    LossLaw law = LossLaw.fit(points);
    double best = objective(law.values(), points);
    assertEquals(best, law.objective(), 1e-9 * best);
    for (int i = 0; i < 200; i++) {
      double[] near = law.values();
      for (int k = 0; k < near.length; k++) {
        near[k] *= 1 + 1e-4 * random.nextGaussian();
      }
      assertTrue(objective(near, points) >= best * (1 - 1e-9), "a point beside the optimum is lower");
    }
  }

  /** Written anew: the sum of Huber's function of the differences of logarithms. */
  private static double objective(double[] law, List<LossPoint> points) {
    double sum = 0;
    for (LossPoint point : points) {
      double fitted = law[0] + law[1] / Math.pow(point.parameters(), law[3])
          + law[2] / Math.pow(point.tokens(), law[4]);
      double away = Math.abs(Math.log(fitted / point.loss()));
      sum += away <= 1e-3 ? away * away / 2 : 1e-3 * away - 5e-7;
    }
    return sum;
  }

  @Test
  void aTermThatIsNotThereIsZero() {
    LossLaw law = LossLaw.fit(points(new double[]{0, 300, 1000, 0.3, 0.3}, 100, 0));
    assertEquals(0, law.irreducible(), 1e-3);
    assertEquals(0.3, law.alpha(), 1e-3);
  }

  /** With few points they are wider than they need be: docs/laws.md has the shares. */
  @Tag("slow")
  @ParameterizedTest
  @ValueSource(ints = {20, 40, 100})
  void intervalsHoldTheTruth(int count) {
    int studies = 150;
    int[] held = new int[CHINCHILLA.length];
    for (int study = 0; study < studies; study++) {
      List<LossPoint> points = points(CHINCHILLA, count, 0.02);
      List<Estimate> found = LossLaw.bootstrap(points, LossLaw.fit(points), 200, study).parameters();
      for (int i = 0; i < held.length; i++) {
        held[i] += found.get(i).low().getAsDouble() <= CHINCHILLA[i]
            && CHINCHILLA[i] <= found.get(i).high().getAsDouble() ? 1 : 0;
      }
    }
    System.err.println(
        "of " + studies + " intervals from " + count + " points hold the truth: " + Arrays.toString(held));
    for (int i = 0; i < held.length; i++) {
      assertTrue(held[i] > 0.92 * studies, LossLaw.NAMES.get(i) + ": " + held[i] + " of " + studies);
    }
  }

  @Test
  void tooLittleIsRefused() {
    assertMessage("at least 8 points, found 3: measure 5 more", () -> LossLaw.fit(points(CHINCHILLA, 3, 0)));
    List<LossPoint> oneSize = points(CHINCHILLA, 20, 0).stream()
        .map(point -> new LossPoint(1e8, point.tokens(), point.loss(), point.cluster()))
        .toList();
    assertMessage("three different sizes of model, found 1: measure 2 more", () -> LossLaw.fit(oneSize));
    assertMessage("loss of a point is NaN", () -> new LossPoint(1, 1, Double.NaN, ""));
  }

  @Test
  void sizeAndDataThatGrowTogetherAreRefused() {
    List<LossPoint> together = points(CHINCHILLA, 20, 0).stream()
        .map(point -> new LossPoint(point.parameters(), 20 * point.parameters(), point.loss(),
            point.cluster()))
        .toList();
    assertMessage("size and data grow together", () -> LossLaw.fit(together));
  }

  @Test
  void fewCellsHaveNoInterval() {
    List<LossPoint> few = points(CHINCHILLA, 8, 0.01);
    Estimate alpha = LossLaw.bootstrap(few, LossLaw.fit(few), 100, 1).parameters().get(3);
    assertTrue(!alpha.hasInterval() && alpha.method().contains("more cells are needed"), alpha.toString());
  }

  @Test
  void runsOfSeveralSettingsAreRefused() {
    RunResult run = Results.run(200, 100, "gpt2-2-2", 1000, 1, 1000, 10_000);
    RunResult seed = Results.run(200, 100, "gpt2-2-2", 1000, 2, 1000, 10_000);
    assertEquals(1, LossFit.points(List.of(run, seed)).stream().map(LossPoint::cluster).distinct().count());
    assertMessage("several families of models: gpt2, llama",
        () -> LossFit.points(List.of(run, Results.run(200, 100, "llama-2-2", 1000, 1, 1000, 10_000))));
    assertMessage("several N and several exposures",
        () -> LossFit.points(List.of(run, Results.run(400, 200, "gpt2-2-2", 1000, 1, 1000, 20_000))));
  }

  @Test
  void tablesFromElsewhereAreRead() throws Exception {
    Path table = directory.resolve("losses.csv");
    Files.writeString(table, "run,loss,tokens,parameters\na,2.5,1e9,1e6\n\nb, 2.4 ,2e9,1e6\n");
    assertTrue(LossTable.hasColumns(table));
    assertEquals(List.of(new LossPoint(1e6, 1e9, 2.5, "a"), new LossPoint(1e6, 2e9, 2.4, "b")),
        LossTable.read(table));
    Files.writeString(table, "loss,tokens,parameters\n2.5,x,1e6\n");
    assertMessage("line 2, column tokens: found \"x\"; it must be a number", () -> LossTable.read(table));
    for (String number : List.of("1d", "0x1p3", "Infinity", "")) {
      Files.writeString(table, "loss,tokens,parameters\n2.5," + number + ",1e6\n");
      assertMessage("line 2, column tokens: found \"" + number + "\"; it must be a number",
          () -> LossTable.read(table));
    }
    Files.writeString(table, "loss,tokens,parameters\nNaN,1,1e6\n");
    assertMessage("line 2: loss of a point is NaN", () -> LossTable.read(table));
    Files.writeString(table, "loss,tokens,parameters\n-1,1,1e6\n");
    assertMessage("line 2: loss of a point is -1.0", () -> LossTable.read(table));
    Files.writeString(table, "loss,tokens,parameters\n1,1\n");
    assertMessage("line 2 has 2 cells; the first line has 3", () -> LossTable.read(table));
  }

  private static void assertMessage(String part, org.junit.jupiter.api.function.Executable work) {
    String message = assertThrows(LawException.class, work).getMessage();
    assertTrue(message.contains(part), message);
  }
}
