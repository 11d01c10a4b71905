package org.knowcap.models.program;

import java.util.List;
import java.util.stream.Stream;

/** The operations that a model is written in. Each writes one result, its {@code out}. */
public sealed interface ForwardOperation extends Operation
    permits Embedding, LearnedPositions, Normalisation, Linear, Activate, GatedActivation, Rope, Attention,
    Add, Route, Dispatch, ExpertLinear, Combine, CrossEntropy {
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
}
