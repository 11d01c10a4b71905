package org.knowcap.models.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Nvrtc;
import org.knowcap.models.engine.cuda.driver.Replicas;

/** The kernels, compiled for a GPU and a model, and launched for so many replicas. */
final class Kernels {
  private static final int THREADS = 256;

  private final Gpu gpu;
  private final long module;
  private final int replicas;
  private final Map<String, Long> handles = new HashMap<>();

  Kernels(Gpu gpu, Nvrtc compiler, DiskCache cache, KernelSource source, Replicas replicas) {
    this.gpu = gpu;
    this.replicas = replicas.count();
    String text = KernelSource.text();
    String target = compiler.target(gpu.capability());
    String key = "NVRTC " + compiler.version() + " " + target + " " + source.definitions() + "\n" + text;
    module = gpu
        .load(cache.get(key, () -> compiler.compile(text, "kernels.cu", target, source.definitions())));
    gpu.write(gpu.variable(module, "replicaStride"), replicas.stride());
  }

  private Kernels(Gpu gpu, long module) {
    this.gpu = gpu;
    this.module = module;
    replicas = 1;
  }

  /** The same, launched for one replica. */
  Kernels alone() {
    return new Kernels(gpu, module);
  }

  /** A launch of a kernel. */
  Runnable launch(String kernel, Grid grid, Object... arguments) {
    long handle = handles.computeIfAbsent(kernel, name -> gpu.kernel(module, name));
    gpu.reserve(handle, grid);
    return () -> gpu.launch(handle, grid, replicas, arguments);
  }

  /** A launch with a thread for each of a number of things. */
  Runnable each(String kernel, long things, Object... arguments) {
    return launch(kernel, new Grid(Math.toIntExact(Math.ceilDiv(things, THREADS)), 1, THREADS, 0), arguments);
  }
}
