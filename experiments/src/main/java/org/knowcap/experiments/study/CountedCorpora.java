package org.knowcap.experiments.study;

import java.util.HashMap;
import java.util.Map;
import org.knowcap.generators.corpus.Corpus;

/**
 * Corpora to count in: how many people, tokens, bits and different tokens a corpus has follows from its settings, not from
 * its seeds, so that runs that differ only in seeds share one. What its people and texts are is not to be asked here:
 * {@link RunSpec#corpus} makes the corpus that a run learns.
 */
public final class CountedCorpora {
  private static final long ANY_SEED = 0;

  private final Map<CorpusSpec, Corpus> made = new HashMap<>();

  /**
   * The corpus of a run's settings, for the run's exposures.
   *
   * @throws IllegalArgumentException where it cannot be made
   */
  public Corpus of(RunSpec run) {
    return run.withExposures(of(run.corpusSpec()));
  }

  /** The corpus of these settings, whatever the exposures are. */
  Corpus of(CorpusSpec spec) {
    Corpus known = made.get(spec);
    if (known == null) {
      known = spec.corpus(ANY_SEED, ANY_SEED);
      made.put(spec, known);
    }
    return known;
  }
}
