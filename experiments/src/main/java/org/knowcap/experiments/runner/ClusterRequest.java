package org.knowcap.experiments.runner;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.models.engine.Engines;

/**
 * What each task of a cluster's job asks for, and how many there are at a time.
 *
 * @param threads cores of a task
 * @param concurrent runs of a task, which share its GPU
 * @param tasks at a time; empty for as many as the cluster has room for
 * @param memory of a task, such as 8G or 500M (binary units)
 */
public record ClusterRequest(int threads, int concurrent, Optional<Integer> tasks, Optional<String> memory) {
  private static final Pattern MEMORY = Pattern.compile("[1-9][0-9]{0,8}[MG]");

  public ClusterRequest {
    memory.filter(value -> !MEMORY.matcher(value).matches()).ifPresent(value -> {
      throw UserException
          .usage("--memory must be a whole number with M or G, such as 8G, found '" + value + "'");
    });
  }

  /** Whether a study's tasks need a GPU: its engine says so. */
  static boolean needsGpu(Study study) {
    return study.runs()
        .stream()
        .map(RunSpec::engine)
        .distinct()
        .anyMatch(engine -> !engine.equals(StudyReader.AUTO) && Engines.known(engine).fuses());
  }

  /** Names of the runs of each task: the costliest first, as many in a task as it trains at a time. */
  List<List<String>> tasks(List<RunStatus> open) {
    record Costed(String run, double cost) {}
    List<String> runs = open.stream()
        .map(status -> new Costed(status.name(), status.spec().cost()))
        .sorted(Comparator.comparingDouble(Costed::cost).reversed())
        .map(Costed::run)
        .toList();
    return Stream.iterate(0, first -> first < runs.size(), first -> first + concurrent)
        .map(first -> runs.subList(first, Math.min(runs.size(), first + concurrent)))
        .toList();
  }

  /** A worker's command, with the JVM told how much memory it has, where that is asked for. */
  List<String> worker(String... arguments) {
    List<String> command = ChildProcess.command(arguments);
    memory.ifPresent(value -> command.add(1, "-XX:MaxRAM=" + value));
    return command;
  }
}
