package org.knowcap.models.engine.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Matmuls by cuBLASLt. Its matrices are column-major: the row-major out = a b is its column-major out^T = b^T a^T,
 * and a row-major matrix is a transposed column-major one, so no number moves.
 */
public final class CublasLt {
  /** Bytes of scratch memory that products may use: NVIDIA's advice for Hopper. */
  public static final long WORKSPACE = 32L << 20;
  /** Bytes that say which algorithm to take: the library's own form and the scratch bytes it needs. */
  public static final int ALGORITHM_BYTES = 72;

  private static final int FP32 = 0;
  private static final int BF16 = 14;
  private static final int COMPUTE_FP32 = 68;
  private static final int TRANSPOSE_A = 3;
  private static final int TRANSPOSE_B = 4;
  private static final int EPILOGUE = 7;
  private static final int BIAS_POINTER = 8;
  private static final int BIAS_STRIDE = 10;
  private static final int BATCH_COUNT = 5;
  private static final int BATCH_STRIDE = 6;
  private static final int EPILOGUE_BIAS = 4;
  private static final int AUXILIARY_POINTER = 11;
  private static final int AUXILIARY_STRIDE = 12;
  private static final int AUXILIARY_BATCH_STRIDE = 13;
  private static final int EPILOGUE_GELU = 160;
  private static final int EPILOGUE_GELU_SLOPE = 192;
  private static final int MAX_WORKSPACE = 1;
  private static final int REDUCTIONS = 3;
  private static final int ALIGNMENT_A = 5;
  /** Parts of split sums go to scratch memory and are added in order: the same to the last bit every time. */
  private static final int ORDERED_REDUCTIONS = 2;
  private static final int CANDIDATES = 8;
  private static final int MOST_ALIGNMENT = 256;
  private static final int RESULT_BYTES = 96;
  private static final int STATE_OFFSET = 72;
  private static final Map<Integer, String> ERRORS = Map.of(1, "CUBLAS_STATUS_NOT_INITIALIZED", 3,
      "CUBLAS_STATUS_ALLOC_FAILED", 7, "CUBLAS_STATUS_INVALID_VALUE", 8, "CUBLAS_STATUS_ARCH_MISMATCH", 11,
      "CUBLAS_STATUS_MAPPING_ERROR", 13, "CUBLAS_STATUS_EXECUTION_FAILED", 14, "CUBLAS_STATUS_INTERNAL_ERROR",
      15, "CUBLAS_STATUS_NOT_SUPPORTED", 16, "CUBLAS_STATUS_LICENSE_ERROR");

  private final Functions functions;
  private final SymbolLookup library;
  private final Gpu gpu;
  private final long handle;
  private final long workspace;
  private final Arena arena = Arena.ofShared();
  private final List<Product> products = new ArrayList<>();

  /** Opens it on a GPU, with scratch memory there; closed with it. */
  public CublasLt(Libraries.Found found, Gpu gpu) {
    this.gpu = gpu;
    library = found.symbols();
    functions = new Functions(library, "cuBLASLt",
        code -> ERRORS.getOrDefault(code, "cuBLAS status " + code));
    workspace = gpu.allocate(WORKSPACE);
    MemorySegment slot = arena.allocate(JAVA_LONG);
    functions.call("cublasLtCreate", slot);
    handle = slot.get(JAVA_LONG, 0);
    gpu.atClose(this::close);
  }

  /** Such as 130100 for 13.1.0. The one function that returns something else than a status. */
  public long version() {
    return functions.status("cublasLtGetVersion") & 0xffffffffL;
  }

  /** A product out = a b + bias, or out += a b, or several of them. */
  public final class Product {
    private final long description;
    private final long[] layouts;
    private final Matrix a;
    private final Matrix b;
    private final Matrix out;
    private final int count;
    private final long[] apart;
    private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
    private final MemorySegment keep;
    /** Alignments of a bias and of what an epilogue writes or reads, where there are such, and the least of them. */
    private String beside = "";
    private int besideAlignment = MOST_ALIGNMENT;
    private final MemorySegment algorithm = arena.allocate(ALGORITHM_BYTES, 8);

