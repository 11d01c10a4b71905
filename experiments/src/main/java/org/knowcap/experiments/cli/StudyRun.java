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
import org.knowcap.generators.corpus.Corpus;

/** Runs a study in its folder to the end, shows progress, and writes results and report. */
final class StudyRun {
  private final PrintWriter out;
  private final StudyFolder study;
  private final int workers;
  private final int threads;

  StudyRun(PrintWriter out, StudyFolder study, int workers, int threads) {
    this.out = out;
    this.study = study;
    this.workers = workers;
    this.threads = threads;
  }

  /** Workers that suit this machine: one a core, but no more than there are runs. */
  static int workers(StudyFolder study) {
    return Math.min(Runtime.getRuntime().availableProcessors(), study.study().runs().size());
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
        + Math.min(workers, Math.max(1, open)) + " at a time, " + threads
        + " thread(s) each; in " + study.path());
    out.flush();
    int failures = 0;
    if (open > 0) {
      try (ProgressDisplay display = new ProgressDisplay(out, work(), finished,
          System.console() != null && System.console().isTerminal())) {
        new Supervisor(study, workers, threads, display).run();
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
