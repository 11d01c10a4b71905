package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.ZipfLearner;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.FrequencyTable;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.testing.TestSeed;

class SkillsLawTest {
  private static final long[] EXPOSURES = {5, 10, 20, 40, 60};

  /** The exponents of the derivation come out of a learner that does what it supposes. */
  @Test
  void theDerivedExponentsAreFound() {
    for (double zipf : new double[]{1.3, 1.5, 2}) {
      List<FrequencyRow> rows = new ArrayList<>();
      for (long exposures : zipf < 1.5 ? new long[]{1, 2, 4, 6, 8} : EXPOSURES) {
        rows.addAll(ZipfLearner.run(zipf, exposures, 1, 5));
      }
      SkillsLaw law = SkillsLaw.of(rows).getFirst();
      assertEquals(1 / zipf, law.stored().orElseThrow().gamma().value(), 0.02, law.toString());
      assertEquals((1 - zipf) / zipf, law.loss().orElseThrow().gamma().value(), 0.02, law.toString());
      assertTrue(law.summary().getFirst().contains("derived: 1/a = "), law.summary().toString());
    }
  }

  @Test
  void theIntervalsHoldPlantedExponents() {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    int studies = 400;
    int stored = 0;
    int loss = 0;
    for (int study = 0; study < studies; study++) {
      List<FrequencyRow> rows = new ArrayList<>();
      for (long exposures : EXPOSURES) {
        for (long seed = 1; seed <= 2; seed++) {
          // Seeds differ in how soon they know somebody: by 10 %, far more than the learner's own departure from the law.
          rows.addAll(ZipfLearner.run(1.5, exposures, seed, 5 * Math.exp(0.1 * random.nextGaussian())));
        }
      }
      SkillsLaw law = SkillsLaw.of(rows).getFirst();
      stored += covers(law.stored().orElseThrow().gamma(), 1 / 1.5) ? 1 : 0;
      loss += covers(law.loss().orElseThrow().gamma(), -0.5 / 1.5) ? 1 : 0;
    }
    // Four standard errors of the count below 95 %, and 92 % at least.
    assertTrue(stored > 0.905 * studies && stored < 0.99 * studies, stored + " of " + studies);
    assertTrue(loss > 0.905 * studies && loss < 0.99 * studies, loss + " of " + studies);
  }

  private static boolean covers(Estimate estimate, double truth) {
    return estimate.low().getAsDouble() <= truth && truth <= estimate.high().getAsDouble();
  }

  @Test
  void theTailBeyondAllPeopleIsTheZetaFunctions() {
    // zeta(2) = pi^2 / 6.
    double first = IntStream.rangeClosed(1, 50).mapToDouble(k -> 1.0 / k / k).sum();
    assertEquals((Math.PI * Math.PI / 6 - first) / first, SkillsLaw.beyond(50, 2), 1e-9);
  }

  @Test
  void pointsThatSayLittleAreLeftOut() {
    List<FrequencyRow> rows = new ArrayList<>();
    for (long exposures : new long[]{1, 20, 40, 80, 160, 10_000}) {
      rows.addAll(ZipfLearner.run(1.5, exposures, 1, 50));
    }
    SkillsLaw law = SkillsLaw.of(rows).getFirst();
    assertEquals(List.of(false, true, true, true, true, false),
        law.points().stream().map(SkillsLaw.Point::used).toList());
    assertEquals(4, law.checklist().pointsUsed());
    SkillsLaw few = SkillsLaw
        .of(rows.stream().filter(row -> row.exposures() > 100 || row.exposures() == 80).toList())
        .getFirst();
    assertFalse(few.stored().orElseThrow().gamma().hasInterval());
    assertTrue(few.summary().getFirst().contains("a law needs 4 numbers of exposures, found 2"),
        few.summary().toString());
  }

