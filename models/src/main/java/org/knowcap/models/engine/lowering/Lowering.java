package org.knowcap.models.engine.lowering;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.FusedOperation;
import org.knowcap.models.program.FusedOperation.AddNorm;
import org.knowcap.models.program.FusedOperation.Copy;
import org.knowcap.models.program.FusedOperation.LossHead;
import org.knowcap.models.program.FusedOperation.NormBackward;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Storage;
import org.knowcap.models.program.Tensor;

/**
 * Rewrites a program's operations into those that an engine runs: fuses what belongs together, lets operations
 * change tensors in place that no other operation reads, and in bf16 decides what is kept in which precision. The
 * residual stream and its gradient stay in fp32, with a bf16 copy where a matmul reads them; everything else that
 * passes between operations is bf16.
 */
final class Lowering implements Storage {
  private final List<? extends Operation> operations;
  private final DType dtype;
  private final Map<Tensor, Integer> readers = new HashMap<>();
  /** Tensors that are stored in the place of another tensor. */
  private final Map<Tensor, Tensor> aliases = new HashMap<>();
  private final Set<Tensor> fp32 = new HashSet<>();
  private final Set<Tensor> copied = new HashSet<>();
  private final Map<Tensor, ExpertRouting> dispatched = new HashMap<>();
  private final List<Operation> lowered = new ArrayList<>();

  private Lowering(List<? extends Operation> operations, DType dtype) {
    this.operations = operations;
    this.dtype = dtype;
    for (Operation operation : operations) {
      operation.reads().forEach(tensor -> readers.merge(tensor, 1, Integer::sum));
      findDispatched(operation);
    }
  }

  /** The rows of what is dispatched are experts' slots, and so are the rows of what is computed of it. */
  private void findDispatched(Operation operation) {
    switch (operation) {
      case Dispatch o -> dispatched.put(o.out(), o.routing());
      case Combine.Backward o -> dispatched.put(o.dX(), o.forward().routing());
      case Combine _,Dispatch.Backward _ -> {
        // From slots back to tokens.
      }
      default -> operation.reads()
          .stream()
          .filter(dispatched::containsKey)
          .findFirst()
          .ifPresent(x -> operation.writes().forEach(tensor -> dispatched.put(tensor, dispatched.get(x))));
    }
  }

  /**
   * Lowered operations.
   *
   * @param fp32 the activations among those read and written that are stored in fp32
   * @param dispatched the activations among them whose rows are experts' slots, and how
   */
  record Lowered(List<Operation> operations, Set<Tensor> fp32, Map<Tensor, ExpertRouting> dispatched) {}

  static Lowered of(List<? extends Operation> operations, DType dtype) {
    Lowering lowering = new Lowering(operations, dtype);
    for (int i = 0; i < operations.size();) {
      i += lowering.lower(i);
    }
    return new Lowered(List.copyOf(lowering.lowered), Set.copyOf(lowering.fp32),
        Map.copyOf(lowering.dispatched));
  }

  private Optional<Operation> after(int index) {
    return index + 1 < operations.size() ? Optional.of(operations.get(index + 1)) : Optional.empty();
  }

  /** Lowers what begins at an index; returns the number of operations it took. */
  private int lower(int i) {
    Operation operation = operations.get(i);
    Operation next = after(i).orElse(operation);
    switch (operation) {
      case Add o when next instanceof Normalisation norm && norm.x().equals(o.out()) -> {
        lowered.add(new AddNorm(o.lowered(this), norm.lowered(this)));
        return 2;
      }
      case Linear o when next instanceof CrossEntropy loss && loss.logits().equals(o.out()) -> {
        return head(o, loss, i);
      }
      case Normalisation.Backward o when next instanceof Accumulate sum && sum.b().equals(o.dX())
          && readers.get(o.dX()) == 1 -> {
        lowered.add(
            new NormBackward(o.to(sum.out()).lowered(this), Optional.of(read(sum.a())), Optional.empty()));
        return 2;
      }
      case Normalisation.Backward o ->
          lowered.add(new NormBackward(o.lowered(this), Optional.empty(), Optional.empty()));
      case ForwardOperation o -> add(o.lowered(this));
      case ForwardOperation.Gradient o -> add(o.lowered(this));
      case FusedOperation o -> throw new IllegalStateException("lowered twice: " + o);
    }
    return 1;
  }

  private void add(Operation operation) {
    lowered.add(operation);
  }

  private int head(Linear linear, CrossEntropy loss, int i) {
    Linear matmul = linear.lowered(this);
    boolean learns = i + 3 < operations.size();
    if (!learns) {
      lowered.add(new LossHead(matmul, loss, Optional.empty()));
      return 2;
    }
    if (operations.get(i + 2) instanceof CrossEntropy.Backward gradient
        && operations.get(i + 3) instanceof Linear.Backward backward && backward.forward().equals(linear)) {
      lowered.add(new LossHead(matmul, loss, Optional.of(backward.lowered(this, gradient.dLogits()))));
      return 4;
    }
    throw new IllegalStateException(
        "the gradient of the loss must follow the loss, found " + operations.get(i + 2));
  }

  @Override
  public Tensor read(Tensor tensor) {
    return aliases.getOrDefault(tensor, tensor);
  }

  @Override
  public Tensor inFp32(Tensor result) {
    fp32.add(result);
    return result;
  }

  @Override
  public Tensor inPlace(Tensor read, Tensor result) {
    Tensor stored = read(read);
    if (readers.get(read) == 1) {
      aliases.put(result, stored);
      return stored;
    }
    lowered.add(new Copy(stored, result));
    if (fp32.contains(stored)) {
      fp32.add(result);
    }
    return result;
  }

  @Override
  public Tensor operand(Tensor tensor) {
    Tensor stored = read(tensor);
    if (!dtype.isBf16() || !fp32.contains(stored)) {
      return stored;
    }
    Tensor copy = stored.saved("bf16", stored.columns());
    if (copied.add(copy)) {
      copy(stored, copy);
    }
    return copy;
  }

  /** The gradient of a norm is copied by the operation that computes it. */
  private void copy(Tensor x, Tensor copy) {
    if (lowered.getLast() instanceof NormBackward norm && norm.norm().dX().equals(x)
        && norm.copy().isEmpty()) {
      lowered.removeLast();
      lowered.add(new NormBackward(norm.norm(), norm.residual(), Optional.of(copy)));
    } else {
      lowered.add(new Copy(x, copy));
    }
  }

  @Override
  public Tensor fp32(Tensor tensor) {
    Tensor stored = read(tensor);
    if (!dtype.isBf16() || fp32.contains(stored)) {
      return stored;
    }
    Tensor copy = inFp32(stored.saved("fp32", stored.columns()));
    if (copied.add(copy)) {
      lowered.add(new Copy(stored, copy));
    }
    return copy;
  }
}
