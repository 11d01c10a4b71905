package org.knowcap.experiments.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.Slurm;
import org.knowcap.experiments.runner.SlurmTask;
import org.knowcap.experiments.study.CountedCorpora;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the state of a study's runs. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Shows how far each run of a study is, while it runs or after.")
final class StatusCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /**
   * @param steps of the whole run; absent for a run that is not under way, because counting its steps needs the
   * corpus
   * @param slurm what Slurm says of it; absent of runs that are done or of which it knows nothing
   */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  private record Row(String run, String state, long step, Optional<Long> steps, String detail,
      Optional<SlurmTask> slurm) {
    Row(String run, String state, long step, Optional<Long> steps, String detail) {
      this(run, state, step, steps, detail, Optional.empty());
    }

    Row with(Map<String, SlurmTask> tasks) {
      return done() ? this : new Row(run, state, step, steps, detail, Optional.ofNullable(tasks.get(run)));
    }

    boolean done() {
      return state.equals("done");
    }

    double part() {
      return steps.map(all -> (double) step / all).orElse(0.0);
    }

    String details() {
      return Stream.concat(Stream.of(detail), slurm.map(SlurmTask::toString).stream())
          .filter(text -> !text.isEmpty())
          .collect(Collectors.joining("; "));
    }
  }

  @Override
  public Integer call() throws Exception {
    StudyFolder study = StudyFolder.open(directory);
    CountedCorpora corpora = new CountedCorpora();
    List<Row> known = study.states().stream().map(status -> row(status, corpora)).toList();
    // A study that is done may be far from the cluster that trained it.
    Map<String, SlurmTask> tasks = known.stream().allMatch(Row::done) ? Map.of() : slurm(study);
    List<Row> rows = known.stream().map(row -> row.with(tasks)).toList();
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(rows));
      return 0;
    }
    int width = rows.stream().mapToInt(row -> row.run.length()).max().orElse(0);
    for (Row row : rows) {
      out.printf(Locale.ROOT, "%-" + width + "s  %-11s %5.1f %%  %s%n", row.run, row.state, 100 * row.part(),
          row.details());
    }
    out.println(rows.stream().filter(Row::done).count() + " of " + rows.size() + " runs done" + queued(rows));
    if (!tasks.isEmpty()
        && rows.stream().anyMatch(row -> !row.done() && row.slurm.filter(SlurmTask::queued).isEmpty())) {
      out.println(
          "'knowcap run' with --launcher slurm submits the runs that are neither done nor in Slurm's queue");
    } else {
      next(rows).ifPresent(out::println);
    }
    return 0;
  }

  /** The command that people want next, where that is plain. */
  private Optional<String> next(List<Row> rows) {
    Set<String> states = rows.stream().map(Row::state).collect(Collectors.toSet());
    if (states.contains("running") || rows.stream().anyMatch(row -> row.slurm.isPresent())) {
      return Optional.empty();
    }
    return Optional.of(states.equals(Set.of("done"))
        ? "next: 'knowcap results " + directory + "' prints the table, 'knowcap report " + directory
            + "' draws the charts"
        : "next: 'knowcap run " + directory + "' goes on with the runs that are not done");
  }

  /** What Slurm says of the study's runs; a note where it says nothing, as the folders tell the rest. */
  private Map<String, SlurmTask> slurm(StudyFolder study) throws IOException, InterruptedException {
    try {
      return Slurm.tasks(study);
    } catch (UserException silent) {
      Knowcap.note(command, silent.getMessage() + "; what follows is what the folders say");
      return Map.of();
    }
  }

  /** How many runs are in Slurm's queue, by state and reason. */
  private static String queued(List<Row> rows) {
    Map<String, Long> counts = rows.stream()
        .flatMap(row -> row.slurm.stream())
        .filter(SlurmTask::queued)
        .collect(Collectors.groupingBy(
            task -> task.state() + (task.state().equals("PENDING") ? " (" + task.reason() + ")" : ""),
            TreeMap::new, Collectors.counting()));
    return counts.isEmpty()
        ? ""
        : "; in Slurm's queue: " + counts.entrySet()
            .stream()
            .map(e -> e.getValue() + " " + e.getKey())
            .collect(Collectors.joining(", "));
  }

  private static Row row(RunStatus status, CountedCorpora corpora) {
    RunSpec run = status.spec();
    String name = status.name();
    return switch (status.state()) {
      case RunState.Pending() -> new Row(name, "pending", 0, Optional.empty(), "");
      case RunState.Running(RunState.Progressed p) ->
          new Row(name, "running", p.step(), Optional.of(run.steps(corpora.of(run))), loss(p));
      case RunState.Interrupted(RunState.Progressed p) ->
          new Row(name, "interrupted", p.step(), Optional.of(run.steps(corpora.of(run))), loss(p));
      case RunState.Done(var measured) -> new Row(name, "done", measured.result().steps(),
          Optional.of(measured.result().steps()), Units.bits(measured.result().storedBits()) + ", "
              + Units.percent(measured.result().saturation()) + " of the corpus");
      case RunState.Failed(String reason, _) -> new Row(name, "failed", 0, Optional.empty(), reason);
      case RunState.Damaged(String problem) -> new Row(name, "damaged", 0, Optional.empty(), problem);
    };
  }

  private static String loss(RunState.Progressed progress) {
    return progress.step() == 0
        ? ""
        : String.format(Locale.ROOT, "loss %.4f nats a token at step %d", progress.loss(), progress.step());
  }
}
