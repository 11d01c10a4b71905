package org.knowcap.experiments.bench;

import java.util.List;
import java.util.ServiceLoader;

/** Another library that trains the same shapes, to be compared with. Found by {@link ServiceLoader}. */
public interface Peer {
  /** As the command line names it. */
  String name();

  /** The library, its version, its settings and the precision it trains in. */
  String description();

  /**
   * Makes the model.
   *
   * @param threads of a step
   */
  Training prepare(TrainingShape shape, int threads);

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
