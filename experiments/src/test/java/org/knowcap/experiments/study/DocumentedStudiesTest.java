package org.knowcap.experiments.study;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every study in the documentation, and every part of one, is a study that can be run. */
class DocumentedStudiesTest {
  private static final Pattern BLOCK = Pattern.compile("(?s)```yaml\\n(.*?)```");
  /** What completes an example that shows some keys alone. */
  private static final List<String> BASE = List.of("name: example", "corpus: {kind: bioS, people: 1000}",
      "models: gpt2-2-2", "exposures: 100", "training: {batch_size: 2, context_length: 512}");

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

  private static Stream<Example> examples() throws IOException {
    List<Example> examples = new ArrayList<>();
    Path root = Path.of("").toAbsolutePath().getParent();
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
    return examples.stream();
  }

  @ParameterizedTest
  @MethodSource("examples")
  void canBeRun(Example example) throws IOException {
    if (example.needsFiles()) {
      assertTrue(example.yaml.length() < 400, "an example of this size should need no files: " + example);
      return;
    }
    StringBuilder text = new StringBuilder(example.yaml);
    for (String line : BASE) {
      String key = line.substring(0, line.indexOf(':') + 1);
      if (example.yaml.lines().noneMatch(each -> each.startsWith(key))) {
        text.append(line).append('\n');
      }
    }
    Path file = Files.writeString(directory.resolve("study.yaml"), text);
    Study study = StudyChecks.check(file, StudyReader.read(file));
    assertFalse(study.runs().isEmpty());
  }
}
