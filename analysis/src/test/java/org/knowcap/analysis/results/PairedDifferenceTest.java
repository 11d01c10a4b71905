package org.knowcap.analysis.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.commons.math3.stat.inference.TTest;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;

class PairedDifferenceTest {
  @Test
  void runsOfEqualSeedsArePairs() {
    List<RunResult> runs = List.of(Results.run(200, 400, "gpt2-2-1-w8", 1000, 1, 1000, 4000),
        Results.run(200, 400, "gpt2-2-1-w8", 1000, 2, 1400, 4000),
        Results.run(200, 400, "gpt2-2-1-w8", 1000, 3, 1200, 4000),
        Results.run(200, 400, "llama-2-1-w8-tied", 2000, 3, 3000, 4000),
        Results.run(200, 400, "llama-2-1-w8-tied", 2000, 1, 2400, 4000),
        Results.run(200, 400, "llama-2-1-w8-tied", 2000, 2, 3200, 4000),
        // No pair: another size, other exposures, a seed that only one has.
        Results.run(200, 400, "llama-2-2-w8", 2000, 1, 1, 4000),
        Results.run(200, 100, "llama-2-1-w8", 2000, 1, 1, 4000),
        Results.run(200, 400, "llama-2-1-w8-tied", 2000, 9, 3990, 4000));
    List<PairedDifference> found = PairedDifference.of(runs, "gpt2");
    assertEquals(1, found.size());
    PairedDifference one = found.getFirst();
    assertEquals("llama-2-1-w8-tied against gpt2-2-1-w8, 3",
        one.model() + " against " + one.against() + ", " + one.pairs());
    // Differences of 0.2, 0.2 and 0.3.
    double[] own = {1.2, 1.6, 1.5};
    double[] others = {1, 1.4, 1.2};
    assertEquals(0.7 / 3, one.difference(), 1e-12);
    assertEquals(4.3 / 3.6, one.ratio(), 1e-12);
    assertEquals(new TTest().pairedTTest(own, others), one.pValue().orElseThrow(), 1e-9);
    // 4.302653 is Student's t at 2 degrees of freedom; the deviation is 0.1 / sqrt(3).
    assertEquals(4.302653 * 0.1 / 3, one.differenceInterval().orElseThrow(), 1e-6);

    PairedDifference single = PairedDifference.of(runs.subList(2, 4), "gpt2").getFirst();
    assertEquals(OptionalDouble.empty(), single.pValue());
    String message = assertThrows(ResultsException.class, () -> PairedDifference.of(runs, "mistral"))
        .getMessage();
    assertTrue(message.contains("one of mistral"), message);
  }

  /** Two corpora, each with two initial weights: by the corpus, these are two pairs, not four. */
  @Test
  void crossedSeedsGiveNoInterval() {
    List<RunResult> runs = new ArrayList<>();
    for (int corpus = 1; corpus <= 2; corpus++) {
      for (int weights = 1; weights <= 2; weights++) {
        Seeds seeds = new Seeds(corpus, weights, 1);
        runs.add(Results.run("gpt2-2-1-w8", seeds, 1000 + 10 * corpus * weights));
        runs.add(Results.run("llama-2-1-w8", seeds, 1200 + 17 * corpus + weights));
      }
    }
    PairedDifference found = PairedDifference.of(runs, "gpt2").getFirst();
    assertEquals(4, found.pairs());
    assertEquals(OptionalDouble.empty(), found.differenceInterval());
    assertEquals(OptionalDouble.empty(), found.pValue());
  }

  /** Runs that differ in a batch size, say, have one row in the table. */
  @Test
  void runsThatTheTableDoesNotTellApartAreNotPaired() {
    RunResult one = Results.run(200, 400, "gpt2-2-1-w8", 1000, 1, 1000, 4000);
    RunResult two = Results.run(200, 400, "gpt2-2-1-w8", 1000, 1, 1100, 4000);
    RunResult other = Results.run(200, 400, "llama-2-1-w8", 1000, 1, 1200, 4000);
    String message = assertThrows(ResultsException.class,
        () -> PairedDifference.of(List.of(one, two, other), "gpt2")).getMessage();
    assertTrue(message.contains("have the same seeds"), message);
    RunResult largerLists = Results.run(200, 400, "gpt2-2-1-w8", 1000, 1, 1100, 5000);
    PairedDifference found = PairedDifference.of(List.of(one, largerLists, other), "gpt2").getFirst();
    assertEquals(0.2, found.difference(), 1e-12);
  }

  /** The committed runs: with three pairs, LLaMA's lead over GPT2 is p = 0.06 and 0.04. */
  @Test
  void committedArchitecturesAreCompared() throws IOException {
    List<PairedDifference> found = PairedDifference
        .of(ResultsTable.readCsv(Path.of("../results/architectures-cpu/results.csv")).results(), "gpt2");
    assertEquals(14, found.size());
    List<Double> llama = found.stream()
        .filter(each -> each.model().startsWith("llama-"))
        .map(each -> Math.round(100 * each.pValue().orElseThrow()) / 100.0)
        .toList();
    assertEquals(List.of(0.06, 0.04), llama);
  }
}
