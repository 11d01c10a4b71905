package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.testing.TimeLimit;

/**
 * What {@code scripts/gpu-check.sh} makes of what its commands say. A shell script plays knowcap: every item goes well but the
 * one that FAKE_ITEM names. Another plays compute-sanitizer, with the summaries that NVIDIA's prints.
 */
class GpuCheckTest {
  private static final String KNOWCAP = """
      #!/bin/sh
      before=""; out=""; items=""
      for word; do
        case "$before" in --out) out=$word ;; --item) items="$items $word" ;; esac
        before=$word
      done
      case " $* " in
        *" --page "*) echo "| gpt2-2-2 | fp32 | holds |"; echo "| gpt2-2-2 | bf16 | holds |"; exit 0 ;;
        " bench "*) ;;
        *) exit 0 ;;
      esac
      mkdir -p "$out"
      for item in $items; do
        if [ "$item" = "${FAKE_ENDLESS:-}" ]; then
          echo $$ > "$out/../endless.pid"
          exec sleep 600
        fi
        if [ "$item" = "${FAKE_FILL:-}" ]; then
          cat /dev/zero > "$out/filler" 2> /dev/null
          exit 1
        fi
        if [ "$item" = "${FAKE_ITEM:-}" ]; then
          echo "{\\"item\\":\\"$item\\",\\"status\\":\\"$FAKE_STATUS\\",\\"error\\":\\"${FAKE_ERROR:-}\\"}"
        else
          echo "{\\"item\\":\\"$item\\",\\"status\\":\\"ok\\",\\"error\\":null}"
        fi >> "$out/gpu.jsonl"
      done
      ! grep -q '"failed"' "$out/gpu.jsonl"
      """;
  private static final String SANITIZER = """
      #!/bin/sh
      case "$2" in
        racecheck) echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)" ;;
        *) echo "========= ERROR SUMMARY: ${FAKE_ERRORS:-0 errors}" ;;
      esac
      """;

  @TempDir
  private Path folder;

  @BeforeEach
  void makeTheKit() throws IOException {
    executable(folder.resolve("the kit").resolve("knowcap"), KNOWCAP);
    executable(folder.resolve("bin").resolve("compute-sanitizer"), SANITIZER);
  }

  private static void executable(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    assertTrue(Files.writeString(file, text).toFile().setExecutable(true));
  }

  private Path results() {
    return folder.resolve("the results");
  }

