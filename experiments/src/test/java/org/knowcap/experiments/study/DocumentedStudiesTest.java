package org.knowcap.experiments.study;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.generators.bior.RewrittenLine;
import tools.jackson.databind.JsonNode;

/** Every study in the documentation, and every part of one, is a study that can be run. */
class DocumentedStudiesTest {
  private static final Pattern BLOCK = Pattern.compile("(?s)```yaml\\n(.*?)```");
  /** What completes an example that shows some keys alone. */
  private static final List<String> BASE = List.of("name: example", "corpus: {kind: bioS, people: 1000}",
      "models: gpt2-1-1-w16", "exposures: 100", "training: {batch_size: 2, context_length: 512}");

  @TempDir
  private Path directory;

  private record Example(Path page, String yaml) {
    @Override
    public String toString() {
      return page.getFileName() + ": " + yaml.lines().findFirst().orElse("");
    }

    /** Whether it names files that only its reader has. */
    boolean needsFiles() {
      return yaml.contains("file:") || yaml.contains("start:");
    }
  }

  private static Stream<Example> allExamples() throws IOException {
    List<Example> examples = new ArrayList<>();
    Path root = Path.of("..").toAbsolutePath().normalize();
    try (Stream<Path> docs = Files.list(root.resolve("docs"))) {
      for (Path page : Stream.concat(docs, Stream.of(root.resolve("README.md"))).sorted().toList()) {
        if (page.toString().endsWith(".md")) {
          Matcher block = BLOCK.matcher(Files.readString(page));
          while (block.find()) {
            examples.add(new Example(page, block.group(1)));
          }
        }
      }
    }
    assertTrue(examples.size() > 10, "the pattern finds the examples: " + examples.size());
    return examples.stream();
  }

  private static Stream<Example> examples() throws IOException {
    return allExamples().filter(example -> !example.needsFiles());
  }

  private static Stream<Example> examplesWithFiles() throws IOException {
    return allExamples().filter(Example::needsFiles);
  }

  @ParameterizedTest
  @MethodSource("examples")
  void canBeRun(Example example) throws IOException {
    requireRuns(Files.writeString(directory.resolve("study.yaml"), completed(example.yaml)));
  }

  private static void requireRuns(Path file) {
    assertFalse(StudyChecks.check(file, StudyReader.read(file)).runs().isEmpty());
  }

  private static String completed(String yaml) {
    StringBuilder text = new StringBuilder(yaml);
    for (String line : BASE) {
      String key = line.substring(0, line.indexOf(':') + 1);
      if (yaml.lines().noneMatch(each -> each.startsWith(key))) {
        text.append(line).append('\n');
      }
    }
    return text.toString();
  }

  /** The files that an example names are made as the page says: texts from prompts, a run by training. */
  @ParameterizedTest
  @MethodSource("examplesWithFiles")
  @Tag("process")
  void canBeRunWithItsFiles(Example example) throws Exception {
    Path file = Files.writeString(Files.createDirectory(directory.resolve("study")).resolve("study.yaml"),
        completed(example.yaml));
    Optional<String> texts = named(example, "file");
    if (texts.isPresent()) {
      writeTexts(file, file.resolveSibling(texts.get()));
    } else {
      train(file.resolveSibling(named(example, "run").orElseThrow()).normalize(),
          named(example, "{name").map(model -> "models: " + model + "\n").orElse(""),
          named(example, "losses")
              .map(_ -> "{kind: bioS, people: " + named(example, "people").orElseThrow() + "}")
              .orElse("{kind: bioS, people: 4}"),
          Stream.of("replay_texts", "losses")
              .flatMap(key -> named(example, key).stream()
                  .map(file::resolveSibling)
                  .flatMap(written -> Stream.<Object>of("--" + key.replace("replay_", ""), written)))
              .toList());
    }
    requireRuns(file);
  }

  private static Optional<String> named(Example example, String key) {
    return Pattern.compile("(?<!\\w)" + Pattern.quote(key) + ": ([^\\s,}]+)")
        .matcher(example.yaml)
        .results()
        .map(match -> match.group(1))
        .findFirst();
  }

  /** A prompt's facts are sentences, which do for a text. */
  private static void writeTexts(Path study, Path texts) throws IOException {
    Path prompts = study.resolveSibling("prompts.jsonl");
    InProcess.succeeds("generate", "bior-prompts", study, "--out", prompts, "--texts", 2);
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(prompts)) {
      JsonNode prompt = Json.MAPPER.readTree(line);
      String facts = prompt.path("prompt").asString().split("\n\n")[1].replace("\n", " ");
      lines
          .add(new RewrittenLine(prompt.path("person").asLong(), prompt.path("draft").asLong(), "none", facts)
              .line());
    }
    Files.write(texts, lines);
  }

  /**
   * Trains a run of the vocabulary that examples are completed with, for a step.
   *
   * @param model the line that says which; empty for the one that examples are completed with
   * @param corpus of the run
   * @param written what the run's model writes, and where: options of a measurement
   */
  private void train(Path run, String model, String corpus, List<Object> written) throws Exception {
    String few = completed(model + "corpus: " + corpus + "\nexposures: 1\nmeasurement: {people: 4}\n");
    Path out = directory.resolve("out");
    InProcess.train(Files.writeString(directory.resolve("first.yaml"), few), out);
    Files.createDirectories(run.getParent());
    try (Stream<Path> runs = Files.list(out.resolve("runs"))) {
      Path trained = runs.findFirst().orElseThrow();
      if (!written.isEmpty()) {
        InProcess.succeeds(Stream.concat(Stream.of("measure", trained), written.stream()).toArray());
      }
      Files.move(trained, run);
    }
  }
}
