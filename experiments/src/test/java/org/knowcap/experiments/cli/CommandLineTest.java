package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.ExposureCounts;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

/** Every command as its user meets it: its exit code, what it prints and what it leaves on disk. */
@Tag("process")
class CommandLineTest {
  private static final String STUDY = """
      name: tiny
      corpus:
        kind: bioS
        people: [6, 12]
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 12
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      """;
  private static final String MIXTURE = """
      name: mixed
      corpus:
        kind: mixture
        sources:
          - {share: 0.25, token: <useful>, corpus: {kind: bioS, people: 6}}
          - {share: 0.75, corpus: {kind: bioD, people: 8, attributes: 2, chunks: 1, diversity: 3, length: 2,
             alphabet: 4}}
      models: gpt2-1-1
      exposures: 1000
      training: {warmup_steps: 1}
      """;
  private static final String FIRST_COLUMNS = "run,corpus,people,exposures,model,parameters,engine,corpus_seed,"
      + "weights_seed,order_seed,name_loss_nats,value_loss_nats,stored_bits,total_bits,capacity_ratio,max_capacity_ratio,saturation,"
      + "tokens_per_second,seconds";
  private static final Pattern LOADS = Pattern
      .compile("(?i)(src|href)\\s*=\\s*[\"']?\\s*(https?:)?//|url\\(\\s*[\"']?"
          + "(https?:)?//|@import|<script[^>]+src|<link");

  @TempDir
  private Path directory;

  private Path study(String text) throws IOException {
    return Files.writeString(directory.resolve("study.yaml"), text);
  }