    /**
     * @param count how many
     * @param apart bytes from one to the next: of b, a, out and bias
     */
    private Product(Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate, int count,
        long... apart) {
      this.a = a;
      this.b = b;
      this.out = out;
      this.count = count;
      this.apart = apart;
      keep = arena.allocateFrom(JAVA_FLOAT, accumulate ? 1f : 0f);
      MemorySegment slot = arena.allocate(JAVA_LONG);
      functions.call("cublasLtMatmulDescCreate", slot, COMPUTE_FP32, FP32);
      description = slot.get(JAVA_LONG, 0);
      set(TRANSPOSE_A, b.transposed() ? 1 : 0);
      set(TRANSPOSE_B, a.transposed() ? 1 : 0);
      bias.ifPresent(numbers -> {
        set(EPILOGUE, EPILOGUE_BIAS);
        beside("bias", alignment(numbers.address(), count > 1 ? apart[3] : 0));
        functions.call("cublasLtMatmulDescSetAttribute", description, BIAS_POINTER,
            arena.allocateFrom(JAVA_LONG, numbers.address()), 8L);
        if (count > 1) {
          functions.call("cublasLtMatmulDescSetAttribute", description, BIAS_STRIDE,
              arena.allocateFrom(JAVA_LONG, apart[3] / numbers.bytes()), 8L);
        }
      });
      layouts = new long[]{layout(b, apart[0], slot), layout(a, apart[1], slot), layout(out, apart[2], slot)};
    }

    /**
     * Makes it out = GELU(before), before = a b + bias: GELU in GPT-2's form, as the library has no other.
     *
     * @param before as out; its stride must be a multiple of 8
     */
    public void activate(boolean biased, Matrix before) {
      epilogue(EPILOGUE_GELU + (biased ? EPILOGUE_BIAS : 0), before);
    }

    /**
     * Makes it out = a b GELU'(before).
     *
     * @param before as out; its stride must be a multiple of 8
     */
    public void slope(Matrix before) {
      epilogue(EPILOGUE_GELU_SLOPE, before);
    }

    private void epilogue(int which, Matrix before) {
      set(EPILOGUE, which);
      beside("beside", alignment(before.numbers().address(), count > 1 ? apart[2] : 0));
      set(AUXILIARY_POINTER, before.numbers().address());
      set(AUXILIARY_STRIDE, (long) before.stride());
      if (count > 1) {
        set(AUXILIARY_BATCH_STRIDE, apart[2] / before.numbers().bytes());
      }
    }

    private void beside(String what, int alignment) {
      beside += " " + what + " " + alignment;
      besideAlignment = Math.min(besideAlignment, alignment);
    }

    private void set(int attribute, int value) {
      functions.call("cublasLtMatmulDescSetAttribute", description, attribute,
          arena.allocateFrom(JAVA_INT, value), 4L);
    }

    private void set(int attribute, long value) {
      functions.call("cublasLtMatmulDescSetAttribute", description, attribute,
          arena.allocateFrom(JAVA_LONG, value), 8L);
    }

    private long layout(Matrix m, long apart, MemorySegment slot) {
      int storedRows = m.transposed() ? m.columns() : m.rows();
      int storedColumns = m.transposed() ? m.rows() : m.columns();
      functions.call("cublasLtMatrixLayoutCreate", slot, m.numbers().bf16() ? BF16 : FP32,
          (long) storedColumns, (long) storedRows, (long) m.stride());
      long layout = slot.get(JAVA_LONG, 0);
      if (count > 1) {
        functions.call("cublasLtMatrixLayoutSetAttribute", layout, BATCH_COUNT,
            arena.allocateFrom(JAVA_INT, count), 4L);
        functions.call("cublasLtMatrixLayoutSetAttribute", layout, BATCH_STRIDE,
            arena.allocateFrom(JAVA_LONG, apart / m.numbers().bytes()), 8L);
      }
      return layout;
    }

    /** What identifies its shape, for remembering the algorithm. */
    public String shape() {
      return a + " " + b + " " + out + " strides " + a.stride() + " " + b.stride() + " " + out.stride()
          + " aligned " + alignment(1) + " " + alignment(0) + " " + alignment(2) + " " + beside + " keeps "
          + keep.get(JAVA_FLOAT, 0)
          + (count > 1 ? " times " + count + " every " + Arrays.toString(apart) : "");
    }

    /** Takes an algorithm that was found before. */
    public void use(byte[] known) {
      MemorySegment.copy(known, 0, algorithm, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, ALGORITHM_BYTES);
    }

    /** Takes what the library names first. */
    public void first() {
      MemorySegment.copy(candidates().getFirst(), 0, algorithm, 0, ALGORITHM_BYTES);
    }

