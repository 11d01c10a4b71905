package org.knowcap.models.engine.cpu;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Workers side by side: the calling thread is the first, the others have threads of their own.
 *
 * <p>A step of a narrow model is a few phases of less than a millisecond, and waking a thread that sleeps takes a good
 * part of that. So who waits looks again and again for a while, and sleeps only then.
 */
final class Crew implements AutoCloseable {
  /** Longer than what lies between two phases, and than workers of one phase usually differ. */
  private static final long LOOKING_NANOS = 1_000_000;
  /** From then on who looks leaves the core to any other thread that wants it. */
  private static final long ALONE_NANOS = 20_000;

  private final ThreadMode mode;
  private final List<Thread> threads;
  /** Whether each worker can have a core; otherwise who looks keeps the core from who works. */
  private final boolean looks;
  private final AtomicInteger working = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile Task task = new Task(0, i -> {}, Thread.currentThread());
  private volatile boolean closed;

  /** What all do at a time, its number, and who waits for its end. */
  private record Task(long number, IntConsumer action, Thread caller) {}

  /** @param mode makes how a thread computes, for each thread */
  Crew(int size, Supplier<ThreadMode> mode) {
    this.mode = mode.get();
    looks = size <= Runtime.getRuntime().availableProcessors();
    threads = IntStream.range(1, size)
        .mapToObj(i -> Thread.ofPlatform().daemon().name("cpu-engine-" + i).start(() -> work(i, mode.get())))
        .toList();
  }

  /**
   * Runs an action once for each worker, side by side, and waits for all.
   *
   * @param action of a worker's number, from 0
   * @throws RuntimeException what it threw for one of them; this and an error are thrown as they were, because the caller
   *         tells kinds apart
   */
  void each(IntConsumer action) {
    working.set(threads.size());
    task = new Task(task.number() + 1, action, Thread.currentThread());
    threads.forEach(LockSupport::unpark);
    mode.enter();
    try {
      attempt(action, 0);
    } finally {
      mode.leave();
    }
    await(() -> working.get() == 0);
    Throwable cause = failure.getAndSet(null);
    if (cause != null) {
      switch (cause) {
        case RuntimeException thrown -> throw thrown;
        case Error thrown -> throw thrown;
        default -> throw new IllegalStateException("a worker of the cpu engine failed", cause);
      }
    }
  }

  private void work(int number, ThreadMode own) {
    own.enter();
    for (long done = 0; true; done++) {
      long last = done;
      await(() -> closed || task.number() > last);
      if (closed) {
        return;
      }
      Task now = task;
      attempt(now.action(), number);
      if (working.decrementAndGet() == 0) {
        LockSupport.unpark(now.caller());
      }
    }
  }

  /** An error, too, must reach the caller, who would wait for ever otherwise. */
  private void attempt(IntConsumer action, int number) {
    try {
      action.accept(number);
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void await(BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      long waited = System.nanoTime() - began;
      if (!looks || waited > LOOKING_NANOS) {
        LockSupport.park(this);
      } else if (waited > ALONE_NANOS) {
        Thread.yield();
      } else {
        Thread.onSpinWait();
      }
    }
  }

  /** Ends the threads, which must not be at work. */
  @Override
  public void close() {
    closed = true;
    threads.forEach(LockSupport::unpark);
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          // The memory that it works on is freed next, so it must end first; it does so at once.
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
