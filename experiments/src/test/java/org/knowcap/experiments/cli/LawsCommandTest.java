package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.BeforeEach;
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

/** Laws as their user tests them, on law files of models that train in a second. */
@Tag("process")
class LawsCommandTest {
  private static final String SIZES = """
      small:
        choosing_seed: 101
        seeds: [1, 2, 3]
        learning_rates: [0.005, 0.01]
        more_rates: 1
        study:
          corpus: {kind: bioD, people: 40, attributes: 1, chunks: 2, diversity: 4, length: 1, alphabet: 8,
            pools: {first: 5, middle: 5, last: 20}}
          models: gpt2-1-1-w8
          exposures: 4
          training: {batch_size: 2, context_length: 64, packing: whole}
      """;

  @TempDir
  private Path directory;
  private Path laws;

  private static String law(int number, String arms, String judgement) {
    return "law: " + number + "\ntitle: Tiny\nclaim: Something.\nsource: none\nsmall: {" + arms
        + "}\njudge:\n  - {" + judgement + ", limited_by: [model, learning, undecided]}\n";
  }

  @BeforeEach
  void writeLaws() throws Exception {
    laws = Files.createDirectory(directory.resolve("laws"));
    Files.writeString(laws.resolve("sizes.yaml"), SIZES);
    Files.writeString(laws.resolve("law-01.yaml"), law(1,
        "base: {}, longer: {exposures: 8, learning_rates: {of: base}}, rounded: {of: longer, quantise: {method: rtn, bits: 8}}",
        "factor: [rounded, longer], about: 1, margin: 1.2"));
    Files.writeString(laws.resolve("law-02.yaml"),
        law(2, "base: {}, deep: {models: gpt2-2-1-w8}", "ratio: deep, at_least: 2, margin: 1"));
  }

  private List<JsonNode> json(Outcome outcome) {
    JsonNode found = Json.MAPPER.readTree(outcome.out().lines().toList().getLast());
    List<JsonNode> all = new ArrayList<>();
    found.forEach(all::add);
    return all;
  }

  /** Rates are chosen with one seed and figures are of the others; what is done is not done again. */
  @Test
  void verdictsAreOfTheRuns() throws Exception {
    Path out = directory.resolve("out");
    Object[] words = {"laws", "--files", laws, "--out", out, "--only", "1", "--json"};
    JsonNode law = json(succeeds(words)).getFirst();
    List<RunResult> runs = ResultsTable.readCsv(out.resolve("results.csv")).results();
    JsonNode longer = law.path("arms").get(1);
    double[] ratios = runs.stream()
        .filter(run -> run.exposures() == 8 && run.seeds().corpusSeed() < 101)
        .mapToDouble(RunResult::capacityRatio)
        .toArray();
    assertEquals(3, ratios.length);
    assertEquals(StatUtils.mean(ratios), longer.path("ratio").asDouble(), 1e-12);
    double best = runs.stream()
        .filter(run -> run.exposures() == 4 && run.seeds().corpusSeed() == 101)
        .max((a, b) -> Double.compare(a.capacityRatio(), b.capacityRatio()))
        .orElseThrow()
        .learningRate();
    assertEquals(best, longer.path("learning_rate").asDouble());
    assertEquals(0, runs.stream().filter(run -> run.exposures() == 8 && run.learningRate() != best).count());
    assertTrue(law.path("arms").get(0).path("rates").size() >= 3,
        "one more rate, as the best of two is at an end");
    assertEquals(0, longer.path("rates").size(), "another arm's rate was not searched for this one");
    assertEquals(3, law.path("arms").get(2).path("runs").size());

    String page = Files.readString(out.resolve("laws.html"));
    assertTrue(page.contains(law.path("sentence").asString()) && page.contains("<svg"), "verdict and chart");
    assertTrue(page.contains("not run") && page.contains("laws --size small --files"),
        "law 2, and what runs it");
    assertTrue(Files.readString(out.resolve("laws.csv")).startsWith("law,title,quantity"));
    assertEquals(4, Files.readAllLines(out.resolve("laws.md")).size());

    List<String> names = runs.stream().map(RunResult::run).toList();
    assertEquals(law, json(succeeds(words)).getFirst());
    assertEquals(names,
        ResultsTable.readCsv(out.resolve("results.csv")).results().stream().map(RunResult::run).toList());
    assertEquals(law,
        json(succeeds(Stream.concat(Stream.of(words), Stream.of("--page-only")).toArray())).getFirst());
    rowsStandForTheirRuns(out, law);
  }

