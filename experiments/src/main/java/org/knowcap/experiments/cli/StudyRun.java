package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.runner.Gpus;
import org.knowcap.experiments.runner.Launcher;
import org.knowcap.experiments.runner.LocalLauncher;
import org.knowcap.experiments.study.CountedCorpora;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.Engines;
import picocli.CommandLine.Model.CommandSpec;

/** Runs a study in its folder to the end, shows progress, and writes results and report. */
final class StudyRun {
  private final PrintWriter out;
  private final ChildProcess.Starter starter;
  private final StudyFolder study;
  private final int workers;
  private final int threads;
  private final int concurrent;
  private final List<String> gpus;
  private final CountedCorpora corpora = new CountedCorpora();
  private Optional<Duration> limit = Optional.empty();
  private Optional<Elsewhere> elsewhere = Optional.empty();

  /** Makes the launcher of a cluster, with who hears of runs and who hears lines for people. */
  interface ClusterLauncher {
    Launcher make(LocalLauncher.StudyListener listener, Consumer<String> notes);
  }

  /** Where runs are trained if not here. */
  private record Elsewhere(String name, ClusterLauncher launcher) {}

  /**
   * @param command that runs it
   * @param workers processes at a time; empty for the number that suits this machine
   * @param threads of each run
   * @param concurrent runs of each process at a time
   */
  StudyRun(CommandSpec command, StudyFolder study, Optional<Integer> workers, int threads, int concurrent)
      throws InterruptedException {
    out = command.commandLine().getOut();
    starter = Knowcap.starter(command);
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

  /** Stops after some time; what is not done by then is left for later. */
  StudyRun within(Optional<Duration> time) {
    limit = time;
    return this;
  }

  /** Has a cluster train, and waits for it. */
  void on(String cluster, ClusterLauncher launcher) {
    elsewhere = Optional.of(new Elsewhere(cluster, launcher));
  }

  /** What would be trained, and how; nothing is trained or written. */
  void preview() {
    List<RunStatus> states = study.states();
    List<RunStatus> open = states.stream()
        .filter(status -> !(status.state() instanceof RunState.Done))
        .toList();
    int width = open.stream().mapToInt(status -> status.name().length()).max().orElse(0);
    open.forEach(status -> out
        .println(String.format(Locale.ROOT, "%-" + width + "s  %s", status.name(), shown(status.state()))));
    out.println(heading(states, states.size() - open.size())
        + limit.map(time -> "; the cheapest first, for " + Units.seconds(time.toMillis() / 1e3)).orElse(""));
    out.println(open.isEmpty()
        ? "nothing to train; 'knowcap report " + study.path() + "' writes table and report"
        : "nothing is trained or written; without --dry-run these " + open.size() + " runs are trained");
  }

  private String heading(List<RunStatus> states, int finished) {
    String place = elsewhere.map(cluster -> "on " + cluster.name + ", " + threads + " thread(s) each")
        .orElseGet(
            () -> Math.min(workers * concurrent, Math.max(1, states.size() - finished)) + " at a time, "
                + threads + " thread(s) each" + (gpus.size() > 1 ? ", on " + gpus.size() + " GPUs" : ""));
    return study.study().name() + ": " + states.size() + " runs, " + finished + " done before; " + place
        + "; in " + study.path();
  }

  /**
   * @return what its runs have measured
   * @throws UserException where a run failed, after all others are done and reported on
   */
  StudyReport execute() throws IOException, InterruptedException {
    return execute(state -> state instanceof RunState.Done, true);
  }

  /**
   * The same for the runs of a search: a run whose loss diverged has lost, so that it is neither trained again nor an error.
   *
   * @param page whether to write the report's page
   */
  StudyReport executeSearch(boolean page) throws IOException, InterruptedException {
    return execute(state -> state.figure(RunResult::capacityRatio).isPresent(), page);
  }

  /** @param settled whether a run in this state has nothing left to do */
  private StudyReport execute(Predicate<RunState> settled, boolean page)
      throws IOException, InterruptedException {
    study.study().notices().forEach(out::println);
    List<RunStatus> states = study.states();
    List<String> finished = states.stream()
        .filter(status -> settled.test(status.state()))
        .map(RunStatus::name)
        .toList();
    int open = states.size() - finished.size();
    out.println(heading(states, finished.size()));
    out.flush();
    boolean workersFailed = false;
    long began = System.nanoTime();
    if (open > 0) {
      try (ProgressDisplay display = new ProgressDisplay(out, work(), finished, StatusLine.ofProcess(),
          System::nanoTime)) {
        launcher(display).launch(states.stream().filter(status -> !settled.test(status.state())).toList());
        workersFailed = display.workersFailed();
      }
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    StudyReport measured = StudyReport.of(study);
    measured.writeResults().ifPresent(results -> out.println("table:  " + results));
    measured.missingRows().forEach(line -> out.println("note: " + line));
    List<RunStatus> counted = measured.states()
        .stream()
        .filter(status -> status.state() instanceof RunState.Done || !settled.test(status.state()))
        .toList();
    Optional<UserException> unfinished = limit.isPresent() && isLater(counted) && !workersFailed
        ? Optional.of(timeIsUp(states, counted, seconds))
        : unfinished(counted, workersFailed);
    if (unfinished.isPresent() && measured.results().results().isEmpty()) {
      throw unfinished.get();
    }
    if (page && !measured.results().results().isEmpty()) {
      out.println("report: " + measured.writePage());
    }
    if (unfinished.isPresent()) {
      out.flush();
      throw unfinished.get();
    }
    out.flush();
    return measured;
  }

  private Launcher launcher(ProgressDisplay display) {
    return elsewhere.map(cluster -> cluster.launcher.make(display, display::say))
        .orElseGet(
            () -> new LocalLauncher(study, workers, threads, concurrent, gpus, limit, starter, display));
  }

  /** Whether some runs are not done and none has failed: more time is all they need. */
  private static boolean isLater(List<RunStatus> states) {
    return states.stream().anyMatch(status -> !(status.state() instanceof RunState.Done)) && states.stream()
        .noneMatch(status -> status.state() instanceof RunState.Failed
            || status.state() instanceof RunState.Damaged);
  }

  /** Says what is left when the time is up, and about how long that takes at the pace so far. */
  private UserException timeIsUp(List<RunStatus> before, List<RunStatus> after, double seconds) {
    Map<String, Double> work = work();
    double done = done(work, after);
    double pace = (done - done(work, before)) / seconds;
    double all = work.values().stream().mapToDouble(Double::doubleValue).sum();
    return UserException.later("the time is up (" + Units.seconds(seconds) + "): " + left(after)
        + (pace > 0 ? "; at this pace they take about " + Units.seconds((all - done) / pace) + " more" : "")
        + ". The same command goes on with them; 'knowcap status " + study.path() + "' names them");
  }

  /** How many of all operations are done. */
  private double done(Map<String, Double> work, List<RunStatus> states) {
    return states.stream().mapToDouble(status -> work.get(status.name()) * part(status)).sum();
  }

  private double part(RunStatus status) {
    return switch (status.state()) {
      case RunState.Done _ -> 1;
      case RunState.Running(RunState.Progressed progress) -> part(status.spec(), progress);
      case RunState.Interrupted(RunState.Progressed progress) -> part(status.spec(), progress);
      case RunState.Pending _,RunState.Failed _,RunState.Damaged _ -> 0;
    };
  }

  private double part(RunSpec run, RunState.Progressed progress) {
    return (double) progress.step() / run.steps(corpora.of(run));
  }

  /**
   * The error about runs without a result. Only the folders decide: how a worker ended says nothing about runs that
   * another process works on, or that no process took.
   */
  private Optional<UserException> unfinished(List<RunStatus> states, boolean workersFailed) {
    if (states.stream().allMatch(status -> status.state() instanceof RunState.Done)) {
      return Optional.empty();
    }
    return Optional
        .of(UserException.failure(left(states) + (workersFailed ? "; a worker ended early, see above" : "")
            + "; table and report are of the others. The same command goes on with them; 'knowcap status "
            + study.path() + "' names them"));
  }

  private static String left(List<RunStatus> states) {
    Map<String, Long> open = states.stream()
        .map(RunStatus::state)
        .filter(state -> !(state instanceof RunState.Done))
        .collect(Collectors.groupingBy(StudyRun::shown, TreeMap::new, Collectors.counting()));
    return open.values().stream().mapToLong(Long::longValue).sum() + " of " + states.size()
        + " runs have no result ("
        + open.entrySet().stream().map(e -> e.getValue() + " " + e.getKey()).collect(Collectors.joining(", "))
        + ")";
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
    Map<RunSpec, Double> ofCell = new HashMap<>();
    Map<String, Double> work = new LinkedHashMap<>();
    for (RunSpec run : study.study().runs()) {
      work.put(run.name(), ofCell.computeIfAbsent(run.cell(), cell -> {
        Corpus corpus = corpora.of(cell);
        return (double) cell.program(corpus).flops() * cell.steps(corpus);
      }));
    }
    return work;
  }
}
