package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.checkpoint.Safetensors;

/** Adapters on the weights of another run, as their user meets them. */
@Tag("process")
class AdaptersTest {
  private static final String BASE = """
      name: base
      corpus: {kind: bioD, people: 20, attributes: 1, chunks: 2, diversity: 8, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-1-2-w16
      exposures: 20
      engine: cpu
      training: {batch_size: 4, context_length: 32, learning_rate: 0.005}
      """;

  @TempDir
  private Path directory;

  @Test
  void areCountedApartMergedIntoExportsAndQuantised() throws Exception {
    Path base = directory.resolve("base");
    InProcess.train(Files.writeString(directory.resolve("base.yaml"), BASE), base);
    succeeds("results", base);
    RunResult trained = ResultsTable.readCsv(base.resolve("results.csv")).results().getFirst();
    Path study = Files.writeString(directory.resolve("adapters.yaml"),
        BASE.replace("name: base", "name: adapters")
            .replace("models: gpt2-1-2-w16", "models: [gpt2-1-2-w16-lora5attention, gpt2-1-2-w16-lora3mlp]")
            .replace("engine: cpu", "engine: cpu\nseeds: {corpus: 2}")
            .replace("learning_rate: 0.005",
                "learning_rate: 0.02, start: {run: base/runs/" + trained.run() + "}"));
    assertTrue(succeeds("plan", study, "--untimed").out().contains("P 960, "), "plan");
    Path out = directory.resolve("adapters");
    InProcess.train(study, out);
    String table = succeeds("results", out, "--wide").out();
    assertTrue(table.contains("frozen") && table.contains("13856"), table);
    List<RunResult> rows = ResultsTable.readCsv(out.resolve("results.csv")).results();
    assertEquals(List.of(5L * 6 * 32, 3L * 10 * 32), rows.stream().map(RunResult::parameters).toList());
    for (RunResult row : rows) {
      assertEquals(trained.parameters(), row.frozenParameters().orElseThrow());
      assertEquals(row.storedBits() / row.parameters(), row.capacityRatio(), 1e-9);
    }
    succeeds("report", out);
    String page = Files.readString(out.resolve("report/index.html"));
    assertTrue(page.contains("960 trained, ") && page.contains(" frozen"), "report");

    Path run = out.resolve("runs").resolve(rows.getFirst().run());
    assertEquals(rows.getFirst().storedBits(),
        Json.MAPPER.readTree(succeeds("measure", run, "--json").out()).path("stored_bits").asDouble(), 0.1);
    Path exported = directory.resolve("hf");
    succeeds("export", run, exported, "--to", "huggingface");
    assertEquals(0,
        Safetensors.read(exported.resolve("model.safetensors"))
            .tensors()
            .keySet()
            .stream()
            .filter(name -> name.contains("lora"))
            .count());
    // Merged weights come back as frozen ones, under adapters that add nothing.
    Path imported = directory.resolve("imported");
    Outcome said = succeeds("import", exported, "--out", imported);
    assertTrue(said.out().contains("begin anew and add nothing"), said.out());
    Path again = imported.resolve("runs").resolve(run.getFileName());
    String measured = succeeds("measure", run, "--json").out();
    assertEquals(rows.getFirst().capacityRatio(),
        Json.MAPPER.readTree(measured).path("capacity_ratio").asDouble(), 1e-4);
    assertEquals(measured.replaceFirst("\"step\":35,", "\"step\":0,"),
        succeeds("measure", again, "--json").out());
    succeeds("export", again, directory.resolve("hf-again"), "--to", "huggingface");
    assertEquals(-1, Files.mismatch(exported.resolve("model.safetensors"),
        directory.resolve("hf-again").resolve("model.safetensors")));
    succeeds("quantise", run, "--method", "rtn", "--bits", "8");
    succeeds("results", out);
    List<QuantisedResult> all = ResultsTable.readCsv(out.resolve("results.csv")).rows();
    assertEquals(3, all.size());
  }
}
