package org.knowcap.models.engine;

import java.util.Optional;
import org.knowcap.models.program.Program;

/** Runs programs on some hardware. Engines are found by {@link java.util.ServiceLoader}; see {@link Engines}. */
public interface Engine {
  /** Short name, as a study writes it. */
  String name();

  /** Preference: of the available engines, the one with the lowest rank is the default. */
  int rank();

  /** Why this machine cannot run the engine, in one plain sentence; empty if it can. */
  Optional<String> unavailable();

  /** The hardware and libraries that the engine runs on, for provenance. Call it only if the engine is available. */
  String description();

  /**
   * What makes the engine slower here than it could be, and what to do, in one plain sentence; empty if nothing
   * does.
   */
  default Optional<String> handicap() {
    return Optional.empty();
  }

  /**
   * Prepares a program: memory, kernels, buffers.
   *
   * @throws EngineUnavailableException where {@link #unavailable} gives a reason, or the precision cannot be had here
   */
  Session compile(Program program, Execution execution);

  /** Whether it can train with rounded weights, see {@link WeightRounding}. */
  default boolean roundsWeights() {
    return false;
  }

  /** Whether runs of the same program can train as one here, see {@link #together}. */
  default boolean fuses() {
    return false;
  }

  /**
   * Prepares a program for several runs at once.
   *
   * @param runs at most so many, at least 1
   * @throws EngineUnavailableException as {@link #compile}
   * @throws UnsupportedOperationException where it does not {@link #fuses fuse} them
   */
  default SessionGroup together(Program program, Execution execution, int runs) {
    throw new UnsupportedOperationException("engine '" + name() + "' trains each run by itself");
  }
}
