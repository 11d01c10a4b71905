package org.knowcap.models.engine.cpu;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.models.engine.Router;
import org.knowcap.models.engine.lowering.Element;
import org.knowcap.models.engine.lowering.Lowering;
import org.knowcap.models.engine.lowering.Lowering.Lowered;
import org.knowcap.models.engine.lowering.Step;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.MemoryPlan;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.Tensor;

/**
 * Where everything lies in a session's one memory, in bytes: first what workers share, then each worker's own. Of
 * activations a worker has no more than one slice.
 */
final class Layout {
  /** Between buffers, in bytes: a cache line, the widest vector. */
  private static final int ALIGNMENT = 64;

  private final Program program;
  private final Element element;
  private final int sliceWindows;
  private final Lowered scoring;
  private final Lowered training;
  private final MemoryPlan scoringPlan;
  private final MemoryPlan trainingPlan;
  private final Map<Tensor, Long> parameterOffsets = new HashMap<>();
  private final Map<Tensor, Long> gradientOffsets = new HashMap<>();
  private final Map<ForwardOperation.Rotary, Long> tables = new HashMap<>();
  private final Map<StateBuffer, Long> state = new EnumMap<>(StateBuffer.class);
  private long size;

  final long tokens;
  final long targets;
  /** Of each token, the place in its window where its document begins, int32 [R]: where there is a separator. */
  final long documents;
  final OptionalInt separator;
  /** One over the number of targets of the step, a float. */
  final long share;
  final long losses;
  /** Of each token the most likely next one, where there is no learning, int32 [R]. */
  final long predictions;
  final long parameters;
  /** The optimiser's buffers; where it has none of the kind, the parameters', which nobody then asks for. */
  final long firstMoment;
  final long secondMoment;
  final long rowMoment;
  final long columnMoment;
  /** The parameters in bf16, if products read them so. */
  final long copy;
  private final long workers;
  private final long workerSize;
  private final long arenaSize;
  private final long gradientSize;

  /** @param sliceWindows windows of the largest slice */
  Layout(Program program, Element element, int sliceWindows, int workerCount) {
    this.program = program;
    this.element = element;
    this.sliceWindows = sliceWindows;
    scoring = Lowering.of(program.forward(), element);
    training = Lowering.of(program.operations(), element);
    scoringPlan = MemoryPlan.of(scoring.steps(), Set.of(), tensor -> floats(scoring, tensor));
    trainingPlan = MemoryPlan.of(training.steps(), Set.of(), tensor -> floats(training, tensor));

    long count = program.parameterCount();
    boolean learns = program.updateRule().isPresent();
    tokens = reserve(4L * program.stepRows());
    targets = reserve(4L * program.stepRows());
    share = reserve(4);
    losses = reserve(4L * program.stepRows());
    predictions = reserve(4L * program.stepRows());
    parameters = reserve(4 * count);
    program.optimiser()
        .ifPresent(optimiser -> optimiser.state()
            .forEach(buffer -> state.put(buffer, reserve(4 * program.stateCount(buffer)))));
    firstMoment = state.getOrDefault(StateBuffer.FIRST_MOMENT, parameters);
    secondMoment = state.getOrDefault(StateBuffer.SECOND_MOMENT, parameters);
    rowMoment = state.getOrDefault(StateBuffer.ROW_MOMENT, parameters);
    columnMoment = state.getOrDefault(StateBuffer.COLUMN_MOMENT, parameters);
    copy = element.narrow() ? reserve(2 * count) : parameters;
    for (Parameter parameter : program.parameters()) {
      parameterOffsets.put(parameter.tensor(), parameter.offset());
      gradientOffsets.put(parameter.gradient(), parameter.offset());
    }
    for (ForwardOperation operation : program.forward()) {
      if (operation instanceof ForwardOperation.Rotary rotary) {
        tables.computeIfAbsent(table(rotary), key -> reserve(4 * Rotation.tableSize(rotary)));
      }
    }
    separator = separator(program);
    documents = separator.isPresent() ? reserve(4L * program.stepRows()) : tokens;
    workers = size;
    gradientSize = learns ? round(4 * count) : 0;
    arenaSize = round(4 * Math.max(scoringPlan.size(), trainingPlan.size()));
    workerSize = gradientSize + arenaSize + round(4 * workSize());
    size += workerCount * workerSize;
  }

  /** The token that documents begin with, if any attention looks at documents. */
  private static OptionalInt separator(Program program) {
    return program.forward()
        .stream()
        .flatMap(operation -> operation instanceof ForwardOperation.Attention attention
            ? attention.documents().stream()
            : Stream.empty())
        .mapToInt(ForwardOperation.Documents::separator)
        .findFirst();
  }

  private long reserve(long bytes) {
    long offset = size;
    size += round(bytes);
    return offset;
  }

