package org.knowcap.experiments.notebooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.testing.TimeLimit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every code cell of every notebook, in order, through JShell in the notebooks' folder. */
class NotebookTest {
  private static final Path FOLDER = Path.of("../notebooks");

  @TempDir
  private Path jupyter;

  static List<Path> notebooks() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".ipynb")).toList();
    }
  }

  @ParameterizedTest
  @MethodSource("notebooks")
  void everyCellRuns(Path notebook) throws IOException {
    JsonNode cells = JsonMapper.shared().readTree(Files.readString(notebook)).path("cells");
    // JShell's own process would start elsewhere; the local one shares this module's folder, a sibling of notebooks/.
    try (JShell shell = JShell.builder().executionEngine("local").build()) {
      shell.addToClasspath(System.getProperty("java.class.path"));
      int run = 0;
      for (JsonNode cell : cells) {
        if (cell.path("cell_type").asString().equals("code")) {
          assertTrue(cell.path("outputs").isEmpty(), "notebooks are committed without outputs: " + notebook);
          StringBuilder source = new StringBuilder();
          cell.path("source").forEach(line -> source.append(line.asString()));
          evaluate(shell, source.toString());
          run++;
        }
      }
      assertTrue(run > 0, notebook + " has no code");
    }
  }

  /** By the kernel that README.md sets up. */
  @ParameterizedTest
  @MethodSource("notebooks")
  void everyCellRunsInJupyter(Path notebook) throws Exception {
    Path kernels = Path.of("target/kernel");
    assumeTrue(Files.isDirectory(kernels), "no kernel; -Pnotebooks fetches one");
    assumeTrue(exitCode(List.of("env", "jupyter", "nbconvert", "--version"), "version") == 0, "no nbconvert");
    String readme = Files.readString(FOLDER.resolve("README.md"));
    String jar = "/path/to/" + only(kernels).getFileName();
    assertTrue(readme.contains(jar), "README.md names another kernel than " + jar);
    String file = readme.substring(readme.indexOf("```json\n") + 8, readme.indexOf("\n```\n"))
        .replace("/path/to/jdk-25", System.getProperty("java.home"))
        .replace(jar, only(kernels).toAbsolutePath().toString())
        .replace("/path/to/knowcap/experiments/target/app/*", System.getProperty("java.class.path"));
    Files.writeString(Files.createDirectories(jupyter.resolve("kernels/knowcap")).resolve("kernel.json"),
        file);
    assertEquals(0,
        exitCode(List.of("env", "JUPYTER_PATH=" + jupyter, "jupyter", "nbconvert", "--to", "notebook",
            "--execute", "--ExecutePreprocessor.kernel_name=knowcap", "--output-dir", jupyter.toString(),
            notebook.toAbsolutePath().toString()), "nbconvert"),
        () -> said("nbconvert"));
    JsonNode cells = JsonMapper.shared()
        .readTree(Files.readString(jupyter.resolve(notebook.getFileName())))
        .path("cells");
    assertTrue(
        cells.valueStream().anyMatch(cell -> cell.path("outputs").toString().contains("capacity_ratio")),
        () -> "no table in " + cells);
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findFirst().orElseThrow();
    }
  }

  private int exitCode(List<String> command, String name) throws Exception {
    return TimeLimit.start(new ProcessBuilder(command).directory(FOLDER.toFile())
        .redirectErrorStream(true)
        .redirectOutput(jupyter.resolve(name).toFile())).waitFor();
  }

  private String said(String name) {
    try {
      return Files.readString(jupyter.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void evaluate(JShell shell, String source) {
    String rest = source;
    while (!rest.isBlank()) {
      CompletionInfo next = shell.sourceCodeAnalysis().analyzeCompletion(rest);
      assertTrue(next.completeness().isComplete(), "incomplete: " + rest);
      for (SnippetEvent event : shell.eval(next.source())) {
        assertFalse(event.exception() != null, next.source() + ": " + event.exception());
        assertEquals(Snippet.Status.VALID, event.status(), () -> next.source() + ": "
            + shell.diagnostics(event.snippet()).map(d -> d.getMessage(null)).toList());
      }
      rest = next.remaining();
    }
  }
}
