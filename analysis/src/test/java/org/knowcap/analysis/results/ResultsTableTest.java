package org.knowcap.analysis.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.HashSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.LawSummary;
import org.knowcap.testing.TestSeed;

class ResultsTableTest {
  private static final List<String> ISSUE_COLUMNS = List.of("run", "corpus", "people", "exposures", "model",
      "parameters", "engine", "corpus_seed", "weights_seed", "order_seed", "name_loss_nats",
      "value_loss_nats", "stored_bits", "total_bits", "capacity_ratio", "max_capacity_ratio", "saturation",
      "tokens_per_second", "seconds");
  private static final List<String> MORE_COLUMNS = List.of("stored_bits_standard_error",
      "name_loss_standard_error", "value_loss_standard_error", "steps", "tokens", "final_loss_nats",
      "head_width", "learning_rate", "active_parameters", "causal", "name_total_bits", "name_stored_bits",
      "name_stored_bits_standard_error", "value_total_bits", "value_stored_bits",
      "value_stored_bits_standard_error", "diversity_total_bits", "diversity_stored_bits",
      "diversity_stored_bits_standard_error", "diversity_loss_nats", "diversity_loss_standard_error",
      "late_share", "limited_by", "recalled", "recalled_unseen", "generated", "generated_unseen",
      "extractable", "extractable_asked", "extractable_unseen", "recalled_standard_error",
      "generated_standard_error", "extractable_standard_error", "complete_exposures",
      "value_tokens_behind_name", "name_exact_bits", "setting", "memorised_bits",
      "memorised_bits_standard_error", "memorised_ratio", "unseen_memorised_bits", "unseen_stored_bits",
      "unseen_value_loss_nats", "plateau_steps", "plateau_exposures", "frozen_parameters",
      "memory_parameters");

  @TempDir
  Path folder;

  @Test
  void columnsAreTheAgreedOnesInTheAgreedOrder() throws IOException {
    List<String> expected = Stream.concat(ISSUE_COLUMNS.stream(), MORE_COLUMNS.stream()).toList();
    Path file = written(List.of(Results.run(200, 400, 70_912, 1, 6790, 7000)));
    assertEquals(String.join(",", expected), Files.readAllLines(file).getFirst());
    assertEquals(expected, ResultsTable.readCsv(file).table().columnNames());
  }

