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
 * @param remarks how what was asked for was understood, where the study leaves it open
 */
public record Study(String name, List<RunSpec> runs, List<String> remarks) {
  /** What one should know before it is run: of its corpora, and the remarks. */
  public List<String> notices() {
    return Stream.concat(corpora().stream().flatMap(corpus -> corpus.notices().stream()), remarks.stream())
        .distinct()
        .toList();
  }

  /** The same with more remarks. */
  Study remarked(List<String> more) {
    return new Study(name, runs, Stream.concat(remarks.stream(), more.stream()).toList());
  }

  /** What its runs learn, each corpus once. */
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
