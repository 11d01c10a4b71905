package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.experiments.KnowcapProcess.Outcome;

/**
 * Every command in the documentation is run as it is written there, on a small study in place of the reader's. What cannot
 * be run within seconds is listed here with the reason, and the command line must still take it.
 */
@Tag("process")
class DocumentedCommandsTest {
  /** Commands by their beginning, and why they are not run. */
  private static final Map<String, String> NOT_RUN = new LinkedHashMap<>();

  static {
    NOT_RUN.put("quickstart", "trains for minutes");
    NOT_RUN.put("capacity", "trains for minutes");
    NOT_RUN.put("laws", "trains for minutes, or measures how long that would take");
    NOT_RUN.put("calibrate", "trains for minutes; CalibrationTest has its checks");
    NOT_RUN.put("run results/", "trains for hours");
    NOT_RUN.put("run experiments/studies/adapters", "trains for minutes; AdaptersTest has a small one");
    NOT_RUN.put("run my-study.yaml --out runs/mine --concurrent", "needs a GPU");
    NOT_RUN.put("run my-study.yaml --out runs/mine --launcher slurm",
        "needs Slurm; FakeSlurmTest has a stand-in");
    NOT_RUN.put("run my-study.yaml --out runs/mine --launcher spark", "needs Spark; SparkTest has one");
    NOT_RUN.put("generate my-study.yaml --out corpus --format parquet,llmc --launcher spark",
        "needs Spark; SparkTest has one");
    NOT_RUN.put("run my-study.yaml --out /studies/mine", "writes to a folder of a cluster's");
    NOT_RUN.put("run study.yaml --out runs/bior", "needs the texts that the command before it writes");
    NOT_RUN.put("generate bior-rewrite", "needs a language model; BioRCommandTest has one that answers");
    NOT_RUN.put("fit DIR|CSV --law skills",
        "needs trainings of many exposures; SkillsLawTest fits planted ones");
    NOT_RUN.put("bench gpu --out", "needs a GPU; BenchGpuTest has an emulated one");
    NOT_RUN.put("watch", "serves until it is stopped; WatchServerTest");
    NOT_RUN.put("bench cpu", "measures speed for minutes, also with PyTorch");
    NOT_RUN.put("bench corpora", "measures speed for minutes, with JMH");
  }

  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|\\S+");
  /** Where a pipe or a redirection begins, outside quotes. */
  private static final String SHELL = " [|>] (?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)";
  private static final Pattern LINE = Pattern
      .compile("(?m)^(?: {4}|\\$ )(?:[A-Z_]+=\\S+ )*\\./knowcap ([^#\\n]*)");
  /** Two models and two seeds, as comparisons need them. */
  private static final String STUDY = """
      name: documented
      corpus:
        kind: bioS
        people: 6
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models:
        - {name: gpt2-1-1, head_width: 8}
        - {name: llama-1-1, head_width: 8}
      exposures: 2
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 1}
      """;
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @TempDir
  private static Path directory;

  /** What a reader puts in place of a word. */
  private static final Map<String, String> STAND_INS = new LinkedHashMap<>();
  private static int folders;

  private record Example(Path page, String text) {
    /** Without the brackets, dots and alternatives of a synopsis; what is in quotes is one word, as it is. */
    List<String> words() {
      return WORD.matcher(text)
          .results()
          .flatMap(word -> word.group(1) == null ? Example.plain(word.group()) : Stream.of(word.group(1)))
          .toList();
    }

    private static Stream<String> plain(String text) {
      String word = text.replace(",...", "").replace("...", "").replaceAll("[\\[\\]]", "");
      return word.isEmpty() ? Stream.of() : Stream.of(word.equals("DIR|CSV") ? word : word.split("\\|")[0]);
    }

    Optional<String> reasonNotToRun() {
      String words = String.join(" ", words());
      return NOT_RUN.entrySet()
          .stream()
          .filter(each -> words.startsWith(each.getKey()))
          .map(Map.Entry::getValue)
          .findFirst();
    }

    @Override
    public String toString() {
      return page.getFileName() + ": knowcap " + text;
    }
  }

