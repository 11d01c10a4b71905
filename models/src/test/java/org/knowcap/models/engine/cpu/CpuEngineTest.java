package org.knowcap.models.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;
import org.knowcap.models.training.InitialParameters;

class CpuEngineTest {
  private static final Optimiser ADAMW = new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01);
  private static final int VOCABULARY = 53;
  private static final Program PROGRAM = Program.training(Family.GPT2.model(2, 2, 16), VOCABULARY, 5, 70,
      ADAMW);

  private static final Program CLIPPED = Program.training(Family.GPT2.model(2, 2, 16), VOCABULARY, 5, 70,
      UpdateRule.by(new Optimiser.Adafactor(1, true, 0.01)).withClip(0.1));

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** Parameters after some steps on random tokens. */
  private static float[] trained(CpuEngine engine, Execution execution, int steps) {
    return trained(PROGRAM, engine, execution, steps);
  }

  private static float[] trained(Program program, CpuEngine engine, Execution execution, int steps) {
    RandomGenerator random = random(1);
    try (Session session = engine.compile(program, execution)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
      for (int step = 1; step <= steps; step++) {
        Batches batch = Batches.random(program, VOCABULARY, random);
        session.step(batch.tokens(), batch.targets(), 0.01, step);
      }
      return session.state().get(Session.PARAMETERS);
    }
  }

  @Test
  void theSameThreadsGiveTheSameBitsHoweverTheyAreTimed() {
    for (int threads : new int[]{1, 2, 3, 5}) {
      Execution execution = new Execution(threads, Precision.AUTO);
      assertArrayEquals(trained(new CpuEngine(), execution, 20), trained(new CpuEngine(), execution, 20));
      assertArrayEquals(trained(CLIPPED, new CpuEngine(), execution, 20),
          trained(CLIPPED, new CpuEngine(), execution, 20));
    }
  }

  /** pom.xml has a copy of these flags. */
  @Test
  void theTestsOwnProcessKeepsLoopsApart() {
    assertTrue(
        ManagementFactory.getRuntimeMXBean().getInputArguments().containsAll(CpuEngine.KEEP_LOOPS_APART));
  }

  @Test
  void threadsBeyondTheWindowsStandIdle() {
    assertArrayEquals(trained(new CpuEngine(), new Execution(5, Precision.FP32), 3),
        trained(new CpuEngine(), new Execution(64, Precision.FP32), 3));
  }

  /** A model that makes many of them trains seven times slower where they are not taken as zero. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void workersTakeDenormalNumbersAsZero() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(1)) {
      assertFalse(threads.submit(Denormals::flushedOnThisThread).get());
      threads.submit(new CpuEngine()::prepareThread).get();
      assertTrue(threads.submit(Denormals::flushedOnThisThread).get());
    }
    assertFalse(Denormals.flushedOnThisThread());
  }

  /** Uniform targets cost ln V; to learn one batch by heart takes it far below, in either precision. */
  @Test
  void learnsABatchByHeart() {
    for (Precision precision : new Precision[]{Precision.FP32, Precision.AUTO}) {
      Batches batch = Batches.random(PROGRAM, VOCABULARY, random(2));
      try (Session session = new CpuEngine().compile(PROGRAM, new Execution(2, precision))) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(PROGRAM, 3)));
        for (int step = 1; step <= 300; step++) {
          session.step(batch.tokens(), batch.targets(), 0.003, step);
        }
        assertTrue(session.loss() < 0.3 * Math.log(VOCABULARY), precision + ": " + session.loss());
      }
    }
  }

  @Test
  void bf16IsRefusedWhereItCannotBeHad() {
    String message = assertThrows(EngineUnavailableException.class,
        () -> CpuEngine.withoutNatives().compile(PROGRAM, new Execution(1, Precision.BF16))).getMessage();
    assertTrue(message.contains("no bf16") && message.contains("fp32"), message);
    Program odd = Program.training(Family.GPT2.model(1, 1, 5, new Rotary(0.8, 100)), VOCABULARY, 1, 5, ADAMW);
    assertTrue(assertThrows(EngineUnavailableException.class,
        () -> new CpuEngine().compile(odd, new Execution(1, Precision.BF16))).getMessage()
        .contains("even head width"));
  }

  /** Against Math.exp over the range of exponents that give normal numbers, and beyond. */
  @Test
  void theExponentialIsRightToAMillionth() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4L * Vectors.LANES, 64);
      RandomGenerator random = random(4);
      for (int trial = 0; trial < 100_000; trial++) {
        float x = (float) (random.nextDouble() * 174 - 87);
        for (int i = 0; i < Vectors.LANES; i++) {
          memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, i == 0 ? x : -1e30f);
        }
        Vectors.store(Vectors.exp(Vectors.load(memory, 0, 0, false)), memory, 0, 0, false);
        double expected = Math.exp(x);
        assertEquals(1, memory.get(ValueLayout.JAVA_FLOAT, 0) / expected, 3e-7, "exp(" + x + ")");
        assertTrue(memory.getAtIndex(ValueLayout.JAVA_FLOAT, 1) < 2e-38);
      }
    }
  }

  /** Against Math.log, of normal numbers of all magnitudes. */
  @Test
  void theLogarithmIsRightToAMillionth() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4L * Vectors.LANES, 64);
      RandomGenerator random = random(7);
      for (int trial = 0; trial < 100_000; trial++) {
        float x = (float) Math.exp(random.nextDouble() * 170 - 85);
        memory.set(ValueLayout.JAVA_FLOAT, 0, x);
        Vectors.store(Vectors.log(Vectors.load(memory, 0, 0, false)), memory, 0, 0, false);
        double expected = Math.log(x);
        assertEquals(expected, memory.get(ValueLayout.JAVA_FLOAT, 0), 3e-7 * Math.max(1, Math.abs(expected)),
            "log(" + x + ")");
      }
    }
  }

  /** bf16 is fp32 with the lower half of its bits rounded away, to the nearest, ties to even. */
  @Test
  void bf16IsRoundedToTheNearest() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4L * Vectors.LANES, 64);
      RandomGenerator random = random(5);
      for (int trial = 0; trial < 100_000; trial++) {
        float x = Float.intBitsToFloat(random.nextInt());
        if (Float.isFinite(x) && Math.abs(x) < 3e38f) {
          memory.set(ValueLayout.JAVA_FLOAT, 0, x);
          Vectors.store(Vectors.load(memory, 0, 0, false), memory, 0, 0, true);
          Vectors.store(Vectors.load(memory, 0, 0, true), memory, 0, 0, false);
          float rounded = memory.get(ValueLayout.JAVA_FLOAT, 0);
          int below = Float.floatToRawIntBits(x) & 0xffff0000;
          double toBelow = Math.abs((double) x - Float.intBitsToFloat(below));
          double toAbove = Math.abs((double) x - Float.intBitsToFloat(below + 0x10000));
          boolean even = (below & 0x10000) == 0;
          float expected = Float
              .intBitsToFloat(toBelow < toAbove || toBelow == toAbove && even ? below : below + 0x10000);
          assertEquals(expected, rounded, "of " + x);
        }
      }
    }
  }

  /** oneDNN's products and the Vector API's, over stacks, strides and transpositions, against sums in double. */
  @Test
  void productsAreRight() {
    RandomGenerator random = random(6);
    CpuEngine[] engines = {new CpuEngine(), CpuEngine.withoutNatives()};
    for (int trial = 0; trial < 1000; trial++) {
      int n = size(random, 40);
      int k = size(random, 40);
      int m = size(random, 70);
      int count = 1 + random.nextInt(3);
      boolean accumulate = random.nextBoolean();
      boolean biased = !accumulate && random.nextBoolean();
      for (CpuEngine engine : engines) {
        try (Arena arena = Arena.ofShared()) {
          MemorySegment memory = arena.allocate(4L * 40_000, 64);
          for (int i = 0; i < 40_000; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
          }
          Matrix a = operand(0, count, n, k, random);
          Matrix b = operand(4 * 10_000, count, k, m, random);
          Matrix out = new Matrix(4 * 20_000, count, (long) n * (m + 3), n, m, m + 3, 1, DType.FP32);
          Optional<Matrix> bias = biased
              ? Optional.of(Matrix.dense(4 * 39_000, 1, m, DType.FP32))
              : Optional.empty();
          double[] expected = new double[count * n * m];
          for (int c = 0; c < count; c++) {
            for (int i = 0; i < n; i++) {
              for (int j = 0; j < m; j++) {
                double sum = accumulate
                    ? at(memory, out, c, i, j)
                    : biased ? at(memory, bias.get(), 0, 0, j) : 0;
                for (int l = 0; l < k; l++) {
                  sum += (double) at(memory, a, c, i, l) * at(memory, b, c, l, j);
                }
                expected[(c * n + i) * m + j] = sum;
              }
            }
          }
          try (MatMuls matmuls = engine.matmuls(memory)) {
            matmuls.matmul(a, b, bias, out, accumulate).run();
          }
          for (int e = 0; e < expected.length; e++) {
            assertEquals(expected[e], at(memory, out, e / m / n, e / m % n, e % m), 1e-4,
                "trial " + trial + ": " + a + " " + b);
          }
        }
      }
    }
  }

  /** Often one: that is where strides say the least. */
  private static int size(RandomGenerator random, int most) {
    return random.nextInt(4) == 0 ? 1 : 1 + random.nextInt(most);
  }

  /** Rows or columns dense, with gaps between the others. */
  private static Matrix operand(long offset, int count, int rows, int columns, RandomGenerator random) {
    int gap = random.nextInt(4);
    return random.nextBoolean()
        ? new Matrix(offset, count, (long) rows * (columns + gap), rows, columns, columns + gap, 1,
            DType.FP32)
        : new Matrix(offset, count, (long) columns * (rows + gap), rows, columns, 1, rows + gap, DType.FP32);
  }

  private static float at(MemorySegment memory, Matrix m, int index, int row, int column) {
    return memory.get(ValueLayout.JAVA_FLOAT, m.at(row, column) + 4 * index * m.countStride());
  }

  /**
   * bf16 products read behind the ends of rows: what lies there is left by others, and must not become part of a sum. Seen
   * with a single head of keys 16 wide, and 75 keys.
   */
  @Test
  void bf16TakesNothingFromBehindItsRows() {
    for (String name : List.of("mistral-2-4-w16-a40", "gpt2-1-1-w16", "gpt2-2-4-w16-k1-a40-document",
        "gpt2-2-4-w16-k1-rotary0.5-rerope9", "gpt2-2-4-w16-k1-alibi")) {
      for (int length : new int[]{75, 100}) {
        Program program = Program.training(ModelSpec.parse(name), new TokenIds(151, 0), 4, length, ADAMW);
        Batches batch = Batches.random(program, 151, random(7));
        try (Session session = new CpuEngine().compile(program, new Execution(1, Precision.AUTO))) {
          session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
          for (int step = 1; step <= 4; step++) {
            session.step(batch.tokens(), batch.targets(), 0.001, step);
          }
          assertTrue(session.loss() < 1.1 * Math.log(151), name + ": " + session.loss());
        }
      }
    }
  }

  @Test
  void aMachineWithoutBf16RunsInFp32() {
    float[] auto = trained(CpuEngine.withoutNatives(), new Execution(1, Precision.AUTO), 2);
    assertArrayEquals(trained(CpuEngine.withoutNatives(), new Execution(1, Precision.FP32), 2), auto);
  }
}
