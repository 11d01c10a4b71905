package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** Training with weights of few bits, as its user meets it. */
@Tag("process")
class LowBitTrainingTest {
  private static final String STUDY = """
      name: few-bits
      corpus: {kind: bioD, people: 20, attributes: 1, chunks: 4, diversity: 32, length: 1, alphabet: 32,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-1-2-w16
      exposures: 100
      engine: cpu
      training: {batch_size: 4, context_length: 32, learning_rate: 0.005, warmup_steps: 20,
        weights: [{method: fp32}, {method: ternary}]}
      """;

  @TempDir
  private Path directory;

  @Test
  void aRunIsMeasuredCountedAndExportedWithItsRoundedWeights() throws Exception {
    Path out = directory.resolve("out");
    succeeds("run", Files.writeString(directory.resolve("study.yaml"), STUDY), "--out", out);
    List<QuantisedResult> rows = ResultsTable.readCsv(out.resolve("results.csv")).rows();
    assertEquals(List.of("none", "ternary"), rows.stream().map(QuantisedResult::quantisation).toList());
    QuantisedResult ternary = rows.getLast();
    long weights = 12 * 32 * 32;
    // Five weights a byte, a scale for each of four matrices.
    long bits = 8L * (Math.ceilDiv(96 * 32, 5) + Math.ceilDiv(32 * 32, 5) + 2 * Math.ceilDiv(128 * 32, 5))
        + 4 * 32;
    assertEquals(bits + 32 * (ternary.run().parameters() - weights), ternary.modelBits());
    assertTrue(ternary.run().storedBits() > 0, "it learns: " + ternary);

    Path run = out.resolve("runs").resolve(ternary.run().run());
    assertEquals(ternary.run().storedBits(),
        Json.MAPPER.readTree(succeeds("measure", run, "--json").out()).path("stored_bits").asDouble());
    assertTrue(succeeds("results", out, "--wide").out().contains("ternary"));
    succeeds("report", out);
    String page = Files.readString(out.resolve("report/index.html"));
    assertTrue(page.contains("<td>in training</td><td>ternary</td>") && page.contains("weight-bits.svg"),
        "report");

    // The checkpoint has exact weights, an export the rounded ones.
    assertTrue(distinct(run.resolve("checkpoint.safetensors"), "block.0.attention.out.weight").size() > 3);
    Path exported = directory.resolve("hf");
    succeeds("export", run, exported, "--to", "huggingface");
    Set<Float> values = distinct(exported.resolve("model.safetensors"),
        "gpt_neox.layers.0.attention.dense.weight");
    assertTrue(values.size() <= 3, values.toString());
  }

  @Test
  void aRunKeepsItsParametersInBf16() throws Exception {
    Path out = directory.resolve("bf16");
    String study = STUDY
        .replace("weights: [{method: fp32}, {method: ternary}]", "master_weights: bf16_stochastic")
        .replace("exposures: 100", "exposures: 4")
        .replace("warmup_steps: 20", "warmup_steps: 2");
    InProcess.train(Files.writeString(directory.resolve("bf16.yaml"), study), out);
    succeeds("results", out);
    QuantisedResult row = ResultsTable.readCsv(out.resolve("results.csv")).rows().getFirst();
    assertEquals("bf16_stochastic", row.quantisation());
    assertEquals(16, row.bitsPerWeight());
    assertEquals(16.0 * row.run().parameters(), row.modelBits());
    Safetensors.read(out.resolve("runs").resolve(row.run().run()).resolve("checkpoint.safetensors"))
        .tensors()
        .forEach((name, array) -> {
          for (int i = 0; i < array.size() && !name.contains("moment"); i++) {
            assertEquals(0, Float.floatToRawIntBits(array.flat()[array.offset() + i]) & 0xffff, name);
          }
        });
  }

  private static Set<Float> distinct(Path file, String tensor) throws Exception {
    Safetensors.Array array = Safetensors.read(file).tensors().get(tensor);
    Set<Float> values = new HashSet<>();
    for (int i = 0; i < array.size(); i++) {
      // -0 and 0 are one weight.
      values.add(array.flat()[array.offset() + i] + 0f);
    }
    return values;
  }

  @Test
  void whatCannotBeTrainedIsRefused() throws Exception {
    refused("{method: q5}", "'training.weights.method' must be fp32, rtn or one of q8_0", "found 'q5'");
    refused("{method: rtn, bits: 5}", "'training.weights.bits'", "8, 4, 3 or 2", "found 5");
    refused("{method: rtn, bits: 4, group: 0}", "'training.weights.group'", "found 0");
    refused("{method: ternary, bits: 2}", "'training.weights.bits'");
    refused("{method: q4_k}", "'training.weights'", "q4_k has blocks of 256 weights",
        "its rows have 32, 128 weights");
    refuse(STUDY.replace("engine: cpu", "engine: nd4j"),
        "'training.weights': engine 'nd4j' trains with exact weights only; use engine cpu");
  }

