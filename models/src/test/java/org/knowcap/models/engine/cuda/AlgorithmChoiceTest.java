package org.knowcap.models.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.engine.cuda.driver.CublasLt;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;
import org.knowcap.models.engine.cuda.driver.Tuning;

/** Which of cuBLASLt's algorithms is taken, on what grounds, and for which matmuls the choice is kept. */
@Tag("emulation")
class AlgorithmChoiceTest {
  /** What the stand-in calls its two candidates. */
  private static final long FIRST = 1000;
  private static final int SIZE = 8;
  private static final Tuning COLD = new Tuning(0, 2, 0.03);

  @BeforeEach
  void needsTheStandIns() {
    assumeTrue(EmulatedGpu.isHere(), "there is no g++ on Linux x86-64: no algorithm is chosen");
  }

  @AfterEach
  void asUsual() {
    if (EmulatedGpu.isHere()) {
      EmulatedGpu.usualCandidates();
      EmulatedGpu.asleep(0);
    }
  }

  /** Three bf16 matrices and 2 KiB behind them. */
  private record Operands(Matrix a, Matrix b, Matrix out, Numbers more) {
    static Operands on(Gpu gpu) {
      Numbers first = new Numbers(gpu.allocate(4096), true);
      return new Operands(Matrix.dense(first, SIZE, SIZE), Matrix.dense(first.from(256), SIZE, SIZE),
          Matrix.dense(first.from(512), SIZE, SIZE), first.from(1024));
    }
  }

  /** Which candidate is taken: 0 or 1. */
  private static long chosen(Tuning tuning) {
    CudaEngine.Machine machine = EmulatedGpu.cuda(true).machine();
    try (Gpu gpu = machine.open()) {
      CublasLt library = new CublasLt(machine.products().orElseThrow(), gpu);
      Operands of = Operands.on(gpu);
      byte[] algorithm = library.product(of.a, of.b, Optional.empty(), of.out, false, Replicas.ONE)
          .measure(tuning);
      return ByteBuffer.wrap(algorithm).order(ByteOrder.nativeOrder()).getLong() - FIRST;
    }
  }

  /** The library's first choice, unless another is more than 3 % faster, or the first cannot do it after all. */
  @ParameterizedTest
  @CsvSource({"10, 11, 0", "10, 10, 0", "10, 9.75, 0", "10, 9.65, 1", "10, 5, 1", "-1, 20, 1", "20, -1, 0"})
  void anotherMustBeFasterByMoreThanNoise(double first, double second, long expected) {
    EmulatedGpu.candidates(first, second);
    assertEquals(expected, chosen(COLD));
  }

  @Test
  void whereNoneCanTheReasonIsTold() {
    EmulatedGpu.candidates(-1, -1);
    String message = assertThrows(CudaException.class, () -> chosen(COLD)).getMessage();
    assertTrue(message.contains("CUBLAS_STATUS_NOT_SUPPORTED"), message);
  }

  /** On a GPU that awakes meanwhile the second seems faster; so it is woken before. */
  @Test
  void timingBeginsOnAGpuThatIsAwake() {
    EmulatedGpu.asleep(7);
    assertEquals(1, chosen(COLD), "the stand-in awakes between the two");
    EmulatedGpu.asleep(7);
    assertEquals(0, chosen(new Tuning(0.2, 2, 0.03)));
    assertTrue(
        Tuning.REAL.warmUpSeconds() >= 0.2 && Tuning.REAL.times() >= 20 && Tuning.REAL.noise() == 0.03);
  }

  /** Choices of a new machine, kernels as all tests have them. */
  private static MatMuls matMuls(Gpu gpu, Path cache) {
    KernelModule kernels = new KernelModule(gpu, EmulatedGpu.cuda(true).machine(),
        new KernelSource(true, 4, 1, 64, false), Replicas.ONE);
    return new MatMuls(gpu, kernels, EmulatedGpu.cuda(true, Set.of(), cache).machine(), Replicas.ONE);
  }

  private static long files(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.count();
    }
  }

  /** Zeros, or whatever memory holds, would be multiplied faster than numbers of a model. */
  // The stand-in's memory is the host's.
  @SuppressWarnings("restricted")
  @Test
  void whatIsTimedIsAProductOfRandomNumbers(@TempDir Path cache) throws IOException {
    try (Gpu gpu = EmulatedGpu.cuda(true).machine().open()) {
      Operands of = Operands.on(gpu);
      matMuls(gpu, cache).of(of.a, of.b, Optional.empty(), of.out, false);
      gpu.synchronise();
      assertEquals(1, files(cache), "nothing was timed and kept");
      for (Matrix matrix : new Matrix[]{of.a, of.b}) {
        short[] halves = MemorySegment.ofAddress(matrix.numbers().address())
            .reinterpret(2L * SIZE * SIZE)
            .toArray(ValueLayout.JAVA_SHORT);
        float[] numbers = new float[halves.length];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = Float.intBitsToFloat(halves[i] << 16);
          assertTrue(Math.abs(numbers[i]) <= 2, () -> Arrays.toString(numbers));
        }
        long distinct = IntStream.range(0, numbers.length).mapToObj(i -> numbers[i]).distinct().count();
        assertTrue(distinct > SIZE * SIZE / 2, () -> Arrays.toString(numbers));
      }
    }
  }

  /** An algorithm may need a bias, or what an epilogue writes, to be aligned as it was when it was chosen. */
  @Test
  void eachAlignmentHasAChoiceOfItsOwn(@TempDir Path cache) throws IOException {
    try (Gpu gpu = EmulatedGpu.cuda(true).machine().open()) {
      Operands of = Operands.on(gpu);
      MatMuls matMuls = matMuls(gpu, cache);
      matMuls.of(of.a, of.b, Optional.of(of.more), of.out, false);
      assertEquals(1, files(cache));
      matMuls.of(of.a, of.b, Optional.of(of.more.from(1)), of.out, false);
      assertEquals(2, files(cache));
      // 512 bytes further on it is as well aligned as it was.
      matMuls.of(of.a, of.b, Optional.of(of.more.from(256)), of.out, false);
      assertEquals(2, files(cache));

      CublasLt library = new CublasLt(EmulatedGpu.cuda(true).machine().products().orElseThrow(), gpu);
      assertNotEquals(activated(library, of, of.more), activated(library, of, of.more.from(8)));
      assertEquals(activated(library, of, of.more), activated(library, of, of.more.from(256)));
    }
  }

  private static String activated(CublasLt library, Operands of, Numbers before) {
    CublasLt.Product product = library.product(of.a, of.b, Optional.empty(), of.out, false, Replicas.ONE);
    product.activate(false, Matrix.dense(before, SIZE, SIZE));
    return product.shape();
  }
}
