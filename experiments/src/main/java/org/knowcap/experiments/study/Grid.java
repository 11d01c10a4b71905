package org.knowcap.experiments.study;

import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.models.architecture.ModelSpec;

/**
 * Lists whose product is a grid of runs.
 *
 * @param corpora corpora that are learnt
 * @param models architectures
 * @param exposures occurrences of each person
 * @param seeds seeds of the runs, at least one and none twice
 * @param engine name of an engine, or "auto"
 * @param trainings how runs are trained, at least one
 * @param measurement what is measured of each run
 */
record Grid(List<Swept<CorpusSpec>> corpora, List<ModelSpec> models, List<Exposures> exposures,
    List<Seeds> seeds, String engine, List<Swept<TrainingSettings>> trainings,
    MeasurementSettings measurement) {
  /** The runs of the grid, in the order of the lists. */
  List<RunSpec> runs() {
    List<RunSpec> runs = new ArrayList<>();
    for (Swept<CorpusSpec> corpus : corpora) {
      for (ModelSpec model : models) {
        for (Swept<TrainingSettings> training : trainings) {
          for (Exposures e : exposures) {
            for (Seeds drawn : seeds) {
              runs.add(new RunSpec(corpus.value(), model, e, drawn, training.value(), measurement, engine,
                  Sweep.joined(corpus.label(), training.label())));
            }
          }
        }
      }
    }
    return List.copyOf(runs);
  }
}