  /** Verdicts follow from the table alone; only what has no row, and models to round, are trained again. */
  private void rowsStandForTheirRuns(Path out, JsonNode law) throws Exception {
    // It has the rows of rounded models, too.
    succeeds("results", out);
    Path table = Files.copy(out.resolve("results.csv"), directory.resolve("earlier.csv"));
    Path other = directory.resolve("other");
    Object[] words = {"laws", "--files", laws, "--out", other, "--only", "1", "--json", "--table", table};
    for (Object[] each : List.of(words,
        Stream.concat(Stream.of(words), Stream.of("--page-only")).toArray())) {
      JsonNode judged = json(succeeds(each)).getFirst();
      assertEquals(law, judged);
      assertFalse(StudyFolder.exists(other));
      assertTrue(Files.readString(other.resolve("laws.html")).contains("rows of " + table));
    }
    List<String> lines = new ArrayList<>(Files.readAllLines(table));
    // Of the arm that is rounded: a run without its row is trained, and its rounded model, which has one, is not rounded again.
    String gone = lines.stream()
        .filter(line -> line.contains("_e8_s2-") && !line.contains("/rtn"))
        .findFirst()
        .orElseThrow();
    lines.remove(gone);
    Files.write(table, lines);
    Path trained = directory.resolve("trained");
    words[4] = trained;
    JsonNode judged = json(succeeds(words)).getFirst();
    assertEquals(law.path("arms").get(0), judged.path("arms").get(0));
    assertEquals(law.path("arms").get(2).path("ratio"), judged.path("arms").get(2).path("ratio"));
    assertEquals(List.of(gone.substring(0, gone.indexOf(','))),
        ResultsTable.readCsv(trained.resolve("results.csv")).results().stream().map(RunResult::run).toList());

    Path differs = Files.writeString(directory.resolve("differs.csv"),
        String.join("\n", lines).replaceFirst(",101,101,101,", ",101,101,102,"));
    Outcome outcome = InProcess.run("laws", "--files", laws, "--out", other, "--table",
        table + "," + differs);
    assertEquals(2, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains("two rows of --table are of run"), outcome.toString());
  }

  /** A rate whose training diverged has lost for good, alone in its wave too; a run that failed otherwise is done again. */
  @Test
  void aLearningRateThatDivergesHasLost() throws Exception {
    Path out = directory.resolve("out");
    Object[] words = {"laws", "--files", laws, "--out", out, "--only", "1", "--json"};
    succeeds(words);
    Files.writeString(laws.resolve("sizes.yaml"), SIZES.replace("0.01]", "0.01, 1.0e+6]"));
    Object[] pageOnly = Stream.concat(Stream.of(words), Stream.of("--page-only")).toArray();
    assertEquals("not run", json(succeeds(pageOnly)).getFirst().path("verdict").asString());

    JsonNode law = json(succeeds(words)).getFirst();
    JsonNode base = law.path("arms").get(0);
    JsonNode lost = base.path("rates").get(base.path("rates").size() - 1);
    assertEquals(1e6, lost.path("learning_rate").asDouble());
    assertTrue(lost.path("capacity_ratio").isNull(), base.toString());
    assertEquals(3, base.path("runs").size());
    assertNotEquals("not run", law.path("verdict").asString());
    assertEquals(law, json(succeeds(pageOnly)).getFirst());

    Path failure;
    try (Stream<Path> files = Files.walk(out.resolve("runs"))) {
      failure = files.filter(file -> file.endsWith("failure.json")).findFirst().orElseThrow();
    }
    byte[] text = Files.readAllBytes(failure);
    assertEquals(law, json(succeeds(words)).getFirst());
    assertArrayEquals(text, Files.readAllBytes(failure));

    new RunFolder(failure.resolveSibling("")).writeFailure("out of memory", false);
    assertEquals("not run", json(succeeds(pageOnly)).getFirst().path("verdict").asString());
    assertEquals(law, json(succeeds(words)).getFirst());
  }

