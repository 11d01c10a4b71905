package org.knowcap.models.engine.cpu;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.engine.lowering.LoweredProgram;
import org.knowcap.models.engine.lowering.RopeTable;
import org.knowcap.models.engine.routing.HostRouter;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.Tensor;

/**
 * The offsets, in bytes, of everything in a session's memory: first the parts that workers share, then each worker's
 * own. A worker has the activations of only one slice.
 */
final class Layout {
  /** Between buffers, in bytes: a cache line, the widest vector. */
  private static final int ALIGNMENT = 64;

  private final Program program;
  private final LoweredProgram lowered;
  private final Map<Tensor, Long> parameterOffsets = new HashMap<>();
  private final Map<Tensor, Long> gradientOffsets = new HashMap<>();
  private final Map<RopeTable, Long> ropeTables = new LinkedHashMap<>();
  private final Map<StateBuffer, Long> state = new EnumMap<>(StateBuffer.class);
  private final int sliceWindows;
  private long size;

  final long tokens;
  final long targets;
  /**
   * The position in its window at which each token's document begins, int32 [R]: where operations look at documents.
   */
  final long documents;
  /** One over the number of targets of the step, a float. */
  final long share;
  final long losses;
  /** Of each token the most likely next one, where there is no learning, int32 [R]. */
  final long predictions;
  final long parameters;
  /** The optimiser's buffers. If there is no such buffer, the offset is that of the parameters, and is not used. */
  final long firstMoment;
  final long secondMoment;
  final long rowMoment;
  final long columnMoment;
  /** The parameters with rounded matrices, if training rounds them. */
  final long rounded;
  /** The parameters as matmuls read them: in bf16, or rounded, or both. */
  final long copy;
  private final long workers;
  private final long workerSize;
  private final long arenaSize;
  private final long gradientSize;

  /**
   * @param sliceWindows windows of the largest slice
   * @param rounds whether matmuls read rounded weights
   */
  Layout(Program program, DType dtype, int sliceWindows, int workerCount, boolean rounds) {
    this.program = program;
    this.sliceWindows = sliceWindows;
    lowered = new LoweredProgram(program, dtype,
        (tensor, routing) -> sliceRows(tensor, routing, sliceWindows));

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
    rounded = rounds ? reserve(4 * count) : parameters;
    copy = dtype.isBf16() ? reserve(2 * count) : rounded;
    for (Parameter parameter : program.parameters()) {
      parameterOffsets.put(parameter.tensor(), parameter.offset());
      gradientOffsets.put(parameter.gradient(), parameter.offset());
    }
    lowered.ropeTables().forEach(table -> ropeTables.put(table, reserve(table.bytes())));
    documents = documents().isPresent() ? reserve(4L * program.stepRows()) : tokens;
    workers = size;
    gradientSize = learns ? round(4 * count) : 0;
    arenaSize = round(lowered.arenaBytes());
    workerSize = gradientSize + arenaSize + round(4 * workSize());
    size += workerCount * workerSize;
  }

  private long reserve(long bytes) {
    long offset = size;
    size += round(bytes);
    return offset;
  }

  private static long round(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  private int sliceRows(Tensor tensor, Optional<ExpertRouting> routing, int windows) {
    return tensor.rows() / program.windows() * windows
        + routing.map(each -> HostRouter.spareRows(each, ExpertKernels.UNIT)).orElse(0);
  }

  private long workSize() {
    long update = program.optimiser().map(optimiser -> switch (optimiser) {
      case Optimiser.Adafactor _ -> AdafactorUpdate.workSize(program);
      case Optimiser.Muon _ -> MuonUpdate.workSize(program);
      case Optimiser.AdamW _,Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> 0L;
    }).orElse(0L);
    long first = Math.max(firstWork(true), firstWork(false));
    return lowered.operations(true)
        .stream()
        .mapToLong(operation -> KernelPlan.of(operation, dtype()).work())
        .reduce(Math.max(update, first), Math::max);
  }

  private long firstWork(boolean learning) {
    return firstLayer(learning, sliceWindows).map(FirstLayer::workSize).orElse(0L);
  }

  /** The first layer, where slices of so many windows have it computed once for each token. */
  Optional<FirstLayer> firstLayer(boolean learning, int windows) {
    return FirstLayer.of(lowered.operations(learning), windows * program.length(), learning);
  }

  /** Bytes of the whole. */
  long size() {
    return size + ALIGNMENT;
  }

  DType dtype() {
    return lowered.dtype();
  }

  LoweredProgram lowered() {
    return lowered;
  }

  /** How windows split into documents, where operations look at that. */
  Optional<Documents> documents() {
    return lowered.documents();
  }

  /** The tables of RoPE, and where. */
  Map<RopeTable, Long> ropeTables() {
    return ropeTables;
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
        DType.FP32);
  }

  /** A parameter as matmuls read it. */
  Matrix operand(Tensor tensor) {
    return Matrix.dense(copy + dtype().bytes() * parameterOffsets.get(tensor), tensor.rows(),
        tensor.columns(), dtype());
  }

  /** A parameter's gradient in a worker's own buffer. */
  Matrix gradient(Tensor tensor, int worker) {
    return Matrix.dense(gradients(worker) + 4 * gradientOffsets.get(tensor), tensor.rows(), tensor.columns(),
        DType.FP32);
  }

  /** An activation of a slice of a number of windows. */
  Matrix activation(Tensor tensor, boolean learning, int worker, int windows) {
    return Matrix.dense(gradients(worker) + gradientSize + lowered.offset(tensor, learning),
        sliceRows(tensor, lowered.dispatched(tensor, learning), windows), tensor.columns(),
        lowered.dtype(tensor, learning));
  }

  /** The optimiser's buffers. */
  Map<StateBuffer, Long> state() {
    return state;
  }
}
