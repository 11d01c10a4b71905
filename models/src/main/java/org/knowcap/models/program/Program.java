package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.models.architecture.ModelSpec;

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
 * @param parameters in flat order: one group after the other, so that weight decay goes by ranges
 * @param forward the model, one step a line
 * @param backward derived from it; empty for scoring
 * @param updateRule present for training
 */
public record Program(int windows, int length, int vocabulary, Tensor tokens, Tensor targets, Tensor losses,
    List<Parameter> parameters, List<ForwardOperation> forward, List<ForwardOperation.Gradient> backward,
    Optional<UpdateRule> updateRule) {
  /** A stretch of the flat buffers, from one element to before another, that has one weight decay. */
  public record Range(long from, long to, double decay) {}

  /**
   * The program of one training step: losses, gradients of the mean loss, update.
   *
   * @throws IllegalArgumentException where the windows are too long for the model's positions, or its tokens see
   *     only their own document and no separator is known
   */
  public static Program training(ModelSpec spec, TokenIds ids, int windows, int length,
      UpdateRule updateRule) {
    return Transformer.program(spec, ids, windows, length, Optional.of(updateRule));
  }

  /** The same of a model that knows no documents. */
  public static Program training(ModelSpec spec, int vocabulary, int windows, int length,
      UpdateRule updateRule) {
    return training(spec, new TokenIds(vocabulary, OptionalInt.empty()), windows, length, updateRule);
  }

  /** The same of one batch a step, by an optimiser and nothing else. */
  public static Program training(ModelSpec spec, TokenIds ids, int windows, int length, Optimiser optimiser) {
    return training(spec, ids, windows, length, UpdateRule.by(optimiser));
  }

  /** The same of a model that knows no documents. */
  public static Program training(ModelSpec spec, int vocabulary, int windows, int length,
      Optimiser optimiser) {
    return training(spec, vocabulary, windows, length, UpdateRule.by(optimiser));
  }

  /**
   * A program that only scores: it computes the loss of each token.
   *
   * @throws IllegalArgumentException as {@link #training(ModelSpec, TokenIds, int, int, UpdateRule)}
   */
  public static Program scoring(ModelSpec spec, TokenIds ids, int windows, int length) {
    return Transformer.program(spec, ids, windows, length, Optional.empty());
  }

  /** The same of a model that knows no documents. */
  public static Program scoring(ModelSpec spec, int vocabulary, int windows, int length) {
    return scoring(spec, new TokenIds(vocabulary, OptionalInt.empty()), windows, length);
  }

  /** Makes a program of a forward part, and derives the backward part if the program trains. */
  public static Program of(int windows, int length, Tensor tokens, Tensor targets, List<Parameter> parameters,
      List<ForwardOperation> forward, Optional<UpdateRule> updateRule) {
    if (!(forward.getLast() instanceof CrossEntropy last)) {
      throw new IllegalArgumentException("a program ends in a cross-entropy, found " + forward.getLast());
    }
    if (updateRule.filter(rule -> rule.optimiser() instanceof Optimiser.Muon).isPresent()) {
      parameters.forEach(Optimiser.Muon::requireMatrices);
    }
    List<ForwardOperation.Gradient> backward = updateRule.isPresent()
        ? Differentiation.of(forward, parameters)
        : List.of();
    return new Program(windows, length, last.logits().columns(), tokens, targets, last.out(),
        List.copyOf(parameters), List.copyOf(forward), backward, updateRule);
  }

  /**
   * The parameter whose tensor this is.
   *
   * @throws java.util.NoSuchElementException if it is no parameter of this program
   */
  public Parameter parameter(Tensor tensor) {
    return parameters.stream()
        .filter(parameter -> parameter.tensor().equals(tensor))
        .findFirst()
        .orElseThrow();
  }

  /** R, tokens of a batch. */
  public int rows() {
    return windows * length;
  }

  /** Number of batches in a step. */
  public int accumulation() {
    return updateRule.map(UpdateRule::accumulation).orElse(1);
  }

  /** Number of tokens in a step: R for each of its batches. */
  public int stepRows() {
    return accumulation() * rows();
  }

  /** Present for training. */
  public Optional<Optimiser> optimiser() {
    return updateRule.map(UpdateRule::optimiser);
  }

  /** All operations in the order they run, without the optimiser's update. */
  public List<Operation> operations() {
    return Stream.<Operation>concat(forward.stream(), backward.stream()).toList();
  }

  /** Elements of the flat parameter buffer. */
  public long parameterCount() {
    return parameters.stream().mapToLong(p -> p.tensor().size()).sum();
  }

  /** The parameters that training changes. They come first in the flat buffers. */
  public List<Parameter> trained() {
    return parameters.stream().filter(Parameter::trained).toList();
  }

  /** P, elements of the flat buffers that training changes: those before the first frozen parameter. */
  public long trainedCount() {
    return trained().stream().mapToLong(p -> p.tensor().size()).sum();
  }

  /**
   * The ranges of the flat buffers that have one weight decay, in order; neighbours have different ones. Only
   * training programs have ranges.
   */
  public List<Range> decays() {
    return decays(trained());
  }

  /** The same of all parameters that are no matrices of hidden layers. */
  public List<Range> decaysBesideHidden() {
    return decays(trained().stream().filter(parameter -> parameter.hidden().isEmpty()).toList());
  }

  private List<Range> decays(List<Parameter> some) {
    UpdateRule how = updateRule.orElseThrow();
    List<Range> ranges = new ArrayList<>();
    for (Parameter parameter : some) {
      long end = parameter.offset() + parameter.tensor().size();
      double decay = how.decay(parameter.group());
      boolean goesOn = !ranges.isEmpty() && ranges.getLast().decay == decay
          && ranges.getLast().to == parameter.offset();
      ranges.add(new Range(goesOn ? ranges.removeLast().from : parameter.offset(), end, decay));
    }
    return List.copyOf(ranges);
  }

  /** The matrices of hidden layers, in flat order. */
  public List<HiddenMatrix> hiddenMatrices() {
    return parameters.stream().flatMap(parameter -> parameter.hidden().stream()).toList();
  }

  /** Number of elements that the optimiser keeps in a buffer. */
  public long stateCount(StateBuffer buffer) {
    return trained().stream().mapToLong(p -> buffer.size(p.tensor())).sum();
  }

  /** Number of elements that the optimiser keeps in all buffers. */
  public long stateCount() {
    return optimiser().stream().flatMap(o -> o.state().stream()).mapToLong(this::stateCount).sum();
  }

  /** Floating-point operations of the matmuls of one step, a multiply-add counted as two. */
  public long flops() {
    return accumulation() * operations().stream().mapToLong(Operation::flops).sum() + updateFlops();
  }

  /** Those of Muon's update; the other optimisers have no matmuls. */
  public long updateFlops() {
    return optimiser().filter(Optimiser.Muon.class::isInstance)
        .map(Optimiser.Muon.class::cast)
        .map(muon -> hiddenMatrices().stream().mapToLong(muon::flops).sum())
        .orElse(0L);
  }

  /**
   * Bytes that one step moves if nothing stays in a cache between operations, in fp32. The update reads the gradient,
   * the optimiser's state and the parameter, and writes the last two.
   */
  public long bytes() {
    long update = updateRule.isPresent() ? 4 * (3 * trainedCount() + 2 * stateCount()) : 0;
    return accumulation() * operations().stream().mapToLong(Operation::bytes).sum() + update;
  }

  /** The place of each activation. The losses are kept to the end. */
  public MemoryPlan memoryPlan() {
    return MemoryPlan.of(operations(), Set.of(losses), Tensor::size);
  }

  /**
   * Bytes of parameters (with gradient and the optimiser's state where trained), of the activations' arena and of
   * what routers decide, in fp32.
   */
  public long memoryBytes() {
    long copies = updateRule.isPresent() ? 2 : 1;
    return 4 * (copies * parameterCount() + stateCount() + memoryPlan().size()) + routingBytes()
        + tokens.bytes() + targets.bytes();
  }

  /** Bytes of what routers decide, and of its gradient. */
  public long routingBytes() {
    return operations().stream()
        .flatMap(operation -> operation.writes().stream())
        .filter(tensor -> tensor.role() == Tensor.Role.ROUTING)
        .mapToLong(Tensor::bytes)
        .sum();
  }

  /** The parameters of a list in flat order, with their offsets. */
  public static List<Parameter> layOut(List<Parameter> declared) {
    List<Parameter> laidOut = new ArrayList<>();
    long offset = 0;
    for (Parameter.Group group : Parameter.Group.values()) {
      for (Parameter parameter : declared) {
        if (parameter.group() == group) {
          laidOut.add(parameter.at(offset));
          offset += parameter.tensor().size();
        }
      }
    }
    return List.copyOf(laidOut);
  }
}
