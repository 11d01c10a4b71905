package org.knowcap.models.engine.cuda;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.knowcap.models.engine.cuda.driver.CublasLt;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;
import org.knowcap.models.engine.cuda.driver.Tuning;

/**
 * Matmuls of all replicas at once, by cuBLASLt if it was found, otherwise by the engine's own plain kernel. For each
 * shape the fastest of cuBLASLt's algorithms is timed once and kept on disk; the last bits of results depend on it.
 */
final class MatMuls {
  /** Rows and columns of a result that a block of the own kernel computes, and its threads. */
  private static final int TILE = 32;
  private static final int THREADS = 64;

  /** cuBLASLt on a GPU, and where its algorithms are kept. */
  private record Library(CublasLt library, Gpu gpu, CudaEngine.Machine machine, Replicas replicas) {}

  private final KernelModule kernels;
  private final Optional<Library> library;
  /** Whether there is no GPU, and cuBLASLt is taken to be there. */
  private final boolean described;

  private MatMuls(KernelModule kernels, Optional<Library> library, boolean described) {
    this.kernels = kernels;
    this.library = library;
    this.described = described;
  }

  MatMuls(Gpu gpu, KernelModule kernels, CudaEngine.Machine machine, Replicas replicas) {
    this(kernels,
        machine.products().map(found -> new Library(new CublasLt(found, gpu), gpu, machine, replicas)),
        false);
  }

  /** Without a GPU: launches say what they would do with cuBLASLt, and cannot be run. */
  static MatMuls described(KernelModule kernels) {
    return new MatMuls(kernels, Optional.empty(), true);
  }

  /** The same of one replica. */
  MatMuls alone() {
    return new MatMuls(kernels.alone(),
        library.map(l -> new Library(l.library, l.gpu, l.machine, Replicas.ONE)), described);
  }

  /**
   * out = a b + bias, or out += a b. What is in out's memory when this is called may be lost.
   *
   * @param bias [columns of out], in out's precision
   */
  Launch of(Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate) {
    if (described) {
      return described("product", 1, a, b, out, accumulate);
    }
    return library
        .map(l -> launch("product", a, b, out, accumulate,
            chosen(l, kernels, 1, l.library.product(a, b, bias, out, accumulate, l.replicas), a, b, bias)))
        .orElseGet(() -> own(1, a, b, bias, out, accumulate));
  }

  /** The same of so many pairs of matrices at once: each lies right behind the one before, as do biases and results. */
  List<Launch> of(int count, Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate) {
    if (described) {
      return List.of(described("product", count, a, b, out, accumulate));
    }
    if (library.isEmpty()) {
      return List.of(own(count, a, b, bias, out, accumulate));
    }
    Library l = library.get();
    // The library's batches have one stride, and each replica's are one.
    return LongStream.range(0, l.replicas.count())
        .map(i -> i * l.replicas.stride())
        .mapToObj(by -> new Launch(description("product", 1, count, a, b, out, accumulate),
            chosen(l, kernels.alone(), count,
                l.library.batch(count, a.shifted(by), b.shifted(by), bias.map(numbers -> numbers.shifted(by)),
                    out.shifted(by), accumulate),
                a.shifted(by), b.shifted(by), bias)))
        .toList();
  }

  private Launch launch(String name, Matrix a, Matrix b, Matrix out, boolean accumulate, Runnable work) {
    return new Launch(description(name, kernels.replicas(), 1, a, b, out, accumulate), work);
  }

  private Launch described(String name, int count, Matrix a, Matrix b, Matrix out, boolean accumulate) {
    LaunchDescription description = description(name, kernels.replicas(), count, a, b, out, accumulate);
    return new Launch(description, () -> {
      throw new IllegalStateException(description.name() + " is only described: there is no GPU");
    });
  }

  private static LaunchDescription description(String name, int replicas, int count, Matrix a, Matrix b,
      Matrix out, boolean accumulate) {
    String shape = name + " [" + a.rows() + ", " + a.columns() + "] [" + b.rows() + ", " + b.columns() + "]"
        + (count > 1 ? " x " + count : "") + (a.numbers().bf16() ? " bf16" : " fp32");
    long bytes = count * (bytes(a) + bytes(b) + bytes(out) * (accumulate ? 2 : 1));
    double flops = 2.0 * count * out.rows() * out.columns() * a.columns();
    return new LaunchDescription(shape, Optional.empty(), replicas, replicas * bytes, replicas * flops);
  }

  private static long bytes(Matrix m) {
    return (long) m.rows() * m.columns() * m.numbers().bytes();
  }

  /** With the algorithm that was chosen before, or is now. */
  private static Runnable chosen(Library l, KernelModule kernels, int count, CublasLt.Product product,
      Matrix a, Matrix b, Optional<Numbers> bias) {
    if (untimed(l.machine)) {
      product.first();
    } else {
      product.use(l.machine.cache().get(key(l, product, bias), () -> {
        fill(kernels, count, a, b);
        return product.measure(l.machine.tuning());
      }));
    }
    return product::run;
  }

