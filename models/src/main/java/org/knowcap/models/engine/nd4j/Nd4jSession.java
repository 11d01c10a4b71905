package org.knowcap.models.engine.nd4j;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
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
    state.put(PARAMETERS, memory.parameters);
    program.optimiser().ifPresent(optimiser -> {
      optimiser.state().forEach(name -> state.put(name, memory.own(program.parameterCount())));
      updates.add(update(optimiser));
    });
  }

  /** Weight decay, then the optimiser's step. */
  private Update update(Optimiser optimiser) {
    long decaying = program.decayingCount();
    INDArray decayed = decaying == 0
        ? memory.parameters
        : memory.parameters.get(NDArrayIndex.interval(0, decaying));
    INDArray change = memory.own(program.parameterCount());
    Update step = switch (optimiser) {
      case Optimiser.AdamW o -> adamW(o, change);
      case Optimiser.Lion o -> lion(o, change);
      case Optimiser.Tiger o -> tiger(o, change);
      case Optimiser.Sgd o -> sgd(o, change);
    };
    return (learningRate, number) -> {
      step.apply(learningRate, number);
      if (decaying > 0) {
        decayed.muli(1 - learningRate * optimiser.weightDecay());
      }
      memory.parameters.subi(change);
    };
  }

  private Update adamW(Optimiser.AdamW o, INDArray change) {
    INDArray gradient = memory.gradients;
    INDArray first = state.get(Optimiser.FIRST_MOMENT);
    INDArray second = state.get(Optimiser.SECOND_MOMENT);
    Recording moments = mean(first, o.beta1(), change)
        .multiply(gradient, gradient, gradient)
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
    return new Recording(memory).scale(moment, beta, moment).scale(memory.gradients, 1 - beta, work)
        .add(moment, work, moment);
  }

  private Update lion(Optimiser.Lion o, INDArray change) {
    INDArray moment = state.get(Optimiser.FIRST_MOMENT);
    INDArray work = memory.own(program.parameterCount());
    Recording blend = new Recording(memory).scale(moment, o.beta1(), change)
        .scale(memory.gradients, 1 - o.beta1(), work).add(change, work, change).op(new Sign(change, change));
    Recording mean = mean(moment, o.beta2(), work);
    return (learningRate, step) -> {
      blend.run();
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update tiger(Optimiser.Tiger o, INDArray change) {
    INDArray moment = state.get(Optimiser.FIRST_MOMENT);
    Recording mean = mean(moment, o.beta(), change).op(new Sign(moment, change));
    return (learningRate, step) -> {
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update sgd(Optimiser.Sgd o, INDArray change) {
    INDArray sum = state.get(Optimiser.FIRST_MOMENT);
    Recording adds = new Recording(memory).scale(sum, o.momentum(), sum).add(sum, memory.gradients, sum)
        .copy(sum, change);
    return (learningRate, step) -> {
      adds.run();
      change.muli(learningRate);
    };
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    if (updates.isEmpty()) {
      throw new IllegalStateException("a scoring program cannot be trained");
    }
    runForward(tokens, targets);
    memory.gradients.assign(0);
    backward.forEach(Recording::run);
    updates.forEach(update -> update.apply(learningRate, step));
  }

  private void runForward(int[] tokens, int[] targets) {
    memory.of(program.tokens()).data().setData(tokens);
    memory.of(program.targets()).data().setData(targets);
    forward.forEach(Recording::run);
  }

  @Override
  public double loss() {
    float[] losses = new float[program.rows()];
    read(losses);
    double sum = 0;
    for (float loss : losses) {
      sum += loss;
    }
    return sum / losses.length;
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    runForward(tokens, targets);
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

  private void read(float[] losses) {
    INDArray array = memory.of(program.losses());
    Nd4j.getExecutioner().commit();
    for (int row = 0; row < losses.length; row++) {
      losses[row] = array.getFloat(row, 0);
    }
  }

  @Override
  public List<RoutingMetrics> routing() {
    return mixtures.metrics();
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
