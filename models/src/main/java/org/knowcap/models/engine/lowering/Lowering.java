package org.knowcap.models.engine.lowering;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.models.program.BackwardOperation;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Tensor;

/**
 * Turns a program's operations into steps: fuses what belongs together, lets tensors that only one operation reads be
 * changed in place, and in bf16 decides what is kept in which precision. The residual stream and its gradient stay in
 * fp32, with a bf16 copy where a product reads them; all else that passes between operations is bf16.
 */
public final class Lowering {
  private final List<Operation> operations;
  private final Element element;
  private final Map<Tensor, Integer> readers = new HashMap<>();
  /** Tensors that live where another one does. */
  private final Map<Tensor, Tensor> aliases = new HashMap<>();
  private final Set<Tensor> wide = new HashSet<>();
  private final Set<Tensor> copied = new HashSet<>();
  private final Set<Tensor> routed = new HashSet<>();
  private final Map<Tensor, Mixture> seated = new HashMap<>();
  private final List<Step> steps = new ArrayList<>();

  private Lowering(List<? extends Operation> operations, Element element) {
    this.operations = List.copyOf(operations);
    this.element = element;
    for (Operation operation : operations) {
      operation.reads().forEach(tensor -> readers.merge(tensor, 1, Integer::sum));
      findSeats(operation);
      if (operation instanceof ForwardOperation.Route route) {
        routed.add(route.logits());
      }
    }
  }

  /** What is dispatched sits with experts, and so does what is computed of it. */
  private void findSeats(Operation operation) {
    switch (operation) {
      case ForwardOperation.Dispatch o -> seated.put(o.out(), o.mixture());
      case BackwardOperation.CombineBackward o -> seated.put(o.dX(), o.forward().mixture());
      case ForwardOperation.Combine _,BackwardOperation.DispatchBackward _ -> {
        // From seats back to tokens.
      }
      case ForwardOperation _,BackwardOperation _ -> operation.reads()
          .stream()
          .filter(seated::containsKey)
          .findFirst()
          .ifPresent(x -> operation.writes().forEach(tensor -> seated.put(tensor, seated.get(x))));
    }
  }

  /**
   * The steps of a program.
   *
   * @param wide the tensors among those read and written that are kept in fp32
   * @param seated the tensors among them whose rows sit with experts, and how
   */
  public record Lowered(List<Step> steps, Set<Tensor> wide, Map<Tensor, Mixture> seated) {}

  public static Lowered of(List<? extends Operation> operations, Element element) {
    Lowering lowering = new Lowering(operations, element);
    for (int i = 0; i < operations.size();) {
      i += lowering.lower(i);
    }
    return new Lowered(List.copyOf(lowering.steps), Set.copyOf(lowering.wide), Map.copyOf(lowering.seated));
  }

  private Operation at(int index) {
    return operations.get(index);
  }

  private Optional<Operation> after(int index) {
    return index + 1 < operations.size() ? Optional.of(at(index + 1)) : Optional.empty();
  }

  /** Lowers what begins at an index; returns the number of operations it took. */
  private int lower(int i) {
    return switch (at(i)) {
      case ForwardOperation forward -> forward(forward, i);
      case BackwardOperation backward -> backward(backward, i);
    };
  }