  /**
   * Whether the library's first choice is taken: asked for one by one, products take the host's time, not the GPU's.
   */
  private static boolean untimed(CudaEngine.Machine machine) {
    return machine.has(DebugSwitch.FIRST_HEURISTIC) || machine.has(DebugSwitch.NO_GRAPH);
  }

  private static String key(Library l, CublasLt.Product product, Optional<Numbers> bias) {
    return "cuBLASLt " + l.library.version() + " " + l.gpu.device().name() + " " + product.shape()
        + (bias.isPresent() ? " with bias" : "");
  }

  /** Random numbers where a product is timed, for nothing is computed yet. */
  private static void fill(KernelModule kernels, int count, Matrix... matrices) {
    int seed = 1;
    for (Matrix m : matrices) {
      long halves = count * m.size() * m.numbers().bytes() / 2;
      kernels.each("fill", halves, m.numbers().address(), halves, seed++).run();
    }
  }

  /**
   * before = a b + bias, out = GELU(before).
   *
   * @param activate does the second
   */
  List<Launch> activated(Matrix a, Matrix b, Optional<Numbers> bias, Matrix before, Matrix out,
      Launch activate) {
    return faster("product, GELU", "GELU", a, b, bias, before, out,
        product -> product.activate(bias.isPresent(), before),
        List.of(of(a, b, bias, before, false), activate));
  }

  /**
   * out = a b GELU'(before).
   *
   * @param slope multiplies out by that
   */
  List<Launch> sloped(Matrix a, Matrix b, Matrix before, Matrix out, Launch slope) {
    return faster("product, GELU slope", "slope of GELU", a, b, Optional.empty(), before, out,
        product -> product.slope(before), List.of(of(a, b, Optional.empty(), out, false), slope));
  }

  /** In one product where cuBLASLt can do that, in bf16, and it was faster when both were timed; otherwise apart. */
  private List<Launch> faster(String name, String what, Matrix a, Matrix b, Optional<Numbers> bias,
      Matrix before, Matrix out, Consumer<CublasLt.Product> epilogue, List<Launch> two) {
    if (!described && library.isEmpty() || !out.numbers().bf16() || before.stride() % 8 != 0
        || library.filter(l -> l.machine.has(DebugSwitch.NO_EPILOGUES)).isPresent()) {
      return two;
    }
    LaunchDescription plain = description(name, kernels.replicas(), 1, a, b, out, false);
    LaunchDescription both = new LaunchDescription(plain.name(), plain.grid(), plain.replicas(),
        plain.bytes() + kernels.replicas() * bytes(before), plain.flops());
    if (described) {
      return List.of(new Launch(both, two.getFirst().work()));
    }
    Library l = library.get();
    CublasLt.Product product = l.library.product(a, b, bias, out, false, l.replicas);
    epilogue.accept(product);
    Launch one = new Launch(both, product::run);
    if (untimed(l.machine)) {
      try {
        product.first();
        return List.of(one);
      } catch (CudaException e) {
        return two;
      }
    }
    String key = key(l, product, bias) + " with " + what;
    Tuning tuning = l.machine.tuning();
    try {
      product.use(l.machine.cache().get(key, () -> {
        fill(kernels, 1, a, b, before);
        return product.measure(tuning);
      }));
    } catch (CudaException e) {
      // It has no algorithm for that.
      return two;
    }
    byte[] choice = l.machine.cache().get(key + " or apart", () -> {
      fill(kernels, 1, a, b, before);
      float together = l.gpu.milliseconds(one::run, tuning.warmUpSeconds(), tuning.times());
      float apart = l.gpu.milliseconds(() -> two.forEach(Launch::run), 0, tuning.times());
      return new byte[]{(byte) (together <= apart ? 1 : 0)};
    });
    return choice[0] == 1 ? List.of(one) : two;
  }

  private Launch own(int count, Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate) {
    return kernels
        .launch("product",
            new Grid(count * Math.ceilDiv(out.columns(), TILE), Math.ceilDiv(out.rows(), TILE), THREADS, 0),
            a.numbers(), down(a), along(a), a.size(), b.numbers(), down(b), along(b), b.size(),
            bias.orElse(new Numbers(0, false)), out.numbers(), down(out), out.size(), out.rows(),
            out.columns(), a.columns(), accumulate ? 1 : 0)
        .costing(count * (bytes(a) + bytes(b) + bytes(out) * (accumulate ? 2 : 1)),
            2.0 * count * out.rows() * out.columns() * a.columns());
  }

  private static long down(Matrix m) {
    return m.transposed() ? 1 : m.stride();
  }

  private static long along(Matrix m) {
    return m.transposed() ? m.stride() : 1;
  }
}
