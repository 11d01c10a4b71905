package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.chart.CapacityLawChart;
import org.knowcap.analysis.chart.Chart;
import org.knowcap.analysis.chart.ExposureChart;
import org.knowcap.analysis.chart.LossChart;
import org.knowcap.analysis.chart.ResidualChart;
import org.knowcap.analysis.chart.SkillsChart;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.law.Cell;
import org.knowcap.analysis.law.Cells;
import org.knowcap.analysis.law.Checklist;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.ExposureLaw;
import org.knowcap.analysis.law.LawException;
import org.knowcap.analysis.law.LossFit;
import org.knowcap.analysis.law.LossLaw;
import org.knowcap.analysis.law.LossPoint;
import org.knowcap.analysis.law.LossTable;
import org.knowcap.analysis.law.Peak;
import org.knowcap.analysis.law.PublishedCapacity;
import org.knowcap.analysis.law.SkillsLaw;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.FrequencyTable;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** Fits laws to measured runs. */
@Command(
    name = "fit",
    mixinStandardHelpOptions = true,
    description = "Fits a law to measured runs: estimates with 95 %% intervals, what was left out and why, and charts. docs/laws.md"
        + " derives the estimators.")
final class FitCommand implements Callable<Integer> {
  private enum Law {
    CAPACITY, EXPOSURES, LOSS, SKILLS;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "DIR|CSV",
      arity = "1..*",
      description = "Directories of studies, or tables of results. For --law loss also tables with the columns parameters, tokens"
          + " and loss (nats), and perhaps run; for --law skills frequency.csv of studies.")
  private List<Path> sources;

  @Option(
      names = "--law",
      paramLabel = "LAW",
      defaultValue = "capacity",
      description = "capacity (peak of R over corpora, stored bits = rho P^gamma), exposures (R against exposures), loss"
          + " (E + A/P^alpha + B/D^beta of the last training loss), or skills (bits and loss against all exposures, of people whose"
          + " exposures follow Zipf's law). Default: ${DEFAULT-VALUE}")
  private String law;

  @Option(
      names = "--published",
      description = "For --law capacity: show the published points of arXiv 2404.05405 beside the law, in chart and table.")
  private boolean published;

  @Option(
      names = "--bootstrap",
      paramLabel = "B",
      defaultValue = "1000",
      description = "For --law loss: number of bootstrap fits that the intervals are computed from. Default: ${DEFAULT-VALUE}")
  private int bootstrap;

  @Option(
      names = "--charts",
      paramLabel = "DIR",
      description = "Write the law's charts there, as SVG, PNG and PDF.")
  private Optional<Path> charts;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /** A peak, as JSON has it. */
  private record PeakRow(String model, long parameters, long people, Estimate capacityRatio,
      Estimate storedBits, double maxCapacityRatio, int seeds, double learningRate, String limitedBy,
      boolean bracketed, String bracket) {
    static PeakRow of(Peak peak) {
      Cell cell = peak.cell();
      return new PeakRow(cell.model(), cell.parameters(), cell.people(), cell.ratio(), cell.storedBits(),
          cell.maxCapacityRatio(), cell.runs().size(), cell.learningRate(), cell.limit().toString(),
          peak.bracketed(), peak.bracket());
    }
  }

  private record FittedLaw(Estimate rho, Estimate gamma, double centreParameters, Estimate ratioAtCentre,
      Optional<Double> pGammaIsOne, double scatter, List<Double> residuals) {}

  private record MatchRow(String model, long parameters, long people, long exposures, Estimate storedBits,
      double publishedBits, Estimate factor, boolean saturated, String source) {
    static MatchRow of(PublishedCapacity.Match match) {
      return new MatchRow(match.cell().model(), match.cell().parameters(), match.cell().people(),
          match.cell().exposures(), match.cell().storedBits(), match.published().storedBits(), match.factor(),
          match.saturated(), match.published().source());
    }
  }

  private record CapacityView(String family, String corpus, String variant, long exposures,
      List<String> summary, Optional<FittedLaw> law, List<PeakRow> peaks, Checklist checklist) {
    static CapacityView of(CapacityLaw law) {
      return new CapacityView(law.family(), law.corpus(), law.variant(), law.exposures(), law.summary(), law
          .law()
          .map(fit -> new FittedLaw(fit.rho(), fit.gamma(), fit.centre(), fit.atCentre(),
              fit.pGammaIsOne().isPresent() ? Optional.of(fit.pGammaIsOne().getAsDouble()) : Optional.empty(),
              fit.scatter(), fit.residuals())),
          law.peaks().stream().map(PeakRow::of).toList(), law.checklist());
    }
  }

  private record CapacityReport(List<CapacityView> laws, Optional<String> publishedScale,
      List<MatchRow> published) {}

  private record ExposurePoint(long exposures, OptionalDouble completeExposures, Estimate capacityRatio,
      int seeds, String limitedBy) {}