  private int forward(ForwardOperation operation, int i) {
    switch (operation) {
      case ForwardOperation.Embedding o -> steps.add(new Step.Gather(o.tokens(), o.table(), wide(o.out())));
      case ForwardOperation.LearnedPositions o -> {
        Tensor x = inPlace(o.x(), o.out());
        if (!wide.contains(x)) {
          throw new IllegalArgumentException(
              "learned positions are added to the residual stream only, found " + o);
        }
        steps.add(new Step.Place(x, o.table(), o.length()));
      }
      case ForwardOperation.Add o -> {
        Step.Sum sum = new Step.Sum(place(o.a()), place(o.b()), wide(o.out()));
        if (after(i).orElse(o) instanceof ForwardOperation.Norm norm && norm.x().equals(o.out())) {
          norm(norm, Optional.of(sum));
          return 2;
        }
        steps.add(sum);
      }
      case ForwardOperation.Norm o -> norm(o, Optional.empty());
      case ForwardOperation.Linear o -> {
        if (after(i).orElse(o) instanceof ForwardOperation.CrossEntropy loss
            && loss.logits().equals(o.out())) {
          return head(o, i);
        }
        steps.add(linear(o));
      }
      case ForwardOperation.Activate o -> steps.add(new Step.Activate(o.activation(), place(o.x()), o.out()));
      case ForwardOperation.Gate o -> steps.add(new Step.Gate(o.activation(), place(o.x()), o.out()));
      case ForwardOperation.Rotary o -> steps.add(new Step.Turn(o, inPlace(o.x(), o.out()), 1));
      case ForwardOperation.Attention o -> steps
          .add(new Step.Attend(o, operand(o.qkv()), o.distant().map(this::operand), o.out(), normalisers(o)));
      case ForwardOperation.Route o -> steps.add(new Step.Route(o));
      case ForwardOperation.Dispatch o -> steps.add(new Step.Dispatch(o.gates(), place(o.x()), o.out()));
      case ForwardOperation.ExpertLinear o ->
          steps.add(new Step.ExpertLinear(o.gates(), operand(o.x()), o.weight(), o.bias(), o.out()));
      case ForwardOperation.Combine o -> steps.add(new Step.Combine(o.gates(), place(o.x()), wide(o.out())));
      case ForwardOperation.CrossEntropy o -> throw new IllegalArgumentException(
          "a cross-entropy can only stand right after the product of its logits, found " + o);
    }
    return 1;
  }

  private void norm(ForwardOperation.Norm o, Optional<Step.Sum> sum) {
    steps.add(
        new Step.Norm(sum, place(o.x()), o.gain(), o.bias(), o.epsilon(), o.heads(), o.out(), moments(o)));
  }

  /** Routers decide by small differences: their products are in fp32. */
  private Step.Linear linear(ForwardOperation.Linear o) {
    return routed.contains(o.out())
        ? new Step.Linear(widened(o.x()), o.weight(), o.transposed(), o.bias(), wide(o.out()), true)
        : new Step.Linear(operand(o.x()), o.weight(), o.transposed(), o.bias(), o.out(), false);
  }

  private Step.LinearBackward linearBackward(BackwardOperation.LinearBackward o) {
    ForwardOperation.Linear forward = o.forward();
    return routed.contains(forward.out())
        ? new Step.LinearBackward(widened(forward.x()), forward.weight(), forward.transposed(),
            place(o.dOut()), wide(o.dX()), o.dWeight(), o.dBias(), true)
        : linearBackward(o, operand(o.dOut()));
  }

  private Step.LinearBackward linearBackward(BackwardOperation.LinearBackward o, Tensor dOut) {
    ForwardOperation.Linear forward = o.forward();
    return new Step.LinearBackward(operand(forward.x()), forward.weight(), forward.transposed(), dOut, o.dX(),
        o.dWeight(), o.dBias(), false);
  }

  private int head(ForwardOperation.Linear linear, int i) {
    Step.Linear product = linear(linear);
    boolean learns = i + 3 < operations.size();
    if (!learns) {
      steps.add(new Step.Head(product, Optional.empty()));
      return 2;
    }
    if (at(i + 2) instanceof BackwardOperation.CrossEntropyBackward loss
        && at(i + 3) instanceof BackwardOperation.LinearBackward gradient
        && gradient.forward().equals(linear)) {
      steps.add(new Step.Head(product, Optional.of(linearBackward(gradient, loss.dLogits()))));
      return 4;
    }
    throw new IllegalArgumentException("the gradient of the loss must follow the loss, found " + at(i + 2));
  }

