package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.knowcap.analysis.law.LawSummary;
import org.knowcap.analysis.law.LawVerdict;
import org.knowcap.analysis.report.LawsPage;
import org.knowcap.analysis.report.Provenance;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.laws.Law;
import org.knowcap.experiments.laws.LawArm;
import org.knowcap.experiments.laws.LawReader;
import org.knowcap.experiments.laws.LawRuns;
import org.knowcap.experiments.laws.LawStudy;
import org.knowcap.experiments.laws.LawStudy.Cell;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyChecks;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.files.WholeFile;
import org.knowcap.generators.corpus.Corpus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The twelve laws of the paper. */
@Command(
    name = "laws",
    mixinStandardHelpOptions = true,
    description = "Tests the twelve laws of arXiv 2404.05405: runs what is missing of the studies in experiments/studies/laws,"
        + " and writes a page with a verdict on each law. The same command goes on where it was stopped.")
final class LawsCommand implements Callable<Integer> {
  /** A run that seems to take a little longer than the rest of the time is begun. */
  private static final double PATIENCE = 1.1;

  @Spec
  private CommandSpec command;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "LAW",
      description = "Numbers of laws, with commas, in the order in which they are run. Default: all.")
  private List<Integer> only = List.of();

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      defaultValue = "small",
      description = "small: two cores do each law in less than 25 minutes; paper: the paper's models, for a GPU. Default:"
          + " ${DEFAULT-VALUE}")
  private String size;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory of the runs, a study, and of the page. Default: runs/laws-SIZE")
  private Optional<Path> directory;

  @Option(
      names = {"--plan", "--dry-run"},
      description = "Show what each law would run and how long that takes here, and run nothing.")
  private boolean plan;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "Begin no run that would end later than this. Default: run everything")
  private Optional<Double> minutes;

  @Option(
      names = "--page-only",
      description = "Run nothing: write the page of what is there. Laws that were not run are in it as such.")
  private boolean pageOnly;

  @Option(
      names = "--table",
      split = ",",
      paramLabel = "CSV",
      description = "Tables of results (results.csv) of earlier runs of laws, with commas between them. A run that has a row there"
          + " is not trained, unless its model is to be rounded and that has no row.")
  private List<Path> tables = List.of();

  @Option(names = "--json", description = "Print the verdicts, or the plan, as JSON after the progress.")
  private boolean json;

  @Option(names = "--workers", paramLabel = "K", description = "Runs at a time. Default: one for each core.")
  private Optional<Integer> workers;

  @Option(
      names = "--concurrent",
      paramLabel = "K",
      description = "Runs at a time in one process that share a GPU; with engine: cuda, instead of --workers.")
  private Optional<Integer> concurrent;

  @Option(
      names = "--files",
      paramLabel = "DIR",
      description = "Directory of other law files, with a sizes.yaml. Default: those of Knowcap")
  private Optional<Path> files;

  // Set first of all by call().
  @SuppressWarnings("NullAway.Init")
  private LawStudy study;
  @SuppressWarnings("NullAway.Init")
  private Path out;
  /** Seconds of a step, by any run of an arm; empty where they are not asked for. */
  private Map<RunSpec, Double> stepSeconds = Map.of();
  /** Of --table, by the names of the runs. */
  private Map<String, RunResult> rows = Map.of();

  @Override
  public Integer call() throws Exception {
    long began = System.nanoTime();
    workers.ifPresent(value -> UserException.requireAtLeastOne("--workers", value));
    concurrent.ifPresent(value -> UserException.requireAtLeastOne("--concurrent", value));
    if (workers.isPresent() && concurrent.isPresent()) {
      throw UserException.usage("give --workers or --concurrent, not both");
    }
    minutes.ifPresent(value -> {
      if (!(value > 0) || value > 1e6) {
        throw UserException.usage("--minutes must be above 0 and at most a million, found " + value);
      }
    });
    LawReader.Laws all = files.isPresent()
        ? LawReader.read(files.get(), size, List.of())
        : LawReader.shipped(size, List.of());
    study = new LawStudy(all.size(), all.laws());
    List<Law> laws = chosen();
    out = directory.orElse(Path.of("runs", all.size().studyName()));
    if (plan && pageOnly) {
      throw UserException.usage("give --plan or --page-only, not both");
    }
    if (plan) {
      return plan(laws);
    }
    if (pageOnly && !StudyFolder.exists(out) && tables.isEmpty()) {
      throw UserException
          .usage(out + " holds no runs of laws; without --page-only this command runs them there");
    }
    rows = rows();
    if (!pageOnly) {
      run(laws, began);
    }
    report(laws);
    if (!pageOnly) {
      requireRates(laws);
    }
    return 0;
  }

  /** Says which arms have no learning rate, once everything else is done and on the page. */
  private void requireRates(List<Law> laws) {
    LawRuns runs = runs();
    List<String> hopeless = laws.stream()
        .flatMap(
            law -> study.hopeless(law, runs).stream().map(arm -> "law " + law.number() + ", " + arm.name()))
        .toList();
    if (!hopeless.isEmpty()) {
      throw UserException.failure("every learning rate of these arms diverged: " + String.join("; ", hopeless)
          + "; give them lower learning_rates in their law files");
    }
  }

  private void run(List<Law> laws, long began) throws IOException, InterruptedException {
    if (minutes.isPresent()) {
      stepSeconds = timed(laws);
    }
    LawRuns before = runs();
    if (!StudyFolder.exists(out) && wave(laws, before).isEmpty()) {
      return;
    }
    if (!StudyFolder.exists(out) && fitting(wave(laws, before), left(began)).isEmpty()) {
      throw UserException.failure("no run ends within " + minutes.map(Object::toString).orElse("")
          + " minutes here; give more --minutes, or see --plan for what each law takes");
    }
    try (FolderLock _ = StudyFolder.take(out, "knowcap laws")) {
      while (true) {
        LawRuns runs = runs();
        round(laws, runs);
        List<Cell> wave = wave(laws, runs);
        List<Cell> fitting = fitting(wave, left(began));
        if (fitting.isEmpty()) {
          if (!wave.isEmpty()) {
            Knowcap.note(command,
                "the time is up; " + wave.size() + " more runs can be begun, and the same command goes on");
          }
          return;
        }
        train(fitting, runs);
        page();
      }
    }
  }

  /** Seconds of --minutes that are left. */
  private double left(long began) {
    return minutes.map(value -> 60 * value - (System.nanoTime() - began) / 1e9)
        .orElse(Double.POSITIVE_INFINITY);
  }

  /** Writes the page and its tables, of all laws: which are not run is in it. */
  private List<LawVerdict> page() throws IOException {
    LawRuns runs = runs();
    List<LawVerdict> verdicts = study.laws().stream().map(law -> study.verdict(law, runs)).toList();
    new LawsPage(study.size().name(), verdicts, words(), provenance()).write(out);
    byte[] text = Json.MAPPER.writerWithDefaultPrettyPrinter()
        .writeValueAsBytes(verdicts.stream().map(LawSummary::of).toList());
    WholeFile.write(out.resolve("laws.json"), to -> to.write(text));
    return verdicts;
  }

  /** Of the runs in the directory, and where other rows are from. */
  private Provenance provenance() throws IOException {
    Map<String, String> entries = new LinkedHashMap<>();
    if (StudyFolder.exists(out)) {
      entries.putAll(StudyReport.of(StudyFolder.open(out)).provenance().entries());
    }
    if (!tables.isEmpty()) {
      entries.put("Runs not trained here",
          "rows of " + tables.stream().map(Path::toString).collect(Collectors.joining(", ")));
    }
    return new Provenance(entries);
  }

  /** The command that runs laws of this size here. */
  private String words() {
    return "./knowcap laws --size " + study.size().name() + files.map(path -> " --files " + path).orElse("")
        + directory.map(path -> " --out " + path).orElse("")
        + (tables.isEmpty()
            ? ""
            : " --table " + tables.stream().map(Path::toString).collect(Collectors.joining(",")));
  }

  private void report(List<Law> laws) throws IOException {
    List<Integer> numbers = laws.stream().map(Law::number).toList();
    List<LawSummary> shown = page().stream()
        .filter(law -> numbers.contains(law.claim().number()))
        .map(LawSummary::of)
        .toList();
    PrintWriter print = command.commandLine().getOut();
    if (json) {
      print.println(Json.MAPPER.writeValueAsString(shown));
    } else {
      for (LawSummary law : shown) {
        print.println("law " + law.law() + ", " + law.title() + ": " + law.sentence());
        law.judgements().forEach(each -> print.println("  " + each.quantity() + ": " + figure(each)));
        law.notes().forEach(note -> print.println("  " + note));
      }
      print.println("page: " + out.resolve("laws.html") + " (laws.csv, laws.json and laws.md beside it)");
    }
    print.flush();
  }

  private static String figure(LawSummary.JudgementRow row) {
    return (row.figure().isEmpty()
        ? "no figure"
        : Units.ratio(row.figure().getAsDouble())
            + (row.figureLow().isPresent() && row.figureHigh().isPresent()
                ? " (95 %: " + Units.ratio(row.figureLow().getAsDouble()) + " to "
                    + Units.ratio(row.figureHigh().getAsDouble()) + ")"
                : ""))
        + (row.figureSourceTold().isPresent()
            ? ", " + Units.ratio(row.figureSourceTold().getAsDouble()) + " with the source told"
            : "")
        + ", tested: " + row.claimed() + " (paper: " + Units.number(row.published(), 3) + "): "
        + row.verdict();
  }

  private List<Law> chosen() {
    if (only.isEmpty()) {
      return study.laws();
    }
    return only.stream()
        .distinct()
        .map(number -> study.laws()
            .stream()
            .filter(law -> law.number() == number)
            .findFirst()
            .orElseThrow(() -> UserException.usage("--only must be of "
                + study.laws().stream().map(Law::number).toList() + ", found " + number)))
        .toList();
  }

  private LawRuns runs() {
    return new LawRuns(out, study.size(), rows);
  }

  private Map<String, RunResult> rows() throws IOException {
    Map<String, RunResult> found = new LinkedHashMap<>();
    for (Path table : tables) {
      for (RunResult row : ResultsTable.readCsv(table).rows().stream().map(QuantisedResult::run).toList()) {
        RunResult other = found.putIfAbsent(row.run(), row);
        if (other != null && !other.equals(row)) {
          throw UserException.usage("two rows of --table are of run " + row.run()
              + " and differ, the second in " + table + "; give only one of these tables");
        }
      }
    }
    return found;
  }

  private int together() {
    return workers.orElseGet(() -> Runtime.getRuntime().availableProcessors());
  }

  /** The runs of the first law that is not complete, and as many of later ones as end while others still run. */
  private List<Cell> wave(List<Law> laws, LawRuns runs) {
    List<Cell> wave = new ArrayList<>();
    double end = 0;
    for (Law law : laws) {
      List<Cell> next = study.next(law, runs);
      if (wave.isEmpty()) {
        wave.addAll(next);
        end = end(wave, LawsCommand::operations);
        continue;
      }
      for (Cell cell : next) {
        List<Cell> more = new ArrayList<>(wave);
        more.add(cell);
        if (wave.stream().noneMatch(each -> each.run().equals(cell.run()))
            && end(more, LawsCommand::operations) <= end) {
          wave.add(cell);
        }
      }
    }
    return wave;
  }

  /** When the last run ends. */
  private double end(Collection<Cell> cells, ToDoubleFunction<Cell> cost) {
    return Schedule.end(cells.stream().mapToDouble(cost), together());
  }

  private static double operations(Cell cell) {
    RunSpec run = cell.run();
    Corpus corpus = run.corpus();
    return (double) run.program(corpus).flops() * run.steps(corpus);
  }

  private double seconds(Cell cell) {
    RunSpec run = cell.run();
    return stepSeconds.getOrDefault(cell.arm().any(), 0.0) * run.steps(run.corpus());
  }

  /** Runs that end in time; those that come last are left out first. */
  private List<Cell> fitting(List<Cell> wave, double left) {
    List<Cell> fitting = new ArrayList<>(wave);
    while (!fitting.isEmpty() && end(fitting, this::seconds) > PATIENCE * left) {
      fitting.removeLast();
    }
    return left > 0 ? fitting : List.of();
  }

  private void train(List<Cell> wave, LawRuns runs) throws IOException, InterruptedException {
    List<Cell> cells = new ArrayList<>(study.done(runs));
    cells.addAll(wave);
    StudyFolder folder = TemporaryStudy.with(study.yaml(cells), file -> StudyFolder.create(out, file));
    StudyRun.requireSharing(folder.study(), concurrent.orElse(1));
    int processes = concurrent.isPresent()
        ? 1
        : Math.min(workers.isPresent() ? workers.get() : StudyRun.workers(folder.study()), wave.size());
    new StudyRun(command, folder, Optional.of(processes), 1, concurrent.orElse(1)).executeSearch(false);
  }

  /** Rounds the models that arms of rounded models need. */
  private void round(List<Law> laws, LawRuns runs) throws IOException, InterruptedException {
    Map<String, List<String>> calls = new LinkedHashMap<>();
    for (Law law : laws) {
      for (Cell cell : study.unrounded(law, runs)) {
        LawArm arm = cell.arm();
        List<String> call = calls.computeIfAbsent(arm.quantiser().orElseThrow().label(),
            _ -> new ArrayList<>(arm.rounding()));
        String path = runs.path(cell.run()).toString();
        if (!call.contains(path)) {
          call.add(path);
        }
      }
    }
    for (List<String> call : calls.values()) {
      OwnProcess.Answer answer = OwnProcess.ask(command, 1, call);
      command.commandLine().getOut().print(answer.output());
      if (answer.exitCode() != 0) {
        throw UserException.failure("models could not be rounded, see above");
      }
    }
  }

  /** Seconds of a step of each arm, by any of its runs; without those whose engine is not here. */
  private Map<RunSpec, Double> timed(List<Law> laws) throws IOException, InterruptedException {
    List<Cell> cells = laws.stream()
        .flatMap(law -> law.arms().stream())
        .map(arm -> study.planned(arm).getFirst())
        .toList();
    return TemporaryStudy.with(study.yaml(cells), file -> {
      StudyChecks.check(file, StudyReader.read(file));
      Map<String, Double> byName = TimeStepsCommand.start(command, file, 1);
      Map<RunSpec, Double> seconds = new LinkedHashMap<>();
      cells.forEach(cell -> Optional.ofNullable(byName.get(cell.run().name()))
          .ifPresent(time -> seconds.put(cell.arm().any(), time)));
      return seconds;
    });
  }

  /**
   * An arm in the plan of a law.
   *
   * @param exposures as the study states them, by tokens or complete
   * @param maxCapacityRatio R^max, bits per parameter
   * @param steps of each run
   * @param seconds of all its runs together on one core; absent where its engine is not here
   */
  private record PlannedArm(String arm, String model, long parameters, long people, long exposures,
      double maxCapacityRatio, long steps, List<Double> learningRates, int runs, Optional<Double> seconds) {}

  /**
   * A law in the plan.
   *
   * @param seconds with all cores that are used; absent where an engine is not here
   */
  private record PlannedLaw(int law, String title, List<PlannedArm> arms, Optional<Double> seconds) {}

  /** @param seconds of all laws, where arms of several laws that are one setting are trained once */
  private record Plan(String size, List<PlannedLaw> laws, int runs, Optional<Double> seconds) {}

  private int plan(List<Law> laws) throws IOException, InterruptedException {
    stepSeconds = timed(laws);
    List<PlannedLaw> planned = new ArrayList<>();
    Map<RunSpec, Cell> distinct = new LinkedHashMap<>();
    for (Law law : laws) {
      List<PlannedArm> arms = law.arms().stream().map(this::planned).toList();
      Map<RunSpec, Cell> own = new LinkedHashMap<>();
      law.arms()
          .stream()
          .flatMap(arm -> study.planned(arm).stream())
          .forEach(cell -> own.putIfAbsent(cell.run(), cell));
      distinct.putAll(own);
      planned.add(new PlannedLaw(law.number(), law.claim().title(), arms, wall(own.values())));
    }
    Plan whole = new Plan(study.size().name(), planned, distinct.size(), wall(distinct.values()));
    PrintWriter print = command.commandLine().getOut();
    if (json) {
      print.println(Json.MAPPER.writeValueAsString(whole));
    } else {
      print(whole, print);
    }
    print.flush();
    return 0;
  }

  private Optional<Double> wall(Collection<Cell> cells) {
    return cells.stream().allMatch(cell -> stepSeconds.containsKey(cell.arm().any()))
        ? Optional.of(cells.stream().mapToDouble(this::seconds).sum() / together())
        : Optional.empty();
  }

  private PlannedArm planned(LawArm arm) {
    RunSpec run = arm.any();
    Corpus corpus = run.corpus();
    long parameters = run.model().parameters(corpus.vocabulary().size()).total();
    int runs = arm.quantiser().isPresent() ? 0 : study.planned(arm).size();
    return new PlannedArm(arm.name(), run.model().name(), parameters, run.people(), run.exposures().count(),
        corpus.measured().bits().totalBits() / parameters, run.steps(corpus), arm.learningRates(), runs,
        Optional.ofNullable(stepSeconds.get(run)).map(seconds -> runs * seconds * run.steps(corpus)));
  }

  private void print(Plan whole, PrintWriter print) {
    int width = whole.laws.stream()
        .flatMap(law -> law.arms.stream())
        .mapToInt(arm -> arm.arm.length())
        .max()
        .orElse(0);
    String line = "  %-" + width + "s %-28s %11s %9s %9s %6s %9s %5s %s%n";
    for (PlannedLaw law : whole.laws) {
      print.printf(Locale.ROOT, "law %d, %s: %s%n", law.law, law.title,
          law.seconds.map(seconds -> Units.seconds(seconds) + " with " + together() + " at a time")
              .orElse("time unknown"));
      print.printf(Locale.ROOT, line, "arm", "model", "parameters", "people", "exposures", "R^max", "steps",
          "runs", "time on one core");
      for (PlannedArm arm : law.arms) {
        print.printf(Locale.ROOT, line, arm.arm, arm.model, Units.count(arm.parameters),
            Units.count(arm.people), Units.count(arm.exposures), Units.ratio(arm.maxCapacityRatio),
            Units.count(arm.steps), arm.runs == 0 ? "-" : Integer.toString(arm.runs),
            arm.runs == 0 ? "rounded after training" : arm.seconds.map(Units::seconds).orElse("unknown"));
      }
    }
    print.printf(Locale.ROOT, "%d runs in all, arms that several laws share counted once%s%n", whole.runs,
        whole.seconds.map(seconds -> ": " + Units.seconds(seconds) + " with " + together() + " at a time")
            .orElse(""));
  }
}
