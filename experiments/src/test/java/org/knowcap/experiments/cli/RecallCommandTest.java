package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.calibrate.Check;
import org.knowcap.experiments.calibrate.Finding;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.Engines;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

/** Recall, probes and calibration as their user meets them. */
@Tag("process")
class RecallCommandTest {
  private static final String STUDY = """
      name: recall
      corpus: {kind: bioD, people: 24, attributes: 2, chunks: 1, diversity: 8, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}, questions: {share: 0.5}}
      models: gpt2-2-2-w16
      exposures: 300
      training: {batch_size: 4, context_length: 64, learning_rate: 0.005, warmup_steps: 20}
      """;

  @TempDir
  private Path directory;

  private static void refused(int exitCode, String message, Object... arguments) {
    Outcome outcome = InProcess.run(arguments);
    assertEquals(exitCode, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains(message), outcome.toString());
    assertEquals(1, outcome.err().lines().count(), outcome.toString());
    assertEquals("", outcome.out());
  }

  @Test
  void aModelThatKnowsItsPeopleSaysSo() throws Exception {
    Path out = directory.resolve("out");
    InProcess.train(Files.writeString(directory.resolve("study.yaml"), STUDY), out);
    RunResult result = ResultsTable.readCsv(out.resolve("results.csv")).results().getFirst();
    RecallShares recall = result.recall();
    assertTrue(recall.recalled() > 0.9 && recall.generated() > 0.9 && recall.extractableAsked() > 0.9,
        recall.toString());
    assertTrue(
        recall.recalledUnseen() < 0.3 && recall.generatedUnseen() < 0.3 && recall.extractableUnseen() < 0.3,
        recall.toString());
    Outcome results = succeeds("results", out);
    assertTrue(results.out().contains("unseen"));
    // A table alone tells this caution, too.
    for (Outcome each : List.of(results, succeeds("results", out.resolve("results.csv")))) {
      assertTrue(
          each.err().contains("with questions about 12 has more than a tenth of the 200 possible names"),
          each.err());
    }
    Path run = out.resolve("runs").resolve(result.run());
    Path table = directory.resolve("people.parquet");
    JsonNode measured = Json.MAPPER.readTree(succeeds("measure", run, "--json", "--people", table).out());
    assertEquals(recall.recalled(), measured.path("recall").path("recalled").asDouble());
    assertEquals(2, measured.path("recall_by_attribute").size());
    assertEquals("PAR1", new String(Files.readAllBytes(table), 0, 4, StandardCharsets.US_ASCII));

    JsonNode probed = Json.MAPPER
        .readTree(KnowcapProcess.succeeds("probe", run, "--steps", 60, "--json").out());
    assertEquals(2, probed.path("attributes").size());
    assertEquals(2, probed.path("attributes").get(0).path("positions").size());
    refused(2, "--layer: gpt2-2-2-w16 has layers 1 to 2, and no layer 5", "probe", run, "--layer", 5);
    refused(2, "--people must be at least 4", "probe", run, "--people", 1);
  }

  @Test
  void calibrationPassesAndNamesWhatItCannotDo() {
    Outcome bounds = KnowcapProcess.succeeds("calibrate", "--only", "bounds", "--json");
    JsonNode findings = Json.MAPPER.readTree(bounds.out());
    assertEquals(21, findings.size());
    findings.forEach(finding -> assertEquals("pass", finding.path("verdict").asString(), finding.toString()));
    refused(2, "--only must be of bounds, planted, leak, engines, known, repeat, found 'nothing'",
        "calibrate", "--only", "nothing");
    refused(2, "no engine is named 'abacus'", "calibrate", "--engine", "abacus");
    refused(2, "--seeds must be 1 to 100, found 0", "calibrate", "--seeds", 0);
    refused(2, "--seeds is for the check 'known', which --only leaves out", "calibrate", "--seeds", 3,
        "--only", "leak");
    Engines.known("cuda")
        .unavailable()
        .ifPresent(reason -> refused(1, "engine 'cuda' cannot run here: " + reason, "calibrate", "--engine",
            "cuda"));
    assertFalse(succeeds("calibrate", "--help").out().isBlank());
  }

  /** A check of one finding. */
  private record Found(Finding finding) implements Check {
    @Override
    public String name() {
      return finding.check();
    }

    @Override
    public String about() {
      return "something";
    }

    @Override
    public List<Finding> findings() {
      return List.of(finding);
    }
  }

  @Test
  void aFailingCheckIsTheExitCode() throws Exception {
    for (Finding.Verdict verdict : Finding.Verdict.values()) {
      CalibrateCommand command = new CalibrateCommand();
      StringWriter out = new StringWriter();
      new CommandLine(command).setOut(new PrintWriter(out, true));
      int exitCode = command.run(List.of(new Found(new Finding("a", "sound", "1", "1", Finding.Verdict.PASS)),
          new Found(new Finding("b", "asked", "2", "3", verdict))));
      assertEquals(verdict == Finding.Verdict.FAIL ? 1 : 0, exitCode, out.toString());
      assertEquals(verdict == Finding.Verdict.FAIL, out.toString().contains("  FAIL  asked: 2 (must be: 3)")
          && out.toString().contains("1 of 2 findings fail: do not believe"), out.toString());
    }
  }
}
