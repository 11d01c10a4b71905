package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.capacity.CapacityFinding;
import org.knowcap.experiments.capacity.CapacitySearch;
import org.knowcap.experiments.capacity.CapacitySearch.Measured;
import org.knowcap.experiments.capacity.CapacityStudy;
import org.knowcap.experiments.capacity.Cell;
import org.knowcap.experiments.capacity.SizedCorpus;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.CorpusSpec;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One number for one architecture. */
@Command(
    name = "capacity",
    mixinStandardHelpOptions = true,
    description = "Finds the most bits per parameter that a model holds: chooses a dense corpus, a learning rate and the"
        + " number of people at which R is largest, and measures R there with several seeds. The same command goes on"
        + " where it was stopped, and with more minutes narrows the interval. With --corpus strings, the corpora are random"
        + " strings, and alpha is what is as large as it can be.")
final class CapacityCommand implements Callable<Integer> {
  /** A wave that seems to take a little longer than the rest of the time is begun. */
  private static final double PATIENCE = 1.1;
  /** Of a run: its process begins, and its model is measured. */
  private static final double OVERHEAD_SECONDS = 5;
  private static final int ANY_LENGTH = 256;

  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "MODEL", description = "Name of a model, such as gpt2-2-2-w16.")
  private String model;

  @Option(
      names = "--corpus",
      paramLabel = "KIND",
      defaultValue = "bioD",
      description = "bioD: facts about people, for R. strings: random strings, for alpha, with equal P. Default: ${DEFAULT-VALUE}")
  private String corpus;

  @Option(
      names = "--exposures",
      paramLabel = "E",
      defaultValue = "1000",
      description = "How often each person's text or each string is seen. Default: ${DEFAULT-VALUE}")
  private long exposures;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      defaultValue = "15",
      description = "Time for this call. What is left when the peak is found is spent on more seeds. Default: ${DEFAULT-VALUE}")
  private double minutes;

  @Option(
      names = "--seeds",
      paramLabel = "K",
      defaultValue = "3",
      description = "Seeds that R is measured with at its peak, at least. Default: ${DEFAULT-VALUE}")
  private int seeds;

  @Option(
      names = "--interval",
      paramLabel = "W",
      defaultValue = "0",
      description = "Stop before the time is up when there are as many seeds as an interval of +- W needs, by the scatter of the"
          + " first K. Default: use the time")
  private double interval;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory of the search, a study. Default: runs/capacity-MODEL-eE, or runs/capacity-MODEL-strings-eE")
  private Optional<Path> directory;

  @Option(
      names = "--engine",
      paramLabel = "ENGINE",
      defaultValue = "auto",
      description = "See 'knowcap engines'. Default: auto")
  private String engine;

  @Option(
      names = "--workers",
      paramLabel = "K",
      description = "Runs at a time. Default: one for each core; one with --engine cuda.")
  private Optional<Integer> workers;

  @Option(names = "--json", description = "Print the finding as JSON, after the progress.")
  private boolean json;

  /** What --json prints. */
  private record Found(String model, long parameters, long exposures, String measure, boolean bracketed,
      List<Limit> limitedBy, CapacityFinding finding) {}

  private Map<Cell, Limit> limits = Map.of();
  // Set first of all by call().
  @SuppressWarnings("NullAway.Init")
  private CapacityStudy study;
  @SuppressWarnings("NullAway.Init")
  private CapacitySearch search;
  @SuppressWarnings("NullAway.Init")
  private Path out;
  private double secondsPerPerson;
  /** Of the model with this corpus; 0 before the first run is known. */
  private long parameters;
  private int longestText;

  @Override
  public Integer call() throws Exception {
    long began = System.nanoTime();
    UserException.requireAtLeastOne("--exposures", exposures);
    workers.ifPresent(value -> UserException.requireAtLeastOne("--workers", value));
    UserException.requireMinutes(minutes);
    if (!(interval >= 0)) {
      throw UserException.usage("--interval must be at least 0, found " + interval);
    }
    if (seeds < 2) {
      throw UserException.usage("--seeds must be at least 2, found " + seeds + ": one seed has no interval");
    }
    study = study();
    search = study.search(seeds);
    out = directory.orElse(Path.of("runs", study.name()));
    if (before().ratios().isEmpty()) {
      List<Cell> first = search.next(new Measured(Map.of()), together());
      secondsPerPerson = trial(first.getFirst());
      requireTime(first);
    }
    try (FolderLock _ = StudyFolder.take(out, "knowcap capacity")) {
      Measured measured = before();
      while (true) {
        requireRate(measured);
        List<Cell> wave = search.next(measured, together());
        boolean complete = wave.isEmpty();
        if (complete) {
          wave = search.more(measured, more(measured));
        }
        List<Cell> fitting = fitting(wave, 60 * minutes - (System.nanoTime() - began) / 1e9);
        if (fitting.isEmpty()) {
          return conclude(measured, complete);
        }
        measured = train(fitting, measured);
      }
    }
  }

  private void requireRate(Measured measured) {
    search.diverged(measured).ifPresent(rate -> {
      throw UserException.failure("training diverged with every learning rate down to " + rate
          + ", so that R of " + model + " is not known; 'knowcap status " + out + "' names the runs");
    });
  }

  /** How many more seeds to measure at the peak: as many as the interval needs, or as go at a time. */
  private int more(Measured measured) {
    if (interval == 0) {
      return together();
    }
    CapacityFinding found = search.finding(measured, interval).orElseThrow();
    return Math.clamp(found.seedsFor(interval) - found.seeds(), 0, together());
  }

  /** Trains and measures these runs, too. */
  private Measured train(List<Cell> wave, Measured before) throws IOException, InterruptedException {
    List<Cell> cells = new ArrayList<>(before.ratios().keySet());
    cells.addAll(wave);
    StudyFolder folder = withFile(cells, file -> StudyFolder.create(out, file));
    return measured(new StudyRun(command, folder, Optional.of(Math.min(together(), wave.size())), 1, 1)
        .executeSearch(true));
  }

  /** The first runs, and about as many again: the neighbours of the peak, and the seeds there. */
  private void requireTime(List<Cell> first) {
    double least = seconds(first);
    if (least > PATIENCE * 60 * minutes) {
      List<Cell> all = new ArrayList<>(first);
      Cell longest = first.getFirst();
      all.addAll(Collections.nCopies(2 + seeds, longest));
      throw UserException.usage("choosing the learning rate alone takes about " + Units.seconds(least)
          + " here, the whole search about " + Units.seconds(seconds(all)) + "; give more --minutes than "
          + Units.number(minutes, 3) + ", or fewer --exposures");
    }
  }

  private int together() {
    return workers.orElseGet(() -> StudyRun.workers(engine));
  }

  private CapacityStudy study() {
    try {
      if (!engine.equals(StudyReader.AUTO)) {
        Engines.known(engine);
      }
      ModelSpec spec = ModelSpec.parse(model);
      if (!spec.causal()) {
        throw UserException
            .usage(spec.name() + " has experts that choose tokens, so that its losses depend on later"
                + " tokens: R is no capacity there");
      }
      return switch (corpus) {
        case "bioD" -> CapacityStudy.of(spec, exposures, engine);
        case CorpusSpec.StringsSpec.KIND -> CapacityStudy.ofStrings(spec, exposures, engine);
        default -> throw UserException.usage("--corpus must be bioD or strings, found '" + corpus + "'");
      };
    } catch (IllegalArgumentException | EngineUnavailableException e) {
      throw UserException.usage(e.getMessage());
    }
  }

  /** What an earlier call has measured. */
  private Measured before() throws IOException {
    if (!StudyFolder.exists(out)) {
      return new Measured(Map.of());
    }
    StudyFolder folder = StudyFolder.open(out);
    StudyFolder.requireOwner(out, folder.study().name(), study.name());
    StudyReport report = StudyReport.of(folder);
    report.states()
        .stream()
        .map(status -> status.spec().people())
        .filter(people -> !study.corpus().people().contains(people))
        .findFirst()
        .ifPresent(people -> {
          throw UserException.usage(out + " has a run of " + Units.count(people)
              + ", which is no size of this search: another version of Knowcap began it; give another directory with --out");
        });
    return measured(report);
  }

  private Measured measured(StudyReport report) {
    List<RunResult> results = report.results().results();
    Map<Cell, Double> ratios = new LinkedHashMap<>();
    report.states()
        .forEach(status -> status.state()
            .figure(study.corpus()::measured)
            .ifPresent(figure -> ratios.put(CapacityStudy.cell(status.spec()), figure)));
    limits = results.stream().collect(Collectors.toMap(CapacityStudy::cell, RunResult::limitedBy));
    parameters = results.stream().mapToLong(RunResult::parameters).findFirst().orElse(parameters);
    secondsPerPerson = results.stream()
        .mapToDouble(run -> run.seconds() / run.people())
        .average()
        .orElse(secondsPerPerson);
    return new Measured(ratios);
  }

  private <T> T withFile(List<Cell> cells, TemporaryStudy.Use<T> use)
      throws IOException, InterruptedException {
    if (longestText == 0) {
      // How long a text is and what the model has follows from the corpus's lists, not from N: any run tells.
      RunSpec any = TemporaryStudy.with(study.yaml(ANY_LENGTH, 1, cells.subList(0, 1)),
          file -> StudyReader.read(file).runs().getFirst());
      Corpus made = any.corpus();
      longestText = made.longestItem();
      parameters = any.program(made).parameterCount();
    }
    return TemporaryStudy.with(study.yaml(longestText, parameters, cells), use);
  }

  /** Runs of a wave that fit into the rest of the time; seeds beyond the first are left out before sizes are. */
  private List<Cell> fitting(List<Cell> wave, double left) {
    List<Cell> fitting = new ArrayList<>(wave);
    while (!fitting.isEmpty() && seconds(fitting) > PATIENCE * left) {
      long last = fitting.stream().mapToLong(Cell::seed).max().orElseThrow();
      fitting.removeIf(cell -> cell.seed() == last);
    }
    return fitting;
  }

  /** How long these runs take. */
  private double seconds(List<Cell> cells) {
    return Schedule.end(
        cells.stream().mapToDouble(cell -> OVERHEAD_SECONDS + secondsPerPerson * cell.people()), together());
  }

  /** Seconds of training for each person of a corpus, by a short trial. */
  private double trial(Cell cell) throws IOException, InterruptedException {
    return withFile(List.of(cell), file -> {
      RunSpec run = StudyReader.read(file).runs().getFirst();
      Map<String, Double> steps = TimeStepsCommand.start(command, file, 1);
      if (!steps.containsKey(run.name())) {
        throw UserException.failure("the engine '" + engine + "' does not run on this machine, see above");
      }
      return steps.get(run.name()) * run.steps(run.corpus()) / cell.people();
    });
  }

  private int conclude(Measured measured, boolean complete) {
    PrintWriter print = command.commandLine().getOut();
    Optional<CapacityFinding> finding = search.finding(measured, interval);
    if (finding.isEmpty()) {
      throw UserException.failure("the time is up before " + study.corpus().letters().measure()
          + " was measured at its peak with two seeds; " + measured.ratios().size()
          + " runs are done, and the same command goes on with them");
    }
    CapacityFinding found = finding.get();
    SizedCorpus.Letters letters = study.corpus().letters();
    List<Limit> limitedBy = limits.entrySet()
        .stream()
        .filter(each -> each.getKey().people() == found.people()
            && each.getKey().learningRate() == found.learningRate())
        .map(Map.Entry::getValue)
        .distinct()
        .sorted()
        .toList();
    String note = complete
        ? ""
        : "; the time was up before all " + seeds + " seeds and both neighbours were measured";
    if (json) {
      print.println(Json.MAPPER.writeValueAsString(
          new Found(model, parameters, exposures, letters.measure(), found.bracketed(), limitedBy, found)));
    } else {
      print.printf(Locale.ROOT, "%s (%s parameters), %,d exposures: %s; limited by: %s%s%n", model,
          Units.count(parameters), exposures, found.sentence(letters),
          limitedBy.stream().map(Limit::toString).collect(Collectors.joining(", "))
              + (limitedBy.contains(Limit.LEARNING)
                  ? " (more --exposures may raise " + letters.measure() + ")"
                  : ""),
          note);
    }
    print.flush();
    return 0;
  }
}
