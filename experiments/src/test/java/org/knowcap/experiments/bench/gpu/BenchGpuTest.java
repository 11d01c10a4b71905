package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.bench.gpu.GpuLine.Status;
import org.knowcap.experiments.study.Json;
import org.knowcap.testing.TimeLimit;

/**
 * {@code knowcap bench gpu} and {@code scripts/gpu-check.sh} as processes, on the stand-ins for NVIDIA's libraries that the
 * tests of module models build: what was measured is there, whatever goes wrong.
 */
@Tag("emulation")
class BenchGpuTest {
  private static final Path STAND_INS = Path.of("..", "models", "target", "emulation")
      .toAbsolutePath()
      .normalize();
  private static final String WITH_PRODUCTS = STAND_INS + File.pathSeparator + STAND_INS.resolve("cublaslt");
  /** Compiled kernels and chosen algorithms, also of module models' tests. */
  private static final Path CACHE = STAND_INS.resolve("cache");
  private static final String MODEL = "gpt2-1-1-w8";
  private static final String SHAPE = MODEL + "@2x16x37";
  private static final String PARITY = "parity:" + MODEL + ":fp32";

  @TempDir
  private Path folder;

  @BeforeEach
  void needsTheStandIns() {
    assumeTrue(Files.exists(STAND_INS.resolve("libcuda.so.1")),
        "module models' tests have not built the stand-ins: bench gpu is not tested");
  }

  private static Map<String, String> environment(Map<String, String> more) {
    Map<String, String> all = new HashMap<>(
        Map.of("KNOWCAP_CUDA_LIBRARIES", WITH_PRODUCTS, "XDG_CACHE_HOME", CACHE.toString()));
    all.putAll(more);
    return all;
  }

  private static KnowcapProcess start(Map<String, String> more, Object... arguments) {
    return KnowcapProcess.start(environment(more), List.of(),
        Stream.concat(Stream.of("bench", "gpu"), Stream.of(arguments)).toArray());
  }

  private static Map<String, Status> statuses(Path folder) throws IOException {
    return GpuLog.of(folder)
        .read()
        .lines()
        .stream()
        .collect(Collectors.toMap(GpuLine::item, GpuLine::status, (a, b) -> b, HashMap::new));
  }

  /** A kernel that meets an illegal address, after which every call of its process fails, costs its own item alone. */
  @Test
  void aKernelThatFaultsCostsItsItem() throws Exception {
    Outcome outcome = start(Map.of("EMULATED_FAULT", "attend_keys"), "--out", folder, "--item",
        "parity:" + MODEL + ":fp32", "--item", "meter:64").end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertEquals(Map.of("machine", Status.OK, PARITY, Status.FAILED, "meter:64", Status.OK),
        statuses(folder));
    String page = Files.readString(folder.resolve("README.md"));
    assertTrue(page.contains("FAILED: " + PARITY) && page.contains("CUDA_ERROR_ILLEGAL_ADDRESS")
        && page.contains("TFLOP/s"), page);
  }

  /** One that never ends is ended with its process; then the budget has no room for what is left. */
  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void aKernelThatNeverEndsIsEnded() throws Exception {
    Outcome outcome = start(Map.of("EMULATED_HANG", "attend"), "--out", folder, "--limit", 20, "--budget", 60,
        "--seconds", 30, "--item", "meter:64", "--item", PARITY, "--item", "fused:" + MODEL + "@1x8x37")
        .end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    Map<String, Status> found = statuses(folder);
    assertEquals(Status.TIMEOUT, found.get(PARITY), outcome.toString());
    assertEquals(Status.OK, found.get("meter:64"), outcome.toString());
    assertEquals(Status.SKIPPED, found.get("fused:" + MODEL + "@1x8x37"), outcome.toString());
    assertTrue(Files.readString(folder.resolve("README.md")).contains("for want of time: fused"));
  }

