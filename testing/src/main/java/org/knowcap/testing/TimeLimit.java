package org.knowcap.testing;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Processes of tests, each ended with those that it has started if it takes too long: a build must not wait for ever. */
public final class TimeLimit {
  /** {@code -Dtests.process.seconds=} is for long tests on a machine that has much else to do. */
  public static final long SECONDS = Long.getLong("tests.process.seconds", 240);

  private TimeLimit() {}

  /** Starts a process that may take {@link #SECONDS}. */
  public static Process start(ProcessBuilder builder) throws IOException {
    return start(builder, SECONDS);
  }

  /** Starts a process that may take some seconds; its exit code is then that of a SIGKILL, and what it printed has an end. */
  public static Process start(ProcessBuilder builder, long seconds) throws IOException {
    Process process = builder.start();
    Thread.ofVirtual().start(() -> {
      try {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
          System.err.println(builder.command().getFirst() + " did not end within " + seconds + " s");
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    return process;
  }
}
