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
import org.knowcap.experiments.study.CountedCorpora;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.program.Program;

/**
 * Lets several runs of a study share a GPU at a time, each on a thread of its own. Runs of one program, which differ
 * only in seed, corpus or length, train as replicas of one session group. Other runs train beside them, each with a
 * stream of its own.
 */
final class SharedGpu {
  private final int places;
  private final Predicate<RunSpec> open;
  private final RunExecutor executor;

  /** Executes a run to its end, unless another process works on it. */
  interface RunExecutor {
    void execute(RunSpec run, Sessions sessions) throws IOException, InterruptedException;
  }

  /** Runs of equal shape can train as replicas. */
  private record Shape(Program program, Precision precision) {
    static Shape of(RunSpec run, CountedCorpora corpora) {
      return new Shape(run.program(corpora.of(run)), run.training().precision());
    }
  }

  /**
   * @param places runs at a time
   * @param open whether a run is not finished yet
   */
  SharedGpu(int places, Predicate<RunSpec> open, RunExecutor executor) {
    this.places = places;
    this.open = open;
    this.executor = executor;
  }

  /** Executes all runs; the runs of one program start together, when the first of them is due. */
  void work(List<RunSpec> runs) throws IOException, InterruptedException {
    CountedCorpora corpora = new CountedCorpora();
    Map<Shape, List<RunSpec>> shapes = runs.stream()
        .collect(
            Collectors.groupingBy(run -> Shape.of(run, corpora), LinkedHashMap::new, Collectors.toList()));
    Semaphore free = new Semaphore(places);
    List<Future<Void>> began = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (List<RunSpec> shape : shapes.values()) {
        // Finished runs count too: the number of replicas decides the matmul algorithm, and that the last bits.
        int replicas = Math.min(places, shape.size());
        List<RunSpec> left = shape.stream().filter(open).toList();
        if (!left.isEmpty()) {
          free.acquire(replicas);
          began.add(threads.submit(() -> {
            try {
              train(left, replicas, threads);
            } finally {
              free.release(replicas);
            }
            return null;
          }));
        }
      }
      finish(began);
    }
  }

  /** Trains runs of one program as replicas until none is left. */
  private void train(List<RunSpec> runs, int replicas, ExecutorService threads)
      throws IOException, InterruptedException {
    Queue<RunSpec> left = new ConcurrentLinkedQueue<>(runs);
    try (Fused fused = new Fused(replicas)) {
      Sessions sessions = replicas == 1 ? Engine::compile : fused;
      Callable<Void> executeAll = () -> {
        for (RunSpec run = left.poll(); run != null; run = left.poll()) {
          executor.execute(run, sessions);
        }
        return null;
      };
      finish(threads.invokeAll(Collections.nCopies(Math.min(replicas, runs.size()), executeAll)));
    }
  }

  /** Waits for all futures, then rethrows the first failure. */
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

  /** The sessions of one group, created on first use. */
  private static final class Fused implements Sessions, AutoCloseable {
    private final int replicas;
    private Optional<SessionGroup> group = Optional.empty();

    Fused(int replicas) {
      this.replicas = replicas;
    }

    @Override
    public synchronized Session open(Engine engine, Program program, Execution execution) {
      if (group.isEmpty()) {
        group = Optional.of(engine.together(program, execution, replicas));
      }
      return group.get().join();
    }

    @Override
    public int replicas() {
      return replicas;
    }

    @Override
    public synchronized void close() {
      group.ifPresent(SessionGroup::close);
    }
  }
}
