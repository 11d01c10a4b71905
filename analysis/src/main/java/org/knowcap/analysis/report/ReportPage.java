package org.knowcap.analysis.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.Chart;
import org.knowcap.analysis.law.CapacityLaws;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.SeedMeans;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;
import org.knowcap.files.WholeFile;

/**
 * A study as one self-contained page: findings, charts, table, provenance.
 *
 * @param title of the study
 * @param results of the runs that ended, in any order
 * @param rounded models of few bits: rows of {@code results} that were trained so, and models of these runs that were
 *        rounded after training, in the order of their table
 * @param failures of those that did not
 * @param cautions what readers must know before they use the numbers, a sentence each
 * @param provenance of the study
 * @param more charts of what the table does not have, shown after its own
 */
public record ReportPage(String title, List<RunResult> results, List<QuantisedResult> rounded,
    List<FailedRun> failures, List<String> cautions, Provenance provenance, List<Chart> more) {
  /** How a page links the file of a chart; the group is its name without an extension. */
  private static final Pattern CHART_LINK = Pattern
      .compile("The chart alone: <a href=\"([a-z0-9-]+)\\.svg\"");
  private static final Comparator<RunResult> ORDER = Comparator.comparingLong(RunResult::people)
      .thenComparingLong(RunResult::exposures)
      .thenComparingLong(RunResult::parameters)
      .thenComparing(RunResult::model)
      .thenComparing(RunResult::seeds, Seeds.ORDER)
      .thenComparing(RunResult::run);

  /** A column of a table; the content is text, not HTML. */
  private record Column<T>(String heading, boolean number, Function<T, String> content) {}

  /** What was stored. The names of the runs are long and have a table of their own, so that this one fits a screen. */
  private List<Column<RunResult>> columns() {
    Units.Scale bits = Units
        .bitScale(results.stream().mapToDouble(result -> Math.max(result.storedBits(), result.totalBits())));
    return shown(List
        .of(new Column<>("Model", false, result -> result.model() + (result.causal() ? "" : ", not causal")),
            new Column<>("Parameters", true, result -> Units.count(result.parameters())
                + (result.activeParameters() == result.parameters()
                    ? ""
                    : ", " + Units.count(result.activeParameters()) + " active")
                + (result.frozenParameters().isPresent()
                    ? " trained, " + Units.count((long) result.frozenParameters().getAsDouble()) + " frozen"
                    : "")
                + (result.memoryParameters().isPresent()
                    ? ", " + Units.count((long) result.memoryParameters().getAsDouble()) + " in memory"
                    : "")),
            new Column<>("People", true, result -> Units.count(result.people())),
            new Column<>("Exposures", true, result -> Units.count(result.exposures())),
            new Column<>("Complete", true, result -> count(result.completeness().completeExposures())),
            new Column<>("Setting", false, result -> result.setting().orElse("")),
            new Column<>("Seed", false, result -> result.seeds().label()),
            new Column<>("R", true,
                result -> Units.ratio(result.capacityRatio(),
                    result.storedBitsStandardError() / result.parameters())),
            new Column<>("R^max", true, result -> Units.ratio(result.maxCapacityRatio())),
            new Column<>("Saturation", true, result -> Units.percent(result.saturation())),
            new Column<>("Limited by", false, result -> shown(result.limitedBy())),
            new Column<>("Stored, " + bits.unit(), true,
                result -> bits.number(result.storedBits(), result.storedBitsStandardError())),
            new Column<>("Corpus, " + bits.unit(), true, result -> bits.number(result.totalBits(), 0)),
            new Column<>("Names, " + bits.unit(), true,
                result -> part(bits, result.bits().nameStoredBits(),
                    result.bits().nameStoredBitsStandardError())),
            new Column<>("Values, " + bits.unit(), true,
                result -> part(bits, result.bits().valueStoredBits(),
                    result.bits().valueStoredBitsStandardError())),
            new Column<>("Diversity, " + bits.unit(), true,
                result -> part(bits, result.bits().diversityStoredBits(),
                    result.bits().diversityStoredBitsStandardError())),
            new Column<>("Memorised, " + bits.unit(), true,
                result -> part(bits, result.memorisation().memorisedBits(),
                    result.memorisation().memorisedBitsStandardError())),
            new Column<>("Memorised a parameter", true,
                result -> result.memorisation().ofStrings()
                    ? Units.ratio(result.memorisation().memorisedRatio().orElseThrow())
                    : ""),
            new Column<>("Memorised of strings never seen, " + bits.unit(), true,
                result -> part(bits, result.memorisation().unseenMemorisedBits(), OptionalDouble.of(0))),
            new Column<>("Recalled (chance)", true,
                result -> share(result.recall().recalled(), result.recall().recalledUnseen())),
            new Column<>("Generated (chance)", true,
                result -> share(result.recall().generated(), result.recall().generatedUnseen())),
            new Column<>("Extractable (chance)", true,
                result -> share(result.recall().extractable(), result.recall().extractableUnseen()))),
        results);
  }

  private List<Column<RunResult>> runColumns() {
    Units.Scale time = Units.timeScale(results.stream().mapToDouble(RunResult::seconds));
    Units.Scale names = Units
        .bitScale(results.stream().flatMapToDouble(result -> result.nameExactBits().stream()));
    return shown(List.of(new Column<>("Run", false, RunResult::run),
        new Column<>("Values behind the name", true,
            result -> share(result.completeness().valueTokensBehindName().orElse(Double.NaN))),
        new Column<>("Exact bits of names, " + names.unit(), true,
            result -> part(names, result.nameExactBits(), OptionalDouble.of(0))),
        new Column<>("Name loss, nats", true,
            result -> result.nameLossNats().isPresent()
                ? Units.measured(result.nameLossNats().getAsDouble(),
                    result.nameLossStandardError().orElse(0), 3)
                : ""),
        new Column<>("Value loss, nats", true,
            result -> Units.measured(result.valueLossNats(), result.valueLossStandardError(), 3)),
        new Column<>("Tokens/s", true, result -> Units.count(Math.round(result.tokensPerSecond()))),
        new Column<>("Time, " + time.unit(), true, result -> time.number(result.seconds(), 0))), results);
  }

  /** Those that say something of any row. */
  private static <T> List<Column<T>> shown(List<Column<T>> columns, List<T> rows) {
    return columns.stream()
        .filter(column -> rows.stream().anyMatch(row -> !column.content().apply(row).isEmpty()))
        .toList();
  }

  /** The share as text; empty where it was not measured. */
  private static String share(double share) {
    return Double.isNaN(share) ? "" : Units.percent(share);
  }

  private static String share(double share, double chance) {
    return Double.isNaN(share) || Double.isNaN(chance)
        ? share(share)
        : share(share) + " (" + share(chance) + ")";
  }

  private static List<Column<SeedMeans>> seedColumns(List<SeedMeans> means) {
    Units.Scale bits = Units.bitScale(means.stream().mapToDouble(SeedMeans::storedBits));
    return shown(List.of(new Column<>("Model", false, SeedMeans::model),
        new Column<>("Parameters", true, each -> Units.count(each.parameters())),
        new Column<>("Corpus", false, SeedMeans::corpus),
        new Column<>("Exposures", true, each -> Units.count(each.exposures())),
        new Column<>("Complete", true, each -> count(each.completeExposures())),
        new Column<>("Setting", false, each -> each.setting().orElse("")),
        new Column<>("R", true,
            each -> Units.ratio(each.capacityRatio(), each.capacityRatioDeviation().orElse(0))),
        new Column<>("95 %", true, ReportPage::interval),
        new Column<>("Runs", true, each -> Units.count(each.seeds())),
        new Column<>("Seeds varied", false, SeedMeans::varied),
        new Column<>("Least", true, each -> Units.ratio(each.leastCapacityRatio())),
        new Column<>("Greatest", true, each -> Units.ratio(each.greatestCapacityRatio())),
        new Column<>("Saturation", true, each -> Units.percent(each.saturation())),
        new Column<>("Limited by", false, SeedMeans::limitedBy),
        new Column<>("Names, " + bits.unit(), true,
            each -> part(bits, each.nameStoredBits(), OptionalDouble.of(0))),
        new Column<>("Values, " + bits.unit(), true,
            each -> part(bits, each.valueStoredBits(), OptionalDouble.of(0))),
        new Column<>("Diversity, " + bits.unit(), true,
            each -> part(bits, each.diversityStoredBits(), OptionalDouble.of(0))),
        new Column<>("Memorised a parameter", true, ReportPage::memorised)), means);
  }

  private List<Column<QuantisedResult>> roundedColumns() {
    Units.Scale model = Units.bitScale(rounded.stream().mapToDouble(QuantisedResult::modelBits));
    Units.Scale stored = Units.bitScale(rounded.stream().mapToDouble(row -> row.run().storedBits()));
    return shown(List.of(new Column<>("Run", false, QuantisedResult::trainedRun),
        new Column<>("Rounded", false, row -> row.quantised() ? "after training" : "in training"),
        new Column<>("Method", false, QuantisedResult::quantisation),
        new Column<>("Bits of a code", true, row -> Units.count(row.weightBits())),
        new Column<>("Group", true, row -> row.group() == 0 ? "" : Units.count(row.group())),
        new Column<>("Bits of a weight", true, row -> Units.number(row.bitsPerWeight(), 3)),
        new Column<>("Model, " + model.unit(), true, row -> model.number(row.modelBits(), 0)),
        new Column<>("Stored, " + stored.unit(), true,
            row -> stored.number(row.run().storedBits(), row.run().storedBitsStandardError())),
        new Column<>("Saturation", true, row -> Units.percent(row.run().saturation())),
        new Column<>("R", true,
            row -> Units.ratio(row.run().capacityRatio(),
                row.run().storedBitsStandardError() / row.run().parameters())),
        new Column<>("Stored for a bit of model", true, row -> Units.ratio(row.capacityPerBit()))), rounded);
  }

  public ReportPage {
    if (title.isBlank()) {
      throw new IllegalArgumentException("a report needs a title");
    }
    results = results.stream().sorted(ORDER).toList();
    rounded = List.copyOf(rounded);
    failures = List.copyOf(failures);
    cautions = List.copyOf(cautions);
    more = List.copyOf(more);
  }

  /** A page of results alone. */
  public ReportPage(String title, List<RunResult> results, List<QuantisedResult> rounded,
      List<FailedRun> failures, List<String> cautions, Provenance provenance) {
    this(title, results, rounded, failures, cautions, provenance, List.of());
  }

  /**
   * Writes {@code index.html} into {@code folder}, and the charts beside it for use elsewhere (none without
   * results). A chart that the page before it had, and that this one has not, is deleted.
   *
   * @throws IOException if they cannot be written
   */
  public void write(Path folder) throws IOException {
    Path page = folder.resolve("index.html");
    Set<String> before = Files.exists(page)
        ? linkedCharts(Files.readString(page, StandardCharsets.ISO_8859_1)) // a damaged page is no error
        : Set.of();
    CapacityLaws laws = CapacityLaws.of(results);
    Map<Chart, String> charts = new LinkedHashMap<>();
    for (Chart chart : charts(laws)) {
      chart.write(folder);
      charts.put(chart, Files.readString(folder.resolve(chart.file() + ".svg")));
    }
    String html = html(laws, charts);
    WholeFile.write(page, out -> out.write(html.getBytes(StandardCharsets.UTF_8)));
    Set<String> now = linkedCharts(html);
    for (String chart : before) {
      if (!now.contains(chart)) {
        for (String type : List.of(".svg", ".png", ".pdf")) {
          Files.deleteIfExists(folder.resolve(chart + type));
        }
      }
    }
  }

  private static Set<String> linkedCharts(String html) {
    return CHART_LINK.matcher(html).results().map(link -> link.group(1)).collect(Collectors.toSet());
  }

  /** The page. */
  public String html() {
    CapacityLaws laws = CapacityLaws.of(results);
    Map<Chart, String> charts = new LinkedHashMap<>();
    charts(laws).forEach(chart -> charts.put(chart, chart.svg()));
    return html(laws, charts);
  }

  /**
   * First what the study is for: the law, its chart, the table.
   *
   * @param charts each with its SVG
   */
  private String html(CapacityLaws laws, Map<Chart, String> charts) {
    StringBuilder page = new StringBuilder();
    page.append(Html.head(title, ""));
    laws.shortfall().ifPresent(sentence -> appendLead(page, sentence));
    laws.withInterval().forEach(law -> appendLead(page, law.name() + ": " + law.summary().getFirst()));
    if (!results.isEmpty()) {
      charts.entrySet()
          .stream()
          .limit(1)
          .forEach(chart -> appendChart(page, chart.getKey(), chart.getValue()));
      appendResults(page);
    }
    appendFindings(page, laws);
    appendCautions(page);
    if (!results.isEmpty()) {
      charts.entrySet()
          .stream()
          .skip(1)
          .forEach(chart -> appendChart(page, chart.getKey(), chart.getValue()));
      appendSeeds(page);
      appendTable(page, "Runs", runColumns(), results);
      appendReading(page);
      appendRounded(page);
    }
    if (!failures.isEmpty()) {
      page.append(
          "<h2>Failed runs</h2>\n<table class=\"facts\">\n<thead><tr><th>Run</th><th>Reason</th></tr></thead>\n")
          .append("<tbody>\n");
      failures.forEach(failure -> appendFact(page, failure.run(), failure.reason()));
      page.append("</tbody>\n</table>\n");
    }
    page.append("<h2>Provenance</h2>\n<table class=\"facts\">\n<tbody>\n");
    provenance.entries().forEach((what, value) -> appendFact(page, what, value));
    return page.append("</tbody>\n</table>\n</body>\n</html>\n").toString();
  }

  private List<Chart> charts(CapacityLaws laws) {
    return Stream.concat(Chart.of(results, withExact(), laws.withInterval()).stream(), more.stream())
        .map(chart -> chart.ofStudy(title))
        .toList();
  }

  /** The models of few bits, behind all runs that were trained with exact weights. */
  private List<QuantisedResult> withExact() {
    Set<String> trained = rounded.stream().map(row -> row.run().run()).collect(Collectors.toSet());
    return Stream
        .concat(
            results.stream().filter(run -> !trained.contains(run.run())).map(QuantisedResult::unquantised),
            rounded.stream())
        .toList();
  }

  private static void appendLead(StringBuilder page, String sentence) {
    page.append("<p class=\"lead\">").append(Html.escaped(sentence)).append("</p>\n");
  }

  private void appendFindings(StringBuilder page, CapacityLaws laws) {
    page.append("<h2>Findings</h2>\n<ul>\n");
    Stream
        .concat(Findings.of(results).stream(), laws.withInterval()
            .stream()
            .flatMap(law -> law.checklist().warnings().stream().map(warning -> law.name() + ": " + warning)))
        .forEach(finding -> page.append("<li>").append(Html.escaped(finding)).append("</li>\n"));
    page.append("</ul>\n");
  }

  private void appendCautions(StringBuilder page) {
    if (!cautions.isEmpty()) {
      page.append("<h2>Before you use the numbers</h2>\n<ul>\n");
      cautions.forEach(caution -> page.append("<li>").append(Html.escaped(caution)).append("</li>\n"));
      page.append("</ul>\n");
    }
  }

  private static void appendChart(StringBuilder page, Chart chart, String svg) {
    page.append("<figure>\n")
        .append(Html.chart(svg))
        .append("<figcaption>")
        .append(chart.caption())
        .append(" The chart alone: <a href=\"")
        .append(chart.file())
        .append(".svg\">SVG</a>, <a href=\"")
        .append(chart.file())
        .append(".png\">PNG</a>.</figcaption>\n</figure>\n");
  }

  private void appendReading(StringBuilder page) {
    page.append(
        """
            <h2>How to read it</h2>
            <dl>
            <dt>R</dt><dd>the capacity ratio: bits of the corpus that the model stores, \
            divided by its parameters.</dd>
            <dt>R<sup>max</sup></dt><dd>what R would be if the model stored every bit of its corpus; \
            such a model lies on its corpus's thin line.</dd>
            <dt>Saturation</dt><dd>R / R<sup>max</sup>: the part of the corpus's bits that is stored.</dd>
            <dt>Complete</dt><dd>exposures whose text lies in one window from its beginning to its end, as the paper \
            counts; Exposures counts texts by their tokens.</dd>
            <dt>Values behind the name</dt><dd>the part of the values' tokens that were trained with the whole name before them \
            in the window.</dd>
            <dt>Exact bits of names</dt><dd>log<sub>2</sub> C(N<sub>0</sub>, N), the bits of the set of names. The corpus's bits have \
            the paper's count of names, N log<sub>2</sub>(N<sub>0</sub>/N), which is lower.</dd>
            <dt>Names, values, diversity</dt><dd>the stored bits by part; the three add up to what is stored.</dd>
            <dt>Limited by</dt><dd>corpus: over 98 % of it are stored, and R says nothing of what the model can hold \
            (hollow in the chart; at 90 to 98 %, the grey zone, no capacity is read from a run either); still learning: more than a quarter of the stored bits were stored in the second half \
            of the training (with a white dot in the chart); model: neither.</dd>
            <dt>Recalled, generated</dt><dd>the share of people whose values are all the most likely answers behind true \
            words; and whose values are all in the text that the model writes from the name alone. Extractable: whose questions \
            are all answered, of people about whom training asked none. In brackets: those shares of people whom training did not \
            show, which are chance.</dd>
            """);
    if (results.stream().anyMatch(result -> result.memorisation().ofStrings())) {
      page.append(
          """
              <dt>Memorised</dt><dd>of random strings, the bits that the model's code saves of each string, and never less than 0; \
              what is stored is the sum in which each string keeps its sign. Alpha is the most that is memorised a parameter, over \
              all numbers of strings. A string is recalled if its second half is predicted from its first.</dd>
              """);
    }
    page.append("</dl>\n");
  }

  private void appendResults(StringBuilder page) {
    page.append("<h2>Results</h2>\n<div class=\"wide\">\n");
    List<Column<RunResult>> columns = columns();
    appendHead(page, columns);
    for (int i = 0; i < results.size(); i++) {
      RunResult result = results.get(i);
      boolean group = i > 0 && results.get(i - 1).people() != result.people();
      page.append(group ? "<tr class=\"group\">" : "<tr>");
      columns.forEach(column -> page.append(cell(column, result)).append("</td>"));
      page.append("</tr>\n");
    }
    page.append("</tbody>\n</table>\n</div>\n<p class=\"note\">").append(errors()).append("</p>\n");
  }

  /** Adds the table of means over seeds, if something was run with several seeds. */
  private void appendSeeds(StringBuilder page) {
    List<SeedMeans> means = SeedMeans.of(results).stream().filter(setting -> setting.seeds() > 1).toList();
    if (means.isEmpty()) {
      return;
    }
    appendTable(page, "Over seeds", seedColumns(means), means);
    page.append(
        "<p class=\"note\">Here ± is the standard deviation from run to run. The seeds that differ between ")
        .append(
            "runs of a row are named: those of the corpus (people, facts), of the initial weights, and of ")
        .append(
            "the order of the data. 95 % is the confidence interval of the mean by Student's t; there is none ")
        .append("where runs share one of the seeds that vary, as they are then not independent.</p>\n");
  }

  /** The bits as text; empty where the corpus does not have the part. */
  private static String part(Units.Scale scale, OptionalDouble bits, OptionalDouble standardError) {
    return bits.isPresent() ? scale.number(bits.getAsDouble(), standardError.orElse(0)) : "";
  }

  private static String count(OptionalDouble number) {
    return number.isPresent() ? Units.count(Math.round(number.getAsDouble())) : "";
  }

  private static String shown(Limit limit) {
    return switch (limit) {
      case CORPUS -> "corpus";
      case MODEL -> "model";
      case LEARNING -> "still learning";
      case UNDECIDED -> "";
    };
  }

  private static String interval(SeedMeans means) {
    if (means.capacityRatioInterval().isEmpty()) {
      return "";
    }
    double half = means.capacityRatioInterval().getAsDouble();
    return Units.ratio(means.capacityRatio() - half) + " to " + Units.ratio(means.capacityRatio() + half);
  }

  private static String memorised(SeedMeans means) {
    return means.memorisedRatio().isEmpty()
        ? ""
        : Units.ratio(means.memorisedRatio().getAsDouble()) + (means.memorisedRatioInterval().isEmpty()
            ? ""
            : " (95 %: +- " + Units.ratio(means.memorisedRatioInterval().getAsDouble()) + ")");
  }

  /** Adds the table of models of few bits, if there are any. */
  private void appendRounded(StringBuilder page) {
    if (rounded.isEmpty()) {
      return;
    }
    appendTable(page, "Weights of few bits", roundedColumns(), rounded);
    page.append(
        "<p class=\"note\">Measured as the runs are, on what the codes stand for. A weight's bits have its share ")
        .append("of scales and the like; the model's have 32 for each parameter that was not rounded.</p>\n");
  }

  private static <T> void appendTable(StringBuilder page, String title, List<Column<T>> columns,
      List<T> rows) {
    page.append("<h2>").append(title).append("</h2>\n<div class=\"wide\">\n");
    appendHead(page, columns);
    for (T row : rows) {
      page.append("<tr>");
      columns.forEach(column -> page.append(column.number() ? "<td class=\"number\">" : "<td>")
          .append(content(column, row))
          .append("</td>"));
      page.append("</tr>\n");
    }
    page.append("</tbody>\n</table>\n</div>\n");
  }

  private static <T> void appendHead(StringBuilder page, List<Column<T>> columns) {
    page.append("<table class=\"results\">\n<thead><tr>");
    columns.forEach(column -> page.append(column.number() ? "<th class=\"number\">" : "<th>")
        .append(heading(column.heading()))
        .append("</th>"));
    page.append("</tr></thead>\n<tbody>\n");
  }

  private static String cell(Column<RunResult> column, RunResult result) {
    String content = content(column, result);
    if (column.heading().equals("Saturation")) {
      double part = Math.clamp(result.saturation(), 0, 1);
      return String.format(Locale.ROOT, "<td class=\"number part\" style=\"--part: %.1f%%\">", 100 * part)
          + content;
    }
    return (column.number() ? "<td class=\"number\">" : "<td>") + content;
  }

  /** A narrow column may have a line's end before ± alone. */
  private static <T> String content(Column<T> column, T row) {
    return Html.escaped(column.content().apply(row)).replace("± ", "±&nbsp;").replace(" %", "&nbsp;%");
  }

  private static String heading(String heading) {
    return heading.equals("R^max") ? "R<sup>max</sup>" : Html.escaped(heading);
  }

  private String errors() {
    boolean sampled = results.stream().anyMatch(result -> result.storedBitsStandardError() > 0);
    boolean complete = results.stream().anyMatch(result -> result.storedBitsStandardError() == 0);
    String meaning = "± is one standard error from measuring some of a corpus's people, and each in one text of many";
    String none = "every person of the corpus was measured in the only text there is (or by a version that left the"
        + " choice of texts out of the error)";
    String people = sampled && complete
        ? meaning + "; where there is none, " + none
        : sampled ? meaning : "No ± is given: " + none;
    boolean seeds = SeedMeans.of(results).stream().anyMatch(setting -> setting.seeds() > 1);
    return people + (seeds ? "." : ". How results vary with the seed is seen only by running several.");
  }

  private static void appendFact(StringBuilder page, String what, String value) {
    page.append("<tr><th>")
        .append(Html.escaped(what))
        .append("</th><td>")
        .append(Html.escaped(value))
        .append("</td></tr>\n");
  }
}
