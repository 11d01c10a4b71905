package org.knowcap.models.engine.cuda;

import java.util.Optional;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;

/**
 * What a GPU gives the engine, whatever the model.
 *
 * @param products floating-point operations a second of one large bf16 product, a multiply-add counted as two
 * @param copied bytes a second that a copy kernel reads and writes, both counted
 */
public record CudaMeter(double products, double copied) {
  private static final int REPEATS = 10;

  /**
   * Measures.
   *
   * @param size rows and columns of the product
   * @param bytes of the buffer that is copied: more than caches hold
   */
  public static CudaMeter measure(CudaEngine engine, int size, long bytes) {
    CudaEngine.Machine.Found found = engine.machine().found().orElseThrow();
    try (Gpu gpu = Gpu.open(found.driver())) {
      Kernels kernels = new Kernels(gpu, found.compiler(), engine.machine().cache(),
          new KernelSource(true, 4, 1, 64), Replicas.ONE);
      long numbers = gpu.allocate(Math.max(6L * size * size, 2 * bytes));
      gpu.clear(numbers, Math.max(6L * size * size, 2 * bytes));
      Products products = new Products(gpu, kernels, engine.machine().cache(), found.products(),
          Replicas.ONE);
      Numbers first = new Numbers(numbers, true);
      Matrix a = Matrix.dense(first, size, size);
      Matrix b = Matrix.dense(first.from((long) size * size), size, size);
      Matrix out = Matrix.dense(first.from(2L * size * size), size, size);
      double product = seconds(gpu, products.of(a, b, Optional.empty(), out, false));
      long count = bytes / 4;
      double copy = seconds(gpu, kernels.each("add", count / 4, new Numbers(numbers, false),
          new Numbers(numbers, false), new Numbers(numbers + bytes, false), count));
      return new CudaMeter(2.0 * size * size * size / product, 2.0 * bytes / copy);
    }
  }

  private static double seconds(Gpu gpu, Launch work) {
    long from = gpu.mark();
    long to = gpu.mark();
    work.run();
    gpu.set(from);
    for (int i = 0; i < REPEATS; i++) {
      work.run();
    }
    gpu.set(to);
    gpu.await(to);
    return gpu.milliseconds(from, to) / 1e3 / REPEATS;
  }
}