  /** What was there before the disk was full still is, and the script ends; on a full one it does not begin. */
  @Test
  void aDiskThatFillsUpCostsNothingThatIsThere() throws Exception {
    Files.createDirectories(results());
    assumeTrue(
        TimeLimit
            .start(new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=64k", "none", results().toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD))
            .waitFor() == 0,
        "no file system can be mounted here: a full disk is not tested");
    try {
      Outcome filled = check(Map.of("FAKE_FILL", "speed"));
      assertEquals(1, filled.exitCode(), filled.out());
      assertTrue(filled.out().contains("done; results are in"), filled.out());
      String lines = Files.readString(results().resolve("gpu.jsonl"));
      assertTrue(lines.contains("\"item\":\"parity\"") && !lines.contains("\"item\":\"speed\""), lines);
      assertTrue(Files.readString(results().resolve("check.log")).contains("bench gpu parity"));
      // Its last page has room.
      Files.delete(results().resolve("check.log"));
      assertThrows(IOException.class, () -> Files.write(results().resolve("more"), new byte[1 << 17]));
      Outcome full = check(Map.of());
      assertEquals(2, full.exitCode(), full.out());
      assertTrue(full.out().contains("check.log' cannot be written (is the disk full?); make room"),
          full.out());
    } finally {
      TimeLimit.start(new ProcessBuilder("umount", results().toString())).waitFor();
    }
  }

  private Outcome check(Map<String, String> more) throws IOException, InterruptedException {
    int exitCode = start(more).waitFor();
    return new Outcome(exitCode, Files.readString(folder.resolve("said")), "");
  }

  private Process start(Map<String, String> more) throws IOException {
    Path said = folder.resolve("said");
    ProcessBuilder builder = new ProcessBuilder("sh",
        Path.of("..", "scripts", "gpu-check.sh").toAbsolutePath().normalize().toString(), "--kit",
        folder.resolve("the kit").toString(), "A", results().toString()).redirectErrorStream(true)
        .redirectOutput(said.toFile());
    builder.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    builder.environment().putAll(more);
    return TimeLimit.start(builder);
  }

  @Test
  void whatGoesWellIsSuccessAndRacecheckHasASummaryOfItsOwn() throws Exception {
    Outcome outcome = check(Map.of());
    assertEquals(0, outcome.exitCode(), outcome.out());
    String reports = Files.readString(results().resolve("sanitizer.txt"));
    assertTrue(reports.contains("== racecheck=") && reports.contains("== synccheck="), reports);
    assertFalse(outcome.out().contains("something was found"), outcome.out());
  }

  @Test
  void whatASanitizerFindsIsAFailure() throws Exception {
    Outcome outcome = check(Map.of("FAKE_ERRORS", "1 error"));
    assertEquals(1, outcome.exitCode(), outcome.out());
    assertTrue(outcome.out().contains("memcheck=parity:gpt2-1-2-w32:bf16: something was found"),
        outcome.out());
    assertFalse(outcome.out().contains("racecheck=parity:gpt2-1-2-w32:bf16: something was found"),
        outcome.out());
  }

  /** Not for a machine without a GPU: its line is there, whatever an earlier call has left. */
  @Test
  void aFailureOfAnEarlierCallStopsNothing() throws Exception {
    Files.createDirectories(results());
    Files.writeString(results().resolve("gpu.jsonl"), """
        {"item":"machine","status":"ok","error":null}
        {"item":"peer:gpt2-2-2@96:eager","status":"failed","error":"no"}
        """);
    Outcome outcome = check(Map.of());
    assertFalse(outcome.out().contains("stopped:"), outcome.out());
    assertTrue(Files.readString(results().resolve("gpu.jsonl")).contains("\"item\":\"speed\""));
    Outcome without = check(Map.of("FAKE_ITEM", "machine", "FAKE_STATUS", "failed"));
    assertEquals(1, without.exitCode(), without.out());
    assertTrue(without.out().contains("stopped: the cuda engine is not ready here"), without.out());
  }

  /** Neither is a fault of the engine, for whose cause it would look for minutes. */
  @Test
  void aGpuThatIsFullAndABudgetThatIsSpentAreSaid() throws Exception {
    Outcome full = check(Map.of("FAKE_ITEM", "parity:gpt2-2-2:bf16", "FAKE_STATUS", "failed", "FAKE_ERROR",
        "NVIDIA H100 cannot be used: CUDA_ERROR_OUT_OF_MEMORY; its memory is full"));
    assertEquals(1, full.exitCode(), full.out());
    assertTrue(full.out().contains("stopped: the GPU is full"), full.out());
    Outcome spent = check(Map.of("FAKE_ITEM", "parity:gpt2-2-2:bf16", "FAKE_STATUS", "skipped"));
    assertEquals(1, spent.exitCode(), spent.out());
    assertTrue(spent.out().contains("stopped: there was no time to compare parity:gpt2-2-2:bf16"),
        spent.out());
  }

  /** A borrowed GPU must not go on computing for a script that is gone; what was measured before is there, and nothing else. */
  @ParameterizedTest
  @ValueSource(strings = {"TERM", "KILL"})
  void aScriptThatIsKilledLeavesNothingRunning(String signal) throws Exception {
    Path temporary = Files.createDirectories(folder.resolve("temporary"));
    Process script = start(Map.of("FAKE_ENDLESS", "speed", "TMPDIR", temporary.toString()));
    Path pid = folder.resolve("endless.pid");
    await(() -> Files.exists(pid) && Files.size(pid) > 0, "no stage was started");
    ProcessHandle stage = ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow();
    assertEquals(0,
        TimeLimit.start(new ProcessBuilder("kill", "-" + signal, Long.toString(script.pid()))).waitFor());
    script.waitFor();
    await(() -> !stage.isAlive(), "the stage goes on");
    await(() -> isEmpty(temporary), "temporary files were left behind");
    String lines = Files.readString(results().resolve("gpu.jsonl"));
    assertTrue(lines.contains("\"item\":\"parity\"") && !lines.contains("\"item\":\"speed\""), lines);
    assertTrue(Files.readString(results().resolve("check.log")).contains("ended from outside"));
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(Condition condition, String otherwise) throws IOException, InterruptedException {
    for (int i = 0; i < 600 && !condition.holds(); i++) {
      Thread.sleep(100);
    }
    assertTrue(condition.holds(), otherwise);
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }
}
