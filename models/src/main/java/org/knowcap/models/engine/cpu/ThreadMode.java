package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * The settings of a thread while it works for the engine: denormal numbers count as zero, and oneDNN uses only this
 * thread. An instance serves one thread at a time.
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

  /** Restores the settings that the calling thread had before it entered. */
  void leave() {
    if (library.isPresent()) {
      library.get().useThreads(threadsBefore);
    }
    denormals.restore();
  }
}
