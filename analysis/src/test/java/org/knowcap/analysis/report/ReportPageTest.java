package org.knowcap.analysis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;

class ReportPageTest {
  private static final Provenance PROVENANCE = new Provenance(new LinkedHashMap<>(Map.of("JVM", "<25>")));

  @TempDir
  Path folder;

  @Test
  void pageHoldsEverythingAndNeedsNothingElse() throws IOException {
    List<RunResult> results = List.of(Results.run(800, 400, 70_912, 1, 9000, 26_400),
        Results.run("<script>alert(1)</script>", 200, 400, 70_912, 1, 6790, 7000));
    new ReportPage("A & B", results, List.of(), List.of(new FailedRun("n9", "loss \"NaN\" at step <3>")),
        List.of("R <says> little"), PROVENANCE).write(folder);

    String html = Files.readString(folder.resolve("index.html"));
    assertTrue(Files.exists(folder.resolve("capacity.svg")) && Files.exists(folder.resolve("capacity.png")));
    assertTrue(html.contains("<h1>A &amp; B</h1>") && html.contains("<svg ") && html.contains("&lt;25&gt;"),
        "parts");
    assertTrue(html.contains("<th class=\"number\">Stored, kbit</th>") && html.contains(">6.79 ±&nbsp;0.02<")
        && html.contains("97.0&nbsp;%"), "one unit a column");
    assertTrue(html.contains("loss &quot;NaN&quot; at step &lt;3&gt;"), "failures");
    assertTrue(html.contains("<h2>Before you use the numbers</h2>\n<ul>\n<li>R &lt;says&gt; little</li>"),
        "cautions");
    assertTrue(html.indexOf("<td>&lt;script&gt;") < html.indexOf("<td>n800-e400"), "sorted by people");
    assertFalse(html.contains("<script"), "escaped");
    assertTrue(html.contains("<div class=\"chart\">\n<svg ") && html.contains("@media print"),
        "a narrow screen scrolls the chart, and paper holds the whole table");
    assertFalse(Pattern.compile("(src|href)=\"(https?:)?//|@import|url\\((?!#)").matcher(html).find(),
        "self-contained");
  }

  @Test
  void seedsAndArchitecturesHaveTheirPlaceWhereThereAreSeveral() throws IOException {
    List<RunResult> results = List.of(Results.run(200, 400, "gpt2-2-2", 10_000, 1, 4000, 7000),
        Results.run(200, 400, "gpt2-2-2", 10_000, 2, 6000, 7000),
        Results.run(200, 400, "llama-2-2", 12_000, 1, 6000, 7000));
    new ReportPage("several", results, List.of(), List.of(), List.of(), PROVENANCE).write(folder);
    String html = Files.readString(folder.resolve("index.html"));
    assertTrue(Files.exists(folder.resolve("architectures.svg")) && html.contains("architectures.png"),
        "chart");
    String seeds = html.substring(html.indexOf("<h2>Over seeds</h2>"));
    // R is 0.4 and 0.6: deviation sqrt(0.01 + 0.01).
    assertTrue(seeds.contains("0.500 ±&nbsp;0.141")
        && !seeds.substring(0, seeds.indexOf("<h2>Runs</h2>")).contains("llama"), seeds);
    assertFalse(html.contains("by running several"));

    String one = new ReportPage("one", results.subList(1, 2), List.of(), List.of(), List.of(), PROVENANCE)
        .html();
    assertFalse(one.contains("Over seeds") || one.contains("architectures.svg"));
    assertTrue(one.contains("by running several"));
  }