  private record ExposureView(String model, long parameters, String corpus, String variant,
      List<String> summary, Optional<Estimate> timeToLearn, boolean rising, List<ExposurePoint> points,
      Checklist checklist) {
    static ExposureView of(ExposureLaw law) {
      return new ExposureView(law.model(), law.parameters(), law.corpus(), law.variant(), law.summary(),
          law.timeToLearn(), law.rising(),
          law.cells()
              .stream()
              .map(cell -> new ExposurePoint(cell.exposures(), cell.completeExposures(), cell.ratio(),
                  cell.runs().size(), cell.limit().toString()))
              .toList(),
          law.checklist());
    }
  }

  private record LossView(LossLaw law, List<Estimate> estimates, Checklist checklist) {}

  @Override
  public Integer call() throws Exception {
    Law chosen = Arrays.stream(Law.values())
        .filter(each -> each.toString().equals(law))
        .findFirst()
        .orElseThrow(() -> UserException
            .usage("--law must be capacity, exposures, loss or skills, found '" + law + "'"));
    if (published && chosen != Law.CAPACITY) {
      throw UserException.usage("--published is for --law capacity: the published points are of that law");
    }
    if (bootstrap < 100) {
      throw UserException.usage("--bootstrap must be at least 100, found " + bootstrap);
    }
    try {
      switch (chosen) {
        case CAPACITY -> capacity(Cells.of(runs()));
        case EXPOSURES -> exposures(Cells.of(runs()));
        case LOSS -> loss();
        case SKILLS -> skills();
      }
    } catch (LawException | ResultsException e) {
      throw UserException.usage(e.getMessage());
    }
    return 0;
  }

  private List<RunResult> runs() throws IOException {
    return ResultsSources.runs(sources, this::note);
  }

  private void note(String text) {
    Knowcap.note(command, text);
  }

  private PrintWriter out() {
    return command.commandLine().getOut();
  }

  private void capacity(Cells cells) throws IOException {
    List<CapacityLaw> laws = CapacityLaw.of(cells);
    Optional<PublishedCapacity> overlay = published
        ? Optional.of(PublishedCapacity.read())
        : Optional.empty();
    List<PublishedCapacity.Match> matches = overlay.map(points -> points.matches(cells)).orElse(List.of());
    if (json) {
      out().println(
          Json.MAPPER.writeValueAsString(new CapacityReport(laws.stream().map(CapacityView::of).toList(),
              overlay.map(points -> points.scale(cells)), matches.stream().map(MatchRow::of).toList())));
    } else {
      for (CapacityLaw each : laws) {
        heading(each.name());
        each.summary().forEach(out()::println);
        if (!each.peaks().isEmpty()) {
          out().println(peakTable(each).printAll());
        }
        print(each.checklist());
      }
      overlay.ifPresent(points -> out().println(points.scale(cells)));
      if (!matches.isEmpty()) {
        out().println(matchTable(matches).printAll());
      }
    }
    List<Chart> drawn = new ArrayList<>();
    if (laws.stream().anyMatch(each -> !each.peaks().isEmpty())) {
      drawn.add(CapacityLawChart.of(laws, overlay));
    }
    if (laws.stream().anyMatch(each -> each.law().isPresent())) {
      drawn.add(ResidualChart.of(laws));
    }
    write(drawn);
  }

  private void exposures(Cells cells) throws IOException {
    List<ExposureLaw> laws = ExposureLaw.of(cells);
    if (json) {
      out().println(Json.MAPPER.writeValueAsString(laws.stream().map(ExposureView::of).toList()));
    } else {
      for (ExposureLaw each : laws) {
        heading(each.name());
        each.summary().forEach(out()::println);
        each.cells()
            .forEach(cell -> out().println("  " + Units.count(cell.exposures()) + " exposures"
                + complete(cell) + ": R = " + cell.ratio() + ", " + cell.limit()));
        print(each.checklist());
      }
    }
    write(List.of(ExposureChart.of(laws)));
  }

  /** As the paper counts, where the runs tell. */
  private static String complete(Cell cell) {
    return cell.completeExposures().isPresent()
        ? " (" + Units.number(cell.completeExposures().getAsDouble(), 4) + " complete)"
        : "";
  }

  private void loss() throws IOException {
    List<LossPoint> points = new ArrayList<>();
    List<Path> tables = new ArrayList<>();
    for (Path source : sources) {
      if (Files.isRegularFile(source) && LossTable.hasColumns(source)) {
        points.addAll(LossTable.read(source));
      } else {
        tables.add(source);
      }
    }
    if (!tables.isEmpty()) {
      points.addAll(LossFit.points(ResultsSources.runs(tables, this::note)));
    }
    LossFit fit = LossFit.of(points, bootstrap);
    if (json) {
      out()
          .println(Json.MAPPER.writeValueAsString(new LossView(fit.law(), fit.estimates(), fit.checklist())));
      write(LossChart.of(points, fit));
      return;
    }
    heading("loss = E + A / P^alpha + B / D^beta");
    IntStream.range(0, LossLaw.NAMES.size())
        .forEach(i -> out().println(LossLaw.NAMES.get(i) + " = " + fit.estimates().get(i)));
    out().println("sum of Huber's function " + Units.number(fit.law().objective(), 6) + ", gradient "
        + Units.number(fit.law().gradientNorm(), 2) + " (" + fit.law().stop()
        + "), spread of the exponents over " + fit.law().starts() + " starts "
        + Units.number(fit.law().spread(), 2));
    print(fit.checklist());
    write(LossChart.of(points, fit));
  }