  private static List<Example> examples() throws IOException {
    List<Example> examples = new ArrayList<>();
    try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"));
        Stream<Path> results = Files.walk(ROOT.resolve("results"))) {
      for (Path page : Stream.of(docs, results, Stream.of(ROOT.resolve("README.md")))
          .flatMap(pages -> pages)
          .sorted()
          .toList()) {
        if (page.toString().endsWith(".md")) {
          // A long synopsis goes on in the next line.
          Matcher line = LINE.matcher(Files.readString(page).replaceAll("\n {8,}\\[", " ["));
          while (line.find()) {
            examples.add(new Example(page, line.group(1).split(SHELL)[0].strip()));
          }
        }
      }
    }
    assertTrue(examples.size() > 30, "the pattern finds the commands: " + examples.size());
    return examples;
  }

  private static Stream<Example> examplesToRun() throws IOException {
    return examples().stream().filter(example -> example.reasonNotToRun().isEmpty());
  }

  private static Stream<Example> otherExamples() throws IOException {
    return examples().stream().filter(example -> example.reasonNotToRun().isPresent());
  }

  @BeforeAll
  static void prepare() throws Exception {
    Path oneSeed = Files.writeString(directory.resolve("study.yaml"), STUDY);
    Path spec = Files.writeString(directory.resolve("my-study.yaml"), STUDY + "seeds: [1, 2]\n");
    Path ofTexts = Files.writeString(directory.resolve("texts.yaml"),
        STUDY.replace("kind: bioS", "kind: bioR\n  people_seed: 1\n  file: texts.jsonl"));
    Path study = directory.resolve("mine");
    InProcess.train(spec, study);
    Path run;
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      run = runs.sorted().findFirst().orElseThrow();
    }
    Path model = directory.resolve("model");
    InProcess.succeeds("export", run, model, "--to", "huggingface");
    Path table = Files.copy(study.resolve("results.csv"), directory.resolve("more.csv"));
    String csv = Files.readString(ROOT.resolve("results/architectures-cpu/results.csv"));
    Path first = Files.writeString(directory.resolve("a.csv"), rows(csv, ",gpt2-nomlp-2-2-w16,"));
    Path second = Files.writeString(directory.resolve("b.csv"), rows(csv, ",gpt2-2-2-w16,"));
    Path losses = Files.writeString(directory.resolve("losses.csv"), losses());
    Map<String, Object> standIns = new LinkedHashMap<>();
    standIns.put("study.yaml", oneSeed);
    standIns.put("bior-prompts study.yaml", ofTexts);
    standIns.put("my-study.yaml", spec);
    standIns.put("SPEC", spec);
    // Whoever gives the command again finds the study done.
    standIns.put("runs/mine", study);
    standIns.put("runs/mine/runs/NAME", run);
    standIns.put("runs/mine/runs/NAME/people.parquet", run.resolve("people.parquet"));
    standIns.put("runs/mine/runs/*_e1000_*", run);
    standIns.put("RUNS", run);
    standIns.put("RUN", run);
    standIns.put("report DIR", study);
    standIns.put("import DIR", model);
    standIns.put("fit DIR|CSV", ROOT.resolve("results/cpu-law-first/results.csv"));
    standIns.put("of losses", losses);
    standIns.put("A", first);
    standIns.put("B", second);
    standIns.put("more.csv", table);
    standIns.put("other/results.csv", table);
    standIns.put("FORMAT", "jsonl");
    standIns.put("N", 6);
    standIns.put("S", 1);
    standIns.put("E", 1);
    standIns.put("TOKENS", 1000);
    standIns.forEach((word, with) -> STAND_INS.put(word, with.toString()));
  }

  private static String rows(String csv, String part) {
    return csv.lines().findFirst().orElseThrow() + "\n"
        + csv.lines().filter(line -> line.contains(part)).reduce("", (all, line) -> all + line + "\n");
  }

  private static String losses() {
    StringBuilder table = new StringBuilder("parameters,tokens,loss\n");
    for (double n = 1e6; n < 3e8; n *= 3) {
      for (double d = 1e8; d < 1e11; d *= 5) {
        table.append(n + "," + d + "," + (1.8 + 400 * Math.pow(n, -0.35) + 2000 * Math.pow(d, -0.37)) + "\n");
      }
    }
    return table.toString();
  }

  @ParameterizedTest
  @MethodSource("examplesToRun")
  void runs(Example example) throws IOException {
    List<String> command = new ArrayList<>();
    List<String> words = example.words();
    for (int i = 0; i < words.size(); i++) {
      command.addAll(standIns(words, i));
    }
    // Whole probes take minutes, and a thousand fits take ten seconds.
    command.addAll(words.getFirst().equals("probe")
        ? List.of("--people", "6", "--steps", "2")
        : words.contains("loss") ? List.of("--bootstrap", "100") : List.of());
    Outcome outcome = InProcess.run(command.toArray());
    assertEquals(0, outcome.exitCode(), command + ": " + outcome);
  }

  private static List<String> standIns(List<String> words, int i) throws IOException {
    String word = words.get(i);
    String before = i == 0 ? "" : words.get(i - 1);
    String key = words.contains("loss") && word.equals("DIR|CSV") ? "of losses" : before + " " + word;
    for (String each : List.of(key, word)) {
      if (STAND_INS.containsKey(each)) {
        return List.of(STAND_INS.get(each));
      }
    }
    if (before.equals("--out") || List.of("DIR", "FILE", "OUT").contains(word)) {
      return List.of(directory.resolve("new" + folders++).toString());
    }
    return word.startsWith("results/") ? matches(word) : List.of(word);
  }

  /** Files of the repository, as a shell finds them. */
  private static List<String> matches(String pattern) throws IOException {
    Path folder = ROOT.resolve(pattern).resolveSibling("");
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + ROOT + "/" + pattern);
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(matcher::matches).map(Path::toString).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("otherExamples")
  void isTaken(Example example) {
    String[] words = example.words()
        .stream()
        .map(word -> word.matches("[A-Z]|TOKENS") ? "1" : word)
        .toArray(String[]::new);
    Knowcap.commandLine().parseArgs(words);
  }

  /** A reason for a command that no page has any more is no reason. */
  @Test
  void everyReasonIsNeeded() throws IOException {
    List<String> commands = examples().stream().map(example -> String.join(" ", example.words())).toList();
    NOT_RUN.keySet()
        .forEach(beginning -> assertTrue(commands.stream().anyMatch(command -> command.startsWith(beginning)),
            beginning));
  }
}