  /** Of one model, R and alpha in one sentence; strings are not called people. */
  @Test
  void bitsOfFactsAndOfStringsStandSideBySide() {
    List<RunResult> results = List.of(Results.run(200, 400, 10_000, 1, 15_000, 30_000),
        Results.run(400, 400, 10_000, 1, 14_000, 60_000),
        Results.ofStrings(Results.run("few", 90, 400, 10_000, 2, 21_000, 30_000), 22_500),
        Results.ofStrings(Results.run("fewer", 70, 400, 10_000, 2, 19_000, 60_000), 20_500),
        Results.ofStrings(Results.run("many", 180, 400, 10_000, 2, 19_000, 60_000), 20_500),
        Results.ofStrings(Results.run(70, 400, "llama-2-2", 10_500, 2, 8000, 9000), 8100));
    List<String> findings = Findings.of(results);
    assertTrue(findings.getFirst().contains("of 70 to 400 people or strings"), findings.toString());
    assertTrue(findings.contains(
        "gpt2-2-2 (10,000 parameters) memorises at most 2.25 bits of random strings per parameter (alpha), of 90"
            + " strings, and stores at most 1.50 bits of facts about people (R), of bioS(200): 0.750 fewer."),
        findings.toString());
    assertTrue(findings.contains(
        "llama-2-2 (10,500 parameters) memorises at most 0.771 bits of random strings per parameter (alpha), of 70"
            + " strings (no peak: other numbers may give more)."),
        findings.toString());
    String page = new ReportPage("both", results, List.of(), List.of(), List.of(), PROVENANCE).html();
    assertTrue(page.contains("Memorised a parameter") && page.contains("<dt>Memorised</dt>"), page);
    assertFalse(
        new ReportPage("facts", results.subList(0, 2), List.of(), List.of(), List.of(), PROVENANCE).html()
            .contains("emorised"));
  }

  /** Two seeds of three corpora for each of four models, limited by the model. */
  private static List<RunResult> capacities() {
    List<RunResult> results = new ArrayList<>();
    double[] ratios = {1.5, 1.7, 1.6, 1.9};
    for (int m = 0; m < ratios.length; m++) {
      for (int corpus = 0; corpus < 3; corpus++) {
        for (long seed = 0; seed <= 1; seed++) {
          long parameters = 1000L << m;
          double ratio = ratios[m] - 0.3 * Math.abs(corpus - 1) + 0.02 * seed;
          results.add(Results.limited(Results.run(100L << m + corpus, 400, "gpt2-2-" + (m + 1), parameters,
              seed, ratio * parameters, 100.0 * (100L << m + corpus)), Limit.MODEL));
        }
      }
    }
    return results;
  }

  @Test
  void theLawLeadsThenItsChartThenTheTable() throws IOException {
    List<RunResult> results = capacities();
    new ReportPage("law", results, List.of(), List.of(), List.of(), PROVENANCE).write(folder);
    String html = Files.readString(folder.resolve("index.html"));
    assertOrder(html,
        "<p class=\"lead\">gpt2, bioS, 400 exposures: Stored bits at the peak grow as P^gamma with gamma = ",
        "capacity-law.svg", "<h2>Results</h2>", "24 runs measured", "capacity.svg", "<h2>Over seeds</h2>");
    assertTrue(Files.exists(folder.resolve("capacity-law.png")));
    assertFalse(html.contains("No law is fitted"));
    // R is among the first columns; the long names of the runs have a table of their own.
    assertOrder(html.substring(html.indexOf("<h2>Results</h2>")), "Parameters", "Exposures",
        "<th class=\"number\">R</th>", "Saturation", "</thead>", "<h2>Runs</h2>", "<th>Run</th>", "Tokens/s",
        "</thead>");

    ReportPage few = new ReportPage("no law", results.subList(0, 6), List.of(), List.of(), List.of(),
        PROVENANCE);
    Files.writeString(folder.resolve("notes.svg"), "of the user");
    few.write(folder);
    // A chart of the page before would be taken for one of this page.
    assertFalse(
        Files.exists(folder.resolve("capacity-law.png")) || Files.exists(folder.resolve("capacity-law.pdf")));
    assertTrue(Files.exists(folder.resolve("capacity.svg")) && Files.exists(folder.resolve("notes.svg")));
    String without = few.html();
    assertFalse(without.contains("P^gamma") || without.contains("capacity-law"));
    assertOrder(without, "<p class=\"lead\">No law is fitted. It needs peaks of 4 sizes of model",
        "capacity.svg", "<h2>Results</h2>", "6 runs measured");
    assertFalse(without.contains("Recalled (chance)</th>"), "an empty column");
  }

