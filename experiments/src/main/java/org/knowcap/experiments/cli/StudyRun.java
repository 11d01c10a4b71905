package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.Supervisor;
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

  /**
   * @param workers processes at a time
   * @param threads of each run
   * @param concurrent runs of each process at a time
   */
  StudyRun(PrintWriter out, StudyFolder study, int workers, int threads, int concurrent) {
    this.out = out;
    this.study = study;
    this.workers = workers;
    this.threads = threads;
    this.concurrent = concurrent;
  }

  /**
   * Refuses several runs in one process for engines that do not share their hardware.
   *
   * @throws UserException naming a run and its engine
   */
  static void requireSharing(Study study, int concurrent) {
    for (RunSpec run : study.runs()) {
      if (concurrent > 1 && !sharesGpu(run)) {
        throw UserException.usage("--concurrent is for runs that share a GPU, but the study says 'engine: "
            + run.engine() + "'; say 'engine: cuda' in it, or give --workers for several processes");
      }
    }
  }

  /** Workers that suit this machine: one a core, but no more than there are runs, and one where they would share a GPU. */
  static int workers(Study study) {
    return study.runs().stream().allMatch(StudyRun::sharesGpu)
        ? 1
        : Math.min(Runtime.getRuntime().availableProcessors(), study.runs().size());
  }

  /** Whether several runs like this one are best had in one process; 'auto' takes no engine of which that holds. */
  private static boolean sharesGpu(RunSpec run) {
    return !run.engine().equals(StudyReader.AUTO) && Engines.known(run.engine()).fuses();
  }

  /**
   * @return the report's page
   * @throws UserException where a run failed, after all others are done and reported on
   */
  Path execute() throws IOException, InterruptedException {
    study.study().notices().forEach(out::println);
    Map<RunSpec, RunState> states = study.states();
    List<String> finished = new ArrayList<>();
    states.forEach((run, state) -> {
      if (state instanceof RunState.Done) {
        finished.add(run.name());
      }
    });
    int open = states.size() - finished.size();
    out.println(study.study().name() + ": " + states.size() + " runs, " + finished.size() + " done before; "
        + Math.min(workers * concurrent, Math.max(1, open)) + " at a time, " + threads
        + " thread(s) each; in " + study.path());
    out.flush();
    int failures = 0;
    if (open > 0) {
      try (ProgressDisplay display = new ProgressDisplay(out, work(), finished,
          System.console() != null && System.console().isTerminal())) {
        new Supervisor(study, workers, threads, concurrent, display).run();
        failures = display.failures();
      }
    }
    Path results = study.writeResults();
    out.println("table:  " + results);
    UserException failed = UserException.failure(failures + " of " + states.size()
        + " runs failed, see above; the same command tries them again and leaves the others as they are");
    if (failures > 0 && study.results().results().isEmpty()) {
      throw failed;
    }
    Path report = study.writeReport();
    out.println("report: " + report);
    out.flush();
    if (failures > 0) {
      throw failed;
    }
    return report;
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
