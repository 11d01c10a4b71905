package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The gradient of a forward operation. Gradients of activations are written; gradients of parameters are added to,
 * so a parameter used twice (the tied table) collects both parts.
 */
public sealed interface BackwardOperation extends Operation {
  /** The operation this is the gradient of. */
  ForwardOperation forward();

  @Override
  default long flops() {
    return 0;
  }

  /** Gradient table[tokens[r]] += dOut[r]. */
  record EmbeddingBackward(ForwardOperation.Embedding forward, Tensor dOut,
      Tensor dTable) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.tokens(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dTable);
    }
  }

  /** Gradient table[r mod T] += dOut[r]; that of x is dOut itself. */
  record LearnedPositionsBackward(ForwardOperation.LearnedPositions forward, Tensor dOut,
      Tensor dTable) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dTable);
    }
  }

  /** Gradients of x [R, d], gain [1, d] and bias [1, d]. */
  record NormBackward(ForwardOperation.Norm forward, Tensor dOut, Tensor dX, Tensor dGain,
      Optional<Tensor> dBias) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), forward.gain(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      List<Tensor> writes = new ArrayList<>(List.of(dX, dGain));
      dBias.ifPresent(writes::add);
      return writes;
    }
  }

  /** dX = dOut * weight^T [R, n]; dWeight += x^T * dOut; dBias += column sums of dOut. */
  record LinearBackward(ForwardOperation.Linear forward, Tensor dOut, Tensor dX, Tensor dWeight,
      Optional<Tensor> dBias) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), forward.weight(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      List<Tensor> writes = new ArrayList<>(List.of(dX, dWeight));
      dBias.ifPresent(writes::add);
      return writes;
    }

    @Override
    public long flops() {
      return 2 * forward.flops();
    }
  }

  /** dX = dOut * activation'(x), all [R, n]. */
  record ActivateBackward(ForwardOperation.Activate forward, Tensor dOut,
      Tensor dX) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** Of x's halves l and r: dOut * r * activation'(l) and dOut * activation(l), side by side, [R, 2n]. */
  record GateBackward(ForwardOperation.Gate forward, Tensor dOut, Tensor dX) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** dX = dOut turned back by the same angles, in the shape of x. */
  record RotaryBackward(ForwardOperation.Rotary forward, Tensor dOut,
      Tensor dX) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** dQkv, in the shape of qkv, from dOut [R, d]; and dDistant where pairs far apart have their own queries and keys. */
  record AttentionBackward(ForwardOperation.Attention forward, Tensor dOut, Tensor dQkv,
      Optional<Tensor> dDistant) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(forward.reads().stream(), Stream.of(forward.out(), dOut)).toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(Stream.of(dQkv), dDistant.stream()).toList();
    }

    /** Four products against the forward's two. */
    @Override
    public long flops() {
      return 2 * forward.flops();
    }
  }

  /** Of gates and of the router's own two losses, see {@link ForwardOperation.Route}; [R, E]. */
  record RouteBackward(ForwardOperation.Route forward, Tensor dOut,
      Tensor dLogits) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.logits(), forward.out(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }
  }

  /** dX[r] = sum of the rows of dOut [S, d] where token r sits; [R, d]. */
  record DispatchBackward(ForwardOperation.Dispatch forward, Tensor dOut,
      Tensor dX) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.gates(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /**
   * Expert by expert, with the rows that sit there: dX = dOut * weight^T [S, n]; dWeight += x^T * dOut; dBias += column
   * sums of dOut.
   */
  record ExpertLinearBackward(ForwardOperation.ExpertLinear forward, Tensor dOut, Tensor dX, Tensor dWeight,
      Optional<Tensor> dBias) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), forward.gates(), forward.weight(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      List<Tensor> writes = new ArrayList<>(List.of(dX, dWeight));
      dBias.ifPresent(writes::add);
      return writes;
    }

    @Override
    public long flops() {
      return 2 * forward.flops();
    }
  }

  /**
   * Where token r sits at expert e: dX = gates[r, e] * dOut[r] in that row, and dGates[r, e] = the row of x times dOut[r].
   * The rest of dX [S, d] and dGates [R, E] is zero.
   */
  record CombineBackward(ForwardOperation.Combine forward, Tensor dOut, Tensor dX,
      Tensor dGates) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x(), forward.gates(), dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX, dGates);
    }
  }

  /** Of the mean loss over R tokens: dLogits[r] = (softmax(logits[r]) - onehot(targets[r])) / R, [R, V]. */
  record CrossEntropyBackward(ForwardOperation.CrossEntropy forward,
      Tensor dLogits) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.logits(), forward.targets());
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }
  }

  /** out = a + b: joins the gradients of an activation that two operations read. */
  record Accumulate(ForwardOperation forward, Tensor a, Tensor b, Tensor out) implements BackwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(a, b);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }
}
