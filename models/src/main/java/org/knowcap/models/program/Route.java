package org.knowcap.models.program;

import java.util.List;

/**
 * The router: the weight of each expert for each token. With p = softmax(logits[r]), a token asks for the topK experts
 * of largest p (of equal ones the first), and gets a slot at each that is not full yet: tokens come in the order of
 * their window, and of one token's experts the likeliest first. So a later token never takes an earlier one's slot.
 * Where it has a slot, out[r, e] = p[e] if topK is 1, otherwise p[e] over the sum of the p it asked for; elsewhere it is
 * 0. Where experts choose, each takes the {@code capacity} tokens of the window of largest p[e] (of equal ones the first),
 * and out[r, e] = p[e].
 *
 * <p>Its gradient holds that of two losses beside the tokens': {@code balance} times the mean over windows of
 * E * sum over e of f[e] P[e], where f is the share of the window's tokens that ask for e first, and P the mean of p
 * (GShard, arXiv 2006.16668, and Switch, arXiv 2101.03961); and {@code zLoss} times the mean over tokens of
 * ln(sum of exp(logits))^2 (ST-MoE, arXiv 2202.08906).
 *
 * @param logits [R, E]
 * @param out the routing weights, [R, E]
 * @param probabilities saved, p, [R, E]
 * @param logSumExp saved, ln(sum of exp(logits)), [R, 1]
 * @param choices saved, the experts that a token asks for, the likeliest first, [R, topK]
 */
public record Route(Tensor logits, ExpertRouting routing, Tensor out, Tensor probabilities, Tensor logSumExp,
    Tensor choices) implements ForwardOperation {
  public Route(Tensor logits, ExpertRouting routing, Tensor out) {
    this(logits, routing, out, out.saved("probabilities", routing.experts()), out.saved("logSumExp", 1),
        out.saved("choices", routing.topK()));
  }

  @Override
  public List<Tensor> reads() {
    return List.of(logits);
  }

  @Override
  public List<Tensor> saved() {
    return List.of(probabilities, logSumExp, choices);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dLogits = derivation.part(logits);
    derivation.add(new Backward(this, derivation.gradient(out), dLogits));
    derivation.pass(this, logits, dLogits);
  }

  @Override
  public Route lowered(Storage storage) {
    return new Route(storage.read(logits), routing, out, probabilities, logSumExp, choices);
  }

  /** The gradient of the routing weights and of the router's own two losses, see {@link Route}; [R, E]. */
  public record Backward(Route forward, Tensor dOut, Tensor dLogits) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.out, forward.probabilities, forward.logSumExp, forward.choices, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward, dOut, storage.inFp32(dLogits));
    }
  }
}