  /** Half of the tail beyond k* lies beyond N from k* = N 2^(-1/(a - 1)) on: for a = 1.3 as soon as 10 % are known. */
  @Test
  void whatIsMostlyImputedIsNoPointOfTheLoss() {
    List<FrequencyRow> rows = new ArrayList<>();
    for (long exposures : new long[]{1, 2, 4, 6, 8, 20, 40}) {
      rows.addAll(ZipfLearner.run(1.3, exposures, 1, 5));
    }
    SkillsLaw law = SkillsLaw.of(rows).getFirst();
    assertEquals(List.of(true, true, true, true, true, false, false),
        law.points().stream().map(SkillsLaw.Point::usedForLoss).toList());
    assertTrue(law.points().stream().allMatch(SkillsLaw.Point::used));
    assertEquals(7, law.stored().orElseThrow().points().size());
    assertEquals(5, law.loss().orElseThrow().points().size());
    var left = law.checklist().leftOut().entrySet().iterator().next();
    assertTrue(left.getKey().contains("imputed to people beyond N"), left.getKey());
    assertEquals(List.of("20 exposures", "40 exposures"), left.getValue());
    SkillsLaw none = SkillsLaw.of(rows.stream().filter(row -> row.exposures() > 8).toList()).getFirst();
    assertTrue(none.loss().isEmpty() && none.stored().isPresent());
    assertTrue(none.summary().getLast().contains("The loss has no law"), none.summary().toString());
  }

  @Test
  void badInputIsRefused() {
    assertRefused("train on a corpus with 'exposure: {zipf: 1.5}'", List.of());
    assertRefused("after two different numbers of exposures", ZipfLearner.run(1.5, 10, 1, 200));
    assertRefused("unless the exponent is above 1", ZipfLearner.run(1, 10, 1, 200));
    assertRefused("rows are missing or there twice", ZipfLearner.run(1.5, 10, 1, 200).subList(1, 4));
    List<FrequencyRow> sampled = new ArrayList<>(ZipfLearner.run(1.5, 10, 1, 200));
    sampled.addAll(ZipfLearner.run(1.5, 20, 1, 200)
        .stream()
        .map(row -> new FrequencyRow(row.run(), row.corpus(), row.people(), row.exposures(), row.zipf(),
            row.model(), row.parameters(), row.seeds(), row.setting(), sampled(row.bucket())))
        .toList());
    assertRefused("measured 2001 of 4000 people", sampled);
    List<FrequencyRow> twice = new ArrayList<>(ZipfLearner.run(1.5, 10, 1, 200));
    twice.addAll(ZipfLearner.run(1.5, 10, 1, 300)
        .stream()
        .map(row -> new FrequencyRow("other", row.corpus(), row.people(), row.exposures(), row.zipf(),
            row.model(), row.parameters(), row.seeds(), row.setting(), row.bucket()))
        .toList());
    twice.addAll(ZipfLearner.run(1.5, 20, 1, 200));
    assertRefused("have the same seeds", twice);
  }

  private static FrequencyBucket sampled(FrequencyBucket all) {
    return new FrequencyBucket(all.exposuresFrom(), all.bucketPeople(), (all.bucketPeople() + 1) / 2,
        all.meanExposures(), all.share(), all.nameLoss(), all.valueLoss(), all.weightedValueLoss(),
        all.valueBits(), all.valueStoredBits());
  }

  private static void assertRefused(String part, List<FrequencyRow> rows) {
    String message = assertThrows(LawException.class, () -> SkillsLaw.of(rows)).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void theTableReadsBackTheSame(@TempDir Path folder) throws Exception {
    List<FrequencyRow> rows = ZipfLearner.run(1.5, 10, 1, 200);
    Path file = folder.resolve("frequency.csv");
    FrequencyTable.writeCsv(file, rows);
    assertTrue(FrequencyTable.isOne(file));
    assertEquals(rows, FrequencyTable.readCsv(file));

    String table = Files.readString(file);
    assertFalse(table.replace(",1.0,1,1,", ",1.0,1,2,").equals(table), table);
    Files.writeString(file, table.replace(",1.0,1,1,", ",1.0,1,2,"));
    String message = assertThrows(ResultsException.class, () -> FrequencyTable.readCsv(file)).getMessage();
    assertTrue(
        message.contains("line 2, column measured_people is 2; it must be at most bucket_people, which is 1"),
        message);
  }
}