  private static long round(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  private long floats(Lowered lowered, Tensor tensor) {
    long numbers = (long) sliceRows(lowered, tensor, sliceWindows) * tensor.columns();
    return bytes(lowered, tensor) == 4 ? numbers : Math.ceilDiv(numbers, 2);
  }

  private int bytes(Lowered lowered, Tensor tensor) {
    return elementOf(lowered, tensor).bytes();
  }

  private Element elementOf(Lowered lowered, Tensor tensor) {
    return lowered.wide().contains(tensor) ? Element.FP32 : element;
  }

  private int sliceRows(Lowered lowered, Tensor tensor, int windows) {
    return tensor.rows() / program.windows() * windows + (lowered.seated().containsKey(tensor)
        ? Router.spareRows(lowered.seated().get(tensor), Mixtures.UNIT)
        : 0);
  }

  private long workSize() {
    long size = program.optimiser()
        .filter(Optimiser.Adafactor.class::isInstance)
        .map(o -> AdafactorUpdate.workSize(program))
        .orElse(0L);
    for (Step step : training.steps()) {
      size = Math.max(size, switch (step) {
        case Step.Attend attend -> attentionWork(attend.operation());
        case Step.AttendBackward attend -> attentionWork(attend.operation());
        case Step.ActivateBackward _ -> Elementwise.WORK;
        case Step.Gate gate -> (long) Elementwise.GATE_ROWS * Matrix.stride(gate.out().columns());
        case Step.GateBackward gate -> (long) Elementwise.GATE_ROWS * Matrix.stride(gate.dOut().columns());
        case Step.Head head -> Head.workSize(program.vocabulary(), element);
        case Step.Gather _,Step.Scatter _,Step.Place _,Step.PlaceBackward _,Step.Sum _,Step.Copy _,Step.Norm _,Step.NormBackward _,Step.Linear _,Step.LinearBackward _,Step.Activate _,Step.Turn _,Step.Route _,Step.RouteBackward _,Step.Dispatch _,Step.DispatchBackward _,Step.ExpertLinear _,Step.ExpertLinearBackward _,Step.Combine _,Step.CombineBackward _ ->
            0;
      });
    }
    return size;
  }

  private long attentionWork(ForwardOperation.Attention operation) {
    long size = Attention.workSize(operation, element);
    return ShortAttention.Bounds.mayTake(operation)
        ? Math.max(size, ShortAttention.Bounds.workSize(operation))
        : size;
  }

  /** Bytes of the whole. */
  long size() {
    return size + ALIGNMENT;
  }

  Element element() {
    return element;
  }

  List<Step> steps(boolean learning) {
    return (learning ? training : scoring).steps();
  }

  /** Rotations that differ only in what they turn share their tables. */
  private static ForwardOperation.Rotary table(ForwardOperation.Rotary rotary) {
    Tensor any = new Tensor("any", Tensor.Role.ACTIVATION, 1, 1);
    return new ForwardOperation.Rotary(any, rotary.heads(), rotary.rotated(), rotary.base(), rotary.places(),
        any);
  }

  long tables(ForwardOperation.Rotary rotary) {
    return tables.get(table(rotary));
  }

  /** The rotations that need tables, and where. */
  Map<ForwardOperation.Rotary, Long> tables() {
    return tables;
  }

  /** Offset of a worker's gradients, fp32 [P]. */
  long gradients(int worker) {
    return workers + worker * workerSize;
  }

  /** Offset of a worker's work space. */
  long work(int worker) {
    return gradients(worker) + gradientSize + arenaSize;
  }

  /** A parameter in fp32. */
  Matrix parameter(Tensor tensor) {
    return Matrix.dense(parameters + 4 * parameterOffsets.get(tensor), tensor.rows(), tensor.columns(),
        Element.FP32);
  }

  /** A parameter as products read it. */
  Matrix operand(Tensor tensor) {
    return Matrix.dense(copy + element.bytes() * parameterOffsets.get(tensor), tensor.rows(),
        tensor.columns(), element);
  }

  /** A parameter's gradient in a worker's own buffer. */
  Matrix gradient(Tensor tensor, int worker) {
    return Matrix.dense(gradients(worker) + 4 * gradientOffsets.get(tensor), tensor.rows(), tensor.columns(),
        Element.FP32);
  }

  /** An activation of a slice of so many windows. */
  Matrix activation(Tensor tensor, boolean learning, int worker, int windows) {
    Lowered lowered = learning ? training : scoring;
    long place = (learning ? trainingPlan : scoringPlan).offsets().get(tensor);
    return Matrix.dense(gradients(worker) + gradientSize + 4 * place, sliceRows(lowered, tensor, windows),
        tensor.columns(), elementOf(lowered, tensor));
  }

  /** The optimiser's buffers. */
  Map<StateBuffer, Long> state() {
    return state;
  }
}
