package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.architecture.ModelSpec;

/** A prediction against operations counted by another way, and against bounds that no chip can pass. */
class GpuPredictionTest {
  private static TrainingShape shape(String model, int windows) {
    return new TrainingShape(ModelSpec.parse(model), 3275, 512, windows);
  }

  @Test
  void everyLaunchMovesSomethingAndNoneIsFasterThanTheChip() {
    for (String model : List.of("gpt2-2-2", "llama-2-2", "gpt2-moe8-2-2", "mistral-1-4-w20-k1-leaky20k3",
        "llama-1-3-w20-alibi", "gpt2-1-2-w16-document", "gpt2-nomlp-1-2-w24-rerope40", "glam5-2-2-w24-cap0.5",
        "gpt2-moe4-1-2-w32-expertchoice", "mixtral4-1-2-w34")) {
      for (GpuPrediction.Chip chip : GpuPrediction.CHIPS) {
        for (GpuPrediction.Timed timed : GpuPrediction.of(shape(model, 4), chip).launches()) {
          assertTrue(timed.launch().bytes() > 0, timed::toString);
          assertTrue(
              timed.seconds() > timed.launch().leastSeconds(chip.flopsPerSecond(), chip.bytesPerSecond()),
              timed::toString);
        }
      }
    }
  }

  /** The program counts a backward pass of attention's four products; the kernels compute scores once more for each gradient. */
  @Test
  void productsAreThoseOfTheProgramAndAttentionsAgain() {
    TrainingShape shape = shape("gpt2-2-2", 4);
    double scores = 2.0 * 2 * 2 * 64 * 4 * (512 * 513 / 2);
    double expected = shape.program().flops() + 3 * scores;
    assertEquals(expected, GpuPrediction.of(shape, GpuPrediction.CHIPS.getFirst()).flops(), 0.002 * expected);
  }

  /** The goals, in millions of tokens a second on an H200, which docs/gpu.md names and gives predictions for. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-2@96, 26", "gpt2-4-4@96, 8.6", "gpt2-12-12@96, 0.73", "gpt2-2-2@12, 15"})
  void theGoalsArePredictedAsTheDocumentationSays(String name, double goal) throws IOException {
    GpuPrediction predicted = GpuPrediction.of(GpuItem.shape(name), GpuPrediction.CHIPS.getFirst());
    assertEquals("H200", predicted.chip().name());
    double millions = predicted.tokensPerSecond() / 1e6;
    // Two digits are what the smallest of the goals has.
    assertTrue(Math.round(100 * millions) >= Math.round(100 * goal), "predicted " + millions + " of " + goal);
    String row = String.format(Locale.ROOT, "| %s | %d | %.2f | %.3f | %.0f | %.2fM |", name,
        predicted.launches().size(), predicted.bytes() / 1e9, predicted.flops() / 1e12,
        predicted.seconds() * 1e6, millions);
    Path page = Path.of("..", "docs", "gpu.md");
    assertTrue(Files.readString(page).lines().anyMatch(line -> line.startsWith(row)),
        "docs/gpu.md lacks " + row);
  }

  @ParameterizedTest
  @CsvSource({"NVIDIA H200, H200", "NVIDIA H100 80GB HBM3, H100", "NVIDIA H100, H100",
      "NVIDIA GH200 480GB, ''", "NVIDIA H100 PCIe, ''", "NVIDIA H200 NVL, ''",
      "NVIDIA H100 80GB HBM3 MIG 1g.10gb, ''", "NVIDIA A100-SXM4-80GB, ''", "'', ''"})
  void onlyCardsWhoseSpeedIsKnownHaveAPrediction(String card, String chip) {
    assertEquals(chip, GpuPrediction.Chip.of(card).map(GpuPrediction.Chip::name).orElse(""));
  }

  @Test
  void theFasterMemoryIsTheFasterChipAndLargerBatchesAreBetterUsed() {
    GpuPrediction h200 = GpuPrediction.of(shape("gpt2-2-2", 96), GpuPrediction.CHIPS.get(0));
    GpuPrediction h100 = GpuPrediction.of(shape("gpt2-2-2", 96), GpuPrediction.CHIPS.get(1));
    GpuPrediction small = GpuPrediction.of(shape("gpt2-2-2", 12), GpuPrediction.CHIPS.get(0));
    assertTrue(h200.tokensPerSecond() > h100.tokensPerSecond());
    assertTrue(h200.tokensPerSecond() > small.tokensPerSecond());
    assertTrue(h200.markdown().contains("| loss | 49152 x 1 x 224 | 1 |"), h200::markdown);
  }
}