  @Test
  void everyResultReadsBackAsItWasInAnyLocale() throws IOException {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    // Names that CSV, Tablesaw or a locale could trip over.
    List<String> names = List.of("a,b", "say \"hi\"", "NA", "null", "#1", "007", "1.50", "true", "日本 ±",
        "it's;\tso");
    List<RunResult> results = IntStream.range(0, names.size())
        .mapToObj(i -> random(names.get(i), random))
        .toList();
    Locale before = Locale.getDefault();
    try {
      for (String tag : List.of("de-DE", "ar-EG-u-nu-arab", "tr-TR")) {
        Locale.setDefault(Locale.forLanguageTag(tag));
        assertEquals(results, ResultsTable.readCsv(written(results)).results(), tag + ", seed " + seed);
      }
    } finally {
      Locale.setDefault(before);
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(folder.resolve("results.csv")), files.toList(), "nothing is left beside the file");
    }
  }

  @Test
  void columnsMayHaveMovedAndLinesMayBeBlank() throws IOException {
    Path file = written(List.of(Results.run(200, 400, 70_912, 1, 6790, 7000)));
    List<String> lines = Files.readAllLines(file);
    String moved = lines.stream()
        .map(line -> line.substring(line.lastIndexOf(',') + 1) + ","
            + line.substring(0, line.lastIndexOf(',')))
        .reduce("", (a, b) -> a + b + "\n\n");
    Files.writeString(file, moved);
    assertEquals(List.of(Results.run(200, 400, 70_912, 1, 6790, 7000)), ResultsTable.readCsv(file).results());
  }

  /** The one seed of an earlier version's table set all that is drawn; bits by part and limits are not in it. */
  @Test
  void earlierTablesAreRead() throws IOException {
    RunResult run = Results.run(200, 400, 70_912, 7, 6790, 7000);
    RunResult full = Results.run(200, 900, 70_912, 7, 6930, 7000);
    assertEquals(List.of(Limit.UNDECIDED, Limit.CORPUS), List.of(run.limitedBy(), full.limitedBy()));
    Path file = written(List.of(run, full));
    Files.write(file,
        Files.readAllLines(file)
            .stream()
            .map(line -> String.join(",", List.of(line.split(",", -1)).subList(0, 29)))
            .toList());
    Files.writeString(file,
        Files.readString(file)
            .replace("corpus_seed,weights_seed,order_seed", "seed")
            .replace(",7,7,7,", ",7,"));
    assertEquals(List.of(run, full), ResultsTable.readCsv(file).results());
  }

  /** Tables of versions that knew no recall. */
  @Test
  void tablesWithoutRecallAreRead() throws IOException {
    RunResult run = Results.run(200, 400, 70_912, 1, 6790, 7000);
    Path file = written(List.of(run));
    Files.write(file,
        Files.readAllLines(file)
            .stream()
            .map(line -> line.replaceFirst(",recalled,.*$", "").replaceFirst(",{24}$", ""))
            .toList());
    assertEquals(List.of(run), ResultsTable.readCsv(file).results());
    List<String> lines = Files.readAllLines(file);
    Files.write(file, List.of(lines.get(0) + ",recalled", lines.get(1) + ",1.5"));
    String found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(file))
        .getMessage();
    assertTrue(found.contains("column recalled is 1.5; it must be a share from 0 to 1"), found);
  }

  @Test
  void mixturesSayWhatIsActive() throws IOException {
    RunResult dense = Results.run(200, 400, 70_912, 1, 6790, 7000);
    RunResult mixed = new RunResult("m", "bioS(9)", 9, 1, "gpt2-moe4-2-2-expertchoice", 5000, "cpu",
        Seeds.all(1), OptionalDouble.of(0), 0, 1, 2, 1.0 / 5000, 2.0 / 5000, 0.5, 0, 0, 0,
        OptionalDouble.of(0), 0, 1, 1, 1, 16, 0.1, 2000, false, PartBits.UNKNOWN, OptionalDouble.of(0.3),
        Limit.LEARNING,
        new RecallShares(0.5, 0, 0.25, 0.125, Double.NaN, Double.NaN, Double.NaN, OptionalDouble.of(0.03125),
            OptionalDouble.empty(), OptionalDouble.empty()),
        Completeness.UNKNOWN, OptionalDouble.empty(), Optional.of("lr0.1"), Memorisation.NONE,
        Acquisition.UNKNOWN, OptionalDouble.empty(), OptionalDouble.of(1500));
    Path file = written(List.of(dense, mixed));
    assertEquals(List.of(dense, mixed), ResultsTable.readCsv(file).results());
    List<String> lines = Files.readAllLines(file);
    assertTrue(lines.get(1).contains(",70912,true,") && lines.get(2).contains(",2000,false,"),
        lines.toString());
    assertTrue(
        lines.get(1).endsWith(",".repeat(24))
            && lines.get(2).endsWith(",0.5,0.0,0.25,0.125,,,,0.03125,,,,,,lr0.1,,,,,,,,,,1500.0"),
        lines.toString());
    Files.writeString(file, Files.readString(file).replace(",2000,false,", ",2000,no,"));
    String found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(file))
        .getMessage();
    assertTrue(found.contains("line 3, column causal: found \"no\"; it must be true or false"), found);
  }

  /** Models that were quantised are rows of their own. */
  @Test
  void quantisedModelsFollowTheirRuns() throws IOException {
    RunResult trained = Results.run("one", 100, 300, 1000, 1, 2000, 7000);
    QuantisedResult rounded = new QuantisedResult(
        Results.run("one/gptq-4-g128", 100, 300, 1000, 1, 1500, 7000), "gptq", 4, 128, 4.5, 6000, 0.25);
    RunResult other = Results.run("two", 100, 300, 2000, 1, 3000, 7000);
    Path file = folder.resolve("results.csv");
    ResultsTable
        .ofRows(List.of(QuantisedResult.unquantised(trained), rounded, QuantisedResult.unquantised(other)))
        .writeCsv(file);
    List<String> lines = Files.readAllLines(file);
    String more = ",quantisation,weight_bits,group,bits_per_weight,model_bits,capacity_per_bit";
    assertEquals(
        String.join(",", Stream.concat(ISSUE_COLUMNS.stream(), MORE_COLUMNS.stream()).toList()) + more,
        lines.getFirst());
    assertTrue(lines.get(1).endsWith(",none,32,0,32.0,32000.0,0.0625"), lines.get(1));
    assertTrue(lines.get(2).endsWith(",gptq,4,128,4.5,6000.0,0.25"), lines.get(2));

    ResultsTable read = ResultsTable.readCsv(file);
    assertEquals(List.of(trained, other), read.results());
    assertEquals(List.of(rounded), read.quantised());
    assertEquals("one", read.quantised().getFirst().trainedRun());

    Files.writeString(file, Files.readString(file).replace(",4,128,", ",4,-1,"));
    String found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(file))
        .getMessage();
    assertTrue(found.contains("line 3, column group is -1; it must be at least 0"), found);
    Files.writeString(file, Files.readString(file).replace(",capacity_per_bit", ",notes"));
    found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(file)).getMessage();
    assertTrue(found.contains("line 1: there is no column capacity_per_bit"), found);
  }

  /** Every column that a table has, with those over seeds, of comparisons, by frequency and of laws, is defined there. */
  @Test
  void everyColumnIsDefinedInTheDocumentation() throws IOException {
    Set<String> defined = Files.readAllLines(Path.of("../docs/measuring.md"))
        .stream()
        .dropWhile(line -> !line.equals("## Knowledge by frequency"))
        .takeWhile(line -> !line.equals("## Columns of `plan`"))
        .filter(line -> line.matches("\\| (`[a-z_]+`(, )?)+ \\| \\S.* \\|"))
        .flatMap(line -> Pattern.compile("`([a-z_]+)`").matcher(line.split(" \\| ")[0]).results())
        .map(match -> match.group(1))
        .collect(Collectors.toSet());
    Set<String> columns = new HashSet<>();
    for (Class<?> type : List.of(QuantisedResult.class, SeedMeans.class, PairedDifference.class,
        FrequencyRow.class, TrainingRow.class, LawSummary.JudgementRow.class)) {
      columns.addAll(RecordTable.columns(type));
    }
    assertEquals(new TreeSet<>(columns), new TreeSet<>(defined));
  }

  @Test
  void badCellsAreNamedByFileLineColumnAndValue() throws IOException {
    assertComplaint("line 3, column people: found \"2oo\"; it must be a whole number", ",200,400,",
        ",2oo,400,");
    assertComplaint("line 3, column stored_bits: found \"\"; it must be a number", ",1234.5,", ",,");
    for (String number : List.of("1d", "0x1p3", "1f", "1_0", "١")) {
      assertComplaint("line 3, column stored_bits: found \"" + number.strip(), ",1234.5,",
          "," + number + ",");
    }
    assertComplaint("line 3, column saturation is NaN; it must be a finite number", ",0.25,", ",NaN,");
    assertComplaint(
        "line 3, column active_parameters is 70913; it must be at most parameters, which is 70912",
        ",70912,true,", ",70913,true,");
    assertComplaint("line 3, column exposures is -400; it must be at least 1", ",400,", ",-400,");
    assertComplaint("line 1: there is no column seconds", ",seconds,", ",secs,");
    assertComplaint("Row number 2 contains 65 columns. 66 expected. (Row 0 is the header.)", ",4938.0,", ",");
    assertComplaint("Row number 2 contains 67 columns. 66 expected. (Row 0 is the header.)", ",4938.0,",
        ",4938.0,1,");

    Path extended = written(List.of(Results.run(200, 400, 70_912, 1, 6790, 7000)));
    Files.write(extended, Files.readAllLines(extended).stream().map(line -> line + ",notes").toList());
    String found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(extended))
        .getMessage();
    assertTrue(found.contains("line 1: unknown column notes"), found);

    Path missing = folder.resolve("none.csv");
    assertThrows(IOException.class, () -> ResultsTable.readCsv(missing));
  }

  /** Figures that no run has, or that contradict each other: their table was edited, or is of something else. */
  @Test
  void impossibleFiguresAreRefused() throws IOException {
    assertComplaint(
        "line 3, column saturation is 55.5, but stored_bits / total_bits is 0.25; they must agree", ",0.25,",
        ",55.5,");
    assertComplaint("line 3, column capacity_ratio is", ",1234.5,", ",2469.0,");
    assertComplaint("line 3, column max_capacity_ratio is", ",4938.0,", ",5000.0,");
    String[] most = {",1234.5,4938.0," + 1234.5 / 70_912 + "," + 4938.0 / 70_912 + ",0.25,",
        ",5938.0,4938.0," + 5938.0 / 70_912 + "," + 4938.0 / 70_912 + "," + 5938.0 / 4938 + ","};
    assertComplaint(
        "line 3, column stored_bits is 5938.0; it must be finite and at most total_bits, which is 4938.0",
        most[0], most[1]);
    assertComplaint("line 3, column name_total_bits is -1.0; it must be finite and at least 0", ",true,,",
        ",true,-1,");
    assertComplaint(
        "line 3, column name_stored_bits is 9.0; it must be finite and at most name_total_bits, which is 8.0",
        ",true,,,", ",true,8,9,");
    // Which is read: a table may have been rounded.
    Path file = written(List.of(Results.run(200, 400, 70_912, 1, 6790, 7000)));
    Files.writeString(file, Files.readString(file).replace("," + 6790.0 / 7000 + ",", ",0.97,"));
    assertEquals(0.97, ResultsTable.readCsv(file).results().getFirst().saturation());
  }

  /** Spoils line 3, or the header if that is where {@code from} is, and expects the message. */
  private void assertComplaint(String message, String from, String to) throws IOException {
    Path file = written(List.of(Results.run("one", 100, 300, 70_912, 1, 1, 7000),
        Results.run("two,2", 200, 400, 70_912, 7, 1234.5, 4938)));
    String text = Files.readString(file);
    int at = text.lastIndexOf(from);
    assertTrue(at >= 0, from + " is in " + text);
    Files.writeString(file, text.substring(0, at) + to + text.substring(at + from.length()));
    String found = assertThrows(IllegalArgumentException.class, () -> ResultsTable.readCsv(file))
        .getMessage();
    assertTrue(found.contains(message) && found.startsWith(file.toString()), found);
  }

  private Path written(List<RunResult> results) throws IOException {
    Path file = folder.resolve("results.csv");
    ResultsTable.of(results).writeCsv(file);
    return file;
  }

  /** Doubles with all their digits, very large and very small ones among them. */
  private static RunResult random(String name, Random random) {
    double[] doubles = random.doubles(14)
        .map(x -> x * Math.pow(10, random.nextInt(-30, 30)) + Double.MIN_VALUE)
        .toArray();
    long parameters = random.nextLong(1, Long.MAX_VALUE);
    double stored = -doubles[2];
    double total = doubles[3];
    return new RunResult(name, name, random.nextLong(1, Long.MAX_VALUE), 1, name, parameters, name,
        new Seeds(random.nextLong(), random.nextLong(), random.nextLong()), some(random, doubles[0]),
        doubles[1], stored, total, stored / parameters, total / parameters, stored / total, doubles[7],
        doubles[8], doubles[9], some(random, doubles[10]), doubles[11], 0, random.nextLong(0, Long.MAX_VALUE),
        doubles[12], random.nextInt(1, Integer.MAX_VALUE), doubles[13], random.nextLong(1, parameters + 1),
        random.nextBoolean(),
        new PartBits(some(random), less(random), some(random), some(random), less(random), some(random),
            some(random), less(random), some(random), some(random), some(random)),
        less(random), Limit.values()[random.nextInt(Limit.values().length)], RecallShares.NONE,
        new Completeness(some(random), some(random)), some(random),
        random.nextBoolean() ? Optional.of(name) : Optional.empty(),
        new Memorisation(some(random), some(random), some(random), some(random), some(random)),
        new Acquisition(some(random), some(random), some(random)),
        some(random, 1 + random.nextInt(1_000_000)), some(random, 1 + random.nextInt(1_000_000)));
  }

  /** A share, if any. */
  private static OptionalDouble some(Random random) {
    return some(random, random.nextDouble());
  }

  private static OptionalDouble some(Random random, double number) {
    return random.nextBoolean() ? OptionalDouble.of(number) : OptionalDouble.empty();
  }

  /** Fewer stored bits than none, if any. */
  private static OptionalDouble less(Random random) {
    return random.nextBoolean() ? OptionalDouble.of(-random.nextDouble()) : OptionalDouble.empty();
  }
}
