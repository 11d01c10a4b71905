package org.knowcap.experiments.study;

import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.models.architecture.ModelSpec;

/**
 * Lists whose product is a grid of runs.
 *
 * @param corpora what is learnt
 * @param models architectures
 * @param exposures occurrences of each person
 * @param seeds one run each, at least one and none twice
 * @param engine name of an engine, or "auto"
 * @param training settings shared by all runs
 * @param measuredPeople people measured in each run, all if there are fewer
 */
record Grid(List<CorpusSpec> corpora, List<ModelSpec> models, List<Exposures> exposures, List<Seeds> seeds,
    String engine, TrainingSettings training, long measuredPeople) {
  /** Its runs, in the order of the lists. */
  List<RunSpec> runs() {
    List<RunSpec> runs = new ArrayList<>();
    for (CorpusSpec corpus : corpora) {
      for (ModelSpec model : models) {
        for (Exposures e : exposures) {
          for (Seeds drawn : seeds) {
            runs.add(new RunSpec(corpus, model, e, drawn, training, measuredPeople, engine));
          }
        }
      }
    }
    return List.copyOf(runs);
  }
}
