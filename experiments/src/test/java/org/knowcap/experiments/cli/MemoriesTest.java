package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.study.Json;

/** A model with a memory of n-grams beside one without, as their user meets them. */
@Tag("process")
class MemoriesTest {
  private static final String STUDY = """
      name: memory
      corpus: {kind: bioD, people: 20, attributes: 1, chunks: 2, diversity: 8, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}}
      models: [gpt2-1-2-w16, gpt2-1-2-w16-ngram20w4]
      exposures: 20
      engine: cpu
      training: {batch_size: 4, context_length: 32, learning_rate: 0.005}
      """;

  @TempDir
  private Path directory;

  @Test
  void areCountedApartMeasuredQuantisedAndNotExported() throws Exception {
    String parts = succeeds("models", "gpt2-2-2-ngram100w8").out();
    assertTrue(parts.contains("3,200 in tables, 8,448 to read them") && parts.contains("block.1.memory.rows"),
        parts);
    Path out = directory.resolve("memory");
    InProcess.train(Files.writeString(directory.resolve("memory.yaml"), STUDY), out);
    String table = succeeds("results", out, "--wide").out();
    assertTrue(table.contains("memory"), table);
    List<RunResult> rows = ResultsTable.readCsv(out.resolve("results.csv")).results();
    RunResult plain = rows.getFirst();
    RunResult remembering = rows.getLast();
    assertEquals(OptionalDouble.empty(), plain.memoryParameters());
    // 4 tables of 20 rows of 4; keys and values with biases; two gains. A token looks up 4 rows.
    assertEquals(320, remembering.memoryParameters().orElseThrow());
    assertEquals(plain.parameters() + 320 + 2 * (16 * 32 + 32) + 2 * 32, remembering.parameters());
    assertEquals(remembering.parameters() - 4 * 19 * 4, remembering.activeParameters());
    succeeds("report", out);
    assertTrue(Files.readString(out.resolve("report/index.html")).contains(", 320 in memory"), "report");

    Path run = out.resolve("runs").resolve(remembering.run());
    assertEquals(remembering.storedBits(),
        Json.MAPPER.readTree(succeeds("measure", run, "--json").out()).path("stored_bits").asDouble(), 0.1);
    succeeds("quantise", run, "--method", "rtn", "--bits", "8");
    for (List<String> refused : List.of(List.of("huggingface", "no memory of n-grams"),
        List.of("gguf", "memory of n-grams"), List.of("samediff", "no hash for its memory of n-grams"))) {
      Path to = directory.resolve(refused.getFirst());
      Outcome outcome = InProcess.run("export", run, to, "--to", refused.getFirst());
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains(refused.getLast()), outcome.toString());
      assertFalse(Files.exists(to));
    }
  }
}
