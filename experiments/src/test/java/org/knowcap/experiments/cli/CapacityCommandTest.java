package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.KnowcapProcess.succeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import tools.jackson.databind.JsonNode;

/** A model's capacity, as its user asks for it. */
@Tag("process")
class CapacityCommandTest {
  @TempDir
  private Path directory;

  private static List<RunResult> results(Path out) throws Exception {
    return ResultsTable.readCsv(out.resolve("results.csv")).results();
  }

  /** Sizes, and with them the corpora, may differ from one version to the next: their runs are not mixed. */
  @Test
  void aSearchOfOtherSizesIsRefused() throws Exception {
    Path out = directory.resolve("out");
    StudyFolder.create(out, Files.writeString(directory.resolve("study.yaml"), """
        name: capacity-gpt2-1-1-w8-e4
        corpus: {kind: bioD, people: 7, attributes: 2, chunks: 8, diversity: 4, length: 2, alphabet: 8}
        models: gpt2-1-1-w8
        exposures: 4
        """));
    Outcome outcome = InProcess.run("capacity", "gpt2-1-1-w8", "--exposures", 4, "--out", out);
    assertEquals(2, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains("has a run of 7, which is no size of this search"), outcome.toString());
  }

  /** What is printed is in the table, and a second call finds it without a run. */
  @Test
  @Tag("slow")
  void theFindingIsWhatTheRunsSay() throws Exception {
    Path out = directory.resolve("out");
    Object[] words = {"capacity", "gpt2-1-1-w8", "--exposures", "20", "--seeds", "2", "--out", out, "--json",
        "--minutes", "20", "--interval", "1000"};
    List<String> lines = succeeds(words).out().lines().toList();
    JsonNode found = Json.MAPPER.readTree(lines.getLast());
    JsonNode finding = found.path("finding");
    double[] ratios = results(out).stream()
        .filter(run -> run.people() == finding.path("people").asLong()
            && run.learningRate() == finding.path("learning_rate").asDouble() && run.seeds().corpusSeed() > 1)
        .mapToDouble(RunResult::capacityRatio)
        .toArray();
    assertEquals(finding.path("seeds").asInt(), ratios.length);
    assertEquals(StatUtils.mean(ratios), finding.path("capacity_ratio").asDouble(), 1e-12);
    assertEquals(results(out).getFirst().parameters(), found.path("parameters").asLong());

    List<String> names = results(out).stream().map(RunResult::run).toList();
    assertEquals(lines.getLast(), succeeds(words).out().lines().toList().getLast());
    assertEquals(names, results(out).stream().map(RunResult::run).toList());
    assertTrue(succeeds("status", out).out().contains("done"));

    Outcome other = KnowcapProcess.run("capacity", "gpt2-1-1-w8", "--exposures", "4", "--out", out);
    assertEquals(2, other.exitCode(), other.toString());
    assertTrue(other.err().contains("belongs to study 'capacity-gpt2-1-1-w8-e20'"), other.toString());
  }

  /** A rate with which a seed diverged has lost, for a search that goes on too. */
  @Test
  @Tag("slow")
  void aRateThatDivergedIsNotMetAgain() throws Exception {
    Path out = directory.resolve("out");
    Object[] words = {"capacity", "gpt2-1-1-w8", "--exposures", "1", "--seeds", "2", "--out", out, "--json",
        "--minutes", "20", "--interval", "1000"};
    JsonNode finding = Json.MAPPER.readTree(succeeds(words).out().lines().toList().getLast()).path("finding");
    double rate = finding.path("learning_rate").asDouble();
    RunResult seed = results(out).stream()
        .filter(run -> run.learningRate() == rate && run.seeds().corpusSeed() == 2)
        .findFirst()
        .orElseThrow();
    Path folder = out.resolve("runs").resolve(seed.run());
    Files.delete(folder.resolve("result.json"));
    new RunFolder(folder).writeFailure("the loss is no finite number", true);
    byte[] failure = Files.readAllBytes(folder.resolve("failure.json"));
    String last = succeeds(words).out().lines().toList().getLast();
    JsonNode lower = Json.MAPPER.readTree(last).path("finding");
    assertTrue(lower.path("learning_rate").asDouble() < rate, last);
    assertEquals(2, lower.path("seeds").asInt());
    lower.path("rates")
        .forEach(each -> assertEquals(each.path("learning_rate").asDouble() >= rate,
            each.path("capacity_ratio").isNull(), last));
    assertEquals(last, succeeds(words).out().lines().toList().getLast());
    assertArrayEquals(failure, Files.readAllBytes(folder.resolve("failure.json")));
  }

  @Test
  void oneAtATimeSearchesInADirectory() throws Exception {
    Path out = directory.resolve("out");
    try (FolderLock _ = FolderLock.take(out).orElseThrow()) {
      Outcome second = InProcess.run("capacity", "gpt2-1-1-w8", "--exposures", 1, "--minutes", "100000",
          "--out", out);
      assertEquals(1, second.exitCode(), second.toString());
      assertTrue(second.err().contains("another 'knowcap capacity' is at work in " + out), second.toString());
      assertTrue(Files.notExists(out.resolve("study.yaml")));
    }
  }

  /** Several processes on one GPU would share it out among contexts: 'auto' takes no GPU. */
  @Test
  void aGpuHasOneProcess() {
    int cores = Runtime.getRuntime().availableProcessors();
    assertEquals(List.of(1, cores, cores, cores),
        Stream.of("cuda", "cpu", "nd4j", "auto").map(StudyRun::workers).toList());
  }

  @Test
  void whatCannotBeSearchedIsRefused() throws Exception {
    Path out = directory.resolve("out");
    for (List<Object> each : List.<List<Object>>of(
        List.of("--seeds must be at least 2, found 1", "gpt2-2-2-w16", "--seeds", 1),
        List.of("--minutes must be above 0", "gpt2-2-2-w16", "--minutes", "NaN"),
        List.of("--interval must be at least 0", "gpt2-2-2-w16", "--interval", "-1"),
        List.of("--exposures must be at least 1", "gpt2-2-2-w16", "--exposures", 0),
        List.of("--corpus must be bioD or strings, found 'poems'", "gpt2-2-2-w16", "--corpus", "poems"),
        List.of("no model is named", "gpt9-2-2"),
        List.of("no corpus suits gpt2-1-1-w2-rotary1", "gpt2-1-1-w2-rotary1"),
        List.of("knowcap: no engine is named 'abacus'", "gpt2-2-2-w16", "--engine", "abacus"),
        List.of("choosing the learning rate alone takes about", "gpt2-2-2-w16", "--minutes", "0.1"))) {
      Object[] words = new Object[each.size() + 2];
      words[0] = "capacity";
      for (int i = 1; i < each.size(); i++) {
        words[i] = each.get(i);
      }
      words[each.size()] = "--out";
      words[each.size() + 1] = out;
      Outcome outcome = InProcess.run(words);
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains((String) each.getFirst()), outcome.toString());
      assertTrue(Files.notExists(out), outcome.toString());
    }
  }
}
