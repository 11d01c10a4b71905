package org.knowcap.models.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.io.IOException;
import java.nio.file.Files;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Tuning;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.InitialParameters;

/** What the parity test does not see: in which order the driver is called, what is allocated and given back, and errors. */
@Tag("emulation")
class CudaEngineTest {
  private static final Optimiser ADAMW = new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01);
  private static final int VOCABULARY = 37;

  @BeforeEach
  void needsTheStandIns() {
    assumeTrue(EmulatedGpu.isHere(),
        "there is no g++ on Linux x86-64: the kernels' arithmetic is not tested");
  }

  private static Program program(String model, int windows, int length) {
    return Program.training(ModelSpec.parse(model), VOCABULARY, windows, length, ADAMW);
  }

  private static RandomGenerator random() {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(5);
  }

  private static void train(Session session, Program program, RandomGenerator random, int from, int to) {
    for (int step = from; step <= to; step++) {
      Batches batch = Batches.random(program, VOCABULARY, random);
      session.step(batch.tokens(), batch.targets(), 0.01, step);
    }
  }

  /** Whatever a step does; of several batches, as often. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aStepIsOneCopyAndOneReplayOfEachBatchAndTheHostDoesNotWait(int batches) {
    UpdateRule updateRule = UpdateRule.by(new Optimiser.Adafactor(1, true, 0.1))
        .withClip(0.1)
        .withAccumulation(batches);
    Program program = Program.training(ModelSpec.parse("gpt2-1-2-w8"), VOCABULARY, 2, 5, updateRule);
    List<String> calls = new ArrayList<>(List.of("cuCtxSetCurrent", "cuEventSynchronize", "cuCtxSetCurrent"));
    for (int batch = 1; batch < batches; batch++) {
      calls.addAll(List.of("cuMemcpyHtoDAsync", "cuGraphLaunch"));
    }
    calls.addAll(List.of("cuMemcpyHtoDAsync", "cuEventRecord", "cuGraphLaunch"));
    try (Session session = EmulatedGpu.engine(false).compile(program, Execution.PLAIN)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
      train(session, program, random(), 1, 2);
      EmulatedGpu.calls();
      train(session, program, random(), 3, 3);
      assertEquals(calls, EmulatedGpu.calls());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-2-2-w8", "mixtral3-2-2-w8"})
  void everythingIsAllocatedBeforeTheFirstStepAndGivenBackAtTheEnd(String model) {
    long before = EmulatedGpu.leaks();
    Program program = program(model, 3, 7);
    // What is timed once, and kept, is recorded too.
    EmulatedGpu.engine(true).compile(program, new Execution(1, Precision.BF16)).close();
    EmulatedGpu.calls();
    try (Session session = EmulatedGpu.engine(true).compile(program, new Execution(1, Precision.BF16))) {
      List<String> compiled = EmulatedGpu.calls();
      int recordings = (int) compiled.stream().filter("cuStreamBeginCapture"::equals).count();
      assertEquals(2, recordings, "one graph for training, one for scoring");
      int begin = compiled.indexOf("cuStreamBeginCapture");
      List<String> recorded = compiled.subList(begin,
          begin + compiled.subList(begin, compiled.size()).indexOf("cuStreamEndCapture"));
      assertTrue(recorded.stream().noneMatch(call -> call.endsWith("Synchronize") || call.contains("Alloc")),
          recorded::toString);
      train(session, program, random(), 1, 3);
      session.loss();
      session.routing();
      session.state();
      assertTrue(EmulatedGpu.calls().stream().noneMatch(call -> call.contains("Alloc")));
      assertTrue(EmulatedGpu.leaks() > before);
    }
    assertEquals(before, EmulatedGpu.leaks());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-2-2-w16", "gpt2-moe4-2-2-w16-top2-cap0.5", "gpt2-moe4-2-2-w16-expertchoice"})
  void sameSeedSameBits(String model) {
    Program program = program(model, 3, 70);
    List<float[]> ends = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Session session = EmulatedGpu.engine(false).compile(program, new Execution(1, Precision.BF16))) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
        train(session, program, random(), 1, 3);
        ends.add(session.state().get(Session.PARAMETERS));
      }
    }
    assertArrayEquals(ends.get(0), ends.get(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"FP32", "BF16"})
  void aSessionThatTakesUpAnothersStateGoesOnAsIt(Precision precision) {
    UpdateRule factored = UpdateRule.by(new Optimiser.Adafactor(1, true, 0.1))
        .withClip(0.1)
        .withAccumulation(2);
    UpdateRule muon = UpdateRule.by(new Optimiser.Muon(Orthogonaliser.POLAR_EXPRESS, 5, 0.95, true,
        Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.1));
    for (UpdateRule updateRule : List.of(UpdateRule.by(ADAMW), factored, muon)) {
      Program program = Program.training(ModelSpec.parse("gpt2-1-2-w8"), VOCABULARY, 3, 5, updateRule);
      Engine engine = EmulatedGpu.engine(false);
      RandomGenerator random = random();
      Batches next = Batches.random(program, VOCABULARY, random);
      try (Session first = engine.compile(program, new Execution(1, precision));
          Session second = engine.compile(program, new Execution(1, precision))) {
        first.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
        train(first, program, random, 1, 4);
        second.load(first.state());
        for (Session session : List.of(first, second)) {
          session.step(next.tokens(), next.targets(), 0.01, 5);
        }
        assertEquals(first.loss(), second.loss());
        assertEquals(first.gradientNorm(), second.gradientNorm());
        first.state().forEach((name, content) -> assertArrayEquals(content, second.state().get(name), name));
      }
    }
  }

  /**
   * A scoring program's experts have other places than a training program's, and its windows may be many. Both engines
   * tell the same of what its routers did, scoring after scoring.
   */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-moe3-2-2-w8", "glam3-2-2-w8", "gpt2-moe3-1-2-w8-expertchoice"})
  void routersOfAScoringProgramAreAskedOutsideTheGraph(String model) {
    Program program = Program.scoring(ModelSpec.parse(model), VOCABULARY, 5, 11);
    RandomGenerator random = random();
    ReferenceSession reference = new ReferenceSession(program);
    try (Session session = EmulatedGpu.engine(true).compile(program, Execution.PLAIN)) {
      Map<String, float[]> parameters = Batches.parameters(program, 0.5, random);
      session.load(parameters);
      reference.load(parameters);
      for (int i = 0; i < 2; i++) {
        Batches batch = Batches.random(program, VOCABULARY, random);
        float[] expected = new float[program.rows()];
        float[] found = new float[program.rows()];
        reference.losses(batch.tokens(), batch.targets(), expected);
        EmulatedGpu.calls();
        session.losses(batch.tokens(), batch.targets(), found);
        assertTrue(EmulatedGpu.calls().stream().noneMatch("cuLaunchKernel"::equals));
        assertArrayEquals(expected, found, 1e-4f);
        List<RoutingMetrics> metrics = session.routing();
        assertEquals(reference.routing().stream().map(RoutingMetrics::router).toList(),
            metrics.stream().map(RoutingMetrics::router).toList());
        for (int block = 0; block < metrics.size(); block++) {
          RoutingMetrics each = reference.routing().get(block);
          assertEquals(each.dropped(), metrics.get(block).dropped(), 1e-12);
          assertEquals(each.entropy(), metrics.get(block).entropy(), 1e-5);
          assertEquals(each.balance(), metrics.get(block).balance(), 1e-5);
          assertEquals(each.zLoss(), metrics.get(block).zLoss(), 1e-4);
        }
      }
    }
  }

  /** Widths that tensor cores take, windows shorter and longer than their tiles, groups of heads, and bands. */
  @ParameterizedTest
  @CsvSource({"gpt2-1-2-w32, 1, 130", "mistral-1-4-w16-k2-a40, 2, 100", "llama-1-2-w64, 1, 65",
      "llama-1-1-w128, 1, 33", "mistral-1-4-w16-k1-a1, 2, 7", "llama-1-2-w32-alibi, 1, 100",
      "mistral-1-4-w16-k2-a90-rerope40, 2, 130", "llama-1-2-w64-leaky20k3-document, 1, 100",
      "gpt2-1-2-w16-k1-rotary0.5-rerope64, 1, 130", "gpt2-1-2-w16-k1-alibi-document, 2, 200"})
  void tensorCoresAgreeWithTheReference(String model, int windows, int length) {
    Program program = Program.training(ModelSpec.parse(model), new TokenIds(VOCABULARY, 0), windows, length,
        new Optimiser.AdamW(0, 0.5, 1e-6, 0.01));
    assertTrue(KernelSource.of(program, DType.BF16).tensorAttention());
    RandomGenerator random = random();
    // Deviations that make attention sharp, at any width.
    Map<String, float[]> parameters = Batches.parameters(program,
        1.5 / Math.sqrt(ModelSpec.parse(model).width()), random);
    Batches batch = Batches.random(program, VOCABULARY, random);
    ReferenceSession reference = new ReferenceSession(program);
    reference.load(parameters);
    double[] gradient = reference.gradient(batch.tokens(), batch.targets());
    double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
    try (Session session = EmulatedGpu.engine(false).compile(program, new Execution(1, Precision.BF16))) {
      session.load(parameters);
      session.step(batch.tokens(), batch.targets(), 0.01, 1);
      assertEquals(reference.meanLoss(batch.tokens(), batch.targets()), session.loss(), 0.02);
      float[] found = session.state().get(StateBuffer.FIRST_MOMENT.key());
      double off = IntStream.range(0, gradient.length)
          .mapToDouble(i -> Math.abs(gradient[i] - found[i]))
          .max()
          .orElseThrow();
      assertEquals(0, off / largest, 0.05);
    }
  }

  /** What each layer's GELU and its slope would launch, a SiLU's still does. */
  @Test
  void geluIsPartOfItsProducts() {
    assertEquals(launches("gpt2-3-2-w8-silu", true) - 2 * 3, launches("gpt2-3-2-w8", true));
    assertEquals(launches("gpt2-3-2-w8-silu", false), launches("gpt2-3-2-w8", false));
  }

  /** KernelModule of our own in a recorded step, in bf16. */
  private static int launches(String model, boolean cublasLt) {
    EmulatedGpu.calls();
    EmulatedGpu.engine(cublasLt).compile(program(model, 2, 5), new Execution(1, Precision.BF16)).close();
    List<String> calls = EmulatedGpu.calls();
    int begin = calls.lastIndexOf("cuStreamBeginCapture");
    return (int) calls.subList(begin, calls.size())
        .stream()
        .takeWhile(call -> !call.equals("cuStreamEndCapture"))
        .filter("cuLaunchKernel"::equals)
        .count();
  }

  @Test
  void tooLittleMemorySaysHowMuchForWhatAndWhatWouldFit() {
    Program program = Program.training(ModelSpec.parse("gpt2-2-2-w32"), 1000, 64, 64, ADAMW);
    Buffers buffers = new Buffers(program, DType.FP32);
    try {
      EmulatedGpu.capacity(buffers.size() / 2);
      String message = assertThrows(EngineUnavailableException.class,
          () -> EmulatedGpu.engine(false).compile(program, Execution.PLAIN)).getMessage();
      assertTrue(message.contains("activations") && message.contains("logits"), message);
      int windows = Integer.parseInt(message.replaceAll(".*batch that fits is (\\d+) windows.*", "$1"));
      assertTrue(fits(windows, buffers.size() / 2), message);
      assertTrue(!fits(windows + 2, buffers.size() / 2), message);
      EmulatedGpu.capacity(1000);
      message = assertThrows(EngineUnavailableException.class,
          () -> EmulatedGpu.engine(false).compile(program, Execution.PLAIN)).getMessage();
      assertTrue(message.contains("Not even"), message);
    } finally {
      EmulatedGpu.capacity(1L << 30);
    }
    assertEquals(0, EmulatedGpu.leaks());
  }

  private static boolean fits(int windows, long bytes) {
    Program program = Program.training(ModelSpec.parse("gpt2-2-2-w32"), 1000, windows, 64, ADAMW);
    return new Buffers(program, DType.FP32).size() <= bytes;
  }

  @Test
  void anIdThatIsNoTokenIsRefused() {
    Program program = program("gpt2-1-2-w8", 1, 3);
    try (Session session = EmulatedGpu.engine(false).compile(program, Execution.PLAIN)) {
      assertThrows(IllegalArgumentException.class,
          () -> session.step(new int[]{0, 1, VOCABULARY}, new int[3], 0.01, 1));
      assertThrows(IllegalArgumentException.class,
          () -> session.losses(new int[3], new int[]{0, -2, 2}, new float[3]));
      assertThrows(IllegalArgumentException.class,
          () -> session.load(Map.of(Session.PARAMETERS, new float[3])));
    }
  }

  @Test
  void whatIsMissingIsSaid() {
    Engine none = new CudaEngine(Libraries.in(List.of(Path.of("nowhere"))), new DiskCache(Path.of("nowhere")),
        Tuning.REAL, Set.of());
    assertTrue(none.unavailable().orElseThrow().contains("no NVIDIA driver"));
    assertThrows(EngineUnavailableException.class,
        () -> none.compile(program("gpt2-1-2-w8", 1, 3), Execution.PLAIN));
    Engine slow = EmulatedGpu.engine(false);
    assertTrue(slow.unavailable().isEmpty());
    assertTrue(slow.handicap().orElseThrow().contains("libcublasLt"));
    assertTrue(slow.description().contains("Emulated GPU (compute capability 9.0), driver for CUDA 13.0"));
    assertTrue(EmulatedGpu.engine(true).handicap().isEmpty());
  }

  @Test
  void withoutACompilerItSaysWhereToGetIt(@TempDir Path folder) throws IOException {
    String missing = EmulatedGpu.withoutCompiler(folder).unavailable().orElseThrow();
    assertTrue(
        missing.startsWith("Emulated GPU (compute capability 9.0), driver for CUDA 13.0, but no compiler:")
            && missing.contains("'pip install nvidia-cuda-nvrtc'")
            && missing.contains("KNOWCAP_CUDA_LIBRARIES") && missing.lines().count() == 1,
        missing);
  }

  /** The stand-in is four times slower until it has worked for a while, and faster on numbers that are all the same. */
  @ParameterizedTest
  @CsvSource({"0.3, 1", "0, 4"})
  void aMeterMultipliesRandomNumbersOnAGpuThatIsAwake(double warmUp, double slower) {
    int size = 64;
    long bytes = 1 << 16;
    CudaEngine engine = EmulatedGpu.cuda(true);
    // What is timed once, and kept, would wake it.
    CudaMeter.measure(engine, size, bytes, 0);
    EmulatedGpu.asleep(40);
    try {
      CudaMeter meter = CudaMeter.measure(engine, size, bytes, warmUp);
      double product = 2.0 * size * size * size / meter.matmul();
      assertEquals(slower * 10e-3, product, 1e-6);
      assertEquals(1e-3, 2.0 * bytes / meter.copied(), 1e-7);
    } finally {
      EmulatedGpu.asleep(0);
    }
    assertEquals(0, EmulatedGpu.leaks());
  }

  /** A context is made once, and kept: sessions come and go, and none makes another or gives it back. */
  @Test
  void theContextIsHeldOnceForAllSessions() {
    Program program = program("gpt2-1-1-w8", 1, 5);
    CudaEngine engine = EmulatedGpu.cuda(true);
    long before = EmulatedGpu.retained();
    EmulatedGpu.calls();
    for (int i = 0; i < 2; i++) {
      engine.compile(program, Execution.PLAIN).close();
      assertEquals(before + 1, EmulatedGpu.retained());
    }
    assertEquals(1, Collections.frequency(EmulatedGpu.calls(), "cuDevicePrimaryCtxRetain"));
  }

  /** A driver refuses a thread that has not made the context its own. */
  @Test
  void eachCallMayComeFromAThreadOfItsOwn() throws Exception {
    Program program = program("gpt2-1-1-w8", 1, 5);
    Batches batch = Batches.random(program, VOCABULARY, random());
    float[] losses = new float[program.rows()];
    CudaEngine engine = EmulatedGpu.cuda(true);
    Session session = apart(() -> engine.compile(program, Execution.PLAIN));
    apart(() -> {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
      return null;
    });
    apart(() -> {
      session.losses(batch.tokens(), batch.targets(), losses);
      return null;
    });
    apart(() -> {
      session.step(batch.tokens(), batch.targets(), 0.01, 1);
      return null;
    });
    double loss = apart(session::loss);
    assertEquals(IntStream.range(0, losses.length).mapToDouble(i -> losses[i]).average().orElseThrow(), loss,
        1e-6);
    assertTrue(apart(session::state).containsKey(Session.PARAMETERS));
    apart(() -> {
      session.close();
      return null;
    });
    assertEquals(0, EmulatedGpu.leaks());
  }

  private static <T> T apart(Callable<T> work) throws Exception {
    try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
      return thread.submit(work).get();
    }
  }

  /** What a switch does without shows in what is called, and not in what is computed but for rounding. */
  @ParameterizedTest
  @EnumSource(DebugSwitch.class)
  void aSwitchChangesTheWayNotTheResult(DebugSwitch debug) {
    Program program = program("gpt2-1-2-w16", 2, 9);
    List<Double> losses = new ArrayList<>();
    List<String> usual = new ArrayList<>();
    // What is timed once, and kept, is not to be counted.
    EmulatedGpu.cuda(true).compile(program, new Execution(1, Precision.BF16)).close();
    for (Set<DebugSwitch> switches : List.<Set<DebugSwitch>>of(Set.of(), Set.of(debug))) {
      EmulatedGpu.calls();
      CudaEngine engine = EmulatedGpu.cuda(true, switches);
      try (Session session = engine.compile(program, new Execution(1, Precision.BF16))) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
        train(session, program, random(), 1, 3);
        losses.add(session.loss());
        assertEquals(!switches.isEmpty(), engine.description().contains(debug.word()));
      }
      List<String> calls = EmulatedGpu.calls();
      if (switches.isEmpty()) {
        usual = calls;
      } else {
        assertEquals(debug == DebugSwitch.NO_GRAPH, !calls.contains("cuGraphLaunch"));
        assertEquals(debug == DebugSwitch.PARTS_APART,
            Collections.frequency(calls, "cuMemAlloc") > Collections.frequency(usual, "cuMemAlloc"));
        int more = Collections.frequency(calls, "cuLaunchKernel")
            - Collections.frequency(usual, "cuLaunchKernel");
        assertTrue(switch (debug) {
          case NO_GRAPH, NO_EPILOGUES, OWN_MATMUL -> more > 0;
          case PLAIN_ATTENTION, FIRST_HEURISTIC, PARTS_APART, LINE_INFO -> true;
        }, debug + ": " + more);
      }
    }
    assertEquals(losses.get(0), losses.get(1), 0.01);
    assertEquals(0, EmulatedGpu.leaks());
  }

  /** Launches that are asked for one by one take the host's time: no algorithm may be chosen by it and kept. */
  @ParameterizedTest
  @CsvSource({"NO_GRAPH, false", "FIRST_HEURISTIC, false", "LINE_INFO, true"})
  void onlyWhatAGpuTimedIsKept(DebugSwitch debug, boolean kept, @TempDir Path cache) throws IOException {
    EmulatedGpu.cuda(true, Set.of(debug), cache)
        .compile(program("gpt2-1-1-w8", 1, 5), new Execution(1, Precision.BF16))
        .close();
    try (Stream<Path> files = Files.list(cache)) {
      // The compiled kernels are one.
      assertEquals(kept, files.count() > 1);
    }
  }

  /** More rows than a block of the mean reads at once: its blocks' sums, over several batches and steps. */
  @Test
  void theMeanLossIsThatOfAllTokens() {
    Program program = Program.training(ModelSpec.parse("gpt2-1-1-w8"), new TokenIds(VOCABULARY, 0), 341, 9,
        UpdateRule.by(ADAMW).withAccumulation(2));
    RandomGenerator random = random();
    try (Session session = EmulatedGpu.engine(false).compile(program, Execution.PLAIN)) {
      session.load(Batches.parameters(program, 0.5, random));
      for (int step = 1; step <= 3; step++) {
        Batches batch = Batches.random(program, VOCABULARY, random);
        float[] losses = new float[program.stepRows()];
        session.losses(batch.tokens(), batch.targets(), losses);
        double sum = IntStream.range(0, losses.length).mapToDouble(i -> losses[i]).sum();
        session.step(batch.tokens(), batch.targets(), 0.01, step);
        assertEquals(sum / program.stepRows(), session.loss(), 1e-12);
      }
    }
  }

  @Test
  void aWordThatIsNoSwitchIsRefusedWithThoseThereAre() {
    String message = assertThrows(IllegalArgumentException.class,
        () -> DebugSwitch.parse("no-graph,no-gruel")).getMessage();
    assertTrue(message.contains("'no-gruel'") && message.contains("parts-apart"), message);
  }

  /**
   * Rows of logits that are longer than a block of the loss keeps in registers, and the kernel that turns heads back four
   * pairs at a time and sums up their bias's gradient, whose widths small models do not have.
   */
  @ParameterizedTest
  @CsvSource({"FP32, 2e-5", "BF16, 0.03"})
  void longRowsOfLogitsAndWideHeadsAgreeWithTheReference(Precision precision, double tolerance) {
    int vocabulary = 7001;
    Program program = Program.training(ModelSpec.parse("llama-1-2-w16-biased"), vocabulary, 2, 5,
        new Optimiser.AdamW(0, 0.5, 1e-6, 0.01));
    RandomGenerator random = random();
    Map<String, float[]> parameters = Batches.parameters(program, 0.3, random);
    Batches batch = Batches.random(program, vocabulary, random);
    ReferenceSession reference = new ReferenceSession(program);
    reference.load(parameters);
    double[] gradient = reference.gradient(batch.tokens(), batch.targets());
    double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
    EmulatedGpu.launches();
    try (Session session = EmulatedGpu.engine(true).compile(program, new Execution(1, precision))) {
      assertTrue(EmulatedGpu.launches().stream().anyMatch(launch -> launch.startsWith("rope_back ")));
      session.load(parameters);
      session.step(batch.tokens(), batch.targets(), 0.01, 1);
      assertEquals(reference.meanLoss(batch.tokens(), batch.targets()), session.loss(), tolerance);
      float[] found = session.state().get(StateBuffer.FIRST_MOMENT.key());
      for (int i = 0; i < gradient.length; i++) {
        assertEquals(gradient[i], found[i], tolerance * largest, "gradient " + i);
      }
    }
  }

  /** What is predicted is what the driver is asked for: kernels, blocks and threads, in order, of the last graph recorded. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-2-2-w16", "llama-1-2-w8", "gpt2-moe4-1-2-w8", "mistral-1-4-w16-k1-leaky5k3"})
  void describedLaunchesAreThoseTheDriverSees(String model) {
    Program program = program(model, 2, 9);
    EmulatedGpu.launches();
    EmulatedGpu.engine(true).compile(program, new Execution(1, Precision.BF16)).close();
    List<String> described = StepLaunches.of(program, Precision.BF16)
        .stream()
        .flatMap(launch -> launch.grid()
            .stream()
            .map(grid -> launch.name() + " " + grid.x() + " " + grid.y() + " " + grid.threads()))
        .toList();
    List<String> launched = EmulatedGpu.launches();
    assertEquals(described, launched.subList(launched.size() - described.size(), launched.size()));
  }

  /** Timed in place: as many as a step has, and one step in sight of a profiler, kernel by kernel. */
  @Test
  void aProfileTimesEveryLaunchOfAStep() {
    Program program = program("gpt2-1-2-w16", 2, 9);
    int[] ids = new int[program.rows()];
    EmulatedGpu.calls();
    LaunchTimes times = LaunchTimes.measure(EmulatedGpu.cuda(true), program, Precision.BF16,
        InitialParameters.of(program, 1), ids, ids, 2, 3, 0);
    assertEquals(StepLaunches.of(program, Precision.BF16),
        times.launches().stream().map(LaunchTimes.Timed::launch).toList());
    List<String> calls = EmulatedGpu.calls();
    List<String> seen = calls.subList(calls.indexOf("cuProfilerStart") + 1, calls.indexOf("cuProfilerStop"));
    long kernels = times.launches().stream().filter(timed -> timed.launch().grid().isPresent()).count();
    assertEquals(kernels, Collections.frequency(seen, "cuLaunchKernel"));
    assertEquals(0, EmulatedGpu.leaks());
  }
}
