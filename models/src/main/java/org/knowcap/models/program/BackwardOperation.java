package org.knowcap.models.program;

/**
 * The gradient of a forward operation. Gradients of activations are written; gradients of parameters are added to,
 * so a parameter used twice (the tied table) collects both parts.
 */
public sealed interface BackwardOperation extends Operation
    permits Embedding.Backward, LearnedPositions.Backward, Normalisation.Backward, Linear.Backward,
    Activate.Backward, GatedActivation.Backward, Rope.Backward, Attention.Backward, Route.Backward,
    Dispatch.Backward, ExpertLinear.Backward, Combine.Backward, CrossEntropy.Backward, Accumulate {
  /** The operation this is the gradient of. */
  ForwardOperation forward();

  /** The operation over the tensors as they are stored. */
  BackwardOperation lowered(Storage storage);
}
