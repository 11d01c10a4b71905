package org.knowcap.models.engine.lowering;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.ForwardOperation.Heads;
import org.knowcap.models.program.ForwardOperation.Attention;
import org.knowcap.models.program.MemoryPlan;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Activation;

/**
 * What the engine does in one go: an operation of the program, or several that it fuses. A tensor changed in place is
 * among those read.
 */
public sealed interface Step extends MemoryPlan.Use {
  /** Name of the kind, for a breakdown of time. */
  default String kind() {
    return getClass().getSimpleName();
  }

  @Override
  default List<Tensor> writes() {
    return List.of();
  }

  record Gather(Tensor tokens, Tensor table, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  record Scatter(Tensor tokens, Tensor dOut, Tensor dTable) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }
  }

  /** x[r] += table[r mod T]. */
  record Place(Tensor x, Tensor table, int length) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /** The gradient of the table. */
  record PlaceBackward(Tensor dOut, Tensor dTable, int length) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }
  }

  /** out = a + b. */
  record Sum(Tensor a, Tensor b, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(a, b);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  /** out = x, in out's precision. */
  record Copy(Tensor x, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  /** x = a + b first, if there is a sum; then its norm, or that of its heads of queries and keys. */
  record Norm(Optional<Sum> sum, Tensor x, Tensor gain, Optional<Tensor> bias, double epsilon,
      Optional<Heads> heads, Tensor out, Tensor moments) implements Step {
    @Override
    public List<Tensor> reads() {
      return sum.map(Sum::reads).orElse(List.of(x));
    }

    @Override
    public List<Tensor> writes() {
      return sum.isPresent() ? List.of(x, out, moments) : List.of(out, moments);
    }
  }

  /** dX = the norm's gradient, plus the residual's if there is one. */
  record NormBackward(Optional<Tensor> residual, Tensor x, Tensor gain, Optional<Heads> heads, Tensor moments,
      Tensor dOut, Tensor dX, Tensor dGain, Optional<Tensor> dBias) implements Step {
    @Override
    public List<Tensor> reads() {
      List<Tensor> reads = new ArrayList<>(List.of(x, moments, dOut));
      residual.ifPresent(reads::add);
      return reads;
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** In bf16, a product that is {@code exact} is in fp32 all the same. */
  record Linear(Tensor x, Tensor weight, boolean transposed, Optional<Tensor> bias, Tensor out,
      boolean exact) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  record LinearBackward(Tensor x, Tensor weight, boolean transposed, Tensor dOut, Tensor dX, Tensor dWeight,
      Optional<Tensor> dBias, boolean exact) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  record Activate(Activation activation, Tensor x, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  /** Changes the gradient in place. */
  record ActivateBackward(Activation activation, Tensor x, Tensor gradient) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x, gradient);
    }
  }

  record Gate(Activation activation, Tensor x, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  record GateBackward(Activation activation, Tensor x, Tensor dOut, Tensor dX) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** Turns queries and keys in place, forwards or back. */
  record Turn(ForwardOperation.Rotary rotary, Tensor qkv, int direction) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv);
    }
  }

  /** The operation, over tensors that may be copies of its own. */
  record Attend(Attention operation, Tensor qkv, Optional<Tensor> distant, Tensor out,
      Tensor normalisers) implements Step {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(Stream.of(qkv), distant.stream()).toList();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, normalisers);
    }
  }

  record AttendBackward(Attention operation, Tensor qkv, Optional<Tensor> distant, Tensor out,
      Tensor normalisers, Tensor dOut, Tensor dQkv, Optional<Tensor> dDistant) implements Step {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(Stream.of(qkv, out, normalisers, dOut), distant.stream()).toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(Stream.of(dQkv), dDistant.stream()).toList();
    }
  }

  /** Leaves gates and seats with the router. */
  record Route(ForwardOperation.Route route) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(route.logits());
    }
  }

  /** From the gates' gradient that the router holds. */
  record RouteBackward(ForwardOperation.Route route, Tensor dLogits) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }
  }

  /** @param gates whose router says who sits where, as in the other steps of a mixture */
  record Dispatch(Tensor gates, Tensor x, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  record DispatchBackward(Tensor gates, Tensor dOut, Tensor dX) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  record ExpertLinear(Tensor gates, Tensor x, Tensor weight, Optional<Tensor> bias,
      Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  record ExpertLinearBackward(Tensor gates, Tensor x, Tensor weight, Tensor dOut, Tensor dX, Tensor dWeight,
      Optional<Tensor> dBias) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  record Combine(Tensor gates, Tensor x, Tensor out) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  /** Leaves the gates' gradient with the router. */
  record CombineBackward(Tensor gates, Tensor x, Tensor dOut, Tensor dX) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(x, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }
  }

  /** The last product and the cross-entropy, and in training the gradients of both. */
  record Head(Linear linear, Optional<LinearBackward> backward) implements Step {
    @Override
    public List<Tensor> reads() {
      return List.of(linear.x());
    }

    @Override
    public List<Tensor> writes() {
      return backward.map(LinearBackward::writes).orElse(List.of());
    }
  }
}
