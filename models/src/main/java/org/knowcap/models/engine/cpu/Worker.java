package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.knowcap.models.engine.routing.HostRouter;

/**
 * Carries its windows of the batch through the model, a slice at a time. Its windows, their order and its buffers are
 * its own, so that what it computes does not depend on when others run.
 */
final class Worker implements AutoCloseable {
  private final int firstWindow;
  private final int lastWindow;
  private final int sliceWindows;
  private final int length;
  private final MatMuls matmuls;
  private final Map<Integer, Slice.Sequence> scoring = new HashMap<>();
  private final Map<Integer, Slice.Sequence> training = new HashMap<>();

  /**
   * @param firstWindow of this worker's
   * @param lastWindow the one after its last
   * @param sliceWindows windows of a slice; the last slice may be smaller
   */
  Worker(MemorySegment memory, Layout layout, MatMuls matmuls, int number, int firstWindow, int lastWindow,
      int sliceWindows, int batchWindows, int length, boolean learns) {
    this.firstWindow = firstWindow;
    this.lastWindow = lastWindow;
    this.sliceWindows = sliceWindows;
    this.length = length;
    this.matmuls = matmuls;
    for (int window = firstWindow; window < lastWindow; window += sliceWindows) {
      int windows = Math.min(sliceWindows, lastWindow - window);
      scoring.computeIfAbsent(windows,
          n -> Slice.kernels(memory, layout, matmuls, number, n, batchWindows * length, false));
      if (learns) {
        training.computeIfAbsent(windows,
            n -> Slice.kernels(memory, layout, matmuls, number, n, batchWindows * length, true));
      }
    }
  }

  /** Losses, and in learning this worker's share of the gradients. */
  void run(boolean learning) {
    (learning ? training : scoring)
        .forEach((windows, kernels) -> kernels.routers().forEach(HostRouter::restart));
    for (int window = firstWindow; window < lastWindow; window += sliceWindows) {
      for (Slice.Timed timed : kernels(window, learning)) {
        timed.kernel().run(window * length);
      }
    }
  }

  /** As {@link #run}, adding the nanoseconds of each kind of step. */
  void runTimed(boolean learning, Map<String, Long> nanoseconds) {
    for (int window = firstWindow; window < lastWindow; window += sliceWindows) {
      for (Slice.Timed timed : kernels(window, learning)) {
        long began = System.nanoTime();
        timed.kernel().run(window * length);
        nanoseconds.merge(timed.kind(), System.nanoTime() - began, Long::sum);
      }
    }
  }

  /** For what its thread computes beside the slices. */
  MatMuls matmuls() {
    return matmuls;
  }

  private List<Slice.Timed> kernels(int window, boolean learning) {
    return (learning ? training : scoring).get(Math.min(sliceWindows, lastWindow - window)).timed();
  }

  /** Of each size of slice its routers, in the order of blocks. */
  Stream<List<HostRouter>> routers(boolean learning) {
    return (learning ? training : scoring).values().stream().map(Slice.Sequence::routers);
  }

  @Override
  public void close() {
    matmuls.close();
  }
}