  private static void assertOrder(String html, String... parts) {
    int at = 0;
    for (String part : parts) {
      int found = html.indexOf(part, at);
      assertTrue(found >= 0, "not there, or too early: " + part);
      at = found + part.length();
    }
  }

  /** The table's heading and rows, as the text of their cells. */
  private static List<List<String>> cells(String html, String title) {
    String table = html.substring(html.indexOf("<h2>" + title + "</h2>"));
    return Pattern.compile("<tr[^>]*>(.*?)</tr>", Pattern.DOTALL)
        .matcher(table.substring(0, table.indexOf("</table>")))
        .results()
        .map(row -> Pattern.compile("<t[hd][^>]*>(.*?)</t[hd]>")
            .matcher(row.group(1))
            .results()
            .map(cell -> cell.group(1))
            .toList())
        .toList();
  }

  private static List<String> column(List<List<String>> cells, String heading) {
    int at = cells.getFirst().indexOf(heading);
    assertTrue(at >= 0, heading + " in " + cells.getFirst());
    return cells.stream().skip(1).map(row -> row.get(at)).toList();
  }

  @Test
  void theTableSaysWhatLimitsARunAndHowExposuresAndNamesWereCounted() {
    List<RunResult> results = Stream.of(Limit.values())
        .map(limit -> Results.withCounts(
            Results.limited(Results.run(200, 400, 1000L << limit.ordinal(), 1, 4000, 7000), limit), 225.4,
            1234))
        .toList();
    String page = new ReportPage("limits", results, List.of(), List.of(), List.of(), PROVENANCE).html();
    List<List<String>> cells = cells(page, "Results");
    assertEquals(5, cells.size());
    // In the order of the parameters, which is that of the limits.
    assertEquals(List.of("corpus", "model", "still learning", ""), column(cells, "Limited by"));
    assertEquals(Collections.nCopies(4, "225"), column(cells, "Complete"));
    assertEquals(Collections.nCopies(4, "1.23"), column(cells(page, "Runs"), "Exact bits of names, kbit"));
    String earlier = new ReportPage("earlier",
        List.of(Results.limited(Results.run(200, 400, 1000, 1, 4000, 7000), Limit.UNDECIDED)), List.of(),
        List.of(), List.of(), PROVENANCE).html();
    assertTrue(Stream.of("Limited by", "Complete", "Exact bits of names, bit")
        .noneMatch(heading -> earlier.contains(heading + "</th>")), earlier);
    assertFalse(new ReportPage("no cautions", results, List.of(), List.of(), List.of(), PROVENANCE).html()
        .contains("Before you use"));
  }

  /** Chance stands beside what was recalled; the second run's people had no strangers to compare with, and no questions. */
  @Test
  void theTableHasRecallBesideBits() {
    double none = Double.NaN;
    List<RunResult> results = List.of(
        Results.withRecall(Results.run(200, 400, 1000, 1, 4000, 7000),
            new RecallShares(0.9, 0.01, 0.8, 0, 0.5, 1, 0.02, OptionalDouble.empty(), OptionalDouble.empty(),
                OptionalDouble.empty())),
        Results.withRecall(Results.run(200, 400, 2000, 1, 4000, 7000), new RecallShares(0.7, none, 0.6, none,
            none, none, none, OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty())));
    List<List<String>> cells = cells(
        new ReportPage("recall", results, List.of(), List.of(), List.of(), PROVENANCE).html(), "Results");
    assertEquals(List.of("90.0&nbsp;% (1.0&nbsp;%)", "70.0&nbsp;%"), column(cells, "Recalled (chance)"));
    assertEquals(List.of("80.0&nbsp;% (0.0&nbsp;%)", "60.0&nbsp;%"), column(cells, "Generated (chance)"));
    assertEquals(List.of("50.0&nbsp;% (2.0&nbsp;%)", ""), column(cells, "Extractable (chance)"));
  }

