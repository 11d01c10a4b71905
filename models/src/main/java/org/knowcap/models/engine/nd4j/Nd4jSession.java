package org.knowcap.models.engine.nd4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.knowcap.models.engine.FlatState;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.HiddenMatrix;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
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
  private final SessionArrays arrays;
  /** Of the parameters that are trained. */
  private final INDArray gradients;
  private final ExpertCalls experts;
  private final List<CallList> forward = new ArrayList<>();
  private final List<CallList> backward = new ArrayList<>();
  private final Map<String, INDArray> state = new LinkedHashMap<>();
  private final FlatState flat;
  private final List<Update> updates = new ArrayList<>();
  /** Losses of a step's batches, one a row. */
  private final INDArray losses;
  private final List<CallList> keepLosses = new ArrayList<>();
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
    flat = new FlatState(program, new Flat());
    arrays = new SessionArrays(program);
    gradients = program.updateRule().isPresent() ? trained(arrays.gradients) : arrays.gradients;
    experts = new ExpertCalls(arrays, program);
    OperationCalls operations = new OperationCalls(arrays, experts);
    for (Operation operation : program.forward()) {
      forward.add(operations.of(operation));
    }
    for (Operation operation : program.backward()) {
      backward.add(operations.of(operation));
    }
    mask = operations.lossMask(((CrossEntropy) program.forward().getLast()).targets());
    state.put(PARAMETERS, arrays.parameters);
    losses = arrays.own(program.accumulation(), program.rows());
    for (int batch = 0; batch < program.accumulation(); batch++) {
      INDArray row = SessionArrays.view(losses, (long) batch * program.rows(), program.rows(), 1);
      keepLosses.add(new CallList(arrays).copy(arrays.of(program.losses()), row));
    }
    program.updateRule().ifPresent(updateRule -> {
      updateRule.optimiser()
          .state()
          .forEach(buffer -> state.put(buffer.key(), arrays.own(program.stateCount(buffer))));
      updates.add(update(updateRule));
    });
  }

  /** The part of a flat buffer that training changes. */
  private INDArray trained(INDArray buffer) {
    return buffer.get(NDArrayIndex.interval(0, program.trainedCount()));
  }

  /** Weight decay, then the optimiser's step. */
  private Update update(UpdateRule updateRule) {
    List<INDArray> decaying = new ArrayList<>();
    List<Double> decays = new ArrayList<>();
    for (Program.Range range : program.decays()) {
      if (range.decay() > 0) {
        decaying.add(arrays.parameters.get(NDArrayIndex.interval(range.from(), range.to())));
        decays.add(range.decay());
      }
    }
    INDArray parameters = trained(arrays.parameters);
    INDArray change = arrays.own(program.trainedCount());
    Update step = switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> adamW(o, 0, program.trainedCount(), change);
      case Optimiser.Lion o -> lion(o, change);
      case Optimiser.Tiger o -> tiger(o, change);
      case Optimiser.Sgd o -> sgd(o, change);
      case Optimiser.Adafactor o -> adafactor(o, change);
      case Optimiser.Muon o -> muon(o, change);
    };
    return (learningRate, number) -> {
      clip(updateRule);
      step.apply(learningRate, number);
      for (int i = 0; i < decaying.size(); i++) {
        decaying.get(i).muli(1 - learningRate * decays.get(i));
      }
      parameters.subi(change);
    };
  }

  private void clip(UpdateRule updateRule) {
    if (updateRule.clip().isPresent()) {
      double norm = Sums.norm(gradients);
      gradientNorm = OptionalDouble.of(norm);
      if (updateRule.scale(norm) != 1) {
        gradients.muli(updateRule.scale(norm));
      }
    }
  }

  /** AdamW from one number of the flat buffers to before another. */
  private Update adamW(Optimiser.AdamW o, long from, long to, INDArray changes) {
    INDArray gradient = SessionArrays.view(arrays.gradients, from, 1, to - from);
    INDArray first = SessionArrays.view(state.get(StateBuffer.FIRST_MOMENT.key()), from, 1, to - from);
    INDArray second = SessionArrays.view(state.get(StateBuffer.SECOND_MOMENT.key()), from, 1, to - from);
    INDArray change = SessionArrays.view(changes, from, 1, to - from);
    CallList moments = mean(first, o.beta1(), gradient, change).multiply(gradient, gradient, gradient)
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
  private CallList mean(INDArray moment, double beta, INDArray gradient, INDArray work) {
    return new CallList(arrays).scale(moment, beta, moment)
        .scale(gradient, 1 - beta, work)
        .add(moment, work, moment);
  }

  private Update lion(Optimiser.Lion o, INDArray change) {
    INDArray moment = state.get(StateBuffer.FIRST_MOMENT.key());
    INDArray work = arrays.own(program.trainedCount());
    CallList blend = new CallList(arrays).scale(moment, o.beta1(), change)
        .scale(gradients, 1 - o.beta1(), work)
        .add(change, work, change)
        .op(new Sign(change, change));
    CallList mean = mean(moment, o.beta2(), gradients, work);
    return (learningRate, step) -> {
      blend.run();
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update tiger(Optimiser.Tiger o, INDArray change) {
    INDArray moment = state.get(StateBuffer.FIRST_MOMENT.key());
    CallList mean = mean(moment, o.beta(), gradients, change).op(new Sign(moment, change));
    return (learningRate, step) -> {
      mean.run();
      change.muli(learningRate);
    };
  }

  private Update sgd(Optimiser.Sgd o, INDArray change) {
    INDArray sum = state.get(StateBuffer.FIRST_MOMENT.key());
    CallList adds = new CallList(arrays).scale(sum, o.momentum(), sum)
        .add(sum, gradients, sum)
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
    for (Parameter parameter : program.trained()) {
      int n = parameter.tensor().rows();
      int m = parameter.tensor().columns();
      each.add(adafactor(o, parameter, SessionArrays.view(state.get(StateBuffer.ROW_MOMENT.key()), row, n, 1),
          SessionArrays.view(state.get(StateBuffer.COLUMN_MOMENT.key()), column, 1, m),
          SessionArrays.view(change, parameter.offset(), n, m)));
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
    INDArray gradient = arrays.of(parameter.gradient());
    INDArray values = arrays.of(parameter.tensor());
    INDArray byRow = arrays.scratch(1, n, 1);
    INDArray byColumn = arrays.scratch(2, 1, m);
    INDArray both = arrays.scratch(3, n, m);
    CallList means = new CallList(arrays).multiply(gradient, gradient, both)
        .matmul(both, false, arrays.constant(m, 1, 1.0 / m), false, false, byRow)
        .matmul(arrays.constant(1, n, 1.0 / n), false, both, false, false, byColumn);
    // With factors of both kinds, 1 / sqrt(v) is their product: v itself may be too small for a float.
    CallList scaled = new CallList(arrays).sqrt(byRow, byRow)
        .sqrt(byColumn, byColumn)
        .matmul(byRow, false, byColumn, false, false, both)
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

  /** Matrices of hidden layers one after the other, and AdamW for what lies between them. */
  private Update muon(Optimiser.Muon o, INDArray change) {
    List<Update> each = new ArrayList<>();
    for (Program.Range range : program.decaysBesideHidden()) {
      each.add(adamW(o.others(), range.from(), range.to(), change));
    }
    program.hiddenMatrices().forEach(matrix -> each.add(muon(o, matrix, change)));
    return (learningRate, step) -> each.forEach(update -> update.apply(learningRate, step));
  }

  private Update muon(Optimiser.Muon o, HiddenMatrix matrix, INDArray changes) {
    INDArray moment = view(state.get(StateBuffer.FIRST_MOMENT.key()), matrix);
    INDArray change = view(changes, matrix);
    int side = matrix.side();
    INDArray x = arrays.scratch(1, matrix.rows(), matrix.columns());
    INDArray other = arrays.scratch(2, matrix.rows(), matrix.columns());
    INDArray gram = arrays.scratch(3, side, side);
    INDArray square = arrays.scratch(4, side, side);
    CallList momentum = new CallList(arrays).copy(view(arrays.gradients, matrix), other)
        .copy(moment, x)
        .scale(x, o.momentum(), x)
        .scale(other, 1 - o.momentum(), other)
        .add(x, other, x)
        .copy(x, moment);
    if (o.nesterov()) {
      momentum.scale(x, o.momentum(), x).add(x, other, x);
    }
    CallList orthogonalise = new CallList(arrays);
    boolean tall = matrix.rows() > matrix.columns();
    for (Orthogonaliser.Quintic quintic : o.quintics()) {
      orthogonalise.matmul(x, tall, x, !tall, false, gram)
          .matmul(gram, false, gram, false, false, square)
          .scale(gram, quintic.b(), gram)
          .scale(square, quintic.c(), square)
          .add(square, gram, square)
          .matmul(tall ? x : square, false, tall ? square : x, false, false, other)
          .scale(x, quintic.a(), x)
          .add(x, other, x);
    }
    orthogonalise.copy(x, change);
    return (learningRate, step) -> {
      momentum.run();
      x.muli(1 / o.orthogonaliser().divisor(Sums.norm(x)));
      orthogonalise.run();
      change.muli(learningRate * o.scale(matrix));
    };
  }

  private static INDArray view(INDArray buffer, HiddenMatrix matrix) {
    return Nd4j.create(buffer.data(), new long[]{matrix.rows(), matrix.columns()},
        new long[]{matrix.stride(), 1}, matrix.offset(), 'c');
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    if (updates.isEmpty()) {
      throw new IllegalStateException("a scoring program cannot be trained");
    }
    arrays.gradients.assign(0);
    counted = Targets.counted(targets);
    mask.begin(program.stepRows(), counted);
    for (int batch = 0; batch < program.accumulation(); batch++) {
      runForward(tokens, targets, batch);
      backward.forEach(CallList::run);
    }
    if (program.accumulation() > 1) {
      arrays.gradients.divi(program.accumulation());
    }
    updates.forEach(update -> update.apply(learningRate, step));
  }

  private void runForward(int[] tokens, int[] targets, int batch) {
    int from = batch * program.rows();
    int to = from + program.rows();
    arrays.of(program.tokens()).data().setData(Arrays.copyOfRange(tokens, from, to));
    arrays.of(program.targets()).data().setData(Arrays.copyOfRange(targets, from, to));
    forward.forEach(CallList::run);
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
    Tensor logits = ((CrossEntropy) program.forward().getLast()).logits();
    for (int batch = 0; batch < program.accumulation(); batch++) {
      runForward(tokens, targets, batch);
      int[] likeliest = arrays.of(logits).argMax(1).toIntVector();
      System.arraycopy(likeliest, 0, predictions, batch * program.rows(), program.rows());
    }
    read(losses);
  }

  @Override
  public Map<Tensor, float[]> inputs(int[] tokens, ForwardOperation operation) {
    arrays.of(program.tokens()).data().setData(tokens);
    forward.subList(0, program.forward().indexOf(operation)).forEach(CallList::run);
    Nd4j.getExecutioner().commit();
    Map<Tensor, float[]> inputs = new HashMap<>();
    for (Tensor tensor : operation.reads()) {
      if (tensor.role() == Tensor.Role.ACTIVATION || tensor.role() == Tensor.Role.ROUTING) {
        inputs.put(tensor,
            experts.weights(tensor).orElseGet(() -> arrays.of(tensor).dup('c').data().asFloat()));
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
    return experts.metrics();
  }

  @Override
  public float[] parameter(Parameter parameter) {
    Nd4j.getExecutioner().commit();
    return arrays.of(parameter.tensor()).dup('c').data().asFloat();
  }

  @Override
  public Map<String, float[]> state() {
    Nd4j.getExecutioner().commit();
    return flat.copies();
  }

  @Override
  public void load(Map<String, float[]> values) {
    flat.load(values);
  }

  /** The flat buffers as arrays. */
  private final class Flat implements FlatState.Buffers {
    @Override
    public void read(String name, float[] to) {
      System.arraycopy(state.get(name).data().asFloat(), 0, to, 0, to.length);
    }

    @Override
    public void write(String name, float[] from) {
      state.get(name).data().setData(from);
    }
  }

  /** Its memory. */
  SessionArrays arrays() {
    return arrays;
  }

  @Override
  public void close() {
    arrays.close();
  }
}
