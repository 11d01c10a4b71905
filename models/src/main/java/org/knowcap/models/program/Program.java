package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.models.spec.ModelSpec;

/**
 * A model's computation on a batch of static shape, as data. A training program has a backward part and an optimiser;
 * a scoring program has neither and only gives each token's loss.
 *
 * @param windows windows in a batch
 * @param length tokens of a window, T; R = windows * length
 * @param vocabulary V, the tokens that can be predicted
 * @param tokens input ids, [R, 1]
 * @param targets ids to predict, [R, 1]
 * @param losses -ln p of each target, in nats, [R, 1]
 * @param parameters in flat order: those that decay first, so that decay is one range
 * @param forward the model, one step a line
 * @param backward derived from it; empty for scoring
 * @param optimiser present for training
 */
public record Program(int windows, int length, int vocabulary, Tensor tokens, Tensor targets, Tensor losses,
    List<Parameter> parameters, List<ForwardOperation> forward, List<Operation> backward,
    Optional<Optimiser> optimiser) {
  /**
   * The program of one training step: losses, gradients of the mean loss, update.
   *
   * @throws IllegalArgumentException where the windows are too long for the model's positions, or its tokens see only their
   *     own document and no separator is known
   */
  public static Program training(ModelSpec spec, TokenIds ids, int windows, int length, Optimiser optimiser) {
    return Transformer.program(spec, ids, windows, length, Optional.of(optimiser));
  }

  /** The same of a model that knows no documents. */
  public static Program training(ModelSpec spec, int vocabulary, int windows, int length,
      Optimiser optimiser) {
    return training(spec, new TokenIds(vocabulary, OptionalInt.empty()), windows, length, optimiser);
  }

  /**
   * The program that only scores: the loss of each token.
   *
   * @throws IllegalArgumentException as {@link #training(ModelSpec, TokenIds, int, int, Optimiser)}
   */
  public static Program scoring(ModelSpec spec, TokenIds ids, int windows, int length) {
    return Transformer.program(spec, ids, windows, length, Optional.empty());
  }

  /** The same of a model that knows no documents. */
  public static Program scoring(ModelSpec spec, int vocabulary, int windows, int length) {
    return scoring(spec, new TokenIds(vocabulary, OptionalInt.empty()), windows, length);
  }

  /** Completes a forward part: derives the backward part where there is an optimiser. */
  public static Program of(int windows, int length, Tensor tokens, Tensor targets, List<Parameter> parameters,
      List<ForwardOperation> forward, Optional<Optimiser> optimiser) {
    if (!(forward.getLast() instanceof ForwardOperation.CrossEntropy last)) {
      throw new IllegalArgumentException("a program ends in a cross-entropy, found " + forward.getLast());
    }
    List<Operation> backward = optimiser.isPresent() ? Derivation.of(forward, parameters) : List.of();
    return new Program(windows, length, last.logits().columns(), tokens, targets, last.out(),
        List.copyOf(parameters), List.copyOf(forward), backward, optimiser);
  }

  /** R, tokens of a batch. */
  public int rows() {
    return windows * length;
  }

  /** All operations in the order they run, without the optimiser's update. */
  public List<Operation> operations() {
    return Stream.concat(forward.stream(), backward.stream()).toList();
  }

  /** P, elements of the flat parameter buffer. */
  public long parameterCount() {
    return parameters.stream().mapToLong(p -> p.tensor().size()).sum();
  }

  /** Elements at the front of the flat parameter buffer that weight decay shrinks. */
  public long decayingCount() {
    return parameters.stream().filter(Parameter::decays).mapToLong(p -> p.tensor().size()).sum();
  }

  /** Floating-point operations of one step, a multiply-add counted as two. */
  public long flops() {
    return operations().stream().mapToLong(Operation::flops).sum();
  }

  /**
   * Bytes that one step moves if nothing stays in a cache between operations, in fp32. The AdamW update reads the
   * gradient, both moments and the parameter, and writes the last three.
   */
  public long bytes() {
    long update = optimiser.isPresent() ? 7 * 4 * parameterCount() : 0;
    return operations().stream().mapToLong(Operation::bytes).sum() + update;
  }

  /** Where each activation lives. The losses survive to the end. */
  public MemoryPlan memoryPlan() {
    return MemoryPlan.of(operations(), Set.of(losses), Tensor::size);
  }

  /** Bytes of parameters (with gradient and two moments where trained) and of the activations' arena, in fp32. */
  public long memoryBytes() {
    long copies = optimiser.isPresent() ? 4 : 1;
    return 4 * (copies * parameterCount() + memoryPlan().size()) + tokens.bytes() + targets.bytes();
  }

  /** The parameters of a list in flat order, with their offsets. */
  public static List<Parameter> layOut(List<Parameter> declared) {
    List<Parameter> laidOut = new ArrayList<>();
    long offset = 0;
    for (boolean decays : new boolean[]{true, false}) {
      for (Parameter parameter : declared) {
        if (parameter.decays() == decays) {
          laidOut.add(new Parameter(parameter.tensor(), offset, parameter.initial(), decays));
          offset += parameter.tensor().size();
        }
      }
    }
    return List.copyOf(laidOut);
  }
}
