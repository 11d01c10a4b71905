package org.knowcap.models.engine.cuda;

import java.util.Optional;
import java.util.Set;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Device;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Nvrtc;
import org.knowcap.models.engine.cuda.driver.Tuning;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Program;

/** NVIDIA GPUs of compute capability 8.0 or later, with a driver that knows CUDA 12 or 13. */
public final class CudaEngine implements Engine {
  private final Optional<Machine> given;

  /** What a machine has, looked for once. */
  record Machine(DiskCache cache, Tuning tuning, Set<DebugSwitch> switches, Optional<Found> found,
      String missing) {
    /** What a session needs. */
    record Found(Device device, Nvrtc compiler, Optional<Libraries.Found> products, String description) {}

    static Machine of(Libraries libraries, DiskCache cache, Tuning tuning, String switches) {
      try {
        Set<DebugSwitch> parsed = DebugSwitch.parse(switches);
        return new Machine(cache, tuning, parsed, Optional.of(find(libraries)), "");
      } catch (EngineUnavailableException | CudaException | UnsupportedOperationException e) {
        return new Machine(cache, tuning, Set.of(), Optional.empty(), String.valueOf(e.getMessage()));
      } catch (IllegalArgumentException e) {
        return new Machine(cache, tuning, Set.of(), Optional.empty(),
            DebugSwitch.SETTING + ": " + e.getMessage());
      }
    }

    boolean has(DebugSwitch debug) {
      return switches.contains(debug);
    }

    Gpu open() {
      return found.orElseThrow().device.open(!has(DebugSwitch.NO_GRAPH));
    }

    /** The library of products, where it was found and is wanted. */
    Optional<Libraries.Found> products() {
      return has(DebugSwitch.OWN_MATMUL) ? Optional.empty() : found.orElseThrow().products;
    }

    private static Found find(Libraries libraries) {
      Libraries.Found driver = libraries.driver()
          .orElseThrow(() -> new EngineUnavailableException("there is no NVIDIA driver (libcuda.so.1)"));
      Device gpu = Device.of(driver);
      int capability = gpu.capability();
      int version = gpu.driverVersion();
      String device = gpu.name() + " (compute capability " + capability / 10 + "." + capability % 10
          + "), driver for CUDA " + Device.version(version);
      if (capability < Device.OLDEST) {
        throw new EngineUnavailableException(device + " is too old: bf16 needs compute capability 8.0");
      }
      int major = version / 1000;
      Nvrtc compiler = libraries.compiler(major)
          .map(Nvrtc::new)
          .orElseThrow(() -> new EngineUnavailableException(device + ", but no compiler: libnvrtc.so of CUDA "
              + "12 or 13, no newer than the driver, was not found; " + howToGet("nvidia-cuda-nvrtc", major)
              + ", or for CUDA 13 build with KNOWCAP_PROFILES=cuda"));
      compiler.target(capability);
      return new Found(gpu, compiler, libraries.products(major), device);
    }

    private static String howToGet(String wheel, int major) {
      return "install the CUDA toolkit, or 'pip install " + wheel + (major == 12 ? "-cu12" : "")
          + "', or name its folder in " + Libraries.SETTING;
    }

    private Optional<String> handicap() {
      return found.filter(f -> f.products.isEmpty())
          .map(
              f -> "matmuls run in a plain kernel, many times slower than cuBLASLt: libcublasLt.so of CUDA 12 or "
                  + "13 was not found; " + howToGet("nvidia-cublas", 13));
    }
  }

  /** This machine, looked at when an engine first needs it, once for all of the process. */
  private static final class Here {
    static final Machine MACHINE;

    static {
      DiskCache cache = DiskCache.ofUser();
      MACHINE = Machine.of(Libraries.ofThisMachine(cache.folder()), cache, Tuning.REAL,
          Optional.ofNullable(System.getenv(DebugSwitch.SETTING)).orElse(""));
    }
  }

  /** With this machine's libraries. */
  public CudaEngine() {
    given = Optional.empty();
  }

  /** With certain libraries, keeping what it compiles in a folder, timing products so long, and with switches. */
  CudaEngine(Libraries libraries, DiskCache cache, Tuning tuning, Set<DebugSwitch> switches) {
    given = Optional.of(Machine.of(libraries, cache, tuning, DebugSwitch.words(switches)));
  }

  Machine machine() {
    return given.orElseGet(() -> Here.MACHINE);
  }

  @Override
  public String name() {
    return "cuda";
  }

  /** Behind the cpu engine until its results have been compared on a GPU: nothing takes it unasked. */
  @Override
  public int rank() {
    return 60;
  }

  @Override
  public Optional<String> unavailable() {
    return machine().found().isPresent() ? Optional.empty() : Optional.of(machine().missing());
  }

  @Override
  public String description() {
    Machine.Found found = machine().found().orElseThrow();
    return found.description() + "; NVRTC " + found.compiler().version() + " (" + found.compiler().where()
        + "); " + found.products().map(library -> "cuBLASLt (" + library.where() + ")").orElse("no cuBLASLt")
        + (machine().switches().isEmpty() ? "" : "; debug: " + DebugSwitch.words(machine().switches()));
  }

  /** The GPU's name, such as NVIDIA H200; only where the engine is available. */
  public String card() {
    return machine().found().orElseThrow().device().name();
  }

  @Override
  public Optional<String> handicap() {
    return machine().handicap();
  }

  @Override
  public Session compile(Program program, Execution execution) {
    return group(program, execution, 1).only();
  }

  @Override
  public boolean fuses() {
    return true;
  }

  @Override
  public SessionGroup together(Program program, Execution execution, int runs) {
    return group(program, execution, runs);
  }

  /** What passes between operations. */
  static DType dtype(Precision precision) {
    return switch (precision) {
      case FP32 -> DType.FP32;
      case BF16, AUTO -> DType.BF16;
    };
  }

  CudaGroup group(Program program, Execution execution, int runs) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'cuda' cannot run here: " + reason);
    });
    execution.requireExactWeights(name(), program);
    Machine machine = machine();
    DType dtype = dtype(execution.precision());
    Gpu gpu = machine.open();
    try {
      // One after the other: what one compiles or times, the next takes from the cache.
      synchronized (machine) {
        return new CudaGroup(program, dtype, runs, gpu, machine);
      }
    } catch (RuntimeException e) {
      try {
        gpu.close();
      } catch (CudaException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }
}