  /** Killed half-way: lines of before are there, the page is of them, and nothing goes on measuring. */
  @Test
  void aKillCostsNothingThatWasMeasured() throws Exception {
    KnowcapProcess process = start(Map.of("EMULATED_HANG", "attend"), "--out", folder, "--item", "meter:64",
        "--item", PARITY, "--limit", 100);
    Path lines = folder.resolve("gpu.jsonl");
    for (int i = 0; i < 600 && !(Files.exists(lines) && Files.readString(lines).contains("meter:64")); i++) {
      Thread.sleep(100);
    }
    List<ProcessHandle> children = List.of();
    for (int i = 0; i < 100 && children.isEmpty(); i++) {
      Thread.sleep(100);
      children = process.handle().descendants().toList();
    }
    assertFalse(children.isEmpty(), "nothing is being measured");
    process.handle().destroyForcibly();
    process.end();
    for (int i = 0; i < 300 && children.stream().anyMatch(ProcessHandle::isAlive); i++) {
      Thread.sleep(100);
    }
    assertFalse(children.stream().anyMatch(ProcessHandle::isAlive), "a process was left behind");
    assertEquals(Map.of("machine", Status.OK, "meter:64", Status.OK), statuses(folder));
    assertTrue(Files.readString(folder.resolve("README.md")).contains("TFLOP/s"));
    Files.delete(folder.resolve("README.md"));
    Outcome page = start(Map.of(), "--out", folder, "--page").end();
    assertEquals(0, page.exitCode(), page.toString());
    assertTrue(page.out().contains("TFLOP/s") && Files.exists(folder.resolve("README.md")), page.out());
  }

  /** What finds no room on the disk is on standard error, and said. */
  @Test
  void aFullDiskIsSaid() throws Exception {
    Path small = Files.createDirectories(folder.resolve("small"));
    assumeTrue(done("mount", "-t", "tmpfs", "-o", "size=8k", "none", small.toString()),
        "no file system of 4 kB can be mounted here: a full disk is not tested");
    try {
      // Of what others wrote, too.
      Files.writeString(small.resolve("gpu.jsonl"), "x".repeat(2900) + "\n");
      Outcome outcome = start(Map.of(), "--out", small, "--item", "meter:64", "--item", "meter:72", "--item",
          "meter:80", "--item", "meter:88").end();
      assertEquals(1, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains("could not be written") && outcome.err().contains("NOT WRITTEN {"),
          outcome.err());
      assertTrue(statuses(small).containsKey("machine"));
      Outcome full = start(Map.of(), "--out", small.resolve("deeper"), "--item", "meter:64").end();
      assertTrue(full.exitCode() != 0 && full.err().contains("make room"), full.toString());
    } finally {
      done("umount", small.toString());
    }
  }

