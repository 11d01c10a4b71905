package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A study: runs that belong together.
 *
 * @param name of the study; an output directory belongs to one name
 * @param runs its runs, at least one and none twice, in the order of its grids
 * @param remarks remarks on how entries were understood, if the study leaves that open
 */
public record Study(String name, List<RunSpec> runs, List<String> remarks) {
  /** Notices that people need before they run the study: those of its corpora, and the remarks. */
  public List<String> notices() {
    return Stream.concat(corpora().stream().flatMap(corpus -> corpus.notices().stream()), remarks.stream())
        .distinct()
        .toList();
  }

  /** This study with more remarks. */
  Study remarked(List<String> more) {
    return new Study(name, runs, Stream.concat(remarks.stream(), more.stream()).toList());
  }

  /** The corpora of its runs, each once. */
  public List<CorpusSpec> corpora() {
    return runs.stream().map(RunSpec::corpusSpec).distinct().toList();
  }

  /** Lists of names, values and templates of all corpora. */
  public List<Lists> lists() {
    return corpora().stream().flatMap(corpus -> corpus.lists().stream()).toList();
  }

  /** The files that it reads, by their names in it. */
  public Map<String, Path> files() {
    Map<String, Path> files = new LinkedHashMap<>();
    corpora().forEach(corpus -> files.putAll(corpus.files()));
    runs.stream()
        .flatMap(run -> run.training().initialisation().stream())
        .forEach(start -> files.put(start.name(), start.from().checkpoint()));
    return files;
  }
}
