package org.knowcap.analysis.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.knowcap.analysis.chart.LawArmsChart;
import org.knowcap.analysis.law.LawSummary;
import org.knowcap.analysis.law.LawVerdict;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.units.Units;
import org.knowcap.files.WholeFile;

/**
 * The laws of the paper on one page that needs nothing but itself: the verdicts first, then each law with its chart and
 * figures.
 *
 * @param size of the laws, such as "small"
 * @param laws in the order in which they are shown
 * @param command that runs laws, but for {@code --only}
 * @param provenance of the runs
 */
public record LawsPage(String size, List<LawVerdict> laws, String command, Provenance provenance) {
  private static final String STYLE = """
      .verdicts td { white-space: normal; max-width: 30rem; }
      .supported { color: #007a55; font-weight: 600; }
      .contradicted { color: #b34700; font-weight: 600; }
      @media (prefers-color-scheme: dark) { .supported { color: #4cc79a; } .contradicted { color: #f29a5c; } }
      code { font-size: .875em; }
      """;

  public LawsPage {
    laws = List.copyOf(laws);
  }

  private List<LawSummary> summaries() {
    return laws.stream().map(LawSummary::of).toList();
  }

  /**
   * Writes {@code laws.html}, {@code laws.csv} with a row for each judgement, and {@code laws.md} with the table of verdicts.
   *
   * @throws IOException if they cannot be written
   */
  public void write(Path folder) throws IOException {
    String html = html();
    WholeFile.write(folder.resolve("laws.html"), out -> out.write(html.getBytes(StandardCharsets.UTF_8)));
    String markdown = markdown();
    WholeFile.write(folder.resolve("laws.md"), out -> out.write(markdown.getBytes(StandardCharsets.UTF_8)));
    ResultsTable.writeCsv(folder.resolve("laws.csv"), LawSummary.JudgementRow.class,
        summaries().stream().flatMap(law -> law.judgements().stream()).toList());
  }

  /** The verdicts as a table in Markdown. */
  public String markdown() {
    StringBuilder table = new StringBuilder(
        "| law | claim | verdict | measured | paper; tested |\n|---|---|---|---|---|\n");
    for (LawSummary law : summaries()) {
      table.append("| ")
          .append(law.law())
          .append(". ")
          .append(law.title())
          .append(" | ")
          .append(law.claim())
          .append(" | ")
          .append(law.sentence())
          .append(" | ")
          .append(law.judgements()
              .stream()
              .map(each -> each.quantity() + ": " + figure(each))
              .collect(Collectors.joining("<br>")))
          .append(" | ")
          .append(law.judgements().stream().map(LawsPage::published).collect(Collectors.joining("<br>")))
          .append(" |\n");
    }
    return table.toString();
  }

  /** The page. */
  public String html() {
    StringBuilder page = new StringBuilder();
    page.append(Html.head("The laws of arXiv 2404.05405, size " + size, STYLE));
    List<LawSummary> summaries = summaries();
    page.append("<p>").append(Html.escaped(counts(summaries))).append("</p>\n");
    verdicts(page, summaries);
    page.append(
        """
            <h2>How laws are judged</h2>
            <p>Each arm was trained with several learning rates and one seed, and with the best of them and other seeds; R is of \
            those other seeds alone. A rate with which any run of an arm diverged has lost, and so have greater rates. Arms are compared in pairs of equal seeds. A claim is supported if the 95 % interval of the \
            figure (Student's t; of factors, of their logarithms) lies among the values that agree with it, contradicted if it lies \
            outside, with Holm's correction over the judgements of one law. What agrees is the paper's figure, weakened by a stated \
            margin. Intervals in the tables are those without the correction.</p>
            """);
    for (int i = 0; i < laws.size(); i++) {
      law(page, laws.get(i), summaries.get(i));
    }
    page.append("<h2>Provenance</h2>\n<table class=\"facts\">\n<tbody>\n");
    provenance.entries()
        .forEach((what, value) -> page.append("<tr><th>")
            .append(Html.escaped(what))
            .append("</th><td>")
            .append(Html.escaped(value))
            .append("</td></tr>\n"));
    return page.append("</tbody>\n</table>\n</body>\n</html>\n").toString();
  }

  private static String counts(List<LawSummary> laws) {
    Map<String, Long> words = laws.stream()
        .collect(Collectors.groupingBy(LawSummary::verdict, TreeMap::new, Collectors.counting()));
    return "Of " + laws.size() + (laws.size() == 1 ? " law: " : " laws: ")
        + words.entrySet()
            .stream()
            .map(each -> each.getValue() + " " + each.getKey())
            .collect(Collectors.joining(", "))
        + ".";
  }

  private static void verdicts(StringBuilder page, List<LawSummary> laws) {
    page.append("<div class=\"wide\">\n<table class=\"verdicts\">\n<thead><tr><th>Law</th><th>Claim</th>")
        .append("<th>Verdict</th><th>Of what</th><th class=\"number\">Measured (95 %)</th>")
        .append("<th class=\"number\">Paper; tested</th></tr></thead>\n<tbody>\n");
    for (LawSummary law : laws) {
      for (int i = 0; i < law.judgements().size(); i++) {
        LawSummary.JudgementRow row = law.judgements().get(i);
        page.append(i == 0 ? "<tr class=\"group\">" : "<tr>");
        if (i == 0) {
          page.append("<td>")
              .append("<a href=\"#law-" + law.law() + "\">")
              .append(Html.escaped(law.law() + ". " + law.title()))
              .append("</a></td><td>")
              .append(Html.escaped(law.claim()))
              .append("</td><td class=\"" + law.verdict().replace(' ', '-') + "\">")
              .append(Html.escaped(law.sentence()))
              .append("</td>");
        } else {
          page.append("<td></td><td></td><td></td>");
        }
        page.append("<td>")
            .append(Html.escaped(row.quantity()))
            .append("</td><td class=\"number\">")
            .append(Html.escaped(figure(row)))
            .append("</td><td class=\"number\">")
            .append(Html.escaped(published(row)))
            .append("</td></tr>\n");
      }
    }
    page.append("</tbody>\n</table>\n</div>\n");
  }

