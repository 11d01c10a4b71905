package org.knowcap.experiments.measure;

import java.util.OptionalDouble;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Corpus;

/** Measures models along their training. */
public final class TrainingPoints {
  /** The most people whom training does not show. */
  private static final long UNSEEN = 200;

  private TrainingPoints() {}

  /**
   * Whether a model is measured after a step: after reports 1, 2, 3, 4, 6, 8, 11, 16 ... (a factor of about the square root of
   * two), and at the end.
   *
   * @param every steps from one report to the next
   */
  public static boolean due(long step, long steps, long every) {
    if (step == steps) {
      return true;
    }
    long report = step / every;
    long halfOctave = Math.round(2 * Math.log(report) / Math.log(2));
    return report * every == step && report == Math.round(Math.pow(2, halfOctave / 2.0));
  }

  /** Measures a model on up to {@code most} people. */
  public static TrainingPoint of(TrainedModel model, long most) {
    return of(model.corpus(), most, model::losses);
  }

  /** Measures any scorer, see {@link Measurement#of(Corpus, long, Measurement.Scorer)}. */
  static TrainingPoint of(Corpus corpus, long most, Measurement.Scorer scorer) {
    Measurement measurement = Measurement.of(corpus, most, scorer);
    OptionalDouble names = measurement.named()
        ? OptionalDouble.of(measurement.summary(KnowledgeKind.NAME).mean())
        : OptionalDouble.empty();
    SampleSummary values = measurement.summary(KnowledgeKind.VALUE);
    return new TrainingPoint(names, values.mean(), unseen(corpus, most, scorer),
        measurement.capacity(1).storedBits());
  }

  /** p2 of people whom training does not show, see {@link TrainingPoint#unseenValueLossNats}. */
  public static OptionalDouble unseen(TrainedModel model, long most) {
    return unseen(model.corpus(), most, model::losses);
  }

  private static OptionalDouble unseen(Corpus corpus, long most, Measurement.Scorer scorer) {
    return corpus.strangers(Math.min(most, UNSEEN))
        .filter(source -> source.people() > 1 && source.longestItem() == corpus.longestItem())
        .map(source -> OptionalDouble
            .of(Measurement.of(source, source.people(), scorer).summary(KnowledgeKind.VALUE).mean()))
        .orElse(OptionalDouble.empty());
  }
}
