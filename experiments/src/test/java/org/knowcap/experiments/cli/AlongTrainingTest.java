package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.TrainingRow;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;

/** Bits that are measured along training, as their user meets them. */
@Tag("process")
class AlongTrainingTest {
  private static final String STUDY = """
      name: along
      corpus: {kind: bioD, people: 24, attributes: 2, chunks: 1, diversity: 8, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-2-2-w16
      exposures: 200
      training: {batch_size: 4, context_length: 64, learning_rate: 0.005, warmup_steps: 20}
      measurement: {along: log}
      """;

  @TempDir
  private Path directory;

  @Test
  void aModelLearnsAndMakesUpWhatItWasNotShown() throws Exception {
    Path out = directory.resolve("out");
    InProcess.train(Files.writeString(directory.resolve("study.yaml"), STUDY), out);
    StudyReport report = StudyReport.of(StudyFolder.open(out));
    RunResult result = report.results().results().getFirst();
    List<TrainingRow> rows = report.along();
    List<Long> expected = new ArrayList<>(
        List.of(1L, 2L, 3L, 4L, 6L, 8L, 11L, 16L, 23L, 32L, 45L, 64L, 91L, 128L, 181L, 256L, 362L));
    assertTrue(result.steps() > 200 && result.steps() < 400, "each step is reported: " + result.steps());
    expected.removeIf(step -> step >= result.steps());
    expected.add(result.steps());
    assertEquals(expected, rows.stream().map(TrainingRow::step).toList());

    TrainingRow last = rows.getLast();
    assertEquals(result.storedBits(), last.point().storedBits(), 1e-6);
    assertEquals(result.capacityRatio(), last.capacityRatio(), 1e-9);
    assertEquals(result.saturation(), last.saturation(), 1e-9);
    assertEquals(result.valueLossNats(), last.point().valueLossNats(), 1e-9);
    assertEquals(result.nameLossNats(), last.point().nameLossNats());
    assertEquals(200, last.exposures(), 1);
    assertEquals(last.exposures() / 2,
        rows.get(rows.size() / 2).exposures() * result.steps() / (2.0 * rows.get(rows.size() / 2).step()),
        1e-9);
    double uniform = Math.log(8);
    double unseen = last.point().unseenValueLossNats().orElseThrow();
    assertTrue(last.point().valueLossNats() < 1 && unseen > uniform, last.toString());
    // Before it knows anybody, people whom it is shown are no better known than others.
    TrainingRow plateau = rows.get(6);
    assertEquals(plateau.point().valueLossNats(), plateau.point().unseenValueLossNats().orElseThrow(), 0.5);

    assertEquals(last.point().unseenValueLossNats(), result.acquisition().unseenValueLossNats());
    double length = result.acquisition().plateauSteps().orElseThrow();
    TrainingRow before = rows.stream()
        .filter(row -> row.step() <= length)
        .reduce((_, row) -> row)
        .orElseThrow();
    TrainingRow after = rows.stream().filter(row -> row.step() >= length).findFirst().orElseThrow();
    assertTrue(before.point().valueLossNats() >= 0.95 * uniform - 1e-9
        && after.point().valueLossNats() <= 0.95 * uniform + 1e-9, before + ", " + length + ", " + after);
    assertEquals(length * 200 / result.steps(), result.acquisition().plateauExposures().orElseThrow(), 0.5);
    assertTrue(Files.readString(out.resolve("report/index.html")).contains("href=\"along.svg\"")
        && Files.size(out.resolve("report/along.png")) > 10_000);

    List<String> table = Files.readAllLines(out.resolve("along.csv"));
    assertEquals(rows.size() + 1, table.size());
    assertTrue(table.getFirst()
        .endsWith(
            "step,exposures,learning_rate,loss_nats,name_loss_nats,value_loss_nats,unseen_value_loss_nats,"
                + "stored_bits,capacity_ratio,saturation"),
        table.getFirst());
    Outcome asked = InProcess.succeeds("query", out,
        "SELECT step, exposures, stored_bits, saturation FROM along ORDER BY step", "--format", "csv");
    assertEquals(rows.stream()
        .map(row -> row.step() + "," + row.exposures() + "," + row.point().storedBits() + ","
            + row.saturation())
        .toList(), asked.out().lines().skip(1).toList());
  }

  @Test
  void otherRunsAreMeasuredAtTheEndOnly() throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"),
        STUDY.replace("along: log", "along: end").replace("exposures: 200", "exposures: 20"));
    Path out = directory.resolve("out");
    InProcess.train(spec, out);
    StudyReport report = StudyReport.of(StudyFolder.open(out));
    assertTrue(report.along().isEmpty());
    RunResult result = report.results().results().getFirst();
    assertTrue(result.acquisition().unseenValueLossNats().isPresent()
        && result.acquisition().plateauSteps().isEmpty(), result.toString());
    assertFalse(Files.exists(out.resolve("report/along.svg")));
    assertFalse(Files.exists(out.resolve("along.csv")));
    Outcome asked = InProcess.succeeds("query", out, "SELECT count(*) AS n FROM along", "--format", "csv");
    assertEquals("n\n0\n", asked.out());
    assertTrue(asked.err().contains("the table along is empty"), asked.err());
    Outcome wrong = InProcess.run("run",
        Files.writeString(directory.resolve("wrong.yaml"), STUDY.replace("along: log", "along: linear")),
        "--out", directory.resolve("wrong"));
    assertEquals(2, wrong.exitCode(), wrong.toString());
    assertTrue(wrong.err().contains("'measurement.along' must be end, log, found \"linear\""),
        wrong.toString());
    assertEquals(1, wrong.err().lines().count(), wrong.toString());
  }
}