  /** A rate with which a measured seed diverges has lost too: the arm takes the best of the others, and its law goes on. */
  @Test
  void aSeedThatDivergesCostsItsLearningRate() throws Exception {
    Files.writeString(laws.resolve("law-02.yaml"),
        law(2, "base: {learning_rates: [0.0001, 0.01]}, longer: {exposures: 8, learning_rates: {of: base}}",
            "factor: [longer, base], about: 1, margin: 2"));
    Path out = directory.resolve("out");
    Object[] words = {"laws", "--files", laws, "--out", out, "--only", "2", "--json"};
    double chosen = json(succeeds(words)).getFirst().path("arms").get(0).path("learning_rate").asDouble();
    assertTrue(chosen > 0.005, "a rate that teaches nothing was chosen: " + chosen);
    String run = ResultsTable.readCsv(out.resolve("results.csv"))
        .results()
        .stream()
        .filter(each -> each.exposures() == 8 && each.seeds().corpusSeed() == 2)
        .findFirst()
        .orElseThrow()
        .run();
    Path folder = out.resolve("runs").resolve(run);
    Files.delete(folder.resolve("result.json"));
    new RunFolder(folder).writeFailure("the loss is no finite number", true);
    byte[] failure = Files.readAllBytes(folder.resolve("failure.json"));

    JsonNode law = json(succeeds(words)).getFirst();
    JsonNode base = law.path("arms").get(0);
    JsonNode longer = law.path("arms").get(1);
    assertEquals(chosen, base.path("learning_rate").asDouble(), "base has not diverged");
    assertTrue(longer.path("learning_rate").asDouble() < chosen, longer.toString());
    assertEquals(3, longer.path("runs").size());
    assertEquals(0, law.path("missing").asInt());
    assertEquals(law, json(succeeds(words)).getFirst());
    assertArrayEquals(failure, Files.readAllBytes(folder.resolve("failure.json")));
    assertTrue(succeeds("status", out).out().contains("the loss is no finite number"));

    Path own = StudyFolder.open(out)
        .runFolder(ResultsTable.readCsv(out.resolve("results.csv"))
            .results()
            .stream()
            .filter(each -> each.exposures() == 4 && each.learningRate() == chosen
                && each.seeds().corpusSeed() == 3)
            .findFirst()
            .orElseThrow()
            .run())
        .path();
    Files.delete(own.resolve("result.json"));
    new RunFolder(own).writeFailure("the loss is no finite number", true);
    JsonNode again = json(succeeds(words)).getFirst();
    assertTrue(again.path("arms").get(0).path("learning_rate").asDouble() < chosen, again.toString());
    assertTrue(again.path("notes").toString().contains("Training of base diverged with the learning rate"),
        again.toString());
  }

  /** Two at a time would undo each other's study file: the second says so, and leaves everything as it is. */
  @Test
  void oneAtATimeWorksInADirectory() throws Exception {
    Path out = directory.resolve("out");
    Object[] words = {"laws", "--files", laws, "--out", out, "--only", "2"};
    try (FolderLock _ = FolderLock.take(out).orElseThrow()) {
      Outcome second = KnowcapProcess.run(words);
      assertEquals(1, second.exitCode(), second.toString());
      assertTrue(second.err().contains("another 'knowcap laws' is at work in " + out), second.toString());
      assertEquals(1, second.err().lines().count(), second.toString());
      try (Stream<Path> files = Files.list(out)) {
        assertEquals(List.of(out.resolve("lock")), files.toList());
      }
    }
    assertTrue(succeeds(words).out().contains("law 2, Tiny: "), "a lock that nobody holds is no obstacle");
  }

  /** As their user tests them, with worker processes, they say what they say with workers in this process. */
  @Test
  @Tag("slow")
  void workerProcessesChangeNoVerdict() throws Exception {
    List<List<JsonNode>> found = new ArrayList<>();
    for (String place : List.of("threads", "processes")) {
      Object[] words = {"laws", "--files", laws, "--out", directory.resolve(place), "--json"};
      found.add(json(place.equals("threads") ? succeeds(words) : KnowcapProcess.succeeds(words)));
    }
    assertEquals(2, found.getFirst().size());
    assertEquals(found.getFirst(), found.getLast());
  }

