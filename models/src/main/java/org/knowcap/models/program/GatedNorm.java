package org.knowcap.models.program;

import java.util.List;

/**
 * The RMSNorm of each head, times a gate: out = x / sqrt(mean of the head's x^2 + epsilon) * gain * silu(gate). It stands
 * behind the recurrence of gated linear attention (arXiv 2312.06635, section 4.4).
 *
 * @param x [R, heads * width]
 * @param gain [1, width], for all heads
 * @param gate [R, heads * width], before its activation
 * @param out as x
 */
public record GatedNorm(Tensor x, Tensor gain, Tensor gate, double epsilon,
    Tensor out) implements ForwardOperation {
  /** Components that are normed together. */
  public int width() {
    return gain.columns();
  }

  @Override
  public List<Tensor> reads() {
    return List.of(x, gain, gate);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    Tensor dGate = derivation.part(gate);
    derivation
        .add(new Backward(this, derivation.gradient(out), dX, derivation.parameterGradient(gain), dGate));
    derivation.pass(this, x, dX);
    derivation.pass(this, gate, dGate);
  }

  @Override
  public GatedNorm lowered(Storage storage) {
    return new GatedNorm(storage.read(x), gain, storage.read(gate), epsilon, out);
  }

  /** Gradients of x, gain and gate; that of the gain is added to. */
  public record Backward(GatedNorm forward, Tensor dOut, Tensor dX, Tensor dGain,
      Tensor dGate) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x, forward.gain, forward.gate, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX, dGain, dGate);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward.lowered(storage), storage.read(dOut), dX, dGain, dGate);
    }
  }
}
