package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Json;
import tools.jackson.databind.JsonNode;

/** Random strings as their user meets them. */
@Tag("process")
class StringsCommandTest {
  private static final String STUDY = """
      name: strings
      corpus: {kind: strings, strings: 24, length: 8, alphabet: 16}
      models: gpt2-2-2-w16
      exposures: 300
      training: {batch_size: 4, context_length: 27, packing: whole, learning_rate: 0.005, warmup_steps: 20}
      """;

  @TempDir
  private Path directory;

  private Path study(String text) throws IOException {
    return Files.writeString(directory.resolve("study.yaml"), text);
  }

  @Test
  void aModelThatLearntStringsSaysHowManyBits() throws Exception {
    Path out = directory.resolve("out");
    Path spec = study(STUDY);
    JsonNode plan = Json.MAPPER.readTree(succeeds("plan", spec, "--json").out()).get(0);
    double most = 24 * (8 * 4 - Math.log(24) / Math.log(2));
    assertEquals(most, plan.path("value_bits").asDouble(), 1e-6);
    assertEquals(0, plan.path("name_bits").asDouble());
    assertEquals(1, plan.path("value_tokens_behind_name").asDouble());
    InProcess.train(spec, out);
    RunResult result = ResultsTable.readCsv(out.resolve("results.csv")).results().getFirst();
    Memorisation memorised = result.memorisation();
    assertEquals("strings(24, 8, 16)", result.corpus());
    assertTrue(result.nameLossNats().isEmpty() && result.bits().nameTotalBits().isEmpty()
        && result.nameExactBits().isEmpty());
    assertEquals(most, result.totalBits(), 1e-6);
    assertTrue(result.saturation() > 0.7 && result.saturation() < 1.0001, result.toString());
    assertTrue(result.recall().recalled() > 0.7 && result.recall().recalledUnseen() < 0.2
        && Double.isNaN(result.recall().generated()), result.toString());
    double clipped = memorised.memorisedBits().orElseThrow();
    assertTrue(clipped >= result.storedBits() && clipped < 24 * 32, memorised.toString());
    assertEquals(clipped / result.parameters(), memorised.memorisedRatio().orElseThrow(), 1e-12);
    assertTrue(memorised.unseenMemorisedBits().orElseThrow() < 24 / Math.log(2)
        && memorised.unseenStoredBits().orElseThrow() < 0, memorised.toString());

    String printed = succeeds("results", out).out();
    assertTrue(printed.contains("memorised") && !printed.contains("names") && !printed.contains("name_"),
        printed);
    Path run = out.resolve("runs").resolve(result.run());
    JsonNode measured = Json.MAPPER.readTree(succeeds("measure", run, "--json").out());
    assertEquals(clipped, measured.path("memorisation").path("memorised_bits").asDouble(), 1e-9);
    assertTrue(succeeds("report", out).out().contains("index.html"));
    String page = Files.readString(out.resolve("report/index.html"));
    assertTrue(
        page.contains("memorises at most") && page.contains("24 strings") && !page.contains("Name loss"),
        page);
    Outcome probed = InProcess.run("probe", run);
    assertEquals(2, probed.exitCode(), probed.toString());
    assertTrue(probed.err().contains("texts of strings(24, 8, 16) have none"), probed.toString());
    Path tokenizer = directory.resolve("model");
    succeeds("export", run, tokenizer, "--to", "huggingface");
    succeeds("quantise", run, "--method", "rtn", "--bits", 8);
    ResultsTable both = StudyReport.of(StudyFolder.open(out)).results();
    assertEquals(clipped, both.quantised().getFirst().run().memorisation().memorisedBits().orElseThrow(),
        0.05 * clipped);
  }

  @Test
  void stringsAreWrittenAndVerified() throws Exception {
    Path out = directory.resolve("corpus");
    Path spec = study(STUDY.replace("strings: 24", "strings: [12, 24]"));
    String said = succeeds("generate", spec, "--out", out, "--people", 24, "--exposures", 2, "--format",
        "jsonl,parquet,txt,nanogpt,llmc,megatron").out();
    assertTrue(said.contains("values: 658 bit") && !said.contains("names"), said);
    List<String> lines = Files.readAllLines(out.resolve("txt/biographies-00000-of-00001.txt"));
    assertEquals(48, lines.size());
    assertTrue(lines.stream().allMatch(line -> line.matches("( #\\d+){8}")), lines.getFirst());
    assertEquals(24, lines.stream().distinct().count());
    assertTrue(succeeds("generate", "--verify", out).out().contains("are what they should be"));
    Path measured = directory.resolve("measured");
    succeeds("generate", spec, "--people", 24, "--measured", "--out", measured);
    JsonNode about = Json.MAPPER.readTree(Files.readString(measured.resolve("measured.json")));
    assertEquals(24 * 32, about.path("parts").get(0).path("exact_bits").asDouble(), 1e-9);
    assertTrue(succeeds("generate", spec, "--people", 12, "--describe").out().contains("[beginning: #"));
  }

  @Test
  void whatCannotBeLearntIsRefusedInOneLine() throws Exception {
    String[][] mistakes = {{"alphabet: 16", "alphabet: 1", "alphabet (V) must be 2..40000, found 1"},
        {"length: 8", "length: 0", "length (S) must be 1..4096, found 0"},
        {"strings: 24", "strings: 0", "'corpus.strings' must be a whole number from 1"},
        {"strings: 24, length: 8, alphabet: 16", "strings: 24, length: 3, alphabet: 2",
            "'corpus.strings': strings (M) must be 1 or more, and fewer than the V^S = 2^3 possible strings, found 24"},
        {"length: 8", "length: 27", "up to 28 tokens and is measured whole, but the context length is 27"},
        {", packing: whole", "", "give a multiple of 9, or 'packing: whole'", "context_length: 26"},
        {"alphabet: 16", "alphabet: 16, attributes: 3", "unknown key 'corpus.attributes'"},
        {"strings: 24", "people: 24", "'corpus.strings' is missing"},
        {"alphabet: 16", "alphabet: 16, exposure: {zipf: 1.5}", "'corpus.exposure' goes with the kinds bioS"},
        {"alphabet: 16", "alphabet: 16, questions: {share: 0.5}",
            "'corpus.questions' goes with the kinds bioS"}};
    for (String[] mistake : mistakes) {
      String text = STUDY.replace(mistake[0], mistake[1]);
      assertTrue(!text.equals(STUDY), mistake[0]);
      if (mistake.length > 3) {
        text = text.replaceAll("context_length: \\d+", mistake[3]);
      }
      Outcome outcome = InProcess.run("run", study(text), "--out", directory.resolve("out"));
      assertEquals(2, outcome.exitCode(), mistake[1] + ": " + outcome);
      assertTrue(outcome.err().contains(mistake[2]), mistake[1] + ": " + outcome);
      assertEquals(1, outcome.err().lines().count(), outcome.toString());
      assertTrue(Files.notExists(directory.resolve("out")), outcome.toString());
    }
  }
}