  @Test
  void quantisedModelsHaveATableOfTheirOwn() {
    RunResult run = Results.run("one", 200, 400, 1000, 1, 4000, 7000);
    QuantisedResult rounded = new QuantisedResult(Results.run("one/rtn-4-g32", 200, 400, 1000, 1, 2000, 7000),
        "rtn", 4, 32, 4.625, 8000, 0.25);
    String html = new ReportPage("rounded", List.of(run), List.of(rounded), List.of(), List.of(), PROVENANCE)
        .html();
    String after = html.substring(html.indexOf("<h2>Weights of few bits</h2>"));
    assertTrue(after.contains("<td>one</td><td>after training</td><td>rtn</td>")
        && after.contains("Model, kbit</th>") && after.contains(">8.00<")
        && after.contains(">2.00 ±&nbsp;0.02<") && after.contains("28.6&nbsp;%"), after);
    // What was trained is told as without it.
    String without = new ReportPage("rounded", List.of(run), List.of(), List.of(), List.of(), PROVENANCE)
        .html();
    assertEquals(without.substring(0, without.indexOf("<h2>Provenance")),
        html.replaceFirst("(?s)<figure>(?:(?!</figure>).)*weight-bits.*?</figure>\n", "")
            .transform(page -> page.substring(0, page.indexOf("<h2>Weights of few bits"))));
  }

  @Test
  void pageWithoutResultsSaysSo() throws IOException {
    new ReportPage("none", List.of(), List.of(), List.of(new FailedRun("n9", "out of memory")), List.of(),
        PROVENANCE).write(folder);
    String html = Files.readString(folder.resolve("index.html"));
    assertTrue(html.contains("No run has been measured.") && html.contains("out of memory"));
    assertFalse(html.contains("<svg"));
  }

  @Test
  void findingsSayWhatWasSeenAndNoMore() {
    assertEquals(List.of(
        "3 runs measured: models of 20,000 to 70,000 parameters, trained on corpora of 200 to 800 people, "
            + "with 400 exposures.",
        "The most that was stored where the corpus was not the limit is 0.1300 ± 0.0003 bits per parameter, of the 0.377 its corpus offered, "
            + "by gpt2-2-2 on 800 people (run n800-e400-p70000-s1).",
        "1 of 3 runs holds more than 90 % of its corpus's bits: gpt2-2-2 on 200 people; 2 of 3 runs hold less than "
            + "60 % of their corpus's bits: gpt2-2-2 on 200 people, gpt2-2-2 on 800 people, out of room or of "
            + "training: these numbers cannot tell which."),
        Findings.of(List.of(Results.run(200, 400, 20_000, 1, 2100, 7000),
            Results.run(200, 400, 70_000, 1, 6900, 7000), Results.run(800, 400, 70_000, 1, 9100, 26_400))));

    assertEquals(List.of(
        "1 run measured: a model of 70,000 parameters, trained on a corpus of 200 people, with 400 exposures.",
        "It stored 0.0986 ± 0.0003 bits per parameter, of the 0.100 its corpus offered.",
        "The run holds more than 90 % of its corpus's bits."),
        Findings.of(List.of(Results.run(200, 400, 70_000, 1, 6900, 7000))));

    assertEquals(List.of(
        "1 run measured: a model of 70,000 parameters, trained on a corpus of 1 person, "
            + "with 1 exposure.",
        "No run stored any bits: the best, gpt2-2-2 on 1 person (run n1-e1-p70000-s1), came to "
            + "-0.1000 ± 0.0003 bits per parameter.",
        "No run holds more than 90 % of its corpus's bits; the run holds less than 60 % of its corpus's bits, out of "
            + "room or of training: these numbers cannot tell which.",
        "1 run stores fewer than 0 bits: a uniform guess among all possible names and values would lose less than the "
            + "model does."),
        Findings.of(List.of(Results.run(1, 1, 70_000, 1, -7000, 7000))));
  }
}
