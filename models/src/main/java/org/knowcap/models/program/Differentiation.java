package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Derives the backward part from the forward part, operation by operation, last to first. A gradient that reaches an
 * addition is passed on to both sides without a copy; an activation read twice gets its gradients joined.
 */
final class Differentiation {
  private final Map<Tensor, Tensor> parameterGradients = new HashMap<>();
  private final Map<Tensor, Tensor> gradients = new HashMap<>();
  private final Map<Tensor, Integer> parts = new HashMap<>();
  private final List<Operation> backward = new ArrayList<>();

  private Differentiation(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      parameterGradients.put(parameter.tensor(), parameter.gradient());
    }
  }

  /** Gradient of the mean of the last operation's losses with respect to every parameter. */
  static List<Operation> of(List<ForwardOperation> forward, List<Parameter> parameters) {
    Differentiation derivation = new Differentiation(parameters);
    for (ForwardOperation operation : forward.reversed()) {
      derivation.derive(operation);
    }
    return List.copyOf(derivation.backward);
  }

  private void derive(ForwardOperation operation) {
    switch (operation) {
      case ForwardOperation.CrossEntropy o -> {
        Tensor dLogits = fresh(o.logits());
        backward.add(new BackwardOperation.CrossEntropyBackward(o, dLogits));
        contribute(o, o.logits(), dLogits);
      }
      case ForwardOperation.Linear o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.LinearBackward(o, gradients.get(o.out()), dX,
            parameterGradients.get(o.weight()), o.bias().map(parameterGradients::get)));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Norm o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.NormBackward(o, gradients.get(o.out()), dX,
            parameterGradients.get(o.gain()), o.bias().map(parameterGradients::get)));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Activate o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.ActivateBackward(o, gradients.get(o.out()), dX));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Gate o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.GateBackward(o, gradients.get(o.out()), dX));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Rotary o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.RotaryBackward(o, gradients.get(o.out()), dX));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Attention o -> {
        Tensor dQkv = fresh(o.qkv());
        Optional<Tensor> dDistant = o.distant().map(this::fresh);
        backward.add(new BackwardOperation.AttentionBackward(o, gradients.get(o.out()), dQkv, dDistant));
        contribute(o, o.qkv(), dQkv);
        dDistant.ifPresent(gradient -> contribute(o, o.distant().orElseThrow(), gradient));
      }
      case ForwardOperation.Add o -> {
        Tensor dOut = gradients.get(o.out());
        contribute(o, o.a(), dOut);
        contribute(o, o.b(), dOut);
      }
      case ForwardOperation.LearnedPositions o -> {
        Tensor dOut = gradients.get(o.out());
        backward
            .add(new BackwardOperation.LearnedPositionsBackward(o, dOut, parameterGradients.get(o.table())));
        contribute(o, o.x(), dOut);
      }
      case ForwardOperation.Route o -> {
        Tensor dLogits = fresh(o.logits());
        backward.add(new BackwardOperation.RouteBackward(o, gradients.get(o.out()), dLogits));
        contribute(o, o.logits(), dLogits);
      }
      case ForwardOperation.Dispatch o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.DispatchBackward(o, gradients.get(o.out()), dX));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.ExpertLinear o -> {
        Tensor dX = fresh(o.x());
        backward.add(new BackwardOperation.ExpertLinearBackward(o, gradients.get(o.out()), dX,
            parameterGradients.get(o.weight()), o.bias().map(parameterGradients::get)));
        contribute(o, o.x(), dX);
      }
      case ForwardOperation.Combine o -> {
        Tensor dX = fresh(o.x());
        Tensor dGates = fresh(o.gates());
        backward.add(new BackwardOperation.CombineBackward(o, gradients.get(o.out()), dX, dGates));
        contribute(o, o.x(), dX);
        contribute(o, o.gates(), dGates);
      }
      case ForwardOperation.Embedding o -> backward.add(new BackwardOperation.EmbeddingBackward(o,
          gradients.get(o.out()), parameterGradients.get(o.table())));
    }
  }

  private void contribute(ForwardOperation operation, Tensor activation, Tensor gradient) {
    Tensor earlier = gradients.putIfAbsent(activation, gradient);
    if (earlier != null) {
      Tensor joined = fresh(activation);
      backward.add(new BackwardOperation.Accumulate(operation, earlier, gradient, joined));
      gradients.put(activation, joined);
    }
  }

  /** A new tensor for a gradient, or a part of the gradient, of an activation. */
  private Tensor fresh(Tensor activation) {
    int part = parts.merge(activation, 1, Integer::sum);
    return new Tensor(activation.name() + ".gradient" + (part == 1 ? "" : "." + part), Tensor.Role.ACTIVATION,
        activation.rows(), activation.columns());
  }
}
