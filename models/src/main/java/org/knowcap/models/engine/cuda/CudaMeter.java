package org.knowcap.models.engine.cuda;

import java.util.Optional;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;

/**
 * The speed of a GPU, whatever the model.
 *
 * @param matmul floating-point operations a second of one large bf16 matmul of random numbers, a multiply-add counted
 *     as two
 * @param copied bytes a second that a copy kernel reads and writes, both counted
 */
public record CudaMeter(double matmul, double copied) {
  private static final int REPEATS = 10;

  /**
   * Measures.
   *
   * @param size rows and columns of the matmul
   * @param bytes of the buffer that is copied: more than caches hold
   * @param warmUp seconds of work before: an idle GPU runs at a fraction of its clock
   */
  public static CudaMeter measure(CudaEngine engine, int size, long bytes, double warmUp) {
    CudaEngine.Machine machine = engine.machine();
    try (Gpu gpu = machine.open()) {
      KernelModule kernels = new KernelModule(gpu, machine, new KernelSource(true, 4, 1, 64, false),
          Replicas.ONE);
      long all = Math.max(6L * size * size, 2 * bytes);
      long numbers = gpu.allocate(all);
      MatMuls matmuls = new MatMuls(gpu, kernels, machine, Replicas.ONE);
      Numbers first = new Numbers(numbers, true);
      Matrix a = Matrix.dense(first, size, size);
      Matrix b = Matrix.dense(first.from((long) size * size), size, size);
      Matrix out = Matrix.dense(first.from(2L * size * size), size, size);
      Launch matmul = matmuls.of(a, b, Optional.empty(), out, false);
      long count = bytes / 4;
      // Reads one buffer, for both of its terms, and writes the other.
      Launch copy = kernels.each("add", count / 4, new Numbers(numbers, false), new Numbers(numbers, false),
          new Numbers(numbers + bytes, false), count);
      kernels.each("fill", all / 2, numbers, all / 2, 1).run();
      double ofMatmul = gpu.milliseconds(matmul::run, warmUp, REPEATS) / 1e3;
      double ofCopy = gpu.milliseconds(copy::run, warmUp, REPEATS) / 1e3;
      return new CudaMeter(2.0 * size * size * size / ofMatmul, 2.0 * bytes / ofCopy);
    }
  }
}
