package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.SampleStudy;

/** What commands make of results that are given twice, are of an earlier study file, or cannot be. */
@Tag("process")
class ResultsSourcesTest {
  private static final int RUNS = 100;

  @TempDir
  private static Path directory;
  private static Path study;
  private static Path table;

  @BeforeAll
  static void write() throws IOException {
    study = directory.resolve("study");
    SampleStudy.write(study, 1);
    InProcess.succeeds("results", study);
    table = study.resolve("results.csv");
    assertEquals(RUNS + 1, Files.readAllLines(table).size());
  }

  @Test
  void aRunThatIsInSeveralSourcesCountsOnce() {
    Outcome once = InProcess.succeeds("results", study, "--json");
    Outcome thrice = InProcess.succeeds("results", study, table, study, "--json");
    assertEquals(once.out(), thrice.out());
    assertTrue(
        thrice.err().contains("200 rows are in several sources with the same figures; each counts once"),
        thrice.err());
    assertEquals(thrice.err().lines().distinct().toList(), thrice.err().lines().toList(), "each note once");
  }

  @Test
  void aRunOfAnEarlierStudyFileIsNamed() throws IOException {
    Path file = study.resolve("study.yaml");
    String before = Files.readString(file);
    try {
      Files.writeString(file, before.replace("20, 50, 100, 200]", "20, 50, 100]"));
      Outcome outcome = InProcess.succeeds("results", study);
      assertEquals(RUNS / 5,
          outcome.err()
              .lines()
              .filter(line -> line.contains("_e200_")
                  && line.endsWith("is left out: it is of an earlier version of the study file"))
              .count(),
          outcome.err());
      assertEquals(RUNS - RUNS / 5 + 1, Files.readAllLines(table).size());
    } finally {
      Files.writeString(file, before);
      InProcess.succeeds("results", study);
    }
  }

  /** A saturation that its bits contradict, no number, fewer people than none, and a share above 1. */
  @Test
  void anImpossibleTableIsRefusedByEveryCommandThatReadsIt() throws IOException {
    List<String> lines = Files.readAllLines(table);
    List<String> columns = List.of(lines.getFirst().split(","));
    for (String[] change : List.of(new String[]{"saturation", "55.5"}, new String[]{"saturation", "NaN"},
        new String[]{"people", "-3"}, new String[]{"recalled", "1.5"})) {
      String[] cells = lines.get(2).split(",", -1);
      // Quotes stand around the name of a corpus that has a comma: none here.
      assertEquals(columns.size(), cells.length);
      cells[columns.indexOf(change[0])] = change[1];
      Path edited = directory.resolve("edited.csv");
      Files.write(edited, List.of(lines.get(0), lines.get(1), String.join(",", cells)));
      for (List<Object> command : List.<List<Object>>of(List.of("results", edited),
          List.of("report", edited, "--out", directory.resolve("page")), List.of("fit", edited),
          List.of("compare", edited, table))) {
        Outcome outcome = InProcess.run(command.toArray());
        assertEquals(UserException.USAGE, outcome.exitCode(), command + ": " + outcome);
        assertTrue(outcome.err().startsWith("knowcap: " + edited + ", line 3, column " + change[0] + " is "),
            outcome.err());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
      }
      assertTrue(Files.notExists(directory.resolve("page")));
    }
  }
}
