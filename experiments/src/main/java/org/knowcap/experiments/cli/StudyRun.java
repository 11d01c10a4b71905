package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.runner.Gpus;
import org.knowcap.experiments.runner.LocalLauncher;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.Engines;

/** Runs a study in its folder to the end, shows progress, and writes results and report. */
final class StudyRun {
  private final PrintWriter out;
  private final StudyFolder study;
  private final int workers;
  private final int threads;
  private final int concurrent;
  private final List<String> gpus;

  /**
   * @param workers processes at a time; empty for the number that suits this machine
   * @param threads of each run
   * @param concurrent runs of each process at a time
   */
  StudyRun(PrintWriter out, StudyFolder study, Optional<Integer> workers, int threads, int concurrent)
      throws InterruptedException {
    this.out = out;
    this.study = study;
    this.threads = threads;
    this.concurrent = concurrent;
    gpus = gpus(study.study());
    this.workers = workers.orElse(workers(study.study(), gpus));
  }

  /**
   * Refuses several runs in one process for engines that do not share their hardware.
   *
   * @throws UserException naming a run and its engine
   */
  static void requireSharing(Study study, int concurrent) {
    for (RunSpec run : study.runs()) {
      if (concurrent > 1 && !sharesGpu(run.engine())) {
        throw UserException.usage("--concurrent is for runs that share a GPU, but the study says 'engine: "
            + run.engine() + "'; say 'engine: cuda' in it, or give --workers for several processes");
      }
    }
  }

  /**
   * The number of workers that suits this machine: one for each core or, if all runs use a GPU, one for each GPU; but no
   * more than there are runs.
   */
  static int workers(Study study) throws InterruptedException {
    return workers(study, gpus(study));
  }

  private static int workers(Study study, List<String> gpus) {
    int places = onGpus(study) ? Math.max(1, gpus.size()) : Runtime.getRuntime().availableProcessors();
    return Math.min(places, study.runs().size());
  }

  /** The GPUs to deal out to the workers of a study; none if its runs use none. */
  private static List<String> gpus(Study study) throws InterruptedException {
    return onGpus(study) ? Gpus.visible(System.getenv()) : List.of();
  }

  private static boolean onGpus(Study study) {
    return study.runs().stream().allMatch(run -> sharesGpu(run.engine()));
  }

  /** Workers that suit this machine where all runs are of one engine: one a core, or one that has the GPU for itself. */
  static int workers(String engine) {
    return sharesGpu(engine) ? 1 : Runtime.getRuntime().availableProcessors();
  }

  /**
   * Whether several runs of an engine should share one process; 'auto' never chooses an engine for which that
   * holds.
   */
  private static boolean sharesGpu(String engine) {
    return !engine.equals(StudyReader.AUTO) && Engines.known(engine).fuses();
  }

  /**
   * @return what its runs have measured
   * @throws UserException where a run failed, after all others are done and reported on
   */
  StudyReport execute() throws IOException, InterruptedException {
    return execute(true);
  }

  /** The same without the report's page: for commands that write a page of their own. */
  StudyReport executeWithoutPage() throws IOException, InterruptedException {
    return execute(false);
  }

  private StudyReport execute(boolean page) throws IOException, InterruptedException {
    study.study().notices().forEach(out::println);
    List<RunStatus> states = study.states();
    List<String> finished = states.stream()
        .filter(status -> status.state() instanceof RunState.Done)
        .map(RunStatus::name)
        .toList();
    int open = states.size() - finished.size();
    out.println(study.study().name() + ": " + states.size() + " runs, " + finished.size() + " done before; "
        + Math.min(workers * concurrent, Math.max(1, open)) + " at a time, " + threads + " thread(s) each"
        + (gpus.size() > 1 ? ", on " + gpus.size() + " GPUs" : "") + "; in " + study.path());
    out.flush();
    boolean workersFailed = false;
    if (open > 0) {
      try (ProgressDisplay display = new ProgressDisplay(out, work(), finished,
          System.console() != null && System.console().isTerminal())) {
        new LocalLauncher(study, workers, threads, concurrent, gpus, display).launch(states);
        workersFailed = display.workersFailed();
      }
    }
    StudyReport measured = StudyReport.of(study);
    measured.writeResults().ifPresent(results -> out.println("table:  " + results));
    measured.missingRows().forEach(line -> out.println("note: " + line));
    Optional<UserException> unfinished = unfinished(measured.states(), workersFailed);
    if (unfinished.isPresent() && measured.results().results().isEmpty()) {
      throw unfinished.get();
    }
    if (page) {
      out.println("report: " + measured.writePage());
    }
    out.flush();
    if (unfinished.isPresent()) {
      throw unfinished.get();
    }
    return measured;
  }

  /**
   * The error about runs without a result. Only the folders decide: how a worker ended says nothing about runs that
   * another process works on, or that no process took.
   */
  private Optional<UserException> unfinished(List<RunStatus> states, boolean workersFailed) {
    Map<String, Long> open = states.stream()
        .map(RunStatus::state)
        .filter(state -> !(state instanceof RunState.Done))
        .collect(Collectors.groupingBy(StudyRun::shown, TreeMap::new, Collectors.counting()));
    if (open.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(UserException.failure(open.values().stream().mapToLong(Long::longValue).sum() + " of "
        + states.size() + " runs have no result ("
        + open.entrySet().stream().map(e -> e.getValue() + " " + e.getKey()).collect(Collectors.joining(", "))
        + (workersFailed ? "; a worker ended early, see above" : "")
        + "); table and report are of the others. The same command goes on with them; 'knowcap status "
        + study.path() + "' names them"));
  }

  private static String shown(RunState state) {
    return switch (state) {
      case RunState.Pending() -> "not begun";
      case RunState.Running _ -> "running in another process";
      case RunState.Interrupted _ -> "interrupted";
      case RunState.Failed _ -> "failed";
      case RunState.Damaged _ -> "damaged";
      case RunState.Done _ -> "done";
    };
  }

  /** Floating-point operations of each run. */
  private Map<String, Double> work() {
    Map<String, Double> work = new LinkedHashMap<>();
    for (RunSpec run : study.study().runs()) {
      Corpus corpus = run.corpus();
      work.put(run.name(), (double) run.program(corpus).flops() * run.steps(corpus));
    }
    return work;
  }
}