  /** The peer is PyTorch's; without Python there is none, and what else was asked for is measured. */
  @Test
  void withoutPythonThePeerIsSaidToBeMissing() throws Exception {
    Path peer = Files.writeString(folder.resolve("peer.py"), "");
    Outcome outcome = start(Map.of("PATH", folder.toString()), "--out", folder, "--peer", peer, "--item",
        "peer:gpt2-2-2@96:eager").end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.out().contains("no python3 on the PATH"), outcome.toString());
  }

  @Test
  void aBudgetForNothingIsRefused() {
    Outcome outcome = start(Map.of(), "--out", folder.resolve("results"), "--budget", 1).end();
    assertEquals(2, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().contains("a budget of 1 s is too small for anything"), outcome.err());
    assertFalse(Files.exists(folder.resolve("results")));
  }

  private static boolean done(String... command) throws InterruptedException {
    try {
      return TimeLimit.start(new ProcessBuilder(command)).waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Each is one line that says what was found and what to do, and leaves no folder behind. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {"EMULATED_DRIVER=11080 | knows CUDA 11.8, which is too old: install one",
          "EMULATED_GPUS=0 | shows no GPU: 'nvidia-smi -L'",
          "KNOWCAP_CUDA_DEBUG=no-gruel | there is no debug switch 'no-gruel'",
          "KNOWCAP_CUDA_LIBRARIES=products | pip install nvidia-cublas"})
  void whatIsMissingIsOneLine(String setting, String said) throws Exception {
    String[] parts = setting.split("=");
    Outcome outcome = start(Map.of(parts[0], parts[1].equals("products") ? STAND_INS.toString() : parts[1]),
        "--out", folder.resolve("results")).end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    List<String> complaints = outcome.err().lines().filter(line -> line.contains(said)).toList();
    assertFalse(complaints.isEmpty(), outcome.err());
    assertFalse(Files.exists(folder.resolve("results")));
  }

  /** A GPU that others have to themselves, or have filled, shows when it is used. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {"EMULATED_CONTEXT=46 | another process has it for itself (compute mode 'exclusive process')",
          "EMULATED_CONTEXT=2 | its memory is full", "EMULATED_BYTES=1000000 | 'nvidia-smi' shows which"})
  void aGpuThatOthersHoldIsSaid(String setting, String said) throws Exception {
    String[] parts = setting.split("=");
    Outcome outcome = start(Map.of(parts[0], parts[1], "EMULATED_GPU", "NVIDIA H100 80GB HBM3 MIG 1g.10gb"),
        "--out", folder, "--item", "meter:64").end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.out().contains(said), outcome.toString());
    assertTrue(outcome.out().contains("slice of a GPU (MIG)"), outcome.out());
  }

  /** Without cuBLASLt nothing is measured, unless one says that one wants it so. */
  @Test
  void matmulsOfItsOwnAreMeasuredWhereThatIsWanted() throws Exception {
    Outcome outcome = start(Map.of("KNOWCAP_CUDA_LIBRARIES", STAND_INS.toString()), "--out", folder,
        "--without-cublaslt", "--item", "meter:64").end();
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertEquals(Map.of("machine", Status.OK, "meter:64", Status.OK), statuses(folder));
    assertTrue(outcome.out().contains("Slow: matmuls run in a plain kernel"), outcome.out());
  }

  /** The first of the script's two forms, with a kit made of this build. */
  @Test
  void theScriptLeavesWhatItMeasured() throws Exception {
    Path a = folder.resolve("a");
    // The stand-in is four times slower for its first 40 pieces of work.
    Outcome outcome = script(Map.of("EMULATED_ASLEEP", "40"), kit(), "A", a, 1200);
    assertEquals(0, outcome.exitCode(), outcome.toString());
    Map<String, Status> found = statuses(a);
    assertEquals(
        Map.of("machine", Status.OK, PARITY, Status.OK, "parity:gpt2-1-1-w16:bf16", Status.OK,
            "parity:llama-1-1-w8:fp32", Status.OK, "meter:64", Status.OK, "speed:" + SHAPE, Status.OK,
            "profile:" + SHAPE, Status.OK, "peer:" + SHAPE + ":compile", Status.OK),
        found, outcome.toString());
    String page = Files.readString(a.resolve("README.md"));
    assertTrue(page.contains("adamw") && page.contains("roofline") && page.contains("PyTorch 2.9, CUDA 12.8"),
        page);
    try (Stream<Path> files = Files.list(a)) {
      assertTrue(files.count() <= 8);
    }
    // A matmul of random numbers takes the stand-in 10 ms once it is awake, and less of numbers that are all the same.
    GpuResult.Meter meter = result(a, "meter:64", GpuResult.Meter.class);
    assertEquals(2.0 * 64 * 64 * 64 / 0.010 / 1e12, meter.matmulTeraflops(), 1e-9);
    GpuResult.Parity parity = result(a, "parity:gpt2-1-1-w16:bf16", GpuResult.Parity.class);
    assertTrue(parity.parameterGradient() > 0 && parity.parameterTolerance() == 0.02
        && parity.tolerance() == 0.05 && !parity.parameter().isEmpty(), parity::toString);
  }

  /** The other one, with the point of a study, an export and a peer. */
  @Tag("slow")
  @Test
  void theSecondFormTrainsAStudyAndExports() throws Exception {
    Path b = folder.resolve("b");
    requireAllOfB(script(Map.of(), kit(), "B", b, 1200), b);
  }

  private static void requireAllOfB(Outcome outcome, Path b) throws IOException {
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertEquals(Map.of("machine", Status.OK, PARITY, Status.OK, "parity:gpt2-1-1-w16:bf16", Status.OK,
        "meter:64", Status.OK, "speed:" + SHAPE, Status.OK, "fused:" + SHAPE, Status.OK, "export:" + MODEL,
        Status.OK, "peer:" + SHAPE + ":max-autotune", Status.OK), statuses(b), outcome.toString());
    assertTrue(Files.readString(b.resolve("README.md")).contains("- " + MODEL + ": played: as transformers"),
        outcome.toString());
    String paper = Files.readString(b.resolve("paper.txt"));
    // The table's head and its one row, each of them a line with commas.
    assertTrue(paper.lines().anyMatch(line -> line.startsWith("run,corpus,"))
        && paper.lines().anyMatch(line -> line.contains("," + MODEL + ",")), paper);
    try (Stream<Path> files = Files.list(b)) {
      assertTrue(files.count() <= 8);
    }
  }

  private static <T extends GpuResult> T result(Path out, String item, Class<T> type) throws IOException {
    GpuLine found = GpuLog.of(out)
        .read()
        .lines()
        .stream()
        .filter(line -> line.item().equals(item))
        .findFirst()
        .orElseThrow();
    return Json.MAPPER.treeToValue(found.result(), type);
  }

  @Test
  void theScriptLooksForTheCauseOfAFault() throws Exception {
    Path wrong = folder.resolve("wrong");
    Outcome faulty = script(Map.of("EMULATED_FAULT", "attend_keys"), kit(), "B", wrong, 150);
    assertEquals(1, faulty.exitCode(), faulty.toString());
    String log = Files.readString(wrong.resolve("check.log"));
    assertTrue(
        log.contains("does not hold with no-graph") && log.contains("stopped: the engine does not agree"),
        log);
    assertFalse(statuses(wrong).keySet().stream().anyMatch(item -> item.startsWith("speed")));
  }

  /** One that never ends takes the script's time, not more; what was found before is there, and that it is to blame. */
  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void theScriptEndsThoughAKernelDoesNot() throws Exception {
    Path out = folder.resolve("out");
    long began = System.nanoTime();
    Outcome outcome = script(Map.of("EMULATED_HANG", "attend"), kit(), "A", out, 60);
    double seconds = (System.nanoTime() - began) / 1e9;
    assertEquals(1, outcome.exitCode(), outcome.toString());
    Map<String, Status> found = statuses(out);
    assertEquals(Status.OK, found.get("machine"), outcome.toString());
    assertEquals(Status.TIMEOUT, found.get(PARITY), outcome.toString());
    assertTrue(outcome.out().contains(PARITY + " does not hold")
        && outcome.out().contains("stopped: the engine does not agree"), outcome.out());
    assertTrue(seconds < 180, "a budget of 60 s, and took " + seconds);
  }

  @Test
  void theScriptStopsAtOnceWithoutCublasLt() throws Exception {
    Path out = folder.resolve("out");
    Outcome outcome = script(Map.of("KNOWCAP_CUDA_LIBRARIES", STAND_INS.toString()), kit(), "A", out, 1200);
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.out().contains("pip install nvidia-cublas")
        && outcome.out().contains("stopped: the cuda engine is not ready here"), outcome.out());
    assertFalse(Files.exists(out.resolve("gpu.jsonl")));
  }

  /** The copy of the meter never ends: that costs the meter, and nothing of what comes after it. */
  @Tag("slow")
  @Test
  void aKernelThatNeverEndsCostsTheScriptItsItem() throws Exception {
    Path b = folder.resolve("b");
    Outcome outcome = script(Map.of("EMULATED_HANG", "add"), kit(), "B", b, 1200);
    assertEquals(1, outcome.exitCode(), outcome.toString());
    Map<String, Status> found = statuses(b);
    assertEquals(Status.TIMEOUT, found.remove("meter:64"), outcome.toString());
    assertEquals(7, found.size(), outcome.toString());
    assertTrue(found.values().stream().allMatch(Status.OK::equals), outcome.toString());
  }

  /** Killed while it measures speeds: the comparisons are there, and nothing goes on. */
  @Tag("slow")
  @Test
  void aScriptThatIsKilledLeavesItsLines() throws Exception {
    Path out = folder.resolve("out");
    Process script = TimeLimit.start(scriptBuilder(Map.of(), kit(), "A", out, 1200), 1320);
    Path lines = out.resolve("gpu.jsonl");
    for (int i = 0; i < 6000 && !(Files.exists(lines) && Files.readString(lines).contains("meter:64")); i++) {
      Thread.sleep(100);
    }
    List<ProcessHandle> children = script.descendants().toList();
    assertFalse(children.isEmpty(), "nothing is being measured");
    script.destroyForcibly().waitFor();
    for (int i = 0; i < 600 && children.stream().anyMatch(ProcessHandle::isAlive); i++) {
      Thread.sleep(100);
    }
    assertFalse(children.stream().anyMatch(ProcessHandle::isAlive), "a process was left behind");
    Map<String, Status> found = statuses(out);
    assertTrue(found.containsKey("meter:64") && found.get(PARITY) == Status.OK, found::toString);
    assertTrue(Files.readString(out.resolve("check.log")).contains("ended from outside"));
    assertTrue(Files.readString(out.resolve("README.md")).contains("TFLOP/s"));
  }

  /** What scripts/gpu-kit.sh packs of this build's classes, unpacked elsewhere, with its own Java and without the jars left out. */
  @Tag("slow")
  @Test
  void theKitThatIsPackedRunsElsewhere() throws Exception {
    Path jdk = Path.of(System.getProperty("java.home"));
    assumeTrue(Files.exists(jdk.resolve("bin/jlink")), "this is no JDK with jlink: no kit is packed");
    Path archive = folder.resolve("gpu-kit.tar.xz");
    ProcessBuilder pack = new ProcessBuilder("sh",
        Path.of("..", "scripts", "gpu-kit.sh").toAbsolutePath().normalize().toString(), archive.toString(),
        jars(jdk).toString()).inheritIO();
    pack.environment().put("JAVA_HOME", jdk.toString());
    assertEquals(0, TimeLimit.start(pack, 1200).waitFor());
    Path elsewhere = Files.createDirectories(folder.resolve("else where"));
    assertTrue(done("tar", "-C", elsewhere.toString(), "-xf", archive.toString()));
    Files.delete(archive);
    Path kit = elsewhere.resolve("gpu-kit");
    try (Stream<Path> files = Files.list(kit.resolve("lib"))) {
      assertTrue(files
          .noneMatch(file -> file.getFileName().toString().matches("(nd4j|dnnl|parquet|duckdb_jdbc)-.*")));
    }
    assertTrue(Files.readString(kit.resolve("paper-50k-gpt2-2-2.yaml"))
        .lines()
        .filter(line -> line.startsWith("  - "))
        .toList()
        .equals(List.of("  - gpt2-2-2")));
    Path b = folder.resolve("b");
    requireAllOfB(script(Map.of(), kit, "B", b, 2400), b);
    assertTrue(Files.readString(b.resolve("check.log")).contains("Emulated GPU (compute capability 9.0)"));
  }

  /** This build's classes and libraries as a folder of jars. */
  private Path jars(Path jdk) throws IOException, InterruptedException {
    Path jars = Files.createDirectories(folder.resolve("jars"));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      if (entry.endsWith(".jar")) {
        Path link = jars.resolve(path.getFileName().toString());
        if (!Files.exists(link)) {
          Files.createSymbolicLink(link, path);
        }
      } else if (path.endsWith(Path.of("target", "classes"))) {
        String module = path.resolve("../..").normalize().getFileName().toString();
        assertTrue(done(jdk.resolve("bin/jar").toString(), "-c", "-0", "-f",
            jars.resolve("knowcap-" + module + ".jar").toString(), "-C", path.toString(), "."));
      }
    }
    return jars;
  }

  /** The launcher's part of a kit, with this build's classes. */
  private Path kit() throws IOException {
    Path kit = Files.createDirectories(folder.resolve("kit"));
    Path home = Path.of("..").toAbsolutePath().normalize();
    for (String file : List.of("benchmarks/peer_torch.py", "scripts/check_hf_export.py",
        "scripts/gpu-check.sh")) {
      Files.copy(home.resolve(file), kit.resolve(home.resolve(file).getFileName().toString()));
    }
    Files.writeString(kit.resolve("class-path"), System.getProperty("java.class.path"));
    Path launcher = Files.writeString(kit.resolve("knowcap"),
        """
            #!/bin/sh
            here=$(cd "$(dirname "$0")" && pwd -P)
            exec '%s/bin/java' --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:+UseSerialGC \\
              -XX:TieredStopAtLevel=1 -XX:ActiveProcessorCount=1 \\
              -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$(cat "$here/class-path")" \\
              org.knowcap.experiments.cli.Knowcap "$@"
            """
            .formatted(System.getProperty("java.home")));
    assertTrue(launcher.toFile().setExecutable(true));
    return kit;
  }

  /** Plays the scripts that need PyTorch and transformers: it sees that they get what they need. */
  private static final String PYTHON = """
      #!/bin/sh
      case "$1" in
        *peer_torch.py)
          echo '{"torch": "2.9", "cuda": "12.8", "gpu": "played"}'
          echo '{"tokens_per_second": 1000, "peak_bytes": 1}' ;;
        *check_hf_export.py)
          [ -s "$2/config.json" ] && [ -s "$2/model.safetensors" ] && [ -s "$2/knowcap/check.safetensors" ] || exit 3
          echo "played: as transformers" ;;
        *) exit 4 ;;
      esac
      """;

  private Outcome script(Map<String, String> more, Path kit, String run, Path out, int budget)
      throws IOException, InterruptedException {
    int exitCode = TimeLimit.start(scriptBuilder(more, kit, run, out, budget), budget + 120L).waitFor();
    return new Outcome(exitCode, Files.readString(folder.resolve("said")), "");
  }

  private ProcessBuilder scriptBuilder(Map<String, String> more, Path kit, String run, Path out, int budget)
      throws IOException {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    assertTrue(Files.writeString(bin.resolve("python3"), PYTHON).toFile().setExecutable(true));
    ProcessBuilder builder = new ProcessBuilder("sh", kit.resolve("gpu-check.sh").toString(), "--tiny",
        "--budget", Integer.toString(budget), "--kit", kit.toString(), run, out.toString())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("said").toFile());
    builder.environment().putAll(environment(more));
    builder.environment().put("PATH", bin + File.pathSeparator + System.getenv("PATH"));
    return builder;
  }
}
