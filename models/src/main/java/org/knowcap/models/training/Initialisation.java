package org.knowcap.models.training;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/** Where a run's parameters, and perhaps its optimiser's state, come from before its first step. */
public sealed interface Initialisation {
  /** Random numbers. */
  record Drawn(long seed) implements Initialisation {}

  /**
   * The parameters of another run that has an equal model and vocabulary.
   *
   * @param checkpoint of that run
   * @param sha256 of the file, in hexadecimal
   * @param optimiser whether the state of its optimiser is taken over too; otherwise the state starts from zeros
   */
  record Continued(Path checkpoint, String sha256, boolean optimiser) implements Initialisation {}

  /**
   * The parameters of a run whose model is this one without experts or without adapters, with the optimiser's state from zeros;
   * see {@link Upcycling}.
   *
   * @param checkpoint of that run
   * @param sha256 of the file, in hexadecimal
   * @param origin a program of the model without experts and adapters
   * @param seed of the routers and the adapters
   */
  record Grown(Path checkpoint, String sha256, Program origin, long seed) implements Initialisation {}

  /**
   * What a session starts with.
   *
   * @param buffers by name, see {@link Session#load}; a buffer that is not there starts from zeros
   * @param updates steps that the optimiser's state has seen
   */
  record Buffers(Map<String, float[]> buffers, long updates) {}

  /**
   * Fetches it.
   *
   * @throws CheckpointException if a checkpoint is damaged, is of another model, or has changed since the study was
   *        read
   */
  default Buffers of(Program program) throws IOException {
    return switch (this) {
      case Drawn(long seed) ->
          new Buffers(Map.of(Session.PARAMETERS, InitialParameters.of(program, seed)), 0);
      case Grown(Path file, String sha256, Program origin, long seed) ->
          new Buffers(Map.of(Session.PARAMETERS,
              Upcycling.of(program, origin, read(file, sha256, origin).state().get(Session.PARAMETERS),
                  InitialParameters.of(program, seed))),
              0);
      case Continued(Path file, String sha256, boolean optimiser) -> {
        Checkpoint checkpoint = read(file, sha256, program);
        Map<String, float[]> buffers = new LinkedHashMap<>(checkpoint.state());
        if (!optimiser) {
          buffers.keySet().retainAll(List.of(Session.PARAMETERS));
        }
        yield new Buffers(buffers, optimiser ? checkpoint.head().updates() : 0);
      }
    };
  }

  private static Checkpoint read(Path file, String sha256, Program program) throws IOException {
    if (!Checkpoint.checksum(file).equals(sha256)) {
      throw new CheckpointException(file, "it has changed since the run was planned; start the study anew");
    }
    return Checkpoint.read(file, program);
  }
}
