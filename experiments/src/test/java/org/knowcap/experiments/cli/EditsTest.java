package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.PartRow;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;

/** Edits one after another on a model that has learnt the people, with replay that it wrote itself. */
@Tag("process")
class EditsTest {
  private static final String PEOPLE = """
      {kind: bioD, people: 16, attributes: 2, chunks: 1, diversity: 8, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}}""";
  private static final String FIRST = """
      name: first
      corpus: %s
      models: {name: gpt2-2-2, head_width: 16, mask: document}
      exposures: 150
      training: {batch_size: 4, context_length: 64, learning_rate: 0.005, warmup_steps: 20}
      """.formatted(PEOPLE);
  private static final String SECOND = """
      name: second
      corpus: {kind: revised, of: %s, share: 0.5, attributes: [id_1], before: 0, sequence: true, replay: 0.5,
        replay_texts: written.jsonl}
      models: {name: gpt2-2-2, head_width: 16, mask: document}
      exposures: 20
      training: {batch_size: 1, context_length: 64, learning_rate: 0.005, decay: constant, start: {run: first}}
      """
      .formatted(PEOPLE);

  @TempDir
  private Path directory;

  @Test
  void aModelReplaysWhatItWrote() throws Exception {
    Path first = directory.resolve("first");
    InProcess.train(Files.writeString(directory.resolve("first.yaml"), FIRST), first);
    Path run = StudyFolder.open(first)
        .runFolder(StudyReport.of(StudyFolder.open(first)).results().results().getFirst().run())
        .path();
    Path texts = directory.resolve("written.jsonl");
    InProcess.succeeds("measure", run, "--texts", texts);
    List<String> written = Files.readAllLines(texts);
    assertEquals(16, written.size());
    assertTrue(written.stream().allMatch(line -> line.contains("\"person\":") && line.contains("'s ID")),
        written.getFirst());

    Path spec = Files.writeString(directory.resolve("second.yaml"),
        SECOND.replace("run: first", "run: " + run));
    Path second = directory.resolve("second");
    InProcess.train(spec, second);
    StudyReport report = StudyReport.of(StudyFolder.open(second));
    Map<String, PartRow> parts = report.parts()
        .stream()
        .collect(Collectors.toMap(PartRow::part, Function.identity()));
    assertEquals(List.of(1.0, 1.0, 2.0, 4.0),
        List.of("0", "1", "2 to 3", "4 to 7")
            .stream()
            .map(later -> parts.get("new values, " + later + " later edits").items())
            .toList());
    assertEquals(3, parts.get("new values, 0 later edits").totalBits(), 1e-9);
    // A person is measured in another text here, and there are 24 bits.
    assertEquals(parts.get("new values").storedBits(),
        parts.values()
            .stream()
            .filter(part -> part.part().contains("later"))
            .mapToDouble(PartRow::storedBits)
            .sum(),
        6);
    assertTrue(parts.get("old values").recalled().isPresent(), parts.toString());
    assertTrue(parts.get("names").recalled().isEmpty());
    List<String> table = Files.readAllLines(second.resolve("parts.csv"));
    assertEquals(parts.size() + 1, table.size());
    assertTrue(
        table.getFirst()
            .endsWith("part,items,total_bits,stored_bits,stored_bits_standard_error,loss_nats,recalled"),
        table.getFirst());
    Outcome asked = InProcess.succeeds("query", second,
        "SELECT count(*) AS n, sum(items) AS people FROM parts WHERE part LIKE '%later edits'", "--format",
        "csv");
    assertEquals("n,people\n4,8.0\n", asked.out());
    // The study's own directory has a copy of the texts.
    Files.writeString(texts, String.join("\n", written.subList(0, 8)) + "\n");
    InProcess.succeeds("run", second, "--dry-run");
  }

  @Test
  void badReplayIsRefused() throws Exception {
    Path texts = directory.resolve("written.jsonl");
    String study = SECOND.replace(", start: {run: first}", "").replace("before: 0", "before: 1");
    for (String[] wrong : new String[][]{{"", "has no text"}, {"{\"text\": \"a\"}\n", "line 1 of"},
        {"{\"tokens\": [0, 99999]}\n", "must begin with the end-of-text token"},
        {"{\"tokens\": [0]\n", "line 1 of"}}) {
      Files.writeString(texts, wrong[0]);
      Outcome refused = InProcess.run("plan", Files.writeString(directory.resolve("wrong.yaml"), study),
          "--untimed");
      assertEquals(2, refused.exitCode(), refused.toString());
      assertTrue(refused.err().contains(wrong[1]) && refused.err().lines().count() == 1, refused.toString());
    }
  }
}
