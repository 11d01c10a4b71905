package org.knowcap.models.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Nvrtc;
import org.knowcap.models.engine.cuda.driver.Replicas;

/**
 * The kernels, compiled for a GPU and a model, and launched for all replicas; without a GPU they are only described.
 */
final class KernelModule {
  private static final int THREADS = 256;

  /** Machine code on a GPU, and the handles of its kernels. */
  private record Loaded(Gpu gpu, long module, Map<String, Long> handles) {
    long handle(String kernel) {
      return handles.computeIfAbsent(kernel, name -> gpu.kernel(module, name));
    }
  }

  private final Optional<Loaded> loaded;
  private final KernelParameters parameters;
  private final int replicas;

  private KernelModule(Optional<Loaded> loaded, KernelParameters parameters, int replicas) {
    this.loaded = loaded;
    this.parameters = parameters;
    this.replicas = replicas;
  }

  KernelModule(Gpu gpu, CudaEngine.Machine machine, KernelSource source, Replicas replicas) {
    this(Optional.of(new Loaded(gpu, module(gpu, machine, source), new HashMap<>())),
        KernelParameters.of(KernelSource.text()), replicas.count());
    gpu.write(gpu.variable(loaded.orElseThrow().module, "replicaStride"), replicas.stride());
  }

  private static long module(Gpu gpu, CudaEngine.Machine machine, KernelSource source) {
    Nvrtc compiler = machine.found().orElseThrow().compiler();
    boolean lines = machine.has(DebugSwitch.LINE_INFO);
    String text = KernelSource.text();
    String target = compiler.target(gpu.device().capability());
    String key = "NVRTC " + compiler.version() + " " + target + " " + source.definitions()
        + (lines ? " lines" : "") + "\n" + text;
    return gpu.load(machine.cache()
        .get(key, () -> compiler.compile(text, "kernels.cu", target, source.definitions(), lines)));
  }

  /** Without a GPU: launches say what they would do, and cannot be run. */
  static KernelModule described(Replicas replicas) {
    return new KernelModule(Optional.empty(), KernelParameters.of(KernelSource.text()), replicas.count());
  }

  /** The same, launched for one replica. */
  KernelModule alone() {
    return new KernelModule(loaded, parameters, 1);
  }

  int replicas() {
    return replicas;
  }

  /**
   * A launch of a kernel, whose cost is still to be said.
   *
   * @throws IllegalArgumentException if the arguments are not what the kernel's source declares
   */
  Launch launch(String kernel, Grid grid, Object... arguments) {
    parameters.require(kernel, arguments);
    LaunchDescription description = new LaunchDescription(kernel, Optional.of(grid), replicas, 0, 0);
    if (loaded.isEmpty()) {
      return new Launch(description, () -> {
        throw new IllegalStateException(kernel + " is only described: there is no GPU");
      });
    }
    Gpu gpu = loaded.get().gpu;
    long handle = loaded.get().handle(kernel);
    gpu.reserve(handle, grid);
    return new Launch(description, () -> gpu.launch(handle, grid, replicas, arguments));
  }

  /** A launch with a thread for each of a number of things. */
  Launch each(String kernel, long things, Object... arguments) {
    return launch(kernel, new Grid(Math.toIntExact(Math.ceilDiv(things, THREADS)), 1, THREADS, 0), arguments);
  }
}
