package org.knowcap.models.training;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Makes the next batches on a thread of its own while the current one trains. */
final class Prefetcher implements AutoCloseable {
  private static final int AHEAD = 4;

  private final BlockingQueue<FutureTask<Batch>> ready = new ArrayBlockingQueue<>(AHEAD);
  private final Thread thread;

  Prefetcher(BatchSource source) {
    thread = Thread.ofPlatform().daemon().name("batches").start(() -> {
      try {
        while (true) {
          FutureTask<Batch> batch = new FutureTask<>(source::next);
          batch.run();
          ready.put(batch);
        }
      } catch (InterruptedException closed) {
        Thread.currentThread().interrupt();
      }
    });
  }

  /**
   * Waits for the next batch.
   *
   * @throws RuntimeException what the source threw, as it was, because the caller tells kinds apart
   */
  Batch next() throws InterruptedException {
    try {
      return ready.take().get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException thrown -> throw thrown;
        case Error thrown -> throw thrown;
        case null, default -> throw new IllegalStateException("the next batch could not be made", e);
      }
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
