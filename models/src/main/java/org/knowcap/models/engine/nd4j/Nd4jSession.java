package org.knowcap.models.engine.nd4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.same.Sign;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A program as recorded ND4J calls over arrays that are allocated once. */
final class Nd4jSession implements InspectableSession {
  private final Program program;
  private final Memory memory;
  private final Mixtures mixtures;
  private final List<Recording> forward = new ArrayList<>();
  private final List<Recording> backward = new ArrayList<>();
  private final Map<String, INDArray> state = new LinkedHashMap<>();
  private final List<Update> updates = new ArrayList<>();
  /** Losses of a step's batches, one a row. */
  private final INDArray losses;
  private final List<Recording> keepLosses = new ArrayList<>();
  /** Of the batch scored last, [R, V]. */
  private final INDArray probabilities;
  private final LossMask mask;
  /** Targets of the last step that count. */
  private int counted = 1;
  private OptionalDouble gradientNorm = OptionalDouble.empty();

  /** Changes the parameters by their gradients. */
  private interface Update {
    void apply(double learningRate, long step);
  }

  Nd4jSession(Program program) {
    this.program = program;
    memory = new Memory(program);
    mixtures = new Mixtures(memory, program);
    Kernels kernels = new Kernels(memory, mixtures);
    for (Operation operation : program.forward()) {
      forward.add(kernels.of(operation));
    }
    for (Operation operation : program.backward()) {
      backward.add(kernels.of(operation));
    }
    ForwardOperation.CrossEntropy loss = (ForwardOperation.CrossEntropy) program.forward().getLast();
    probabilities = kernels.probabilities(loss);
    mask = kernels.lossMask(loss);
    state.put(PARAMETERS, memory.parameters);
    losses = memory.own(program.accumulation(), program.rows());
    for (int batch = 0; batch < program.accumulation(); batch++) {
      INDArray row = Memory.view(losses, (long) batch * program.rows(), program.rows(), 1);
      keepLosses.add(new Recording(memory).copy(memory.of(program.losses()), row));
    }
    program.updateRule().ifPresent(updateRule -> {
      updateRule.optimiser()
          .state()
          .forEach(buffer -> state.put(buffer.key(), memory.own(program.stateCount(buffer))));
      updates.add(update(updateRule));
    });
  }

