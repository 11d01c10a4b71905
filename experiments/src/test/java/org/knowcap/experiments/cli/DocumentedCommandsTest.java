package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every command in the documentation is one that the command line takes: its options are known and nothing is missing. */
class DocumentedCommandsTest {
  private static final Pattern LINE = Pattern
      .compile("(?m)^(?: {4}|\\$ )(?:[A-Z_]+=\\S+ )*\\./knowcap ([^#\\n]*)");

  private record Example(Path page, String arguments) {
    @Override
    public String toString() {
      return page.getFileName() + ": knowcap " + arguments;
    }
  }

  private static Stream<Example> examples() throws IOException {
    List<Example> examples = new ArrayList<>();
    Path root = Path.of("").toAbsolutePath().getParent();
    try (Stream<Path> docs = Files.walk(root.resolve("docs"));
        Stream<Path> results = Files.walk(root.resolve("results"))) {
      for (Path page : Stream.of(docs, results, Stream.of(root.resolve("README.md")))
          .flatMap(pages -> pages)
          .sorted()
          .toList()) {
        if (page.toString().endsWith(".md")) {
          Matcher line = LINE.matcher(Files.readString(page));
          while (line.find()) {
            examples.add(new Example(page, line.group(1).split(" [|>] ")[0].strip()));
          }
        }
      }
    }
    assertTrue(examples.size() > 30, "the pattern finds the commands: " + examples.size());
    return examples.stream();
  }

  @ParameterizedTest
  @MethodSource("examples")
  void isTaken(Example example) {
    // A synopsis has brackets, alternatives and letters for numbers.
    String[] words = Stream.of(example.arguments.replaceAll("[\\[\\]]", "").split("\\s+"))
        .map(word -> word.matches("[A-Z]|TOKENS") ? "1" : word.split("\\|")[0])
        .toArray(String[]::new);
    assertDoesNotThrow(() -> Knowcap.commandLine().parseArgs(words), example.toString());
  }
}
