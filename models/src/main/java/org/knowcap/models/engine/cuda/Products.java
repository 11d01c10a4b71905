package org.knowcap.models.engine.cuda;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.knowcap.models.engine.cuda.driver.CublasLt;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;

/**
 * Matrix products, of so many replicas at once: cuBLASLt's where it was found, otherwise the engine's own plain kernel. cuBLASLt's algorithm for a shape is
 * the fastest of its candidates, timed once and kept on disk: with it the last bits of results.
 */
final class Products {
  /** Rows and columns of a result that a block of the own kernel computes, and its threads. */
  private static final int TILE = 32;
  private static final int THREADS = 64;
  private static final int REPEATS = 5;

  private final Gpu gpu;
  private final Kernels kernels;
  private final DiskCache cache;
  private final Optional<CublasLt> library;
  private final Replicas replicas;

  Products(Gpu gpu, Kernels kernels, DiskCache cache, Optional<Libraries.Found> found, Replicas replicas) {
    this(gpu, kernels, cache, replicas, found.map(symbols -> new CublasLt(symbols, gpu)));
  }

  private Products(Gpu gpu, Kernels kernels, DiskCache cache, Replicas replicas, Optional<CublasLt> library) {
    this.gpu = gpu;
    this.kernels = kernels;
    this.cache = cache;
    this.replicas = replicas;
    this.library = library;
  }

  /** The same of one replica. */
  Products alone() {
    return new Products(gpu, kernels.alone(), cache, Replicas.ONE, library);
  }

  /**
   * out = a b + bias, or out += a b. What is in out's memory when this is called may be lost.
   *
   * @param bias [columns of out], in out's precision
   */
  Runnable of(Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate) {
    return library.map(found -> chosen(found.product(a, b, bias, out, accumulate, replicas), bias))
        .orElseGet(() -> own(1, a, b, bias, out, accumulate));
  }

  /** The same of so many pairs of matrices at once: each lies right behind the one before, as do biases and results. */
  Runnable of(int count, Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate) {
    if (library.isEmpty()) {
      return own(count, a, b, bias, out, accumulate);
    }
    // The library's batches have one stride, and each replica's are one.
    List<Runnable> each = LongStream.range(0, replicas.count())
        .map(i -> i * replicas.stride())
        .mapToObj(by -> chosen(library.orElseThrow()
            .batch(count, a.shifted(by), b.shifted(by), bias.map(numbers -> numbers.shifted(by)),
                out.shifted(by), accumulate),
            bias))
        .toList();
    return () -> each.forEach(Runnable::run);
  }

  private Runnable chosen(CublasLt.Product product, Optional<Numbers> bias) {
    product.use(cache.get("cuBLASLt " + library.orElseThrow().version() + " " + gpu.name() + " "
        + product.shape() + (bias.isPresent() ? " with bias" : ""), product::measure));
    return product::run;
  }

  /**
   * before = a b + bias, out = GELU(before).
   *
   * @param activate does the second
   */
  List<Runnable> activated(Matrix a, Matrix b, Optional<Numbers> bias, Matrix before, Matrix out,
      Runnable activate) {
    return faster("GELU", a, b, bias, before, out, product -> product.activate(bias.isPresent(), before),
        List.of(of(a, b, bias, before, false), activate));
  }

  /**
   * out = a b GELU'(before).
   *
   * @param slope multiplies out by that
   */
  List<Runnable> sloped(Matrix a, Matrix b, Matrix before, Matrix out, Runnable slope) {
    return faster("slope of GELU", a, b, Optional.empty(), before, out, product -> product.slope(before),
        List.of(of(a, b, Optional.empty(), out, false), slope));
  }

  /** In one product where cuBLASLt can do that, in bf16, and it was faster when both were timed; otherwise apart. */
  private List<Runnable> faster(String what, Matrix a, Matrix b, Optional<Numbers> bias, Matrix before,
      Matrix out, Consumer<CublasLt.Product> epilogue, List<Runnable> two) {
    if (library.isEmpty() || !out.numbers().narrow() || before.stride() % 8 != 0) {
      return two;
    }
    CublasLt.Product product = library.get().product(a, b, bias, out, false, replicas);
    epilogue.accept(product);
    String key = "cuBLASLt " + library.get().version() + " " + gpu.name() + " " + product.shape()
        + (bias.isPresent() ? " with bias" : "") + " with " + what;
    try {
      product.use(cache.get(key, product::measure));
    } catch (CudaException e) {
      // It has no algorithm for that.
      return two;
    }
    Runnable one = product::run;
    byte[] choice = cache.get(key + " or apart",
        () -> new byte[]{(byte) (time(List.of(one)) <= time(two) ? 1 : 0)});
    return choice[0] == 1 ? List.of(one) : two;
  }

  /** Milliseconds, at best. */
  private float time(List<Runnable> work) {
    long from = gpu.mark();
    long to = gpu.mark();
    float least = Float.MAX_VALUE;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
      gpu.set(from);
      work.forEach(Runnable::run);
      gpu.set(to);
      gpu.await(to);
      least = Math.min(least, gpu.milliseconds(from, to));
    }
    return least;
  }

  private Runnable own(int count, Matrix a, Matrix b, Optional<Numbers> bias, Matrix out,
      boolean accumulate) {
    return kernels.launch("product",
        new Grid(count * Math.ceilDiv(out.columns(), TILE), Math.ceilDiv(out.rows(), TILE), THREADS, 0),
        a.numbers(), down(a), along(a), a.size(), b.numbers(), down(b), along(b), b.size(),
        bias.orElse(new Numbers(0, false)), out.numbers(), down(out), out.size(), out.rows(), out.columns(),
        a.columns(), accumulate ? 1 : 0);
  }

  private static long down(Matrix m) {
    return m.transposed() ? 1 : m.stride();
  }

  private static long along(Matrix m) {
    return m.transposed() ? m.stride() : 1;
  }
}
