package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.study.Json;

/** The page of recorded lines. Their figures are made up, for a test: no H200 has measured them. */
class GpuPageTest {
  @TempDir
  private Path folder;

  private GpuPage page(String... replaced) throws IOException {
    try (InputStream in = GpuPageTest.class.getResourceAsStream("made-up-h200.jsonl")) {
      String lines = new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      for (int i = 0; i < replaced.length; i += 2) {
        assertTrue(lines.contains(replaced[i]), replaced[i]);
        lines = lines.replace(replaced[i], replaced[i + 1]);
      }
      Files.writeString(folder.resolve("gpu.jsonl"), lines);
    }
    return GpuPage.of(GpuLog.of(folder).read());
  }

  /** What the model of launches had said stands beside what was measured: of speeds and of each launch it knows. */
  @Test
  void predictionsStandBesideFiguresOfACardThatTheyAreFor() throws IOException {
    GpuPage page = page();
    assertEquals(0, page.broken());
    String text = page.markdown();
    assertTrue(text.contains("| gpt2-2-2@96 | 13.2M | 26.5M | 50.0 % |"), text);
    assertTrue(text.contains("Predicted: by the model of launches for an H200"), text);
    assertTrue(text.contains("Predicted for an H200 were 56 launches of 1856 us."), text);
    assertTrue(text.contains("| loss | 49152x1x1 of 224 | 358.0 | 179.3 |"), text);
    assertTrue(text.contains("| product [49152, 128] [128, 3275] bf16 |  | 100.0 | 123.0 |"), text);
    // Three launches of one kernel and grid, which move different numbers of bytes.
    assertTrue(text.contains("| normalise_backward | 264x1x1 of 512 | 40.0 | 30.8 |")
        && text.contains("| normalise_backward | 264x1x1 of 512 | 40.0 | 23.9 |"), text);
    // A kernel of its own where an epilogue was slower: the prediction has no such launch.
    assertTrue(text.contains("| activate | 24576x1x1 of 256 | 50.0 |  |"), text);
    double predicted = Json.MAPPER.readTree(page.json()).path("speeds").get(0).path("predicted").asDouble();
    assertEquals(26.48e6, predicted, 0.01e6);
  }

  @Test
  void otherCardsAndLinesOfSeveralHaveNone() throws IOException {
    String a100 = page("NVIDIA H200", "NVIDIA A100-SXM4-80GB").markdown();
    assertTrue(a100.contains("| gpt2-2-2@96 | 13.2M | | |"), a100);
    assertFalse(a100.contains("Predicted"), a100);
    String measured = "00:00:03Z\",\"commit\":\"made-up\",\"card\":\"";
    String several = page(measured + "NVIDIA H200", measured + "NVIDIA H100 80GB HBM3").markdown();
    assertTrue(several.contains("Lines of several GPUs") && !several.contains("Predicted"), several);
  }
}
