package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Derives the backward part from the forward part, operation by operation, last to first. A gradient that reaches an
 * addition is passed on to both sides without a copy; an activation read twice gets its gradients joined.
 */
public final class Differentiation {
  private final Map<Tensor, Tensor> parameterGradients = new HashMap<>();
  private final Set<Tensor> frozen = new HashSet<>();
  private final Map<Tensor, Tensor> gradients = new HashMap<>();
  private final Map<Tensor, Integer> parts = new HashMap<>();
  private final List<ForwardOperation.Gradient> backward = new ArrayList<>();

  private Differentiation(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      parameterGradients.put(parameter.tensor(), parameter.gradient());
      if (!parameter.trained()) {
        frozen.add(parameter.tensor());
      }
    }
  }

  /** Gradient of the mean of the last operation's losses with respect to every parameter that is trained. */
  static List<ForwardOperation.Gradient> of(List<ForwardOperation> forward, List<Parameter> parameters) {
    Differentiation derivation = new Differentiation(parameters);
    forward.reversed().forEach(operation -> operation.differentiate(derivation));
    return derivation.frozen.isEmpty() ? List.copyOf(derivation.backward) : derivation.needed();
  }

  /** The operations without those that serve only the gradients of frozen parameters. */
  private List<ForwardOperation.Gradient> needed() {
    Set<Tensor> wanted = parameterGradients.entrySet()
        .stream()
        .filter(entry -> !frozen.contains(entry.getKey()))
        .map(Map.Entry::getValue)
        .collect(Collectors.toCollection(HashSet::new));
    LinkedList<ForwardOperation.Gradient> needed = new LinkedList<>();
    for (ForwardOperation.Gradient operation : backward.reversed()) {
      if (operation.writes().stream().anyMatch(wanted::contains)) {
        wanted.addAll(operation.reads());
        needed.addFirst(operation);
      }
    }
    return List.copyOf(needed);
  }

  /** Whether a parameter is trained. */
  boolean trains(Tensor parameter) {
    return !frozen.contains(parameter);
  }

  /** The gradient that has arrived at an activation. */
  Tensor gradient(Tensor activation) {
    return gradients.get(activation);
  }

  /** The tensor that collects a parameter's gradient, which nothing reads if the parameter is frozen. */
  Tensor parameterGradient(Tensor parameter) {
    return parameterGradients.get(parameter);
  }

  /** A new tensor for the gradient of an activation, or for a part of it. */
  Tensor part(Tensor activation) {
    int part = parts.merge(activation, 1, Integer::sum);
    return new Tensor(activation.name() + ".gradient" + (part == 1 ? "" : "." + part), activation.role(),
        activation.rows(), activation.columns());
  }

  void add(ForwardOperation.Gradient operation) {
    backward.add(operation);
  }

  /**
   * Passes a gradient on to an activation, and joins it with one that is there.
   *
   * @param from the operation that it comes from
   */
  void pass(ForwardOperation from, Tensor activation, Tensor gradient) {
    Tensor earlier = gradients.putIfAbsent(activation, gradient);
    if (earlier != null) {
      Tensor joined = part(activation);
      add(new Accumulate(from, earlier, gradient, joined));
      gradients.put(activation, joined);
    }
  }
}
