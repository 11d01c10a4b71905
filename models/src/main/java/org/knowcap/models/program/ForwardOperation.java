package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The operations that a model is written in. Each writes one result, its {@code out}. */
public sealed interface ForwardOperation extends Operation
    permits Embedding, LearnedPositions, Normalisation, Linear, Activate, GatedActivation, Canon, Rope,
    Attention, Add, Route, Dispatch, ExpertLinear, Combine, CrossEntropy {
  Tensor out();

  /** What it computes on the way and its gradient reads again, such as a norm's mean and rstd. */
  default List<Tensor> saved() {
    return List.of();
  }

  @Override
  default List<Tensor> writes() {
    return Stream.concat(Stream.of(out()), saved().stream()).toList();
  }

  /** Adds its gradient to the backward part, and passes on what arrives at the tensors that it reads. */
  void differentiate(Differentiation derivation);

  /** The operation over the tensors as they are stored. */
  ForwardOperation lowered(Storage storage);

  /** How windows split into documents, if it looks at that. */
  default Optional<Documents> documents() {
    return Optional.empty();
  }

  /**
   * The gradient of a forward operation. Gradients of activations are written; gradients of parameters are added to,
   * so a parameter used twice (the tied table) collects both parts.
   */
  sealed interface Gradient extends Operation permits Embedding.Backward, LearnedPositions.Backward,
      Normalisation.Backward, Linear.Backward, Activate.Backward, GatedActivation.Backward, Canon.Backward,
      Rope.Backward, Attention.Backward, Route.Backward, Dispatch.Backward, ExpertLinear.Backward,
      Combine.Backward, CrossEntropy.Backward, Accumulate {
    /** The operation this is the gradient of. */
    ForwardOperation forward();

    /** The operation over the tensors as they are stored. */
    Gradient lowered(Storage storage);
  }
}
