package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.measure.PeopleTable;
import org.knowcap.experiments.measure.PersonValue;
import org.knowcap.experiments.run.SampleStudy;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import tools.jackson.databind.JsonNode;

/** SQL over a study of 100 finished runs. */
@Tag("process")
class QueryCommandTest {
  @TempDir
  private Path directory;
  private Path study;
  private List<RunResult> results;

  @BeforeEach
  void makeStudy() throws IOException {
    study = directory.resolve("study");
    SampleStudy.write(study, 1);
    InProcess.succeeds("results", study);
    results = ResultsTable.readCsv(study.resolve("results.csv")).results();
    assertEquals(100, results.size());
  }

  private String answer(Object... words) {
    return InProcess.succeeds(Stream.concat(Stream.of("query"), Stream.of(words)).toArray()).out();
  }

  private JsonNode json(String sql) {
    return Json.MAPPER.readTree(answer(study, sql, "--format", "json"));
  }

  private Map<Path, byte[]> files() throws IOException {
    Map<Path, byte[]> files = new HashMap<>();
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(file, Files.readAllBytes(file));
      }
    }
    return files;
  }

  /** Java computes the same from the table of results. */
  @Test
  void runsHaveTheFiguresOfTheTable() {
    JsonNode rows = json(
        "SELECT model, sum(stored_bits) AS bits, max(people) AS most, count(late_share) AS late FROM runs"
            + " WHERE exposures > 10 AND causal GROUP BY model ORDER BY model");
    assertEquals(2, rows.size());
    for (JsonNode row : rows) {
      List<RunResult> own = results.stream()
          .filter(run -> run.exposures() > 10 && run.model().equals(row.path("model").asString()))
          .toList();
      assertEquals(40, own.size());
      assertEquals(own.stream().mapToDouble(RunResult::storedBits).sum(), row.path("bits").asDouble(), 1e-6);
      assertEquals(100, row.path("most").asLong());
      assertEquals(40, row.path("late").asLong());
    }
    assertEquals(json("SELECT run, stored_bits FROM runs"), Json.MAPPER.readTree(
        answer(study.resolve("results.csv"), "SELECT run, stored_bits FROM runs", "--format", "json")));
    // Exact weights have 32 bits.
    assertEquals("[{\"quantisation\":\"none\",\"weight_bits\":32,\"same\":true}]", json(
        "SELECT quantisation, weight_bits, bool_and(abs(capacity_per_bit * 32 - capacity_ratio) < 1e-9) AS same"
            + " FROM runs GROUP BY ALL")
        .toString());
    // What was not measured is null, and so in no mean.
    assertTrue(json("SELECT avg(recalled) AS mean FROM runs").get(0).path("mean").isNull());
  }

  @Test
  void curvesHaveEveryReport() {
    JsonNode rows = json(
        "SELECT count(*) AS n, min(loss_nats) AS least, count(gradient_norm) AS norms FROM curves");
    assertEquals(2000, rows.get(0).path("n").asLong());
    assertEquals(8.0 / 20, rows.get(0).path("least").asDouble());
    assertEquals(0, rows.get(0).path("norms").asLong());
    assertEquals(100,
        json("SELECT DISTINCT study, runs.run FROM runs JOIN curves USING (study, run)").size());
  }

  @Test
  void runsWithoutAResultHaveAState() throws IOException {
    List<Path> folders;
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      folders = runs.sorted().toList();
    }
    Files.delete(folders.get(0).resolve("result.json"));
    Files.writeString(folders.get(1).resolve("result.json"), "{}");
    Files.delete(folders.get(2).resolve("result.json"));
    Files.createFile(folders.get(2).resolve("lock"));
    JsonNode states = json("SELECT state, count(*) AS n, max(step) AS step, count(detail) AS why,"
        + " count(people) AS people FROM runs WHERE weight_bits = 32 GROUP BY state ORDER BY state");
    assertEquals(List.of("damaged 1", "done 97", "interrupted 1", "pending 1"),
        states.valueStream()
            .map(row -> row.path("state").asString() + " " + row.path("n").asLong())
            .toList());
    assertEquals(1, states.get(0).path("why").asLong());
    assertEquals(200, states.get(2).path("step").asLong());
    assertEquals(1, states.get(3).path("people").asLong());
    Files.writeString(folders.get(3).resolve("metrics.jsonl"), "no JSON\n");
    Outcome curves = InProcess.succeeds("query", study, "SELECT count(DISTINCT run) AS n FROM curves");
    assertTrue(curves.out().contains("99") && curves.err().contains("metrics.jsonl, line 1: damaged"),
        curves.toString());
  }

  @Test
  void peopleAreThoseWhoWereMeasured() throws IOException {
    Outcome none = InProcess.succeeds("query", study, "SELECT * FROM people", "--format", "csv");
    assertTrue(none.err().contains("the table people is empty") && none.out().lines().count() == 1,
        none.toString());
    // A column of that name asks for no table.
    assertEquals("", InProcess.succeeds("query", study, "SELECT people FROM runs").err());
    PeopleTable table = new PeopleTable(
        List.of(new PersonValue(0, "Ada Bee", "name", "Ada Bee", 1.5, 1, 0, Double.NaN, Double.NaN),
            new PersonValue(1, "Cleo Dee", "name", "Cleo Dee", 2.5, 0, 1, Double.NaN, Double.NaN)));
    String run = results.getFirst().run();
    table.write(StudyFolder.open(study).runFolder(run).people());
    JsonNode rows = json(
        "SELECT run, avg(loss_nats) AS loss, count(answered) AS answers, sum(recalled) AS recalled"
            + " FROM people GROUP BY run");
    assertEquals(1, rows.size());
    assertEquals(run, rows.get(0).path("run").asString());
    assertEquals(2.0, rows.get(0).path("loss").asDouble());
    assertEquals(0, rows.get(0).path("answers").asLong());
    assertEquals(1, rows.get(0).path("recalled").asDouble());
    Path other = directory.resolve("other.parquet");
    table.write(other);
    assertTrue(answer(study, other, "SELECT count(*) AS n FROM people", "--format", "csv").endsWith("\n4\n"));
    Files.write(other, new byte[]{1, 2, 3});
    Outcome damaged = InProcess.run("query", other, "SELECT * FROM people");
    assertEquals(2, damaged.exitCode());
    assertTrue(damaged.err().contains(other + " is no table of people"), damaged.err());
  }

  @Test
  void everyFormatHasTheSameAnswer() throws Exception {
    String sql = "SELECT run, steps, capacity_ratio, NULL::VARCHAR AS none, 'a,\"b\"|c_d' AS odd, causal FROM runs"
        + " WHERE people = 30 ORDER BY run; -- of one size";
    JsonNode rows = json(sql);
    assertEquals(10, rows.size());
    List<String> csv = answer(study, sql, "--format", "csv").lines().toList();
    assertEquals("run,steps,capacity_ratio,none,odd,causal", csv.getFirst());
    List<String> markdown = answer(study, sql, "--format", "markdown").lines().toList();
    assertEquals("| --- | ---: | ---: | --- | --- | --- |", markdown.get(1));
    List<String> latex = answer(study, sql, "--format", "latex").lines().toList();
    for (int i = 0; i < rows.size(); i++) {
      JsonNode row = rows.get(i);
      String ratio = Double.toString(row.path("capacity_ratio").asDouble());
      String run = row.path("run").asString();
      assertTrue(row.path("none").isNull() && row.path("causal").asBoolean());
      assertEquals(run + ",200," + ratio + ",,\"a,\"\"b\"\"|c_d\",true", csv.get(i + 1));
      assertEquals("| " + run + " | 200 | " + ratio + " |  | a,\"b\"\\|c_d | true |", markdown.get(i + 2));
      assertEquals(
          run.replace("_", "\\_") + " & $200$ & $" + ratio + "$ &  & a,\"b\"\\textbar{}c\\_d & true \\\\",
          latex.get(i + 5));
    }
    Path parquet = directory.resolve("new").resolve("answer.parquet");
    assertEquals("written: " + parquet + System.lineSeparator(), answer(study, sql, "--out", parquet));
    try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
        ResultSet read = duck.createStatement()
            .executeQuery(
                "SELECT sum(capacity_ratio), count(none), typeof(any_value(steps)) FROM '" + parquet + "'")) {
      read.next();
      assertEquals(rows.valueStream().mapToDouble(row -> row.path("capacity_ratio").asDouble()).sum(),
          read.getDouble(1), 1e-12);
      assertEquals(0, read.getLong(2));
      assertEquals("BIGINT", read.getString(3));
    }
    for (String ending : List.of("csv", "json", "md", "tex", "txt")) {
      Path file = directory.resolve("answer." + ending);
      answer(study, sql, "--out", file);
      assertTrue(Files.size(file) > 100, file.toString());
    }
    assertEquals(csv, Files.readAllLines(directory.resolve("answer.csv")));
  }

  /** What writes, or reads anything but the tables, is refused, and leaves no trace. */
  @ParameterizedTest
  @ValueSource(
      strings = {"INSERT INTO runs (run) VALUES ('x')", "UPDATE runs SET run = 'x'", "DELETE FROM runs",
          "CREATE TABLE t AS SELECT 1", "DROP TABLE runs", "COPY runs TO 'FOLDER/x.csv'",
          "COPY (SELECT 1) TO 'FOLDER/x.parquet' (FORMAT parquet)", "EXPORT DATABASE 'FOLDER/x'",
          "ATTACH 'FOLDER/x.db'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 2",
          "SET enable_external_access = true", "PRAGMA database_list", "CALL force_checkpoint()",
          "SELECT 1; DROP TABLE runs", "SELECT 1) TO 'FOLDER/x.csv'; --",
          "SELECT * FROM read_csv('FOLDER/secret.csv')", "SELECT * FROM 'FOLDER/secret.csv'",
          "SELECT content FROM read_text('FOLDER/secret.csv')", "SELECT * FROM glob('FOLDER/*')",
          "SELECT * FROM query('DROP TABLE runs')"})
  void onlyTheTablesAreReadAndNothingIsWritten(String sql) throws IOException {
    Files.writeString(directory.resolve("secret.csv"), "a,b\n1,2\n");
    Map<Path, byte[]> before = files();
    String query = sql.replace("FOLDER", directory.toString());
    for (List<Object> options : List.of(List.<Object>of(),
        List.<Object>of("--out", directory.resolve("answer.parquet")))) {
      Outcome outcome = InProcess
          .run(Stream.concat(Stream.of("query", study, query), options.stream()).toArray());
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().startsWith("knowcap: ") && outcome.out().isEmpty(), outcome.toString());
      assertFalse(outcome.err().contains("internal error"), outcome.err());
    }
    Map<Path, byte[]> after = files();
    assertEquals(before.keySet(), after.keySet());
    before.forEach((file, bytes) -> assertEquals(bytes.length, after.get(file).length, file.toString()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {"SELECT nothing FROM runs#column \"nothing\" not found#runs has the columns study, run, state",
          "SELECT loss FROM curves#column \"loss\" not found#curves has the columns study, run, step, loss_nats",
          "SELECT * FROM rnus#Did you mean \"runs\"?#the tables are runs, quantised, curves, along, parts, people",
          "SELEC 1#syntax error at or near \"SELEC\", character 1#",
          "SELECT 'x'::INTEGER#Could not convert string 'x'#", "/* nothing */#takes one SELECT, found 0#"})
  void wrongSqlIsToldWithWhatThereIs(String sql, String problem, String known) {
    Outcome outcome = InProcess.run("query", study, sql);
    assertEquals(2, outcome.exitCode(), outcome.toString());
    String first = outcome.err().lines().findFirst().orElseThrow();
    assertTrue(first.startsWith("knowcap: ") && first.contains(problem), outcome.err());
    assertTrue(outcome.err().contains(known == null ? "" : known), outcome.err());
    assertFalse(outcome.err().contains("LINE 1"), outcome.err());
  }

  @Test
  void wrongArgumentsAreTold() throws IOException {
    Path kept = Files.writeString(directory.resolve("kept.csv"), "old\n");
    record Wrong(String message, List<Object> words) {}
    List<Wrong> wrongs = List.of(new Wrong("and then a SELECT in quotes", List.of(study)),
        new Wrong("put the query in quotes", List.of(study, "SELECT", "run", "FROM", "runs")),
        new Wrong("no such file or directory", List.of(directory.resolve("none"), "SELECT 1")),
        new Wrong("no such file or directory", List.of(directory.resolve("none.parquet"), "SELECT 1")),
        new Wrong("kept.csv, line 1: there is no column run", List.of(kept, "SELECT 1")),
        new Wrong("is an address", List.of("s3://bucket/study", "SELECT 1")),
        new Wrong("expected one of table, csv, json, markdown, latex, parquet, found 'xml'",
            List.of(study, "SELECT 1", "--format", "xml")),
        new Wrong("give its file with --out", List.of(study, "SELECT 1", "--format", "parquet")),
        new Wrong("two columns of the answer are named 'a'",
            List.of(study, "SELECT 1 AS a, 2 AS a", "--format", "json")),
        new Wrong("\"nothing\" not found", List.of(study, "SELECT nothing FROM runs", "--out", kept)));
    assertAll(wrongs.stream().<Executable>map(wrong -> () -> {
      Outcome outcome = InProcess.run(Stream.concat(Stream.of("query"), wrong.words.stream()).toArray());
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains(wrong.message), outcome.toString());
    }));
    assertEquals("old\n", Files.readString(kept));
  }
}
