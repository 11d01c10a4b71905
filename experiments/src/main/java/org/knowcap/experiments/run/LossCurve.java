package org.knowcap.experiments.run;

import java.util.List;
import java.util.OptionalDouble;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;

/** The training loss over a run, and what it says about when the run stored its bits. */
final class LossCurve {
  /** The least number of reports; with fewer, noise cannot be told from learning. */
  private static final int LEAST_REPORTS = 40;
  /** Part of the run over which the loss is averaged, around its middle and at its end. */
  private static final double PART = 0.1;

  private final List<RunFolder.Metric> reports;

  LossCurve(List<RunFolder.Metric> reports) {
    this.reports = List.copyOf(reports);
  }

  /**
   * Share of the stored bits that were stored in the second half of the run: the fall of the mean loss from the
   * middle (45 to 55 % of the steps) to the end (the last 10 %), in bits of a text about one person, over the bits
   * that are stored of one person. The share also contains what the model still learns about the sentences around
   * the values. By then that is little, if each text of a person has other sentences.
   *
   * @param storedBits of the corpus
   * @return absent if the loss also counts other texts than the corpus's own, or people unequally, if the wording of texts can be learnt
   *        by heart, if there are too few reports or none in one of the two stretches, or if nothing is stored
   */
  OptionalDouble lateShare(Corpus corpus, double storedBits) {
    if (!(corpus instanceof Source source) || source.repeatsWording()
        || source.rounds().exposure().isPresent() || reports.size() < LEAST_REPORTS || !(storedBits > 0)) {
      return OptionalDouble.empty();
    }
    double steps = reports.getLast().step();
    OptionalDouble middle = mean((0.5 - PART / 2) * steps, (0.5 + PART / 2) * steps);
    OptionalDouble end = mean((1 - PART) * steps, steps);
    if (middle.isEmpty() || end.isEmpty()) {
      return OptionalDouble.empty();
    }
    double bits = (middle.getAsDouble() - end.getAsDouble()) * source.meanItemTokens() / Math.log(2)
        * source.people();
    return OptionalDouble.of(bits / storedBits);
  }

  /** Mean loss of the reports after one step, up to another, nats a token; empty where there are none. */
  private OptionalDouble mean(double after, double to) {
    return reports.stream()
        .filter(report -> report.step() > after && report.step() <= to)
        .mapToDouble(RunFolder.Metric::loss)
        .average();
  }
}
