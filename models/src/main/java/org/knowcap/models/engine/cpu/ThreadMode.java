package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * How a thread computes while it works for the engine: tiny numbers count as zero, and oneDNN runs on the thread alone. For one
 * thread at a time.
 */
final class ThreadMode {
  private final Denormals denormals;
  private final Optional<OneDnn> library;
  private int threadsBefore;

  ThreadMode(Arena arena, Optional<OneDnn> library) {
    denormals = new Denormals(arena);
    this.library = library;
  }

  void enter() {
    denormals.flush();
    if (library.isPresent()) {
      threadsBefore = library.get().threads();
      library.get().useThreads(1);
    }
  }

  /** Leaves the calling thread as it was before it entered. */
  void leave() {
    if (library.isPresent()) {
      library.get().useThreads(threadsBefore);
    }
    denormals.restore();
  }
}
