package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.study.Json;

/** A study whose run goes on from another study's, and does more in a step than others, as its user meets it. */
@Tag("process")
class ContinuedTrainingTest {
  private static final String FIRST = """
      name: first
      corpus: {kind: bioD, people: 40, attributes: 2, chunks: 2, diversity: 4, length: 1, alphabet: 8,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-1-2-w8
      exposures: 60
      training: {batch_size: 2, accumulation: 2, context_length: 32, learning_rate: 0.01, warmup_steps: 10, gradient_clip: 0.5,
        weight_decay: {matrices: 0.1, embeddings: 0}}
      """;

  @TempDir
  private Path directory;

  private static RunFolder folder(Path study) {
    StudyFolder folder = StudyFolder.open(study);
    return folder.runFolder(folder.study().runs().getFirst());
  }

  private static List<RunFolder.Metric> metrics(Path study) throws Exception {
    return folder(study).readMetrics();
  }

  @Test
  void itGoesOnWhereTheOtherEndedEvenIfKilled() throws Exception {
    Path first = directory.resolve("first");
    Outcome outcome = InProcess.run("run", Files.writeString(directory.resolve("first.yaml"), FIRST), "--out",
        first);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    RunFolder earlier = folder(first);

    Path calm = directory.resolve("calm");
    Path killed = directory.resolve("killed");
    Path spec = Files.writeString(directory.resolve("second.yaml"), FIRST
        .replace("name: first", "name: second")
        .replace("warmup_steps: 10",
            "start: {run: first/runs/" + earlier.path().getFileName() + ", optimiser: true, rewarm: false}"));
    outcome = InProcess.run("run", spec, "--out", calm);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.out().contains("training starts from first/runs/"), outcome.toString());
    assertTrue(metrics(calm).getFirst().loss() < metrics(first).getFirst().loss() - 0.3,
        "it has not forgotten");
    assertEquals(0.01, metrics(calm).getFirst().learningRate(), 1e-4, "no warm-up");
    String run = Files.readString(folder(calm).path().resolve("run.json"));
    assertEquals(Checkpoint.checksum(earlier.checkpoint()),
        Json.MAPPER.readTree(run).path("training").path("start").path("checkpoint").asString());

    outcome = InProcess.run("curves", calm, "--rows", 3);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertEquals(6, outcome.out().lines().filter(line -> !line.isBlank()).count(), outcome.toString());
    List<String> rows = Files.readAllLines(calm.resolve("curves.csv"));
    assertEquals(metrics(calm).size() + 1, rows.size());
    List<String> heads = List.of(rows.getFirst().split(","));
    for (String row : rows.subList(1, rows.size())) {
      String[] cells = row.split(",");
      assertTrue(Double.parseDouble(cells[heads.indexOf("gradient_norm")]) > 0, row);
      double rare = Double.parseDouble(cells[heads.indexOf("largest_rare_embedding")]);
      assertTrue(rare > 0 && rare <= Double.parseDouble(cells[heads.indexOf("largest_embedding")]), row);
    }

    KnowcapProcess process = KnowcapProcess.start(List.of("-Dknowcap.checkpoint.seconds=0"), "run", spec,
        "--out", killed);
    while (Files.notExists(killed.resolve("study.yaml")) || metrics(killed).size() < 20) {
      assertTrue(process.handle().isAlive());
      Thread.sleep(10);
    }
    process.handle().children().findFirst().orElseThrow().destroyForcibly();
    process.end();
    // The study's folder has its own copy: the first study may go.
    Files.delete(earlier.checkpoint());
    Files.delete(folder(killed).path().resolve("failure.json"));
    outcome = KnowcapProcess.run("worker", killed);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    // Nobody reads its events, so that what it says is for people.
    String name = folder(killed).path().getFileName().toString();
    List<String> said = outcome.out().lines().toList();
    assertTrue(said.stream().noneMatch(line -> line.startsWith("{")), outcome.out());
    assertTrue(said.getFirst().matches(Pattern.quote(name) + ": goes on after step [\\d,]+"), outcome.out());
    assertTrue(said.getLast().matches(Pattern.quote(name) + ": .* stored, .* bits per parameter, in .* s"),
        outcome.out());
    assertInstanceOf(RunState.Done.class, folder(killed).state());
    assertEquals(metrics(calm).stream().map(RunFolder.Metric::loss).toList(),
        metrics(killed).stream().map(RunFolder.Metric::loss).toList());
  }
}
