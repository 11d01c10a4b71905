package org.knowcap.models.program;

import java.util.OptionalDouble;

/**
 * How a step changes parameters. Weight decay is decoupled, and comes first: p = p - lr decay p.
 *
 * @param optimiser its rule, and the weight decay of matrices
 * @param embeddingDecay weight decay of embeddings
 * @param vectorDecay weight decay of biases and of norms' gains
 * @param clip largest Euclidean norm of the gradient of all parameters together; a larger gradient is scaled down to
 *        it (Pascanu et al., arXiv 1211.5063). Absent without clipping
 * @param accumulation number of batches in a step, at least 1; the gradient is the mean of their gradients
 * @param masterWeights what parameters are kept in after the step
 */
public record UpdateRule(Optimiser optimiser, double embeddingDecay, double vectorDecay, OptionalDouble clip,
    int accumulation, MasterWeights masterWeights) {
  public UpdateRule {
    Optimiser.requireDecay("weight_decay of embeddings", embeddingDecay);
    Optimiser.requireDecay("weight_decay of vectors", vectorDecay);
    if (clip.isPresent() && !(clip.getAsDouble() > 0 && clip.getAsDouble() < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "the length to clip gradients to must be above 0, found " + clip.getAsDouble());
    }
    if (accumulation < 1) {
      throw new IllegalArgumentException("accumulation must be at least 1, found " + accumulation);
    }
  }

  /** One batch a step, no clipping, and the optimiser's weight decay for matrices and embeddings alike. */
  public static UpdateRule by(Optimiser optimiser) {
    return new UpdateRule(optimiser, optimiser.weightDecay(), 0, OptionalDouble.empty(), 1,
        MasterWeights.FP32);
  }

  /** This rule with weight decays of embeddings and vectors that differ from the matrices'. */
  public UpdateRule withDecays(double embeddings, double vectors) {
    return new UpdateRule(optimiser, embeddings, vectors, clip, accumulation, masterWeights);
  }

  public UpdateRule withClip(double norm) {
    return new UpdateRule(optimiser, embeddingDecay, vectorDecay, OptionalDouble.of(norm), accumulation,
        masterWeights);
  }

  public UpdateRule withAccumulation(int batches) {
    return new UpdateRule(optimiser, embeddingDecay, vectorDecay, clip, batches, masterWeights);
  }

  public UpdateRule withMasterWeights(MasterWeights type) {
    return new UpdateRule(optimiser, embeddingDecay, vectorDecay, clip, accumulation, type);
  }

  /** Weight decay of a group of parameters. */
  public double decay(Parameter.Group group) {
    return switch (group) {
      case EMBEDDINGS -> embeddingDecay;
      case MATRICES -> optimiser.weightDecay();
      case VECTORS -> vectorDecay;
      case FROZEN -> 0;
    };
  }

  /** The factor of a gradient that has this Euclidean norm. */
  public double scale(double norm) {
    return clip.isPresent() && norm > clip.getAsDouble() ? clip.getAsDouble() / norm : 1;
  }
}
