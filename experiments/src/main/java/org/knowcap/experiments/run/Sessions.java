package org.knowcap.experiments.run;

import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** Where a run's training session comes from: of its own, by {@link Engine#compile}, or one of several that train as one. */
@FunctionalInterface
public interface Sessions {
  /** A session for a run's training, closed by the run. */
  Session open(Engine engine, Program program, Execution execution);

  /** Runs that train as one. */
  default int together() {
    return 1;
  }
}