  /** Time of last change and content of every file below a directory. */
  private static Map<Path, List<Object>> snapshot(Path directory) throws IOException {
    Map<Path, List<Object>> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path file : walk.toList()) {
        files.put(file,
            Files.isDirectory(file)
                ? List.of("directory")
                : List.of(Files.getLastModifiedTime(file), Arrays.hashCode(Files.readAllBytes(file))));
      }
    }
    return files;
  }

  /** Where oneDNN cannot be unpacked, such as a read-only home, matmuls run in Java, and the study says so once. */
  @Test
  void aStudyRunsWhereNoNativeLibraryLoads() throws Exception {
    // Wherever JavaCPP looks for a place there is a file instead of a directory.
    Path file = Files.writeString(directory.resolve(".javacpp-" + System.getProperty("user.name")), "");
    List<String> flags = List.of("-Dorg.bytedeco.javacpp.cachedir=" + file.resolve("cache"),
        "-Duser.home=" + file, "-Djava.io.tmpdir=" + directory);
    Path spec = study(STUDY.replace("[6, 12]", "[6, 7]") + "engine: cpu\n");
    Outcome run = KnowcapProcess.start(flags, "run", spec, "--out", directory.resolve("out")).end();
    assertEquals(0, run.exitCode(), run.toString());
    List<String> notes = run.out().lines().filter(line -> line.contains("oneDNN does not load")).toList();
    assertEquals(1, notes.size(), run.toString());
    assertTrue(notes.getFirst().contains("cachedir"), run.out());
    Outcome engines = KnowcapProcess.start(flags, "engines").end();
    assertTrue(engines.out().contains("oneDNN does not load"), engines.toString());
  }

  @Test
  void aStudyIsTrainedMeasuredAndReportedOnce() throws Exception {
    Path spec = study(STUDY);
    Path out = directory.resolve("out");
    // A checkpoint that was cut off: the first run cannot go on, the second has nothing to do with it.
    StudyFolder folder = StudyFolder.create(out, spec);
    List<RunSpec> runs = folder.study().runs();
    RunFolder broken = folder.runFolder(runs.getFirst());
    RunFolder sound = folder.runFolder(runs.getLast());
    Files.createDirectories(broken.path());
    byte[] cutOff = {16, 0, 0, 0, 0, 0, 0, 0, '{'};
    Files.write(broken.checkpoint(), cutOff);

    Outcome partly = KnowcapProcess.run("run", spec, "--out", out);
    assertEquals(1, partly.exitCode(), partly.toString());
    String message = partly.out().lines().filter(line -> line.contains("FAILED")).findFirst().orElseThrow();
    assertTrue(
        message.startsWith(runs.getFirst().name() + ": ") && message.contains(broken.checkpoint().toString()),
        message);
    assertTrue(partly.err().startsWith("knowcap: 1 of 2 runs have no result (1 failed)"), partly.err());
    assertArrayEquals(cutOff, Files.readAllBytes(broken.checkpoint()));
    assertFalse(Files.exists(broken.path().resolve("result.json")));
    assertTrue(Files.exists(sound.path().resolve("result.json")));
    assertTrue(Files.exists(out.resolve("report/index.html")));

    Outcome status = succeeds("status", out);
    assertTrue(status.out().contains("failed") && status.out().contains(broken.checkpoint().toString())
        && status.out().contains("1 of 2 runs done"), status.out());

    Map<Path, List<Object>> soundFiles = snapshot(sound.path());
    Files.delete(broken.checkpoint());
    succeeds("run", spec, "--out", out);
    assertEquals(soundFiles, snapshot(sound.path()));
    assertTrue(Files.exists(broken.path().resolve("result.json")));

    Map<Path, List<Object>> before = snapshot(out.resolve("runs"));
    Map<Path, List<Object>> logs = snapshot(out.resolve("logs"));
    Outcome again = KnowcapProcess.succeeds("run", spec, "--out", out);
    assertTrue(again.out().contains("2 done before"), again.out());
    assertEquals(before, snapshot(out.resolve("runs")));
    assertEquals(logs, snapshot(out.resolve("logs")), "no worker was started");

    assertResults(out, runs);
    assertReport(out.resolve("report"), runs);

    byte[] csv = Files.readAllBytes(out.resolve("results.csv"));
    Files.delete(out.resolve("results.csv"));
    Files.delete(out.resolve("report/index.html"));
    Outcome results = succeeds("results", out);
    runs.forEach(run -> assertTrue(results.out().contains(run.name()), results.out()));
    String heading = results.out()
        .lines()
        .takeWhile(line -> !line.startsWith("--"))
        .collect(Collectors.joining(" "));
    assertTrue(heading.contains("exposures") && heading.contains("complete"), results.out());
    // The caution that plan gives before a run comes with its results, and stands on the page.
    assertEquals(2,
        results.err().lines().filter(line -> line.contains("windows of 32 tokens are shorter")).count(),
        results.toString());
    assertArrayEquals(csv, Files.readAllBytes(out.resolve("results.csv")));
    Outcome report = succeeds("report", out);
    assertTrue(report.out().contains("index.html"), report.out());
    assertReport(out.resolve("report"), runs);
    assertEquals(2, Json.MAPPER.readTree(succeeds("results", out, "--json").out()).size());
    JsonNode states = Json.MAPPER.readTree(succeeds("status", out, "--json").out());
    assertEquals(List.of("done", "done"),
        states.valueStream().map(row -> row.get("state").asString()).toList());
    assertEquals(before, snapshot(out.resolve("runs")));

    Path result = sound.path().resolve("result.json");
    Files.writeString(result, Files.readString(result).substring(0, 100));
    Map<Path, List<Object>> damaged = snapshot(out);
    Outcome refused = InProcess.run("status", out);
    assertTrue(refused.out().contains("damaged") && refused.out().contains(result + ", line "),
        refused.toString());
    assertEquals(damaged, snapshot(out));
  }

  private static void assertResults(Path out, List<RunSpec> runs) throws IOException {
    List<String> lines = Files.readAllLines(out.resolve("results.csv"));
    assertTrue((lines.getFirst() + ",").startsWith(FIRST_COLUMNS + ","), lines.getFirst());
    List<RunResult> results = ResultsTable.readCsv(out.resolve("results.csv")).results();
    assertEquals(runs.stream().map(RunSpec::name).toList(), results.stream().map(RunResult::run).toList());
    for (int i = 0; i < runs.size(); i++) {
      RunSpec run = runs.get(i);
      RunResult result = results.get(i);
      assertEquals(run.people(), result.people());
      assertEquals(run.model().parameters(run.corpus().vocabulary().size()).total(), result.parameters());
      assertEquals(run.corpus().measured().bits().totalBits(), result.totalBits(), 1e-9);
      assertEquals(result.storedBits() / result.parameters(), result.capacityRatio(), 1e-12);
      assertEquals(result.storedBits() / result.totalBits(), result.saturation(), 1e-12);
      assertTrue(result.storedBits() < result.totalBits());
      ExposureCounts exposures = run.exposureCounts(run.corpus());
      assertEquals(exposures.exposures(), result.exposures(), 0.5);
      assertEquals(exposures.completeExposures(), result.completeness().completeExposures().orElseThrow(),
          1e-9);
      assertEquals(exposures.valueTokensBehindName(),
          result.completeness().valueTokensBehindName().orElseThrow(), 1e-12);
      assertEquals(run.corpus().measured().bits().part("names").entropyBits(),
          result.nameExactBits().orElseThrow(), 1e-9);
      assertTrue(exposures.completeExposures() < exposures.exposures()
          && result.nameExactBits().getAsDouble() > result.bits().nameTotalBits().orElseThrow());
    }
  }

  private static void assertReport(Path report, List<RunSpec> runs) throws Exception {
    assertTrue(ImageIO.read(report.resolve("capacity.png").toFile()).getWidth() >= 400);
    byte[] svg = Files.readAllBytes(report.resolve("capacity.svg"));
    DocumentBuilderFactory parsers = DocumentBuilderFactory.newInstance();
    parsers.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    assertEquals("svg",
        parsers.newDocumentBuilder().parse(new ByteArrayInputStream(svg)).getDocumentElement().getTagName());
    String page = Files.readString(report.resolve("index.html"));
    assertTrue(page.contains("<svg") && page.contains("</html>"), page);
    runs.forEach(run -> {
      assertTrue(page.contains(run.name()));
      assertTrue(page.contains(run.corpus().digest()), "provenance has each corpus");
      assertTrue(
          page.contains(
              "<li>windows of 32 tokens are shorter than four texts of " + run.corpus().name() + " ("),
          "what should be known");
    });
    assertFalse(LOADS.matcher(page).find(), "the page loads nothing from elsewhere");
  }

  @Test
  void aRunThatDivergesIsNamedWithItsReason() throws Exception {
    Path spec = study(STUDY.replace("people: [6, 12]", "people: 6").replace("0.003", "1.0e+30"));
    Path out = directory.resolve("out");
    Outcome outcome = InProcess.run("run", spec, "--out", out);
    assertEquals(1, outcome.exitCode(), outcome.toString());
    String message = outcome.out().lines().filter(line -> line.contains("FAILED")).findFirst().orElseThrow();
    String run = StudyFolder.open(out).study().runs().getFirst().name();
    for (String part : List.of(run + ": ", "NaN", "step 2", "learning rate 2.0", "embedding")) {
      assertTrue(message.contains(part), message);
    }
    assertTrue(outcome.err().startsWith("knowcap: 1 of 1 runs have no result (1 failed)"), outcome.err());
    assertEquals(1, outcome.err().lines().count(), outcome.err());
  }

  @Test
  void aPlanShowsWhatWouldRun() throws Exception {
    Path spec = study(STUDY);
    JsonNode rows = Json.MAPPER
        .readTree(InProcess.runWithWorkers("plan", spec, "--json", "--workers", 1).out());
    assertEquals(2, rows.size());
    long steps = 0;
    for (JsonNode row : rows) {
      assertTrue(row.get("seconds").asDouble() > 0 && row.get("seconds").asDouble() < 1000, row.toString());
      assertEquals(64 * row.get("steps").asLong(), row.get("tokens").asLong());
      assertTrue(row.get("steps").asLong() > steps, "twice the people, more steps");
      steps = row.get("steps").asLong();
      assertTrue(row.get("flops").asDouble() > 6.0 * 16 * 16 * 12 * row.get("tokens").asLong(),
          row.toString());
    }
    Outcome shown = InProcess.succeeds("plan", spec, "--untimed");
    List<String> lines = shown.out()
        .lines()
        .dropWhile(line -> !line.startsWith("run, P, exposures, complete"))
        .toList();
    assertEquals(rows.get(0).get("run").asString() + ", P 12,064, exposures 12, complete 0", lines.get(4));
    lines.stream().limit(8).forEach(line -> assertTrue(line.length() <= TextTable.WIDTH, line));
    assertFalse(Files.exists(directory.resolve("out")));
    assertEquals(List.of(spec), list(directory));
    // Each figure of a row is defined where measurements are explained.
    Set<String> defined = Files.readAllLines(Path.of("../docs/measuring.md"))
        .stream()
        .dropWhile(line -> !line.equals("## Columns of `plan`"))
        .map(line -> Pattern.compile("^\\| `([a-z_]+)` \\| [^|]* \\| \\S.* \\|$").matcher(line))
        .filter(Matcher::matches)
        .map(matcher -> matcher.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(new TreeSet<>(rows.get(0).propertyNames()), defined);
  }

  private static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  @Test
  void seedsOfSeveralTablesAreSummedUp() throws Exception {
    // Committed measurements: one model, three seeds in two tables, R 1.9870, 2.0109 and 1.9648.
    Path law = Path.of("../results/cpu-law-first");
    List<Object> tables = List.of(law.resolve("results.csv"), law.resolve("seeds-1000.csv"));
    JsonNode means = Json.MAPPER
        .readTree(succeeds("results", tables.get(0), tables.get(1), "--seeds", "--json").out());
    JsonNode three = means.valueStream()
        .filter(row -> row.get("people").asInt() == 1000 && row.get("exposures").asInt() == 1000
            && row.get("model").asString().equals("gpt2-2-2-w16"))
        .findFirst()
        .orElseThrow();
    assertEquals(3, three.get("seeds").asInt());
    assertEquals(1.988, three.get("capacity_ratio").asDouble(), 0.0005);
    assertEquals(0.023, three.get("capacity_ratio_deviation").asDouble(), 0.0005);
    String shown = succeeds("results", tables.get(0), tables.get(1), "--seeds").out();
    assertTrue(shown.contains("deviation"), shown);
    Outcome twice = InProcess.run("results", tables.get(0), tables.get(0), "--seeds");
    assertTrue(twice.exitCode() == 0 && twice.toString().contains("each counts once"), twice.toString());
  }

  @Test
  void aCorpusIsDescribed() throws Exception {
    Path spec = study(STUDY);
    Path out = directory.resolve("described");
    Outcome outcome = succeeds("generate", spec, "--describe", "--people", 12, "--out", out);
    for (String part : List.of("bioS(12)", "names", "[name: ", "(implied)", "Vocabulary used")) {
      assertTrue(outcome.out().contains(part), outcome.out());
    }
    assertFalse(outcome.out().contains("\u001b"), "no colours where there is no terminal");
    String page = Files.readString(out.resolve("description.html"));
    assertTrue(page.contains("<svg") && page.contains("bioS(12)"), page);
    assertFalse(LOADS.matcher(page).find(), "the page loads nothing from elsewhere");
    assertTrue(ImageIO.read(out.resolve("lengths.png").toFile()).getWidth() >= 400);

    Path mixed = Files.writeString(directory.resolve("mixture.yaml"), MIXTURE);
    JsonNode json = Json.MAPPER.readTree(succeeds("generate", mixed, "--describe", "--json").out());
    assertEquals(0.25, json.get("sources").get(0).get("share").asDouble(), 1e-9);
    assertEquals(0.75, json.get("sources").get(1).get("share").asDouble(), 1e-9);
    assertEquals(json.get("vocabulary").get("tokens").asLong(),
        json.get("vocabulary").get("counts").valueStream().mapToLong(JsonNode::asLong).sum());
  }

  /** 816,000 parameters: published for GPT2-2-2 with the paper's vocabulary. */
  @Test
  void aModelsPartsAndMemoryAreShown() throws Exception {
    String shown = succeeds("models", "gpt2-2-2").out();
    String leaky = succeeds("models", "gpt2-2-2-leaky64k8-document").out();
    for (String part : List.of("Leaky ReRoPE of window 64, 8 times", "16 of 64", "own document",
        "attention.distant")) {
      assertTrue(leaky.contains(part), leaky);
    }
    assertTrue(shown.contains("816,000") && shown.contains("state of adamw 6.53MB"), shown);
    // A row's and a column's moment each: of the embedding, of two blocks' matrices and biases, of five norms.
    JsonNode factored = Json.MAPPER
        .readTree(succeeds("models", "gpt2-2-2", "--optimiser", "adafactor", "--json").out());
    assertEquals(4 * (3275 + 128 + 2 * (512 + 256 + 640 + 640) + 2 * (4 + 384 + 128 + 512 + 128) + 10 * 129),
        factored.path("optimiser_bytes").asLong());
    // Of each block: 6 d^3 in each of four square matrices, 18 d^3 in each of two of d x 4 d, in each of five steps.
    assertTrue(succeeds("models", "gpt2-2-2", "--optimiser", "muon").out()
        .contains("1.26G of them in the update of muon"), "2 x 5 x 60 x 128^3");
    assertComplaint(InProcess.run("models", "gpt2-2-2", "--optimiser", "adam"),
        List.of("--optimiser", "'adam'", "adafactor"));
    JsonNode one = Json.MAPPER.readTree(succeeds("models", "gpt2-2-2", "--batch-size", 8, "--json").out());
    JsonNode two = Json.MAPPER
        .readTree(succeeds("models", "gpt2-2-2", "--batch-size", 8, "--threads", 2, "--json").out());
    assertEquals(816_000, one.path("total").asLong());
    long buffers = two.path("cpu_bytes").asLong() - one.path("cpu_bytes").asLong();
    assertTrue(buffers > 4 * 816_000, "a second thread has gradients of its own: " + buffers);
    String llama = succeeds("models", "llama-3-2", "--vocabulary", 100).out();
    assertTrue(Pattern.compile("(?m)^ +gate\\w* +block\\.0\\.mlp\\.gated +6144 x 342 ").matcher(llama).find(),
        llama);
    assertTrue(llama.contains("Blocks 1 to 2 are as block 0"), llama);
    String list = succeeds("models").out();
    assertTrue(List.of("gpt2-4-4 ", "gpt2-quarter-4-4 ", "gpt2-nomlp-4-4 ", "llama-4-4 ", "mistral-4-4 ")
        .stream()
        .allMatch(list::contains), list);
    assertComplaint(InProcess.run("models", "gpt5"), List.of("gpt5", "FAMILY-LAYERS-HEADS"));
  }

  @Test
  void theMachinesEnginesAreShown() throws Exception {
    Outcome outcome = KnowcapProcess.succeeds("engines");
    assertTrue(Pattern.compile("(?m)^nd4j +(preferred|available) .*ND4J").matcher(outcome.out()).find(),
        outcome.out());
    JsonNode rows = Json.MAPPER.readTree(succeeds("engines", "--json").out());
    assertTrue(rows.valueStream().anyMatch(row -> row.get("preferred").asBoolean()), rows.toString());
    JsonNode cuda = rows.valueStream()
        .filter(row -> row.get("name").asString().equals("cuda"))
        .findFirst()
        .orElseThrow();
    if (!cuda.get("available").asBoolean()) {
      assertComplaint(KnowcapProcess.run("bench", "gpu", "--out", "nowhere"),
          List.of("no GPU to measure", cuda.get("description").asString()));
      assertFalse(Files.exists(Path.of("nowhere")));
      // A study for another machine can still be planned, but for its time.
      Outcome plan = KnowcapProcess.run("plan", study(STUDY + "engine: cuda\n"), "--json");
      assertEquals(0, plan.exitCode(), plan.err());
      assertTrue(plan.err().contains("so times are unknown"), plan.err());
      for (JsonNode row : Json.MAPPER.readTree(plan.out())) {
        assertTrue(row.get("seconds").isNull() && row.get("tokens").asLong() > 0, row.toString());
      }
    }
  }

  @Test
  void everyCommandHelps() {
    // By their own names: other spellings help as these.
    Set<String> commands = Knowcap.commandLine()
        .getSubcommands()
        .values()
        .stream()
        .map(CommandLine::getCommandName)
        .collect(Collectors.toCollection(TreeSet::new));
    assertTrue(commands.containsAll(List.of("quickstart", "generate", "plan", "run", "status", "results",
        "report", "engines", "models", "quantise", "bench")), commands.toString());
    List<Executable> checks = new ArrayList<>(commands.stream().<Executable>map(command -> {
      Outcome outcome = succeeds(command, "--help");
      return () -> assertTrue(outcome.out().startsWith("Usage: knowcap " + command)
          && outcome.out().lines().count() >= 4 && outcome.err().isEmpty(), outcome.toString());
    }).toList());
    Outcome help = KnowcapProcess.succeeds("--help");
    checks.add(
        () -> assertTrue(help.out().contains("quickstart") && help.out().contains("worker"), help.out()));
    Outcome version = KnowcapProcess.succeeds("--version");
    checks.add(
        () -> assertTrue(version.out().matches("(?s)knowcap \\d+\\.\\d+.*commit .*java 2.*"), version.out()));
    assertAll(checks);
  }

  /** Wrong usage, and what its message must contain. */
  private record Misuse(List<Object> arguments, List<String> complaint) {}

  private static Misuse misuse(List<Object> arguments, String... complaint) {
    return new Misuse(arguments, List.of(complaint));
  }

  @Test
  void wrongUsageIsToldInALineAndTouchesNothing() throws Exception {
    Path spec = study(STUDY);
    Path bad = Files.writeString(directory.resolve("bad.yaml"), STUDY.replace("kind", "kond"));
    Path crowded = Files.writeString(directory.resolve("crowded.yaml"), STUDY.replace("[6, 12]", "201"));
    Path missing = directory.resolve("missing.yaml");
    Path none = directory.resolve("none");
    Path foreign = Files.createDirectory(directory.resolve("foreign"));
    Files.writeString(foreign.resolve("thesis.tex"), "\\begin{document}");
    Path empty = Files.createDirectory(directory.resolve("empty"));
    Path owned = directory.resolve("owned");
    StudyFolder.create(owned, Files.writeString(directory.resolve("o.yaml"), STUDY.replace("tiny", "other")));
    Map<Path, List<Object>> before = snapshot(directory);

    List<Misuse> misuses = List.of(misuse(List.of(), "subcommand", "knowcap --help"),
        misuse(List.of("fly"), "fly", "knowcap --help"),
        misuse(List.of("run", spec, "--out", none, "--fast"), "--fast", "knowcap run --help"),
        misuse(List.of("run", spec), "--out", "knowcap run --help"),
        misuse(List.of("run", spec, "--out", none, "--workers", "many"), "--workers", "many"),
        misuse(List.of("run", spec, "--out", none, "--workers", "0"), "--workers", "found 0", "at least 1"),
        misuse(List.of("plan", spec, "--workers", "0"), "--workers", "found 0", "at least 1"),
        misuse(List.of("run", missing, "--out", empty), missing.toString(), "no such study file"),
        misuse(List.of("plan", missing), missing.toString(), "no such study file"),
        misuse(List.of("run", bad, "--out", none), bad.toString(), "corpus.kind"),
        misuse(List.of("run", crowded, "--out", none), crowded.toString(), "corpus.people", "201", "1..200"),
        misuse(List.of("run", spec, "--out", owned), owned.toString(), "'other'", "'tiny'", "--out"),
        misuse(List.of("run", spec, "--out", foreign), foreign.toString(), "not empty", "--out"),
        misuse(List.of("run", spec, "--out", spec), spec.toString(), "is a file", "--out"),
        misuse(List.of("status", foreign), foreign.toString(), "no study"),
        misuse(List.of("results", none), none.toString(), "no such file"),
        misuse(List.of("report", spec), spec.toString(), "not a table of results"),
        misuse(List.of("generate", spec, "--people", 6), "--out", "--describe"),
        misuse(List.of("generate", spec, "--out", none, "--json"), "--json", "--describe"),
        misuse(List.of("generate", spec, "--out", none, "--measured", "--format", "txt"), "--measured",
            "--format"),
        misuse(List.of("report", none), none.toString(), "no such file"),
        misuse(List.of("report", foreign, "--out", none), "no study"),
        misuse(List.of("bench"), "subcommand", "knowcap bench --help"),
        misuse(List.of("bench", "corpora"), "not in this build", "KNOWCAP_PROFILES=benchmarks"),
        misuse(List.of("bench", "laws"), "not in this build", "KNOWCAP_PROFILES=benchmarks"),
        misuse(List.of("bench", "cpu", "--peer", "jax"), "--peer must be one of djl, torch", "found jax"),
        misuse(List.of("bench", "cpu", "--peer", "djl"), "--peer djl", "KNOWCAP_PROFILES=benchmarks"),
        misuse(List.of("bench", "cpu", "--peer-alone"), "--peer-alone needs a --peer"),
        misuse(List.of("bench", "cpu", "--seconds", 0), "--seconds", "found 0"),
        misuse(List.of("bench", "cpu", "--seconds", "NaN"), "--seconds", "found NaN"),
        misuse(List.of("bench", "cpu", "--threads", 0), "--threads", "found 0"),
        misuse(List.of("bench", "cpu", "--precision", "fp16"), "fp32 or bf16", "found fp16"),
        misuse(List.of("bench", "cpu", "--shape", "gpt2-3-3"), "--shape must be one of gpt2-2-1-w",
            "found gpt2-3-3"),
        misuse(List.of("worker", directory, "--threads", 0), "--threads must be at least 1", "found 0"),
        misuse(List.of("bench", "tpu"), "tpu", "knowcap bench --help"),
        misuse(List.of("generate", spec, "--out", none), "--people", "[6, 12]"),
        misuse(List.of("generate", spec, "--out", none, "--people", 7), "--people", "7", "[6, 12]"),
        misuse(List.of("generate", spec, "--out", none, "--people", 6, "--exposures", 0), "--exposures",
            "found 0"),
        misuse(List.of("generate", spec, "--out", foreign, "--people", 6), foreign.toString(), "not empty"),
        misuse(List.of("generate", spec), "--out"),
        misuse(List.of("generate", spec, "--verify", foreign), "--verify", "no SPEC"),
        misuse(List.of("generate", "--verify", foreign), foreign.toString(), "no manifest.json"),
        misuse(List.of("generate", spec, "--out", none, "--people", 6, "--format", "csv"), "csv",
            "jsonl, parquet, txt, nanogpt, llmc, megatron"),
        misuse(List.of("generate", spec, "--out", none, "--people", 6, "--shard-size", 0), "found 0"));
    assertAll(misuses.stream().<Executable>map(misuse -> {
      Outcome outcome = InProcess.run(misuse.arguments.toArray());
      return () -> {
        assertEquals(2, outcome.exitCode(), () -> misuse + ": " + outcome);
        assertComplaint(outcome, misuse.complaint);
      };
    }).toList());
    assertEquals(before, snapshot(directory));
  }

  /** Each list's fault in a directory of its own, and each corpus that cannot be. */
  @Test
  void aCorpusThatCannotBeMadeIsToldInALine() throws Exception {
    List<Misuse> misuses = new ArrayList<>();
    faultyList(misuses, "city.txt", new byte[]{'R', '\n', (byte) 0xff, '\n'}, "line 2 is not valid UTF-8");
    faultyList(misuses, "city.txt", "Reno, NV\n\nTulsa, OK\n".getBytes(StandardCharsets.UTF_8),
        "line 2 is empty");
    faultyList(misuses, "field.txt", "Law\nArt\nLaw\n".getBytes(StandardCharsets.UTF_8), "line 3 repeats",
        "Law");
    faultyList(misuses, "university.txt", new byte[0], "line 1 is missing", "the list is empty");
    faultyList(misuses, "company.txt", "Acme\n".getBytes(StandardCharsets.UTF_8), "line 1", "Name; City, ST");
    faultyList(misuses, "template_major.txt",
        "{name} read {value}.\n{name} read.\n".getBytes(StandardCharsets.UTF_8), "line 2", "{value}",
        "{name} read.");
    misuses.add(unmakable("crowd", MIXTURE.replace("people: 8", "people: 159999995"), "corpus.sources",
        "159999995", "1..159999994", "taken by others"));
    misuses.add(unmakable("shares", MIXTURE.replace("0.75", "0.7"), "sum to 1", "0.25 + 0.7"));
    misuses
        .add(unmakable("strings", MIXTURE.replace("diversity: 3", "diversity: 17"), "4^2 = 16", "found 17"));
    Path longTexts = Files.writeString(directory.resolve("long.yaml"), """
        name: long
        corpus: {kind: bioD, people: 8, attributes: 10, chunks: 10, diversity: 3, length: 5, alphabet: 4}
        models: gpt2-1-1
        exposures: 1000
        """);
    misuses.add(misuse(List.of("plan", longTexts), longTexts.toString(), "'training.context_length'", "512",
        "bioD(8, 10, 10, 3, 5, 4)", "measured whole"));
    assertAll(misuses.stream().<Executable>map(misuse -> {
      Outcome outcome = InProcess.run(misuse.arguments.toArray());
      return () -> {
        assertEquals(2, outcome.exitCode(), () -> misuse + ": " + outcome);
        assertComplaint(outcome, misuse.complaint);
      };
    }).toList());
  }

  private void faultyList(List<Misuse> misuses, String list, byte[] bytes, String... complaint)
      throws IOException {
    String name = "lists-" + misuses.size();
    Path file = Files.write(Files.createDirectory(directory.resolve(name)).resolve(list), bytes);
    Misuse misuse = unmakable(name, STUDY.replaceAll("(?s)pools: \\{.*?}", "pools: {dir: " + name + "}"),
        complaint);
    misuses.add(new Misuse(misuse.arguments,
        Stream.concat(Stream.of(file + ", "), misuse.complaint.stream()).toList()));
  }

  private Misuse unmakable(String name, String study, String... complaint) throws IOException {
    Path spec = Files.writeString(directory.resolve(name + ".yaml"), study);
    return misuse(List.of("generate", spec, "--out", directory.resolve("none")),
        Stream.concat(Stream.of(spec.toString()), Stream.of(complaint)).toArray(String[]::new));
  }

  @Test
  void aDirectoryThatCannotBeMadeIsNamed() throws Exception {
    Path spec = study(STUDY);
    Path below = spec.resolve("out");
    Outcome run = InProcess.run("run", spec, "--out", below);
    assertNotEquals(0, run.exitCode());
    assertComplaint(run, List.of(below.toString()));
    Outcome generate = InProcess.run("generate", spec, "--people", 6, "--out", below);
    assertNotEquals(0, generate.exitCode());
    assertComplaint(generate, List.of(below.toString()));
    assertEquals(STUDY, Files.readString(spec));
  }

  private static void assertComplaint(Outcome outcome, List<String> complaint) {
    assertTrue(outcome.err().startsWith("knowcap: "), outcome.toString());
    List<String> lines = outcome.err().lines().filter(line -> !line.startsWith("Try 'knowcap ")).toList();
    assertEquals(1, lines.size(), outcome.toString());
    complaint.forEach(
        part -> assertTrue(outcome.err().contains(part), () -> "'" + part + "' is not in: " + outcome.err()));
    assertEquals("", outcome.out());
  }
}
