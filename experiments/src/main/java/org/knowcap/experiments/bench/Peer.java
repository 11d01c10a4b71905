package org.knowcap.experiments.bench;

import java.util.List;
import java.util.ServiceLoader;
import org.knowcap.models.engine.Execution;

/** Another library that trains the same shapes, to be compared with. Found by {@link ServiceLoader}. */
public interface Peer {
  /** As the command line names it. */
  String name();

  /** The library, its version and its settings. */
  String description();

  /** Makes the model. */
  Training prepare(TrainingShape shape, Execution execution);

  /** A model under training. */
  interface Training extends AutoCloseable {
    /** One whole step: forwards, backwards, update. */
    void step();

    @Override
    void close();
  }

  /** The peers that this build has. */
  static List<Peer> all() {
    return ServiceLoader.load(Peer.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