  private void law(StringBuilder page, LawVerdict verdict, LawSummary law) {
    page.append("<h2 id=\"law-" + law.law() + "\">")
        .append(Html.escaped("Law " + law.law() + ": " + law.title()))
        .append("</h2>\n<p>")
        .append(Html.escaped(law.claim() + " (" + law.source() + ")"))
        .append("</p>\n<p class=\"" + law.verdict().replace(' ', '-') + "\">")
        .append(Html.escaped(law.sentence()))
        .append("</p>\n<ul>\n");
    verdict.judged()
        .forEach(each -> page.append("<li>")
            .append(Html.escaped(each.quantity() + ", claimed to be " + each.judgement().claimed() + ": "
                + each.figure().map(Object::toString).orElse("no figure")
                + each.sourceTold().map(told -> " (" + told + " with the source told)").orElse("") + ", "
                + each.seeds() + " seeds, " + each.verdict()))
            .append("</li>\n"));
    law.notes().forEach(note -> page.append("<li>").append(Html.escaped(note)).append("</li>\n"));
    page.append("</ul>\n");
    LawArmsChart.of(verdict)
        .ifPresent(chart -> page.append("<figure>\n")
            .append(Html.chart(chart.svg()))
            .append("<figcaption>")
            .append(Html.escaped(chart.caption()))
            .append("</figcaption>\n</figure>\n"));
    arms(page, law);
    page.append("<p class=\"note\">")
        .append(law.missing() > 0
            ? "At least " + law.missing() + (law.missing() == 1 ? " run is" : " runs are")
                + " missing. This command runs what is missing: "
            : "Made by: ")
        .append("<code>")
        .append(Html.escaped(command + " --only " + law.law()))
        .append("</code></p>\n");
  }

  private static void arms(StringBuilder page, LawSummary law) {
    page.append("<div class=\"wide\">\n<table>\n<thead><tr><th>Arm</th><th>What</th>")
        .append("<th class=\"number\">Parameters</th><th class=\"number\">R (95 %)</th>")
        .append("<th class=\"number\">of names</th><th class=\"number\">of values</th>")
        .append("<th class=\"number\">R^max</th><th>Limited by</th><th>Seeds</th>")
        .append("<th>Learning rate</th><th>R of the rates tried, one seed</th></tr></thead>\n<tbody>\n");
    for (LawSummary.ArmRow arm : law.arms()) {
      page.append("<tr><td>")
          .append(Html.escaped(arm.name()))
          .append("</td><td>")
          .append(Html.escaped(arm.what()))
          .append("</td><td class=\"number\">")
          .append(arm.parameters() == 0 ? "" : Units.count(arm.parameters()))
          .append("</td><td class=\"number\">")
          .append(Html.escaped(interval(arm.ratio(), arm.ratioLow(), arm.ratioHigh(),
              arm.missing() > 0 ? "not run" : "diverged")))
          .append("</td><td class=\"number\">")
          .append(ratio(arm.nameRatio()))
          .append("</td><td class=\"number\">")
          .append(ratio(arm.valueRatio()))
          .append("</td><td class=\"number\">")
          .append(ratio(arm.maxRatio()))
          .append("</td><td>")
          .append(Html.escaped(arm.limitedBy().orElse("")))
          .append("</td><td>")
          .append(Html.escaped(String.join(", ", arm.seeds())))
          .append("</td><td>")
          .append(arm.learningRate().isPresent() ? rate(arm.learningRate().getAsDouble()) : "")
          .append("</td><td>")
          .append(Html.escaped(arm.rates()
              .stream()
              .map(each -> rate(each.learningRate()) + ": "
                  + (each.capacityRatio().isPresent()
                      ? Units.ratio(each.capacityRatio().getAsDouble())
                      : "lost"))
              .collect(Collectors.joining(", "))))
          .append("</td></tr>\n");
    }
    page.append("</tbody>\n</table>\n</div>\n");
  }

  private static String ratio(OptionalDouble value) {
    return value.isPresent() ? Units.ratio(value.getAsDouble()) : "";
  }

  private static String rate(double rate) {
    return Units.number(rate, 3);
  }

  private static String figure(LawSummary.JudgementRow row) {
    String figure = interval(row.figure(), row.figureLow(), row.figureHigh(),
        row.verdict().equals("not run") ? "not run" : "none");
    return row.figureSourceTold().isEmpty()
        ? figure
        : figure + "; source told: "
            + interval(row.figureSourceTold(), row.figureSourceToldLow(), row.figureSourceToldHigh(), "none");
  }

  private static String interval(OptionalDouble value, OptionalDouble low, OptionalDouble high,
      String absent) {
    if (value.isEmpty()) {
      return absent;
    }
    return Units.ratio(value.getAsDouble()) + (low.isPresent() && high.isPresent()
        ? " (" + Units.ratio(low.getAsDouble()) + " to " + Units.ratio(high.getAsDouble()) + ")"
        : "");
  }

  private static String published(LawSummary.JudgementRow row) {
    return Units.number(row.published(), 3) + "; " + row.claimed();
  }
}