  private void skills() throws IOException {
    List<FrequencyRow> rows = new ArrayList<>();
    for (Path source : sources) {
      if (Files.isDirectory(source)) {
        rows.addAll(StudyReport.of(StudyFolder.open(source)).frequencies());
      } else if (Files.notExists(source)) {
        throw UserException.usage(source + ": no such file or directory");
      } else if (FrequencyTable.isOne(source)) {
        rows.addAll(FrequencyTable.readCsv(source));
      } else {
        throw UserException
            .usage(source + ": --law skills reads the frequency.csv of a study, or its directory");
      }
    }
    List<SkillsLaw> laws = SkillsLaw.of(rows);
    if (json) {
      out().println(Json.MAPPER.writeValueAsString(laws));
      write(SkillsChart.of(laws));
      return;
    }
    for (SkillsLaw each : laws) {
      heading(each.name());
      each.summary().forEach(out()::println);
      each.points()
          .forEach(point -> out().println("  " + Units.count(point.exposures()) + " exposures on average: "
              + Units.bits(point.storedBits().value()) + " of values, " + Units.percent(point.storedShare())
              + "; loss " + Units.number(point.excessLoss().value(), 3) + " nats an exposure, "
              + Units.percent(point.imputedShare()) + " of it imputed"
              + (point.usedForLoss() ? "" : point.used() ? "; not used for the loss" : "; not used")));
      print(each.checklist());
    }
    write(SkillsChart.of(laws));
  }

  private void heading(String text) {
    out().println();
    out().println("== " + text + " ==");
  }

  private static Table peakTable(CapacityLaw law) {
    List<Peak> peaks = law.peaks();
    return Table.create("peaks",
        StringColumn.create("model", peaks.stream().map(peak -> peak.cell().model())),
        LongColumn.create("parameters", peaks.stream().mapToLong(peak -> peak.cell().parameters())),
        LongColumn.create("people", peaks.stream().mapToLong(peak -> peak.cell().people())),
        StringColumn.create("R at the peak", peaks.stream().map(peak -> peak.cell().ratio().toString())),
        StringColumn.create("stored",
            peaks.stream().map(peak -> Units.bits(peak.cell().storedBits().value()))),
        StringColumn.create("limited by", peaks.stream().map(peak -> peak.cell().limit().toString())),
        StringColumn.create("bracket", peaks.stream().map(Peak::bracket)));
  }

  private static Table matchTable(List<PublishedCapacity.Match> matches) {
    return Table.create("published",
        StringColumn.create("cell", matches.stream().map(match -> match.cell().toString())),
        StringColumn.create("stored",
            matches.stream().map(match -> Units.bits(match.cell().storedBits().value()))),
        StringColumn.create("published",
            matches.stream().map(match -> Units.bits(match.published().storedBits()))),
        StringColumn.create("factor",
            matches.stream()
                .map(match -> match.factor() + (match.saturated() ? "; the corpus is full" : ""))),
        StringColumn.create("source", matches.stream().map(match -> match.published().source())));
  }

  private void print(Checklist list) {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put("law", list.law());
    lines.put("quantity", list.quantity());
    lines.put("points used", Integer.toString(list.pointsUsed()));
    lines.put("left out",
        list.leftOut().isEmpty()
            ? "nothing"
            : list.leftOut()
                .entrySet()
                .stream()
                .map(entry -> entry.getValue().size() + " (" + entry.getKey() + ")")
                .collect(Collectors.joining(", ")));
    lines.put("selection", list.pointSelection());
    lines.put("parameters", list.parameterCount());
    lines.put("minimised", list.loss());
    lines.put("optimiser", list.optimiser());
    lines.put("starts", list.starts());
    lines.put("bounds", list.bounds());
    lines.put("intervals", list.intervals());
    lines.put("seeds a point", list.seeds());
    lines.put("sizes",
        Units.count(list.parametersFrom()) + " to " + Units.count(list.parametersTo())
            + " parameters; the smallest published model is " + Units.number(list.extrapolation(), 3)
            + " times the largest measured here");
    out().println("Checklist:");
    lines.forEach((name, text) -> out().println("  " + name + ": " + text));
    list.warnings().forEach(warning -> out().println("  warning: " + warning));
  }

  private void write(List<? extends Chart> drawn) throws IOException {
    if (charts.isPresent()) {
      for (Chart chart : drawn) {
        chart.write(charts.get());
        if (!json) {
          out().println(charts.get().resolve(chart.file() + ".svg"));
        }
      }
    }
  }
}
