package org.knowcap.models.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.InitialParameters;

/** Runs that train as one are, to the last bit, what they are by themselves. */
@Tag("emulation")
class CudaGroupTest {
  private static final Optimiser ADAMW = new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01);
  private static final int VOCABULARY = 37;
  private static final int RUNS = 3;

  @BeforeEach
  void needsTheStandIns() {
    assumeTrue(EmulatedGpu.isHere(),
        "there is no g++ on Linux x86-64: the kernels' arithmetic is not tested");
  }

  private static Program program(String model, int windows, int length) {
    return Program.training(ModelSpec.parse(model), VOCABULARY, windows, length, ADAMW);
  }

  /** How a step may differ from AdamW's plain one. */
  private enum Step {
    PLAIN(UpdateRule.by(ADAMW)),
    CLIPPED(UpdateRule.by(new Optimiser.Sgd(0.5, 0.01)).withClip(0.3)),
    FACTORED(UpdateRule.by(new Optimiser.Adafactor(1, true, 0)).withAccumulation(2)),
    MUON(UpdateRule.by(new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true,
        Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.1)));

    private final UpdateRule updateRule;

    Step(UpdateRule updateRule) {
      this.updateRule = updateRule;
    }
  }

  /** What a run leaves: its loss and its gradient's length after every step, and its state at the end. */
  private record Trace(List<Double> losses, List<OptionalDouble> norms, Map<String, float[]> state) {
    void assertSame(Trace other, String what) {
      assertEquals(losses, other.losses, what);
      assertEquals(norms, other.norms, what);
      assertEquals(state.keySet(), other.state.keySet());
      state.forEach((name, content) -> assertArrayEquals(content, other.state.get(name), what + ", " + name));
    }
  }

  /** A run with a seed, so many steps and a learning rate of its own. */
  private static Trace train(Session session, Program program, int run, int steps) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(run);
    session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, run)));
    List<Double> losses = new ArrayList<>();
    List<OptionalDouble> norms = new ArrayList<>();
    for (int step = 1; step <= steps; step++) {
      Batches batch = Batches.random(program, VOCABULARY, random);
      session.step(batch.tokens(), batch.targets(), 0.01 * (run + 1), step);
      losses.add(session.loss());
      norms.add(session.gradientNorm());
    }
    return new Trace(losses, norms, session.state());
  }

  private static Trace alone(Engine engine, Program program, Precision precision, int run, int steps) {
    try (Session session = engine.compile(program, new Execution(1, precision))) {
      return train(session, program, run, steps);
    }
  }

  /** Does several things at once, each on a thread of its own; their results in order. */
  private static <T> List<T> atOnce(List<Callable<T>> tasks) throws Exception {
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<T> results = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(tasks)) {
        try {
          results.add(future.get());
        } catch (ExecutionException e) {
          throw e.getCause() instanceof Exception cause ? cause : e;
        }
      }
      return results;
    }
  }

  /** Every family and kind of kernel: biases or none, widths read one or four at a time, attention on tensor cores or not. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-2-w8, 3, 13, PLAIN, FP32, false", "gpt2-2-2-w16, 2, 70, FACTORED, BF16, true",
      "llama-1-3-w6, 2, 5, CLIPPED, FP32, true", "gpt2-2-2-w8, 2, 13, MUON, FP32, false",
      "mixtral3-1-2-w8, 2, 13, MUON, BF16, true", "mistral-1-4-w20-k2-a9, 2, 35, PLAIN, BF16, false",
      "gpt2-1-2-w8-alibi-document, 2, 13, PLAIN, FP32, false",
      "gpt2-1-2-w16-rerope9, 2, 70, PLAIN, BF16, true",
      "gpt2-moe3-2-2-w8-top2-cap0.5, 2, 13, PLAIN, FP32, false", "mixtral3-1-2-w16, 2, 13, PLAIN, BF16, true",
      "gpt2-moe4-1-2-w8-expertchoice, 3, 13, FACTORED, FP32, true"})
  void runsOfAGroupAreWhatTheyAreByThemselves(String model, int windows, int length, Step how,
      Precision precision, boolean cublasLt) throws Exception {
    Program program = Program.training(ModelSpec.parse(model), new TokenIds(VOCABULARY, 0), windows, length,
        how.updateRule);
    Engine engine = EmulatedGpu.engine(cublasLt);
    try (SessionGroup group = engine.together(program, new Execution(1, precision), RUNS)) {
      List<Callable<Trace>> tasks = new ArrayList<>();
      for (int run = 0; run < RUNS; run++) {
        int number = run;
        Session session = group.join();
        tasks.add(() -> {
          try (session) {
            return train(session, program, number, 3);
          }
        });
      }
      List<Trace> together = atOnce(tasks);
      for (int run = 0; run < RUNS; run++) {
        alone(engine, program, precision, run, 3).assertSame(together.get(run), model + ", run " + run);
      }
    }
    assertEquals(0, EmulatedGpu.leaks());
  }

  /** One that does not would compute the first run alone, whichever it was asked for. */
  @Test
  void everyKernelBeginsByMovingAllOfItsPointers() {
    Pattern signature = Pattern.compile("KERNEL(?:_OF\\(.*\\))? void (\\w+)\\(([^{]*)\\) \\{\\s*([^;]*);");
    List<String> kernels = signature.matcher(KernelSource.text()).results().map(kernel -> {
      String pointers = Arrays.stream(kernel.group(2).split(","))
          .filter(parameter -> parameter.contains("*") || parameter.strip().startsWith("Numbers "))
          .map(parameter -> parameter.replaceAll(".*\\W", ""))
          .collect(Collectors.joining(", "));
      assertEquals("ofReplica(" + pointers + ")", kernel.group(3).replaceAll("\\s+", " "), kernel.group(1));
      return kernel.group(1);
    }).toList();
    assertTrue(kernels.containsAll(List.of("adamw", "tensor_attend_keys", "loss", "product")),
        kernels::toString);
    assertEquals(KernelSource.text().split("KERNEL(_OF\\(.*\\))? void ").length - 1, kernels.size());
  }

  /** The first leaves early, by an error; one that comes later in its place begins from nothing. */
  @Test
  void whoLeavesIsNotWaitedForAndMakesRoom() throws Exception {
    Program program = program("gpt2-2-2-w8", 3, 13);
    Engine engine = EmulatedGpu.engine(false);
    try (SessionGroup group = engine.together(program, Execution.PLAIN, RUNS)) {
      List<Session> sessions = List.of(group.join(), group.join(), group.join());
      assertThrows(IllegalStateException.class, group::join);
      List<Callable<Trace>> tasks = new ArrayList<>();
      tasks.add(() -> {
        try (Session session = sessions.get(0)) {
          train(session, program, 0, 2);
          assertThrows(IllegalArgumentException.class,
              () -> session.step(new int[program.rows()], new int[]{VOCABULARY}, 0.01, 3));
        }
        try (Session session = group.join()) {
          return train(session, program, 7, 2);
        }
      });
      for (int run = 1; run < RUNS; run++) {
        int number = run;
        tasks.add(() -> {
          try (Session session = sessions.get(number)) {
            return train(session, program, number, 4 + number);
          }
        });
      }
      List<Trace> together = atOnce(tasks);
      alone(engine, program, Precision.FP32, 7, 2).assertSame(together.get(0), "the one that came later");
      for (int run = 1; run < RUNS; run++) {
        alone(engine, program, Precision.FP32, run, 4 + run).assertSame(together.get(run), "run " + run);
      }
    }
  }

  @Test
  void aStepOfAllIsOneReplayAndScoringOneDisturbsNobody() throws Exception {
    Program program = program("gpt2-1-2-w8", 2, 5);
    Engine engine = EmulatedGpu.engine(false);
    try (SessionGroup group = engine.together(program, Execution.PLAIN, 2);
        Session first = group.join();
        Session second = group.join()) {
      Batches batch = Batches.random(program, VOCABULARY,
          RandomGeneratorFactory.of("L64X128MixRandom").create(5));
      for (Session session : List.of(first, second)) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
      }
      EmulatedGpu.calls();
      List<Callable<Boolean>> steps = new ArrayList<>();
      for (Session session : List.of(first, second)) {
        steps.add(() -> {
          session.step(batch.tokens(), batch.targets(), 0.01, 1);
          return true;
        });
      }
      atOnce(steps);
      List<String> calls = EmulatedGpu.calls();
      assertEquals(1, Collections.frequency(calls, "cuGraphLaunch"), calls::toString);
      assertEquals(2, Collections.frequency(calls, "cuMemcpyHtoDAsync"), calls::toString);
      assertEquals(0, Collections.frequency(calls, "cuStreamSynchronize"), calls::toString);
      Map<String, float[]> before = second.state();
      double loss = second.loss();
      float[] losses = new float[program.rows()];
      first.losses(batch.tokens(), batch.targets(), losses);
      float[] expected = new float[program.rows()];
      second.losses(batch.tokens(), batch.targets(), expected);
      assertArrayEquals(expected, losses);
      assertEquals(loss, second.loss());
      before.forEach((name, content) -> assertArrayEquals(content, second.state().get(name)));
    }
  }

  @Test
  void tooLittleMemorySaysHowManyRunsFit() {
    Program program = Program.training(ModelSpec.parse("gpt2-2-2-w32"), 1000, 16, 64, ADAMW);
    long size = new Buffers(program, DType.FP32).size();
    // cuBLASLt's scratch memory is not needed here.
    Engine engine = EmulatedGpu.engine(false);
    try {
      EmulatedGpu.capacity(5 * size / 2);
      String message = assertThrows(EngineUnavailableException.class,
          () -> engine.together(program, Execution.PLAIN, RUNS)).getMessage();
      assertTrue(message.startsWith("3 runs at once need 3 times " + Math.ceilDiv(size, 1 << 20) + " MiB"),
          message);
      assertTrue(message.contains("activations") && message.endsWith("The most that fit at once are 2."),
          message);
      engine.together(program, Execution.PLAIN, 2).close();
      EmulatedGpu.capacity(size / 2);
      message = assertThrows(EngineUnavailableException.class,
          () -> engine.together(program, Execution.PLAIN, RUNS)).getMessage();
      assertTrue(message.contains("each of 3 runs") && message.contains("batch that fits is"), message);
    } finally {
      EmulatedGpu.capacity(1L << 30);
    }
    assertEquals(0, EmulatedGpu.leaks());
  }
}
