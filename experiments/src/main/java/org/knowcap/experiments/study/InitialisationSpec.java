package org.knowcap.experiments.study;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.ParameterIdentity;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.Initialisation;

/**
 * The run that a study's runs start from, instead of random numbers.
 *
 * @param name of its checkpoint, as the study leads there
 * @param head the metadata of the checkpoint
 * @param from the checkpoint, and what is taken from it
 */
public record InitialisationSpec(String name, Checkpoint.Head head, Initialisation.Continued from) {
  /** Name of the checkpoint in a run's folder. */
  public static final String CHECKPOINT = "checkpoint.safetensors";

  /**
   * Looks at a checkpoint.
   *
   * @throws IllegalArgumentException where there is none, or it is damaged
   */
  static InitialisationSpec of(String name, Path file, boolean optimiser) {
    try {
      if (!Files.exists(file)) {
        throw new IllegalArgumentException("there is no " + file
            + "; give the folder of a run that has been trained, such as DIR/runs/NAME");
      }
      return new InitialisationSpec(name, Checkpoint.readHead(file),
          new Initialisation.Continued(file, Checkpoint.checksum(file), optimiser));
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** The value in {@code run.json}: the content of the checkpoint, not its path. */
  Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("checkpoint", from.sha256());
    settings.put("fingerprint", head.fingerprint());
    settings.put("step", head.step());
    settings.put("optimiser", from.optimiser());
    return settings;
  }

  /** The start in words for people. */
  String remark() {
    return "training starts from " + name + " after step " + head.step()
        + (from.optimiser() ? ", with the state of its optimiser" : ", with a new state of the optimiser");
  }

  /** Whether the checkpoint has this identity. */
  boolean isOf(ParameterIdentity identity) {
    return head.identity().model().equals(identity.model());
  }

  /**
   * The start of a mixture of experts from the model without experts, or of a model with adapters from that without.
   *
   * @param seed of the routers and the adapters
   */
  Initialisation grown(Program origin, long seed) {
    return new Initialisation.Grown(from.checkpoint(), from.sha256(), origin, seed);
  }

  /**
   * Refuses a checkpoint from which a run cannot start.
   *
   * @param run that wants to start
   * @param expected the identity of its own checkpoints
   * @param origin the identity of checkpoints of its model without experts and adapters
   * @throws IllegalArgumentException where the model, the vocabulary or the optimiser is another
   */
  void require(String run, ParameterIdentity expected, ParameterIdentity origin) {
    ParameterIdentity found = head.identity();
    if (found.model().isEmpty()) {
      throw new IllegalArgumentException(
          name + " was written by a version whose checkpoints do not name their model; train its run again");
    }
    boolean grows = !found.model().equals(expected.model()) && isOf(origin);
    if (!found.model().equals(expected.model()) && !grows) {
      throw new IllegalArgumentException(
          name + " is of the model " + found.model() + ", but run " + run + " needs " + origin.model());
    }
    if (!found.vocabulary().equals(expected.vocabulary())) {
      throw new IllegalArgumentException(name + " has another vocabulary than run " + run
          + ": the same number would be another token; both corpora must be of the same kind and lists");
    }
    if (from.optimiser() && grows) {
      throw new IllegalArgumentException(
          name + " holds the state of a model without experts or adapters, which says nothing of run " + run
              + "'s; leave 'optimiser: true' out");
    }
    if (from.optimiser() && !found.optimiser().equals(expected.optimiser())) {
      throw new IllegalArgumentException(name + " holds the state of " + found.optimiser() + ", but run "
          + run + " is trained by " + expected.optimiser() + "; leave 'optimiser: true' out");
    }
  }
}
