package org.knowcap.experiments.runner;

import java.io.IOException;
import java.io.InputStream;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.Sessions;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.DivergedException;
import org.knowcap.models.training.TrainingListener;

/**
 * Takes the runs of a study that no process works on until none is left. Several workers may share a study, in one
 * process or many, on one machine or many: a lock on each run's folder keeps them apart.
 */
public final class Worker {
  /** Which runs are taken first. */
  public enum Order {
    /** No long run begins when all others are done. */
    COSTLIEST_FIRST,
    /** As many runs as possible are done in a limited time. */
    CHEAPEST_FIRST
  }

  /** Writes to standard error. */
  private static final System.Logger LOG = System.getLogger(Worker.class.getName());

  private final StudyFolder study;
  private final int threads;
  private final int concurrent;
  private final Order order;
  private final Consumer<WorkerEvent> events;
  private volatile boolean stopping;

  /**
   * @param threads of each run
   * @param concurrent runs at a time; only engines that fuse runs take more than one
   * @param order of the runs
   * @param events receives events; several runs send them from several threads
   */
  public Worker(StudyFolder study, int threads, int concurrent, Order order, Consumer<WorkerEvent> events) {
    this.study = study;
    this.threads = threads;
    this.concurrent = concurrent;
    this.order = order;
    this.events = events;
  }

  /** Ends this process when the process that started it is gone, because its standard input then closes. */
  public static void dieWithParent(InputStream standardInput) {
    Thread.ofPlatform().daemon().name("parent").start(() -> {
      try {
        while (standardInput.read() >= 0) {
          // The parent never writes; only the end matters.
        }
      } catch (IOException e) {
        // A broken pipe is an end too.
      }
      Runtime.getRuntime().halt(1);
    });
  }

  /**
   * Asks the worker to end: each run that is being trained writes a checkpoint after its present step, and no other run
   * is begun.
   */
  public void stop() {
    stopping = true;
  }

  /**
   * Trains and measures those of the runs that are open; a run that fails is marked as failed, and the next one is
   * taken.
   *
   * @param runs of the study
   */
  public void work(List<RunSpec> runs) throws IOException, InterruptedException {
    Comparator<RunSpec> cheapestFirst = Comparator.comparingDouble(RunSpec::cost);
    List<RunSpec> ordered = runs.stream()
        .sorted(order == Order.CHEAPEST_FIRST ? cheapestFirst : cheapestFirst.reversed())
        .toList();
    if (concurrent > 1) {
      new SharedGpu(concurrent, spec -> !study.runFolder(spec).finished(), this::take).work(ordered);
    } else {
      for (RunSpec spec : ordered) {
        take(spec, Engine::compile);
      }
    }
  }

  /** Executes a run to its end, unless it is done or another process works on it. */
  private void take(RunSpec spec, Sessions sessions) throws InterruptedException {
    try {
      takeIfOpen(spec, study.runFolder(spec), sessions);
    } catch (IOException e) {
      // A folder that cannot be used is this run's fault alone; failure.json could not be written there either.
      events.accept(
          new WorkerEvent.Failed(spec.name(), "its folder cannot be used: " + UserException.describe(e)));
    }
  }

  private void takeIfOpen(RunSpec spec, RunFolder folder, Sessions sessions)
      throws IOException, InterruptedException {
    if (!stopping && !folder.finished()) {
      Optional<FolderLock> lock = folder.lock();
      if (lock.isPresent()) {
        try (FolderLock _ = lock.get()) {
          if (!folder.finished()) {
            execute(spec, folder, sessions);
          }
        }
      }
    }
  }

  private void execute(RunSpec spec, RunFolder folder, Sessions sessions)
      throws IOException, InterruptedException {
    try {
      RunResult result = new Run(spec, folder, threads, sessions).execute(new TrainingListener() {
        @Override
        public void started(long finishedSteps, String remembered) {
          events.accept(new WorkerEvent.Started(spec.name(), finishedSteps));
          Engine engine = Run.engine(spec);
          engine.handicap()
              .ifPresent(
                  reason -> events.accept(new WorkerEvent.Handicapped(spec.name(), engine.name(), reason)));
        }

        @Override
        public void wentBack(String problem) {
          events.accept(new WorkerEvent.WentBack(spec.name(), problem));
        }

        @Override
        public boolean stops() {
          return stopping;
        }

        @Override
        public void progressed(Progress progress) {
          events.accept(new WorkerEvent.Progressed(spec.name(), progress));
        }
      }).result();
      events.accept(new WorkerEvent.Finished(spec.name(), result.storedBits(), result.capacityRatio(),
          result.saturation(), result.seconds()));
    } catch (InterruptedException e) {
      if (!stopping) {
        throw e;
      }
    } catch (IOException | RuntimeException | Error e) {
      FailureReason reason = FailureReason.of(spec.name(), e);
      if (reason.internal()) {
        LOG.log(System.Logger.Level.ERROR, reason.sentence(), e);
      }
      rememberFailure(folder, reason.sentence(), e instanceof DivergedException);
      events.accept(new WorkerEvent.Failed(spec.name(), reason.sentence()));
    }
  }

  private static void rememberFailure(RunFolder folder, String reason, boolean diverged) {
    try {
      folder.writeFailure(reason, diverged);
    } catch (IOException e) {
      // A full disk, say, which is why the run failed: it counts as interrupted, and goes on at the next start.
    }
  }
}