  @Test
  void anArmWhoseRatesAllDivergeIsNamed() throws Exception {
    Files.writeString(laws.resolve("sizes.yaml"), SIZES.replace("[0.005, 0.01]", "[1.0e+6, 1.0e+7]"));
    Files.writeString(laws.resolve("law-01.yaml"),
        law(1, "wild: {}, tame: {learning_rates: [0.01]}", "factor: [wild, tame], about: 1, margin: 1.2"));
    Path out = directory.resolve("out");
    Outcome outcome = InProcess.run("laws", "--files", laws, "--out", out, "--only", "1", "--json");
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains("every learning rate of these arms diverged: law 1, wild;"),
        outcome.toString());
    JsonNode law = json(outcome).getFirst();
    JsonNode arms = law.path("arms");
    assertEquals("undecided: training diverged with every learning rate", law.path("sentence").asString());
    assertEquals(0, law.path("missing").asInt());
    assertEquals(3, arms.get(0).path("rates").size(), "both rates and one lower");
    assertEquals(3, arms.get(1).path("runs").size(), "the other arm is complete");
  }

  @Test
  void aPlanRunsNothing() throws Exception {
    Path out = directory.resolve("out");
    JsonNode plan = Json.MAPPER
        .readTree(succeeds("laws", "--files", laws, "--out", out, "--plan", "--json").out());
    // Rates and seeds of base and deep, seeds of longer; what both laws have counts once.
    assertEquals(5 + 5 + 3, plan.path("runs").asInt());
    assertEquals(2, plan.path("laws").size());
    assertTrue(plan.path("seconds").asDouble() > 0);
    assertTrue(Files.notExists(out));
  }

  @Test
  void aTimeTooShortForAnyRunIsRefused() throws Exception {
    Path out = directory.resolve("out");
    Outcome outcome = InProcess.run("laws", "--files", laws, "--out", out, "--minutes", "1e-6");
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains("no run ends within"), outcome.toString());
    assertTrue(Files.notExists(out));
  }

  /** What is published can be judged again by whoever has the table, to the last digit. */
  @Test
  void thePublishedVerdictsFollowFromTheirTable() throws Exception {
    Path published = Path.of("..", "results", "laws-cpu");
    Path out = directory.resolve("again");
    succeeds("laws", "--page-only", "--table", published.resolve("results.csv"), "--out", out);
    assertEquals(Json.MAPPER.readTree(Files.readString(published.resolve("laws.json"))),
        Json.MAPPER.readTree(Files.readString(out.resolve("laws.json"))));
  }

  @Test
  void whatCannotBeDoneIsRefused() throws Exception {
    Path out = directory.resolve("out");
    Path other = Files.createDirectory(directory.resolve("other"));
    Files.writeString(other.resolve("study.yaml"), """
        name: mine
        corpus: {kind: bioS, people: 10}
        models: gpt2-1-1-w8
        exposures: 1
        """);
    for (List<Object> each : List.<List<Object>>of(
        List.of("--only must be of [1, 2], found 13", "--only", 13),
        List.of("--size must be one of small, found 'huge'", "--size", "huge"),
        List.of("--minutes must be above 0", "--minutes", "0"),
        List.of("--workers must be at least 1", "--workers", 0),
        List.of("give --workers or --concurrent, not both", "--workers", 1, "--concurrent", 2),
        List.of("give --plan or --page-only, not both", "--plan", "--page-only"),
        List.of("holds no runs of laws", "--page-only"),
        List.of("belongs to study 'mine', not to 'laws-small'", "--out", other),
        List.of("there is no such law file", "--files", directory.resolve("nowhere")))) {
      List<Object> words = new ArrayList<>(List.of("laws"));
      words.addAll(each.subList(1, each.size()));
      if (!words.contains("--files")) {
        words.addAll(List.of("--files", laws));
      }
      if (!words.contains("--out")) {
        words.addAll(List.of("--out", out));
      }
      Outcome outcome = InProcess.run(words.toArray());
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains((String) each.getFirst()), outcome.toString());
      assertEquals(1, outcome.err().lines().count(), outcome.toString());
      assertTrue(Files.notExists(out), outcome.toString());
    }
  }
}
