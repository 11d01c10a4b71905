package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.Attention;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Program;

/**
 * The fast engine of machines without a GPU. oneDNN computes matmuls if it loads; otherwise the Vector API does,
 * which runs wherever Java does.
 */
public final class CpuEngine implements Engine {
  /**
   * Flags that Java must be started with: without them the vectors of these loops end up on the heap, which is ten
   * times slower.
   */
  public static final List<String> KEEP_LOOPS_APART = List.of("-XX:CompileCommand=quiet",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.Loops::*",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.Tiles::*",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.Strips::*",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.NarrowNorms::*",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.Activations::*",
      "-XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.RecurrenceLoops::*");

  private final boolean natives;

  /** oneDNN, unpacked and loaded when an engine first needs it, once for all of the process. */
  private static final class Library {
    static final Optional<OneDnn> LOADED;
    static final String WHY_NOT;

    static {
      Optional<OneDnn> loaded = Optional.empty();
      String whyNot = "";
      try {
        loaded = Optional.of(OneDnn.load());
      } catch (UnsupportedOperationException e) {
        whyNot = String.valueOf(e.getMessage());
      }
      LOADED = loaded;
      WHY_NOT = whyNot;
    }
  }

  /** An engine with oneDNN, if it loads. */
  public CpuEngine() {
    this(true);
  }

  private CpuEngine(boolean natives) {
    this.natives = natives;
  }

  /** An engine without native code, as on a machine where oneDNN does not load. */
  public static CpuEngine withoutNatives() {
    return new CpuEngine(false);
  }

  private Optional<OneDnn> library() {
    return natives ? Library.LOADED : Optional.empty();
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int rank() {
    return 50;
  }

  @Override
  public Optional<String> unavailable() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? Optional.empty()
        : Optional.of("Java was started without the Vector API; add --add-modules jdk.incubator.vector");
  }

  @Override
  public String description() {
    String matmuls = library()
        .map(found -> "oneDNN " + found.version() + (found.multipliesBf16() ? ", fp32 and bf16" : ", fp32"))
        .orElse("matmuls in the Vector API");
    return matmuls + "; vectors of " + Vectors.LANES + " floats";
  }

  @Override
  public Optional<String> handicap() {
    return natives && library().isEmpty()
        ? Optional.of("matmuls run in the Vector API, several times slower than natively: " + Library.WHY_NOT)
        : Optional.empty();
  }

  @Override
  public boolean roundsWeights() {
    return true;
  }

  @Override
  public Session compile(Program program, Execution execution) {
    return open(program, execution);
  }

  /**
   * Bytes that a program takes in fp32: parameters, gradients and optimiser state, rounded weights, and each thread's
   * buffers. What oneDNN needs for itself is not counted.
   */
  public static long bytes(Program program, Execution execution) {
    return CpuSession.bytes(program, DType.FP32, workers(program, execution.threads()),
        execution.rounding().isPresent());
  }

  /** Threads beyond the windows of a step would have nothing to do. */
  private static int workers(Program program, int threads) {
    return Math.min(threads, CpuSession.stepWindows(program));
  }

  /** Whether it can compute in bf16 on this machine. */
  public boolean hasBf16() {
    return library().map(OneDnn::multipliesBf16).orElse(false);
  }

  CpuSession open(Program program, Execution execution) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'cpu' cannot run here: " + reason);
    });
    boolean oddHeads = program.forward()
        .stream()
        .anyMatch(o -> o instanceof Attention attention && attention.heads().width() % 2 != 0);
    if (oddHeads && execution.precision() == Precision.BF16) {
      // Its instructions read pairs of numbers: rows of a product must not be odd.
      throw new EngineUnavailableException("bf16 needs an even head width; use precision fp32, or auto");
    }
    DType dtype = oddHeads ? DType.FP32 : dtype(execution.precision());
    return new CpuSession(program, workers(program, execution.threads()), dtype,
        arena -> new ThreadMode(arena, library()), this::matmuls, execution.rounding());
  }

  /** Makes the calling thread a worker's from now on. */
  void prepareThread() {
    new ThreadMode(Arena.ofAuto(), library()).enter();
  }

  MatMuls matmuls(MemorySegment memory) {
    return library().<MatMuls>map(loaded -> new OneDnnMatMuls(loaded, memory))
        .orElseGet(() -> new VectorMatMuls(memory));
  }

  /**
   * The precision in which operands of matmuls are stored.
   *
   * @throws EngineUnavailableException if bf16 is asked for and this machine does not have it
   */
  DType dtype(Precision precision) {
    return switch (precision) {
      case FP32 -> DType.FP32;
      case AUTO -> hasBf16() ? DType.BF16 : DType.FP32;
      case BF16 -> {
        if (!hasBf16()) {
          throw new EngineUnavailableException("this machine has no bf16 matmuls (" + description()
              + "); use precision fp32, or auto for bf16 only where it is fast");
        }
        yield DType.BF16;
      }
    };
  }
}
