package org.knowcap.experiments.runner;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.knowcap.experiments.run.Sessions;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.program.Program;

/**
 * Has so many runs of a study at a time share a GPU, each on a thread of its own. Runs of the same program, which differ in
 * seed, corpus or length alone, train as one; what is left goes beside them, each with a stream of its own.
 */
final class SharedGpu {
  private final int places;
  private final Predicate<RunSpec> open;
  private final Taker taker;

  /** Takes a run, if nobody has it, and brings it to its end. */
  interface Taker {
    void take(RunSpec run, Sessions sessions) throws IOException, InterruptedException;
  }

  /** What runs have in common that can train as one. */
  private record Shape(Program program, Precision precision) {
    static Shape of(RunSpec run) {
      return new Shape(run.program(run.corpus()), run.training().precision());
    }
  }

  /**
   * @param places runs at a time
   * @param open whether there is anything left to do for a run
   */
  SharedGpu(int places, Predicate<RunSpec> open, Taker taker) {
    this.places = places;
    this.open = open;
    this.taker = taker;
  }

  /** Takes all runs, those of one program where the first of them stands. */
  void work(List<RunSpec> runs) throws IOException, InterruptedException {
    Map<Shape, List<RunSpec>> shapes = runs.stream()
        .collect(Collectors.groupingBy(Shape::of, LinkedHashMap::new, Collectors.toList()));
    Semaphore free = new Semaphore(places);
    List<Future<Void>> began = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (List<RunSpec> shape : shapes.values()) {
        // However many are done: an algorithm of products may suit one number of runs alone, and the last bits are its own.
        int together = Math.min(places, shape.size());
        List<RunSpec> left = shape.stream().filter(open).toList();
        if (!left.isEmpty()) {
          free.acquire(together);
          began.add(threads.submit(() -> {
            try {
              train(left, together, threads);
            } finally {
              free.release(together);
            }
            return null;
          }));
        }
      }
      finish(began);
    }
  }

  /** Trains runs of one program, so many as one, until none is left. */
  private void train(List<RunSpec> runs, int together, ExecutorService threads)
      throws IOException, InterruptedException {
    Queue<RunSpec> left = new ConcurrentLinkedQueue<>(runs);
    try (Fused fused = new Fused(together)) {
      Sessions sessions = together == 1 ? Engine::compile : fused;
      Callable<Void> takeAll = () -> {
        for (RunSpec run = left.poll(); run != null; run = left.poll()) {
          taker.take(run, sessions);
        }
        return null;
      };
      finish(threads.invokeAll(Collections.nCopies(Math.min(together, runs.size()), takeAll)));
    }
  }

  /** Waits for all, then throws what the first that failed threw. */
  private static void finish(List<Future<Void>> futures) throws IOException, InterruptedException {
    Optional<Throwable> failure = Optional.empty();
    for (Future<Void> future : futures) {
      try {
        future.get();
      } catch (ExecutionException e) {
        failure = failure.or(() -> Optional.of(e.getCause()));
      }
    }
    if (failure.isPresent()) {
      switch (failure.get()) {
        case IOException e -> throw e;
        case InterruptedException e -> throw e;
        case Throwable e -> throw new IllegalStateException(e);
      }
    }
  }

  /** The sessions of one group, which is made when the first is asked for. */
  private static final class Fused implements Sessions, AutoCloseable {
    private final int together;
    private Optional<SessionGroup> group = Optional.empty();

    Fused(int together) {
      this.together = together;
    }

    @Override
    public synchronized Session open(Engine engine, Program program, Execution execution) {
      if (group.isEmpty()) {
        group = Optional.of(engine.together(program, execution, together));
      }
      return group.get().join();
    }

    @Override
    public int together() {
      return together;
    }

    @Override
    public synchronized void close() {
      group.ifPresent(SessionGroup::close);
    }
  }
}