  private int backward(BackwardOperation operation, int i) {
    switch (operation) {
      case BackwardOperation.EmbeddingBackward o ->
          steps.add(new Step.Scatter(o.forward().tokens(), place(o.dOut()), o.dTable()));
      case BackwardOperation.LearnedPositionsBackward o ->
          steps.add(new Step.PlaceBackward(place(o.dOut()), o.dTable(), o.forward().length()));
      case BackwardOperation.NormBackward o -> {
        if (after(i).orElse(o) instanceof BackwardOperation.Accumulate sum && sum.b().equals(o.dX())
            && readers.get(o.dX()) == 1) {
          normBackward(o, Optional.of(place(sum.a())), sum.out());
          return 2;
        }
        normBackward(o, Optional.empty(), o.dX());
      }
      case BackwardOperation.LinearBackward o -> steps.add(linearBackward(o));
      case BackwardOperation.ActivateBackward o ->
          steps.add(new Step.ActivateBackward(o.forward().activation(), place(o.forward().x()),
              inPlace(o.dOut(), o.dX())));
      case BackwardOperation.GateBackward o -> steps.add(
          new Step.GateBackward(o.forward().activation(), place(o.forward().x()), place(o.dOut()), o.dX()));
      case BackwardOperation.RotaryBackward o ->
          steps.add(new Step.Turn(o.forward(), inPlace(o.dOut(), o.dX()), -1));
      case BackwardOperation.AttentionBackward o -> steps.add(new Step.AttendBackward(o.forward(),
          operand(o.forward().qkv()), o.forward().distant().map(this::operand), place(o.forward().out()),
          normalisers(o.forward()), operand(o.dOut()), o.dQkv(), o.dDistant()));
      case BackwardOperation.RouteBackward o ->
          steps.add(new Step.RouteBackward(o.forward(), wide(o.dLogits())));
      case BackwardOperation.DispatchBackward o ->
          steps.add(new Step.DispatchBackward(o.forward().gates(), place(o.dOut()), wide(o.dX())));
      case BackwardOperation.ExpertLinearBackward o ->
          steps.add(new Step.ExpertLinearBackward(o.forward().gates(), operand(o.forward().x()),
              o.forward().weight(), operand(o.dOut()), o.dX(), o.dWeight(), o.dBias()));
      case BackwardOperation.CombineBackward o -> steps.add(
          new Step.CombineBackward(o.forward().gates(), place(o.forward().x()), place(o.dOut()), o.dX()));
      case BackwardOperation.CrossEntropyBackward o ->
          throw new IllegalArgumentException("a loss's gradient stands alone: " + o);
      case BackwardOperation.Accumulate o ->
          steps.add(new Step.Sum(place(o.a()), place(o.b()), wide(o.out())));
    }
    return 1;
  }

  private void normBackward(BackwardOperation.NormBackward o, Optional<Tensor> residual, Tensor dX) {
    steps.add(new Step.NormBackward(residual, place(o.forward().x()), o.forward().gain(), o.forward().heads(),
        moments(o.forward()), place(o.dOut()), wide(dX), o.dGain(), o.dBias()));
  }

  private Tensor wide(Tensor tensor) {
    wide.add(tensor);
    return tensor;
  }

  /** Where a tensor lives. */
  private Tensor place(Tensor tensor) {
    Tensor alias = aliases.get(tensor);
    return alias == null ? tensor : alias;
  }

  /** Lets the result of an operation that changes its input live where that was, or in a copy if others read it. */
  private Tensor inPlace(Tensor input, Tensor output) {
    Tensor place = place(input);
    if (readers.get(input) == 1) {
      aliases.put(output, place);
      return place;
    }
    steps.add(new Step.Copy(place, output));
    if (wide.contains(place)) {
      wide.add(output);
    }
    return output;
  }

  /** A tensor as a product reads it: in bf16, the copy of one kept in fp32. */
  private Tensor operand(Tensor tensor) {
    Tensor place = place(tensor);
    if (!element.narrow() || !wide.contains(place)) {
      return place;
    }
    Tensor copy = new Tensor(place.name() + ".bf16", Tensor.Role.ACTIVATION, place.rows(), place.columns());
    if (copied.add(place)) {
      steps.add(new Step.Copy(place, copy));
    }
    return copy;
  }

  /** A tensor in fp32: of one kept in bf16, a copy. */
  private Tensor widened(Tensor tensor) {
    Tensor place = place(tensor);
    if (!element.narrow() || wide.contains(place)) {
      return place;
    }
    Tensor copy = wide(
        new Tensor(place.name() + ".fp32", Tensor.Role.ACTIVATION, place.rows(), place.columns()));
    if (copied.add(copy)) {
      steps.add(new Step.Copy(place, copy));
    }
    return copy;
  }

  /** Mean and inverse deviation of each row, or of each of its heads of queries and keys. */
  private Tensor moments(ForwardOperation.Norm o) {
    return wide(new Tensor(o.out().name() + ".moments", Tensor.Role.ACTIVATION, o.out().rows(),
        2 * o.heads().map(heads -> heads.turnedWidth() / heads.width()).orElse(1)));
  }

  private Tensor normalisers(ForwardOperation.Attention o) {
    return wide(new Tensor(o.out().name() + ".normalisers", Tensor.Role.ACTIVATION, o.out().rows(),
        o.heads().count()));
  }
}