  /** Weight decay, then the optimiser's step. */
  private Update update(UpdateRule updateRule) {
    List<INDArray> decaying = new ArrayList<>();
    List<Double> decays = new ArrayList<>();
    for (Program.Range range : program.decays()) {
      if (range.decay() > 0) {
        decaying.add(memory.parameters.get(NDArrayIndex.interval(range.from(), range.to())));
        decays.add(range.decay());
      }
    }
    INDArray change = memory.own(program.parameterCount());
    Update step = switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> adamW(o, change);
      case Optimiser.Lion o -> lion(o, change);
      case Optimiser.Tiger o -> tiger(o, change);
      case Optimiser.Sgd o -> sgd(o, change);
      case Optimiser.Adafactor o -> adafactor(o, change);
    };
    return (learningRate, number) -> {
      clip(updateRule);
      step.apply(learningRate, number);
      for (int i = 0; i < decaying.size(); i++) {
        decaying.get(i).muli(1 - learningRate * decays.get(i));
      }
      memory.parameters.subi(change);
    };
  }

  private void clip(UpdateRule updateRule) {
    if (updateRule.clip().isPresent()) {
      double norm = Sums.norm(memory.gradients);
      gradientNorm = OptionalDouble.of(norm);
      if (updateRule.scale(norm) != 1) {
        memory.gradients.muli(updateRule.scale(norm));
      }
    }
  }

  private Update adamW(Optimiser.AdamW o, INDArray change) {
    INDArray gradient = memory.gradients;
    INDArray first = state.get(StateBuffer.FIRST_MOMENT.key());
    INDArray second = state.get(StateBuffer.SECOND_MOMENT.key());
    Recording moments = mean(first, o.beta1(), change).multiply(gradient, gradient, gradient)
        .scale(gradient, 1 - o.beta2(), gradient)
        .scale(second, o.beta2(), second)
        .add(second, gradient, second)
        .sqrt(second, change);
    return (learningRate, step) -> {
      moments.run();
      double unbias1 = 1 / (1 - Math.pow(o.beta1(), step));
      double unbias2 = 1 / Math.sqrt(1 - Math.pow(o.beta2(), step));
      change.muli(unbias2).addi(o.epsilon());
      change.rdivi(first).muli(learningRate * unbias1);
    };
  }

  /** moment = beta moment + (1 - beta) gradient. */
  private Recording mean(INDArray moment, double beta, INDArray work) {
    return new Recording(memory).scale(moment, beta, moment)
        .scale(memory.gradients, 1 - beta, work)
        .add(moment, work, moment);
  }

  private Update lion(Optimiser.Lion o, INDArray change) {
    INDArray moment = state.get(StateBuffer.FIRST_MOMENT.key());
    INDArray work = memory.own(program.parameterCount());
    Recording blend = new Recording(memory).scale(moment, o.beta1(), change)
        .scale(memory.gradients, 1 - o.beta1(), work)
        .add(change, work, change)
        .op(new Sign(change, change));
    Recording mean = mean(moment, o.beta2(), work);
    return (learningRate, step) -> {
      blend.run();
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update tiger(Optimiser.Tiger o, INDArray change) {
    INDArray moment = state.get(StateBuffer.FIRST_MOMENT.key());
    Recording mean = mean(moment, o.beta(), change).op(new Sign(moment, change));
    return (learningRate, step) -> {
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update sgd(Optimiser.Sgd o, INDArray change) {
    INDArray sum = state.get(StateBuffer.FIRST_MOMENT.key());
    Recording adds = new Recording(memory).scale(sum, o.momentum(), sum)
        .add(sum, memory.gradients, sum)
        .copy(sum, change);
    return (learningRate, step) -> {
      adds.run();
      change.muli(learningRate);
    };
  }

  /** One parameter after the other: the sums go over its rows and columns. */
  private Update adafactor(Optimiser.Adafactor o, INDArray change) {
    List<Update> each = new ArrayList<>();
    long row = 0;
    long column = 0;
    for (Parameter parameter : program.parameters()) {
      int n = parameter.tensor().rows();
      int m = parameter.tensor().columns();
      each.add(adafactor(o, parameter, Memory.view(state.get(StateBuffer.ROW_MOMENT.key()), row, n, 1),
          Memory.view(state.get(StateBuffer.COLUMN_MOMENT.key()), column, 1, m),
          Memory.view(change, parameter.offset(), n, m)));
      row += n;
      column += m;
    }
    return (learningRate, step) -> each.forEach(update -> update.apply(learningRate, step));
  }

  /**
   * @param rowMoment [n, 1]
   * @param columnMoment [1, m]
   * @param change [n, m]
   */
  private Update adafactor(Optimiser.Adafactor o, Parameter parameter, INDArray rowMoment,
      INDArray columnMoment, INDArray change) {
    int n = parameter.tensor().rows();
    int m = parameter.tensor().columns();
    INDArray gradient = memory.of(parameter.gradient());
    INDArray values = memory.of(parameter.tensor());
    INDArray byRow = memory.scratch(1, n, 1);
    INDArray byColumn = memory.scratch(2, 1, m);
    INDArray both = memory.scratch(3, n, m);
    Recording means = new Recording(memory).multiply(gradient, gradient, both)
        .product(both, false, memory.constant(m, 1, 1.0 / m), false, false, byRow)
        .product(memory.constant(1, n, 1.0 / n), false, both, false, false, byColumn);
    // With factors of both kinds, 1 / sqrt(v) is their product: v itself may be too small for a float.
    Recording scaled = new Recording(memory).sqrt(byRow, byRow)
        .sqrt(byColumn, byColumn)
        .product(byRow, false, byColumn, false, false, both)
        .multiply(gradient, both, change);
    return (learningRate, step) -> {
      means.run();
      renew(rowMoment, byRow, o.decay(step));
      renew(columnMoment, byColumn, o.decay(step));
      byRow.assign(rowMoment).rdivi(Sums.mean(rowMoment));
      byColumn.assign(columnMoment).rdivi(1);
      scaled.run();
      double length = Sums.norm(change);
      double size = o.relativeStep() ? Sums.norm(values) : 0;
      change.muli(o.rate(learningRate, length * length, size * size, parameter.tensor().size()));
    };
  }

  private static void renew(INDArray moment, INDArray mean, double decay) {
    moment.muli(decay).addi(mean.addi(Optimiser.Adafactor.LEAST_SQUARE).muli(1 - decay));
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    if (updates.isEmpty()) {
      throw new IllegalStateException("a scoring program cannot be trained");
    }
    memory.gradients.assign(0);
    counted = Targets.counted(targets);
    mask.begin(program.stepRows(), counted);
    for (int batch = 0; batch < program.accumulation(); batch++) {
      runForward(tokens, targets, batch);
      backward.forEach(Recording::run);
    }
    if (program.accumulation() > 1) {
      memory.gradients.divi(program.accumulation());
    }
    updates.forEach(update -> update.apply(learningRate, step));
  }

  private void runForward(int[] tokens, int[] targets, int batch) {
    int from = batch * program.rows();
    int to = from + program.rows();
    memory.of(program.tokens()).data().setData(Arrays.copyOfRange(tokens, from, to));
    memory.of(program.targets()).data().setData(Arrays.copyOfRange(targets, from, to));
    forward.forEach(Recording::run);
    keepLosses.get(batch).run();
  }

  @Override
  public OptionalDouble gradientNorm() {
    return gradientNorm;
  }

  @Override
  public double loss() {
    float[] losses = new float[program.stepRows()];
    read(losses);
    double sum = 0;
    for (float loss : losses) {
      sum += loss;
    }
    return sum / counted;
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    for (int batch = 0; batch < program.accumulation(); batch++) {
      runForward(tokens, targets, batch);
    }
    read(losses);
  }

  @Override
  public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
    for (int batch = 0; batch < program.accumulation(); batch++) {
      runForward(tokens, targets, batch);
      int[] likeliest = probabilities.argMax(1).toIntVector();
      System.arraycopy(likeliest, 0, predictions, batch * program.rows(), program.rows());
    }
    read(losses);
  }

  @Override
  public Map<Tensor, float[]> inputs(int[] tokens, ForwardOperation operation) {
    memory.of(program.tokens()).data().setData(tokens);
    forward.subList(0, program.forward().indexOf(operation)).forEach(Recording::run);
    Nd4j.getExecutioner().commit();
    Map<Tensor, float[]> inputs = new HashMap<>();
    for (Tensor tensor : operation.reads()) {
      if (tensor.role() == Tensor.Role.ACTIVATION) {
        inputs.put(tensor,
            mixtures.gates(tensor).orElseGet(() -> memory.of(tensor).dup('c').data().asFloat()));
      }
    }
    return inputs;
  }

  private void read(float[] into) {
    Nd4j.getExecutioner().commit();
    for (int i = 0; i < into.length; i++) {
      into[i] = losses.getFloat(i / program.rows(), i % program.rows());
    }
  }

  @Override
  public List<RoutingMetrics> routing() {
    return mixtures.metrics();
  }

  @Override
  public float[] parameter(Parameter parameter) {
    Nd4j.getExecutioner().commit();
    return memory.of(parameter.tensor()).dup('c').data().asFloat();
  }

  @Override
  public Map<String, float[]> state() {
    Nd4j.getExecutioner().commit();
    Map<String, float[]> copies = new LinkedHashMap<>();
    state.forEach((name, array) -> copies.put(name, array.data().asFloat()));
    return copies;
  }

  @Override
  public void load(Map<String, float[]> values) {
    values.forEach((name, content) -> {
      INDArray array = state.get(name);
      if (array == null) {
        throw new IllegalArgumentException(
            "no state '" + name + "' in this program; it has " + state.keySet());
      }
      if (array.length() != content.length) {
        throw new IllegalArgumentException(
            "state '" + name + "' has " + array.length() + " elements, found " + content.length);
      }
      array.data().setData(content);
    });
  }

  @Override
  public void close() {
    memory.close();
  }
}
