package org.knowcap.experiments.run;

import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** Opens a run's training session: its own, by {@link Engine#compile}, or a replica of a group. */
@FunctionalInterface
public interface Sessions {
  /** A session for a run's training, closed by the run. */
  Session open(Engine engine, Program program, Execution execution);

  /** Number of runs that train as replicas of one group; 1 if each run has a session of its own. */
  default int replicas() {
    return 1;
  }
}
