package org.knowcap.experiments.notebooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every code cell of every notebook, in order, through JShell in the notebooks' folder. */
class NotebookTest {
  private static final Path FOLDER = Path.of("../notebooks");

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
