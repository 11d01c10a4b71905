package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.gpu.GpuItem.Kind;
import org.knowcap.experiments.study.Json;

/** Names of items, and lines in their file. */
class GpuItemTest {
  @TempDir
  private Path folder;

  @Test
  void everyItemIsReadAsItIsWritten() {
    for (GpuItem item : GpuItem.all()) {
      assertEquals(item, GpuItem.parse(item.id()));
    }
    assertEquals("gpt2-2-2@96", GpuItem.name(GpuItem.shape("gpt2-2-2@96x512x3275")));
    assertEquals("llama-1-1-w8@2x16x37", GpuItem.name(GpuItem.shape("llama-1-1-w8@2x16x37")));
  }

  @Test
  void aKindStandsForAllOfIt() {
    assertEquals(GpuItem.SHAPES.size(), GpuItem.chosen(List.of("speed"), false).size());
    List<GpuItem> usual = GpuItem.chosen(List.of(), false);
    assertFalse(usual.stream().anyMatch(item -> item.kind() == Kind.EXPORT || item.kind() == Kind.PEER));
    assertTrue(GpuItem.chosen(List.of(), true).stream().anyMatch(item -> item.kind() == Kind.PEER));
    assertEquals(1, GpuItem.chosen(List.of("fused", "fused:gpt2-2-2@12"), false).size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"sped:gpt2-2-2@96 | there is no item 'sped:gpt2-2-2@96'", "speed:gpt2-2-2 | MODEL@BATCH",
          "speed:gpt2-2-2@0 | at least one sequence", "parity:gpt2-2-2 | :fp32 or :bf16",
          "parity:llama-2-2+clapped:fp32 | [adafactor, clipped, muon, sgd]",
          "peer:gpt2-2-2@96:fast | max-autotune", "machine:x | stands alone", "meter:0 | 1 to 99999",
          "export:gpt17 | gpt17"})
  void whatIsNoItemIsRefusedWithWhatIs(String word, String said) {
    String message = assertThrows(UserException.class, () -> GpuItem.parse(word)).getMessage();
    assertTrue(message.contains(said), message);
  }

  private static GpuLine line(String item, GpuLine.Status status) {
    return new GpuLine(item, status, 1.5, "2026-11-27T12:00:00Z", "abc", "NVIDIA H200", "", Optional.empty(),
        Json.MAPPER.valueToTree(new GpuResult.Speed("gpt2-2-2@96", status == GpuLine.Status.OK ? 5 : 7)));
  }

  /** A process that is killed while it writes, or a disk that is full, cuts a line off: others do not suffer. */
  @Test
  void aLineThatWasCutOffCostsNoOther() throws Exception {
    GpuLog log = GpuLog.of(folder.resolve("deep/er"));
    log.requireRoom();
    GpuLine first = line("speed:gpt2-2-2@96", GpuLine.Status.OK);
    log.add(first);
    Path file = folder.resolve("deep/er/gpu.jsonl");
    byte[] whole = Files.readAllBytes(file);
    byte[] half = java.util.Arrays.copyOf(whole, whole.length / 2);
    Files.write(file, half, StandardOpenOption.APPEND);
    GpuLine skipped = line("speed:gpt2-2-2@96", GpuLine.Status.SKIPPED);
    GpuLog.of(folder.resolve("deep/er")).add(skipped);
    GpuLog.Lines read = log.read();
    assertEquals(List.of(first, skipped), read.lines());
    assertEquals(1, read.broken());
    assertEquals(3, Files.readString(file, StandardCharsets.UTF_8).lines().count());
    // What was measured counts, not that it was skipped later.
    assertEquals(List.of(5.0), GpuPage.of(read).speeds().stream().map(GpuPage.Row::tokensPerSecond).toList());
    assertTrue(GpuPage.of(read).markdown().contains("cut off and not read: 1"));
  }
}
