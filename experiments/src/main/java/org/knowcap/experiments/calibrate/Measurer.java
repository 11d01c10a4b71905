package org.knowcap.experiments.calibrate;

import org.knowcap.experiments.measure.Measurement;
import org.knowcap.generators.corpus.Corpus;

/** Takes losses: {@link Measurement#of(Corpus, long, Measurement.Scorer)}, or one with a fault. */
@FunctionalInterface
interface Measurer {
  /** @param most people who are measured */
  Measurement measure(Corpus corpus, long most, Measurement.Scorer scorer);
}
