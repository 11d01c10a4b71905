package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.results.Limit;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

class LossCurveTest {
  private static final BioS CORPUS = new BioS(50, 1,
      Pools.shipped(new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 8, 9)), Templates.shipped());

  /** @param loss of the part of the run, nats a token */
  private static List<RunFolder.Metric> reports(int reports, DoubleUnaryOperator loss) {
    return IntStream.rangeClosed(1, reports)
        .mapToObj(i -> new RunFolder.Metric(10 * i, loss.applyAsDouble((double) i / reports), 0.001, 1, i,
            Optional.empty(), Optional.empty(), Optional.empty(), List.of(), Optional.empty()))
        .toList();
  }

  private static LossCurve curve(int reports, DoubleUnaryOperator loss) {
    return new LossCurve(reports(reports, loss));
  }

  @Test
  void whatIsLearntLateIsTheFallOfTheLoss() {
    double bitsOfOneNat = CORPUS.meanItemTokens() / Math.log(2) * 50;
    LossCurve step = curve(200, part -> part <= 0.6 ? 3 : 2.9);
    assertEquals(0.1 * bitsOfOneNat / 800, step.lateShare(CORPUS, 800).orElseThrow(), 1e-9);
    // In a straight line from 4 to 3, the middle is 3.5 and the last tenth 3.05; reports lie at the ends of their steps.
    LossCurve line = curve(1000, part -> 4 - part);
    assertEquals(0.45 * bitsOfOneNat / 2000, line.lateShare(CORPUS, 2000).orElseThrow(), 1e-3);
    assertEquals(0, curve(200, part -> part < 0.4 ? 5 : 2).lateShare(CORPUS, 800).orElseThrow(), 1e-12);
    assertTrue(curve(200, part -> part).lateShare(CORPUS, 800).orElseThrow() < 0);
  }

  @Test
  void whereTheLossDoesNotTellThereIsNoShare() {
    LossCurve step = curve(200, part -> part <= 0.6 ? 3 : 2.9);
    assertEquals(OptionalDouble.empty(), step.lateShare(CORPUS, -1));
    assertEquals(OptionalDouble.empty(), curve(39, part -> 1).lateShare(CORPUS, 800));
    // As after the file was removed when 56 % of the steps were done.
    LossCurve late = new LossCurve(reports(200, part -> 1).subList(112, 200));
    assertEquals(OptionalDouble.empty(), late.lateShare(CORPUS, 800));
    Mixture mixture = new Mixture(1,
        List.of(new Mixture.Ingredient(CORPUS, 0.5, ""), new Mixture.Ingredient(CORPUS.from(50), 0.5, "")));
    assertEquals(OptionalDouble.empty(), step.lateShare(mixture, 800));
  }

  @Test
  void theLimitFollowsFromSaturationAndShare() {
    assertEquals(Limit.CORPUS, Limit.of(0.981, OptionalDouble.of(0.9)));
    // The grey zone begins below: the label stays, but no capacity is read from such a run.
    assertEquals(List.of(false, true, true), Stream.of(0.9, 0.901, 0.981).map(Limit::mayBeCorpus).toList());
    assertEquals(Limit.LEARNING, Limit.of(0.979, OptionalDouble.of(0.26)));
    assertEquals(Limit.MODEL, Limit.of(0.979, OptionalDouble.of(0.24)));
    assertEquals(Limit.UNDECIDED, Limit.of(0.5, OptionalDouble.empty()));
  }
}
