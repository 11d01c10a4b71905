package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.tensorboard.TensorBoardFolder;

/** Keeps a study's event files for TensorBoard up to date, in a thread of its own, until it is closed. */
final class EventFollower implements AutoCloseable {
  private static final long SECONDS_BETWEEN_UPDATES = 2;

  private final TensorBoardFolder events;
  private final PrintWriter out;
  private final CountDownLatch ends = new CountDownLatch(1);
  private final Thread thread;
  private volatile Optional<IOException> failure = Optional.empty();

  EventFollower(StudyFolder study, PrintWriter out) throws IOException {
    this.out = out;
    events = TensorBoardFolder.open(study, TensorBoardFolder.of(study));
    thread = Thread.ofPlatform().daemon().name("tensorboard").start(this::follow);
  }

  private void follow() {
    try {
      // Not by interrupting the thread: that would close a file in the middle of a record.
      while (!ends.await(SECONDS_BETWEEN_UPDATES, TimeUnit.SECONDS)) {
        events.update();
      }
    } catch (IOException e) {
      failure = Optional.of(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() throws IOException {
    ends.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try (events) {
      if (failure.isPresent()) {
        throw failure.get();
      }
      events.update().problems().forEach(problem -> out.println("note: " + problem));
    }
    out.println("events: " + events.path());
    out.flush();
  }
}
