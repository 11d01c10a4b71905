package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.FrequencyTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Json;
import tools.jackson.databind.JsonNode;

/** A second run goes on with the people whom the first one knows best. */
@Tag("process")
class PruningTest {
  private static final String PEOPLE = "kind: bioD, people: 24, attributes: 2, chunks: 1, diversity: 8, length: 1,"
      + " alphabet: 8, pools: {first: 5, middle: 4, last: 10}";
  private static final String FIRST = """
      name: first
      corpus: {%s}
      models: {name: gpt2-1-1, head_width: 16}
      exposures: 40
      training: {batch_size: 4, context_length: 64, learning_rate: 0.005, warmup_steps: 10}
      measurement: {people: 7}
      """.formatted(PEOPLE);
  private static final String SECOND = """
      name: second
      corpus: {%s, exposure: [uniform, {pruned: {keep: 0.25, choose: [lowest_loss, random], losses: losses.json}}]}
      models: {name: gpt2-1-1, head_width: 16}
      exposures: 40
      training: {batch_size: 4, context_length: 64, learning_rate: 0.005, warmup_steps: 10, start: {run: RUN}}
      """
      .formatted(PEOPLE);

  @TempDir
  private Path directory;

  private Path file(String name, String text) throws Exception {
    return Files.writeString(directory.resolve(name), text);
  }

  @Test
  void theBestKnownStay() throws Exception {
    Path first = directory.resolve("first");
    InProcess.train(file("first.yaml", FIRST), first);
    Path run = StudyFolder.open(first)
        .runFolder(StudyReport.of(StudyFolder.open(first)).results().results().getFirst().run())
        .path();
    Path losses = directory.resolve("losses.json");
    Path table = run.resolve("people.parquet");
    InProcess.succeeds("measure", run, "--losses", losses, "--people", table);
    // The table has the people whom the run measures, the file all of them.
    JsonNode written = Json.MAPPER.readTree(Files.readString(losses));
    assertEquals(24, written.path("loss_nats").size());
    assertEquals(run.getFileName().toString(), written.path("run").asString());
    Outcome asked = InProcess.succeeds("query", first,
        "SELECT person, sum(loss_nats) AS loss FROM people WHERE attribute <> 'name' GROUP BY person ORDER BY person",
        "--format", "csv");
    Map<Integer, Double> told = new TreeMap<>();
    asked.out()
        .lines()
        .skip(1)
        .map(line -> line.split(","))
        .forEach(cells -> told.put(Integer.parseInt(cells[0]), Double.parseDouble(cells[1])));
    assertEquals(7, told.size());
    told.forEach(
        (person, loss) -> assertEquals(loss, written.path("loss_nats").get(person).asDouble(), 1e-9));

    Path second = directory.resolve("second");
    InProcess.train(file("second.yaml", SECOND.replace("RUN", run.toString())), second);
    List<RunResult> results = StudyReport.of(StudyFolder.open(second)).results().results();
    assertEquals(3, results.size());
    assertEquals(1, results.stream().map(RunResult::steps).distinct().count());
    assertEquals(1, results.stream().map(RunResult::totalBits).distinct().count());
    List<FrequencyRow> rows = FrequencyTable.readCsv(second.resolve("frequency.csv"));
    assertEquals(List.of(6L, 18L, 6L, 18L), rows.stream().map(row -> row.bucket().bucketPeople()).toList());
    for (int kept = 0; kept < 4; kept += 2) {
      assertEquals(160, rows.get(kept).bucket().meanExposures(), 1e-9);
      assertEquals(0, rows.get(kept + 1).bucket().meanExposures());
      assertTrue(rows.get(kept).bucket().valueLoss() < rows.get(kept + 1).bucket().valueLoss(),
          "those who are kept are known better: " + rows);
    }
    // The study goes on by its own copy, whatever becomes of the file.
    Files.delete(losses);
    Outcome again = InProcess.succeeds("run", second, "--dry-run");
    assertTrue(again.out().contains("3 runs, 3 done before"), again.toString());
    refused(2, "losses.json is not there", "run", directory.resolve("second.yaml"), "--out", second);
    Files.writeString(losses, written.toString().replaceFirst("loss_nats\":\\[", "loss_nats\":[0.0625,"));
    refused(2, "there are losses of 25 people, but the corpus has 24", "plan",
        directory.resolve("second.yaml"), "--untimed");
  }

  @Test
  void lossesOfOthersAreRefused() throws Exception {
    Path losses = directory.resolve("losses.json");
    Path study = file("second.yaml", SECOND.replace(", start: {run: RUN}", ""));
    for (String[] wrong : new String[][]{{"", "is no file of losses"}, {"[1, 2]", "is no file of losses"},
        {"{\"run\": \"a\", \"step\": 1, \"people\": \"b\"}", "is no file of losses"},
        {content("-1"), "the loss of person 0 must be a number of nats, at least 0, found -1.0"},
        {content("\"x\""), "is no file of losses"}, {content("1"),
            "has losses of 24 people as the run a knows them, but they are others than those of bioD-24"}}) {
      Files.writeString(losses, wrong[0]);
      refused(2, wrong[1], "plan", study, "--untimed");
    }
  }

  private static String content(String loss) {
    return "{\"run\": \"a\", \"step\": 1, \"people\": \"b\", \"loss_nats\": [" + (loss + ",").repeat(23)
        + loss + "]}";
  }

  @Test
  void lossesAreOfPeopleAlone() throws Exception {
    Path out = directory.resolve("strings");
    InProcess.train(file("strings.yaml", """
        name: strings
        corpus: {kind: strings, strings: 4, length: 8, alphabet: 16}
        models: {name: gpt2-1-1, head_width: 8}
        exposures: 1
        training: {batch_size: 1, context_length: 9, packing: whole}
        """), out);
    Path losses = directory.resolve("losses.json");
    refused(2, "--losses: people are chosen in corpora of bioS, bioS-simple and bioD without questions",
        "measure", out, "--losses", losses);
    assertTrue(Files.notExists(losses));
  }

  private static void refused(int exitCode, String expected, Object... arguments) {
    Outcome refused = InProcess.run(arguments);
    assertEquals(exitCode, refused.exitCode(), refused.toString());
    assertTrue(refused.err().contains(expected) && refused.err().lines().count() == 1, refused.toString());
  }
}
