package org.knowcap.models.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Nvrtc;

/** The kernels, compiled for a GPU and a model. */
final class Kernels {
  private static final int THREADS = 256;

  private final Gpu gpu;
  private final long module;
  private final Map<String, Long> handles = new HashMap<>();

  Kernels(Gpu gpu, Nvrtc compiler, DiskCache cache, KernelSource source) {
    this.gpu = gpu;
    String text = KernelSource.text();
    String target = compiler.target(gpu.capability());
    String key = "NVRTC " + compiler.version() + " " + target + " " + source.definitions() + "\n" + text;
    module = gpu.load(cache.get(key,
        () -> compiler.compile(text, "kernels.cu", target, source.definitions())));
  }

  /** A launch of a kernel. */
  Runnable launch(String kernel, Grid grid, Object... arguments) {
    long handle = handles.computeIfAbsent(kernel, name -> gpu.kernel(module, name));
    gpu.reserve(handle, grid);
    return () -> gpu.launch(handle, grid, arguments);
  }

  /** A launch with a thread for each of a number of things. */
  Runnable each(String kernel, long things, Object... arguments) {
    return launch(kernel, new Grid(Math.toIntExact(Math.ceilDiv(things, THREADS)), 1, THREADS, 0), arguments);
  }
}
