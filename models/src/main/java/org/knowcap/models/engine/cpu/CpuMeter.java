package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.InitialParameters;

/** Measures the machine's speed of matmuls and copies, and where the engine's time goes. */
public final class CpuMeter {
  /**
   * A square matmul of this size reaches the full speed: it is large enough to amortise overheads, and fits into the
   * cache.
   */
  private static final int SIZE = 768;
  /** Of each of the two buffers of a copy: more than caches hold. */
  private static final long COPIED_BYTES = 128L << 20;

  private final CpuEngine engine;

  public CpuMeter(CpuEngine engine) {
    this.engine = engine;
  }

  /** Something that one thread repeats. */
  private interface Work extends AutoCloseable {
    void run();

    @Override
    void close();
  }

  private interface WorkFactory {
    Work make();
  }

  /**
   * The most floating-point operations a second that matmuls reach, a multiply-add counted as two, with a matmul of
   * its own for each thread.
   *
   * @param seconds to measure for
   */
  public double matmulRate(Precision precision, int threads, double seconds) {
    DType dtype = engine.dtype(precision);
    return 2.0 * SIZE * SIZE * SIZE * rate(threads, seconds, () -> {
      Arena arena = Arena.ofShared();
      MemorySegment memory = arena.allocate(3L * 4 * SIZE * SIZE, 64);
      long bytes = (long) dtype.bytes() * SIZE * SIZE;
      engine.prepareThread();
      MatMuls matmuls = engine.matmuls(memory);
      Runnable matmul = matmuls.matmul(Matrix.dense(0, SIZE, SIZE, dtype),
          Matrix.dense(bytes, SIZE, SIZE, dtype), Optional.empty(),
          Matrix.dense(2 * bytes, SIZE, SIZE, DType.FP32), false);
      return new Work() {
        @Override
        public void run() {
          matmul.run();
        }

        @Override
        public void close() {
          matmuls.close();
          arena.close();
        }
      };
    });
  }

  /** Bytes a second that are copied from memory to memory, each counted once. */
  public double copyRate(int threads, double seconds) {
    return COPIED_BYTES * rate(threads, seconds, () -> {
      Arena arena = Arena.ofShared();
      MemorySegment from = arena.allocate(COPIED_BYTES, 64);
      MemorySegment to = arena.allocate(COPIED_BYTES, 64);
      return new Work() {
        @Override
        public void run() {
          to.copyFrom(from);
        }

        @Override
        public void close() {
          arena.close();
        }
      };
    });
  }

  /** Repetitions a second of all threads together, the best of five stretches: noise only ever slows down. */
  private static double rate(int threads, double seconds, WorkFactory factory) {
    int stretches = 5;
    double[][] rates = new double[stretches][threads];
    CyclicBarrier barrier = new CyclicBarrier(threads);
    Thread[] running = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      int thread = t;
      running[t] = Thread.ofPlatform().start(() -> {
        try (Work work = factory.make()) {
          work.run();
          for (int stretch = 0; stretch < stretches; stretch++) {
            barrier.await();
            long began = System.nanoTime();
            long count = 0;
            double elapsed = 0;
            while (elapsed < seconds / stretches) {
              work.run();
              count++;
              elapsed = (System.nanoTime() - began) / 1e9;
            }
            rates[stretch][thread] = count / elapsed;
          }
        } catch (InterruptedException | java.util.concurrent.BrokenBarrierException e) {
          throw new IllegalStateException(e);
        }
      });
    }
    double best = 0;
    try {
      for (Thread each : running) {
        each.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    for (double[] stretch : rates) {
      double sum = 0;
      for (double each : stretch) {
        sum += each;
      }
      best = Math.max(best, sum);
    }
    return best;
  }

  /**
   * Seconds of a training step by kind of step, over so many steps after as many to warm up: the median of each kind,
   * on one worker's clock. The first timed steps run code that is not compiled yet, and a mean would be of them.
   */
  public Map<String, Double> breakdown(Program program, Execution execution, int[] tokens, int[] targets,
      int steps) {
    Map<String, List<Long>> times = new LinkedHashMap<>();
    try (CpuSession session = engine.open(program, execution)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      for (int step = 1; step <= steps; step++) {
        session.step(tokens, targets, 1e-4, step);
      }
      for (int step = steps + 1; step <= 2 * steps; step++) {
        session.timedStep(tokens, targets, 1e-4, step)
            .forEach((kind, time) -> times.computeIfAbsent(kind, _ -> new ArrayList<>()).add(time));
      }
    }
    int workers = Math.min(execution.threads(), CpuSession.stepWindows(program));
    Map<String, Double> seconds = new LinkedHashMap<>();
    times.forEach((kind, each) -> seconds.put(kind,
        each.stream().sorted().toList().get(each.size() / 2) / 1e9 / workers));
    return seconds;
  }
}
