package org.knowcap.models.engine.cuda;

import java.util.Optional;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Nvrtc;
import org.knowcap.models.engine.lowering.Element;
import org.knowcap.models.program.Program;

/** NVIDIA GPUs of compute capability 8.0 or later, with a driver that knows CUDA 12 or 13. */
public final class CudaEngine implements Engine {
  private final Optional<Machine> given;

  /** What a machine has, looked for once. */
  record Machine(Libraries libraries, DiskCache cache, Optional<Found> found, String missing) {
    /** What a session needs. */
    record Found(Libraries.Found driver, Nvrtc compiler, Optional<Libraries.Found> products, String device) {}

    static Machine of(Libraries libraries, DiskCache cache) {
      try {
        return new Machine(libraries, cache, Optional.of(find(libraries)), "");
      } catch (EngineUnavailableException | CudaException | UnsupportedOperationException e) {
        return new Machine(libraries, cache, Optional.empty(), e.getMessage());
      }
    }

    private static Found find(Libraries libraries) {
      Libraries.Found driver = libraries.driver()
          .orElseThrow(() -> new EngineUnavailableException("there is no NVIDIA driver (libcuda.so.1)"));
      try (Gpu gpu = Gpu.open(driver)) {
        int capability = gpu.capability();
        int version = gpu.driverVersion();
        String device = gpu.name() + " (compute capability " + capability / 10 + "." + capability % 10
            + "), driver for CUDA " + version / 1000 + "." + version % 1000 / 10;
        if (capability < Gpu.OLDEST) {
          throw new EngineUnavailableException(device + " is too old: bf16 needs compute capability 8.0");
        }
        int major = version / 1000;
        Nvrtc compiler = libraries.compiler(major)
            .map(Nvrtc::new)
            .orElseThrow(() -> new EngineUnavailableException(device
                + ", but no compiler: libnvrtc.so of CUDA "
                + "12 or 13, no newer than the driver, was not found; " + howToGet("nvidia-cuda-nvrtc", major)
                + ", or for CUDA 13 build with KNOWCAP_PROFILES=cuda"));
        compiler.target(capability);
        return new Found(driver, compiler, libraries.products(major), device);
      }
    }

    private static String howToGet(String wheel, int major) {
      return "install the CUDA toolkit, or 'pip install " + wheel + (major == 12 ? "-cu12" : "")
          + "', or name its folder in " + Libraries.SETTING;
    }

    private Optional<String> handicap() {
      return found.filter(f -> f.products().isEmpty())
          .map(
              f -> "products run in a plain kernel, many times slower than cuBLASLt: libcublasLt.so of CUDA 12 or "
                  + "13 was not found; " + howToGet("nvidia-cublas", 13));
    }
  }

  /** This machine, looked at when an engine first needs it, once for all of the process. */
  private static final class Here {
    static final Machine MACHINE;

    static {
      DiskCache cache = DiskCache.ofUser();
      MACHINE = Machine.of(Libraries.ofThisMachine(cache.folder()), cache);
    }
  }

  /** With this machine's libraries. */
  public CudaEngine() {
    given = Optional.empty();
  }

  /** With certain libraries, keeping what it compiles in a folder. */
  CudaEngine(Libraries libraries, DiskCache cache) {
    given = Optional.of(Machine.of(libraries, cache));
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
    return found.device() + "; NVRTC " + found.compiler().version() + " (" + found.compiler().where() + "); "
        + found.products().map(library -> "cuBLASLt (" + library.where() + ")").orElse("no cuBLASLt");
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
  static Element element(Precision precision) {
    return switch (precision) {
      case FP32 -> Element.FP32;
      case BF16, AUTO -> Element.BF16;
    };
  }

  private CudaGroup group(Program program, Execution execution, int runs) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'cuda' cannot run here: " + reason);
    });
    Machine.Found found = machine().found().orElseThrow();
    Element element = element(execution.precision());
    Gpu gpu = Gpu.open(found.driver());
    try {
      // One after the other: what one compiles or times, the next takes from the cache.
      synchronized (machine()) {
        return new CudaGroup(program, element, runs, gpu, found.compiler(), found.products(),
            machine().cache());
      }
    } catch (RuntimeException e) {
      gpu.close();
      throw e;
    }
  }
}