  @Test
  void masterWeightsThatCannotBeKeptAreRefused() throws Exception {
    String bf16 = STUDY.replace("{method: ternary}]", "{method: ternary}], master_weights: bf16");
    refuse(bf16, "'training.weights' and 'training.master_weights: bf16' cannot be combined");
    refuse(bf16.replace("engine: cpu", "engine: nd4j"),
        "'training.master_weights': engine 'nd4j' keeps parameters in fp32 only; use engine cpu for bf16");
    refuse(bf16.replace("weights: bf16", "weights: fp16"), "'training.master_weights'", "bf16_stochastic",
        "found \"fp16\"");
  }

  /** A checkpoint's weights may be finite, and yet have scales that the format cannot hold. */
  @Test
  void weightsThatAreTooLargeToRoundAreRefusedByTheirFile() throws Exception {
    RunSpec run = StudyReader
        .read(Files.writeString(directory.resolve("large.yaml"),
            STUDY.replace("[{method: fp32}, {method: ternary}]", "{method: rtn, bits: 4}")))
        .runs()
        .getFirst();
    float[] weights = new float[(int) Program.scoring(run.model(), RunSpec.ids(run.corpus()), 1, 1)
        .parameterCount()];
    Arrays.fill(weights, 1e38f);
    Path file = directory.resolve("checkpoint.safetensors");
    UserException refused = assertThrows(UserException.class, () -> run.rounded(run.corpus(), weights, file));
    assertTrue(
        refused.getMessage().startsWith(file + ": the weights cannot be rounded: a weight or scale of ")
            && refused.exitCode() == UserException.FAILURE,
        refused.getMessage());
  }

  /** Training may start from weights that are finite, and yet too large to round or to compute with. */
  @Test
  void aRunFromWeightsThatAreTooLargeSaysSo() throws Exception {
    Path base = directory.resolve("base");
    InProcess.train(Files.writeString(directory.resolve("base.yaml"),
        STUDY.replace("[{method: fp32}, {method: ternary}]", "{method: fp32}")
            .replace("exposures: 100", "exposures: 4")
            .replace("warmup_steps: 20", "warmup_steps: 2")),
        base);
    RunSpec run = StudyReader.read(directory.resolve("base.yaml")).runs().getFirst();
    RunFolder folder = StudyFolder.open(base).runFolder(run);
    Program program = Program.scoring(run.model(), RunSpec.ids(run.corpus()), 1, 1);
    Checkpoint checkpoint = Checkpoint.read(folder.checkpoint(), program);
    float[] weights = checkpoint.state().get(Session.PARAMETERS);
    for (float size : new float[]{1e38f, Float.MAX_VALUE}) {
      Arrays.fill(weights, 0, weights.length / 2, size);
      checkpoint.write(folder.checkpoint(), program);
      Map<String, String> reasons = Map.of("weights: {method: rtn, bits: 4}",
          "the weights that training starts from cannot be rounded: a weight or scale of ",
          "weights: {method: q8_0}", "", "weights: {method: mxfp4}", "", "weights: {method: nvfp4}", "",
          "weights: {method: fp8_e4m3}", "", "weights: {method: ternary}", "", "precision: bf16", "",
          "master_weights: bf16", "", "master_weights: bf16_stochastic", "");
      for (Map.Entry<String, String> each : reasons.entrySet()) {
        Path out = directory.resolve("from-" + size + each.getKey().hashCode());
        Outcome ended = InProcess.run("run",
            Files.writeString(directory.resolve("from.yaml"),
                STUDY
                    .replace("weights: [{method: fp32}, {method: ternary}]",
                        each.getKey() + ", start: {run: " + folder.path() + "}")
                    .replace("exposures: 100", "exposures: 4")
                    .replace("warmup_steps: 20", "warmup_steps: 2")),
            "--out", out);
        assertEquals(1, ended.exitCode(), each + ": " + ended);
        RunState state = StudyFolder.open(out)
            .runFolder(StudyReader.read(directory.resolve("from.yaml")).runs().getFirst())
            .state();
        String reason = assertInstanceOf(RunState.Failed.class, state, each + ": " + ended).reason();
        assertTrue(reason.startsWith(each.getValue().isEmpty() ? "the " : each.getValue()),
            each + ": " + reason);
        assertFalse(reason.contains("Exception") || reason.contains("internal") || reason.contains("java."),
            each + ": " + reason);
      }
    }
  }

  private void refused(String weights, String... complaint) throws Exception {
    refuse(STUDY.replace("[{method: fp32}, {method: ternary}]", weights), complaint);
  }

  private void refuse(String study, String... complaint) throws Exception {
    Outcome outcome = InProcess.run("run", Files.writeString(directory.resolve("bad.yaml"), study), "--out",
        directory.resolve("no"));
    assertEquals(2, outcome.exitCode(), outcome.toString());
    for (String part : complaint) {
      assertTrue(outcome.err().contains(part), () -> "'" + part + "' is not in: " + outcome.err());
    }
  }
}
