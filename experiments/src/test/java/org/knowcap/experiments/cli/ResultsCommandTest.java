package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.KnowcapProcess.Outcome;

/** The printed table of results, of committed measurements. */
class ResultsCommandTest {
  private static final Path RESULTS = Path.of("../results");

  @TempDir
  private Path directory;

  /** The runs of one corpus that laws-cpu has, with junk and without. */
  private Path junk() throws IOException {
    try (Stream<String> lines = Files.lines(RESULTS.resolve("laws-cpu/results.csv"))) {
      return Files.write(directory.resolve("junk.csv"),
          lines.filter(line -> line.startsWith("run,") || line.startsWith("bioD-500-2-8-32-2-32")).toList());
    }
  }

  private static void assertRefused(String message, Object... arguments) {
    Outcome outcome = InProcess.run(arguments);
    assertEquals(2, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().startsWith("knowcap: " + message), outcome.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"quickstart", "cpu-law", "quantisation-cpu", "architectures-cpu", "laws-cpu"})
  void everyTableFitsATerminal(String study) {
    Path table = RESULTS.resolve(study).resolve("results.csv");
    for (List<Object> form : List.of(List.<Object>of("results", table),
        List.<Object>of("results", table, "--seeds"),
        List.<Object>of("results", table, "--against", "gpt2"))) {
      Outcome outcome = InProcess.run(form.toArray());
      if (form.contains("--against") && !study.equals("architectures-cpu")) {
        continue;
      }
      assertEquals(0, outcome.exitCode(), outcome.toString());
      List<String> lines = outcome.out().lines().toList();
      lines.forEach(line -> assertTrue(line.length() <= TextTable.WIDTH, line));
      long heading = lines.stream().takeWhile(line -> !line.startsWith("---")).count();
      assertTrue(heading <= 3, outcome.out());
    }
  }

  /** Both counts of exposures, the bits by part and what was recalled have room beside R, and nothing goes without a word. */
  @Test
  void whatMattersIsShownAndTheRestIsNamed() throws IOException {
    Path laws = junk();
    String shown = InProcess.succeeds("results", laws).out();
    List<String> lines = shown.lines().toList();
    String heading = lines.get(1) + " " + lines.get(2);
    for (String column : List.of("names", "values", "diversity", "R", "R^max", "limited", "recalled",
        "generated")) {
      assertTrue(List.of(heading.trim().split(" +")).contains(column), column + " in " + shown);
    }
    RunResult first = ResultsTable.readCsv(laws).results().getFirst();
    assertEquals("run, P, exposures, complete", lines.getFirst());
    assertEquals(
        first.run() + ", P " + first.parameters() + ", exposures " + first.exposures() + ", complete 100",
        lines.get(4));
    assertTrue(lines.get(5).contains(" " + Units.number(first.capacityRatio(), 4) + " "), lines.get(5));
    String omitted = shown.substring(shown.indexOf("No room for ")).replace('\n', ' ');
    assertTrue(omitted.contains("value_loss_nats") && omitted.contains("name_exact_bits"), shown);
    String wide = InProcess.succeeds("results", laws, "--wide").out();
    assertTrue(
        wide.contains("generated") && wide.lines().anyMatch(line -> line.startsWith(first.run() + " ")),
        wide);
  }

  @Test
  void columnsAreChosen() throws IOException {
    Path laws = junk();
    List<String> lines = InProcess.succeeds("results", laws, "--columns", "saturation,run")
        .out()
        .lines()
        .toList();
    assertEquals(List.of("share", "stored  run"), lines.stream().limit(2).map(String::trim).toList());
    RunResult first = ResultsTable.readCsv(laws).results().getFirst();
    assertTrue(lines.get(3).endsWith("  " + first.run()), lines.get(3));
    assertTrue(
        InProcess.succeeds("results", laws, "--seeds", "--columns", "model,seeds").out().contains("seeds"));
    assertRefused("there is no column 'satuation'; the table has run, corpus, people,", "results", laws,
        "--columns", "satuation");
    assertRefused("there is no column 'run'; the table has corpus,", "results", laws, "--seeds", "--columns",
        "run");
    assertRefused("--json prints all columns", "results", laws, "--json", "--wide");
    assertRefused("--wide prints the usual columns", "results", laws, "--wide", "--columns", "run");
  }

  @Test
  void headingsAreDefinedInTheDocumentation() throws IOException {
    Pattern row = Pattern.compile("\\| (\\S.*) \\| `([a-z_]+)` \\|");
    try (Stream<String> lines = Files.lines(Path.of("../docs/measuring.md"))) {
      Map<String, String> defined = lines.dropWhile(line -> !line.equals("| heading | column |"))
          .takeWhile(line -> line.startsWith("|"))
          .map(row::matcher)
          .filter(matcher -> matcher.matches())
          .collect(Collectors.toMap(matcher -> matcher.group(2), matcher -> matcher.group(1)));
      assertEquals(TextTable.HEADINGS, defined);
    }
  }
}
