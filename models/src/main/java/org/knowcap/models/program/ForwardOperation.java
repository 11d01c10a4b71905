package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The operations that models consist of. Each writes one result, its {@code out}. */
public sealed interface ForwardOperation extends Operation permits Embedding, LearnedPositions, Normalisation,
    Linear, Activate, GatedActivation, Canon, Rope, Attention, Recurrence, GatedNorm, NgramLookup, ScalarGate,
    Add, Scale, Route, Dispatch, ExpertLinear, Combine, CrossEntropy {
  Tensor out();

  /** Tensors that the operation saves because its gradient reads them again, such as a norm's mean and rstd. */
  default List<Tensor> saved() {
    return List.of();
  }

  @Override
  default List<Tensor> writes() {
    return Stream.concat(Stream.of(out()), saved().stream()).toList();
  }

  /**
   * Adds the operation's gradient to the backward part, and passes gradients on to the tensors that the operation
   * reads.
   */
  void differentiate(Differentiation derivation);

  /** The operation over the tensors as they are stored. */
  ForwardOperation lowered(Storage storage);

  /** How windows split into documents, if the operation uses documents. */
  default Optional<Documents> documents() {
    return Optional.empty();
  }

  /**
   * The gradient of a forward operation. Gradients of activations are written; gradients of parameters are added to,
   * so a parameter used twice (the tied table) collects both parts.
   */
  sealed interface Gradient extends Operation permits Embedding.Backward, LearnedPositions.Backward,
      Normalisation.Backward, Linear.Backward, Scale.Backward, Activate.Backward, GatedActivation.Backward,
      Canon.Backward, Rope.Backward, Attention.Backward, Recurrence.Backward, GatedNorm.Backward,
      NgramLookup.Backward, ScalarGate.Backward, Route.Backward, Dispatch.Backward, ExpertLinear.Backward,
      Combine.Backward, CrossEntropy.Backward, Accumulate {
    /** The operation this is the gradient of. */
    ForwardOperation forward();

    /** The operation over the tensors as they are stored. */
    Gradient lowered(Storage storage);
  }
}
