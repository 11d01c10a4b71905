package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.models.architecture.ModelSpec;

/**
 * A study: lists whose product is a grid of runs.
 *
 * @param name of the study; an output directory belongs to one name
 * @param corpora what is learnt
 * @param models architectures
 * @param exposures occurrences of each person
 * @param seeds one run each, at least one and none twice
 * @param engine name of an engine, or "auto"
 * @param training settings shared by all runs
 * @param measuredPeople people measured in each run, all if there are fewer
 * @param remarks how what was asked for was understood, where the study leaves it open
 */
public record Study(String name, List<CorpusSpec> corpora, List<ModelSpec> models, List<Exposures> exposures,
    List<Seeds> seeds, String engine, TrainingSettings training, long measuredPeople, List<String> remarks) {
  /** What one should know before it is run: of its corpora, and the remarks. */
  public List<String> notices() {
    return Stream.concat(corpora.stream().flatMap(corpus -> corpus.notices().stream()), remarks.stream())
        .toList();
  }

  /** The same with more remarks. */
  Study remarked(List<String> more) {
    return new Study(name, corpora, models, exposures, seeds, engine, training, measuredPeople,
        Stream.concat(remarks.stream(), more.stream()).toList());
  }

  /** The files that it reads, by their names in it. */
  public Map<String, Path> files() {
    Map<String, Path> files = new LinkedHashMap<>();
    corpora.forEach(corpus -> files.putAll(corpus.files()));
    training.initialisation().ifPresent(start -> files.put(start.name(), start.from().checkpoint()));
    return files;
  }

  /** The grid, in the order of the lists. */
  public List<RunSpec> runs() {
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