    /**
     * Times the candidates and takes the one that the library names first, unless another is faster by more than
     * noise. The result's memory is overwritten; the operands should hold numbers as they occur, for on zeros chips
     * are faster.
     *
     * @return the algorithm
     */
    public byte[] measure(Tuning tuning) {
      Optional<MemorySegment> best = Optional.empty();
      float least = Float.MAX_VALUE;
      CudaException failure = new CudaException("cuBLASLt has no algorithm for " + shape(), 0);
      double warmUp = tuning.warmUpSeconds();
      for (MemorySegment candidate : candidates()) {
        MemorySegment.copy(candidate, 0, algorithm, 0, ALGORITHM_BYTES);
        try {
          float time = gpu.milliseconds(this::run, warmUp, tuning.times());
          warmUp = 0;
          if (time < least * (1 - tuning.noise())) {
            least = time;
            best = Optional.of(candidate);
          }
        } catch (CudaException e) {
          // One that cannot do it after all must not cost the others.
          failure = e;
        }
      }
      if (best.isEmpty()) {
        throw failure;
      }
      MemorySegment.copy(best.get(), 0, algorithm, 0, ALGORITHM_BYTES);
      return algorithm.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    private List<MemorySegment> candidates() {
      try (Arena temporary = Arena.ofConfined()) {
        MemorySegment slot = temporary.allocate(JAVA_LONG);
        functions.call("cublasLtMatmulPreferenceCreate", slot);
        long preference = slot.get(JAVA_LONG, 0);
        functions.call("cublasLtMatmulPreferenceSetAttribute", preference, MAX_WORKSPACE,
            temporary.allocateFrom(JAVA_LONG, WORKSPACE), 8L);
        functions.call("cublasLtMatmulPreferenceSetAttribute", preference, REDUCTIONS,
            temporary.allocateFrom(JAVA_INT, ORDERED_REDUCTIONS), 4L);
        // A bias has no alignment of its own there: it counts with the result's, as in PyTorch.
        int[] alignments = {alignment(0), alignment(1), alignment(2),
            Math.min(alignment(2), besideAlignment)};
        for (int i = 0; i < alignments.length; i++) {
          functions.call("cublasLtMatmulPreferenceSetAttribute", preference, ALIGNMENT_A + i,
              temporary.allocateFrom(JAVA_INT, alignments[i]), 4L);
        }
        MemorySegment results = arena.allocate(CANDIDATES * (long) RESULT_BYTES, 8);
        MemorySegment count = temporary.allocate(JAVA_INT);
        functions.call("cublasLtMatmulAlgoGetHeuristic", handle, description, layouts[0], layouts[1],
            layouts[2], layouts[2], preference, CANDIDATES, results, count);
        functions.call("cublasLtMatmulPreferenceDestroy", preference);
        List<MemorySegment> candidates = new ArrayList<>();
        for (int i = 0; i < count.get(JAVA_INT, 0); i++) {
          MemorySegment result = results.asSlice((long) i * RESULT_BYTES, RESULT_BYTES);
          if (result.get(JAVA_INT, STATE_OFFSET) == 0) {
            candidates.add(result.asSlice(0, ALGORITHM_BYTES));
          }
        }
        if (candidates.isEmpty()) {
          throw new CudaException("cuBLASLt has no algorithm for " + shape(), 0);
        }
        return candidates;
      }
    }

    /** The largest power of two up to 256 that divides the addresses of b (0), a (1) or out (2), in every product. */
    private int alignment(int which) {
      long address = List.of(b, a, out).get(which).numbers().address();
      return alignment(address, count > 1 ? apart[which] : 0);
    }

    private static int alignment(long address, long apart) {
      return (int) Math.min(MOST_ALIGNMENT, Long.lowestOneBit(address | apart));
    }

    /** Computes it. */
    public void run() {
      long scratch = algorithm.get(JAVA_LONG, 64);
      functions.call("cublasLtMatmul", handle, description, one, b.numbers().address(), layouts[0],
          a.numbers().address(), layouts[1], keep, out.numbers().address(), layouts[2],
          out.numbers().address(), layouts[2], algorithm, workspace, scratch, gpu.stream());
    }
  }

  /**
   * Prepares out = a b + bias, or out += a b, of the first replica and all others. Its algorithm is still to be
   * chosen.
   */
  public Product product(Matrix a, Matrix b, Optional<Numbers> bias, Matrix out, boolean accumulate,
      Replicas replicas) {
    long apart = replicas.stride();
    return kept(new Product(a, b, bias, out, accumulate, replicas.count(), apart, apart, apart, apart));
  }

  /** Prepares so many of them, each matrix and bias right behind the one before. */
  public Product batch(int count, Matrix a, Matrix b, Optional<Numbers> bias, Matrix out,
      boolean accumulate) {
    return kept(new Product(a, b, bias, out, accumulate, count, b.size() * b.numbers().bytes(),
        a.size() * a.numbers().bytes(), out.size() * out.numbers().bytes(),
        (long) out.columns() * out.numbers().bytes()));
  }

  private Product kept(Product product) {
    products.add(product);
    return product;
  }

  private void close() {
    List<CudaException> failures = new ArrayList<>();
    for (Product product : products) {
      for (long layout : product.layouts) {
        Gpu.attempt(failures, () -> functions.call("cublasLtMatrixLayoutDestroy", layout));
      }
      Gpu.attempt(failures, () -> functions.call("cublasLtMatmulDescDestroy", product.description));
    }
    Gpu.attempt(failures, () -> functions.call("cublasLtDestroy", handle));
    arena.close();
    if (!failures.isEmpty()) {
      throw failures.getFirst();
    }
  }
}
