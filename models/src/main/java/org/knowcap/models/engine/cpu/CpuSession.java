package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.knowcap.models.engine.routing.HostRouter;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.engine.FlatState;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.WeightRounding;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;

/**
 * A program on the CPU. Workers take contiguous shares of the batch's windows; their gradients are summed in the
 * workers' order. So results are equal to the last bit for equal numbers of workers, and differ by rounding for
 * different numbers.
 */
final class CpuSession implements Session {
  /** Rows of a slice: enough for efficient matmuls, and few enough to keep most activations in the cache. */
  private static final int SLICE_ROWS = 512;

  private final Program program;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final Layout layout;
  private final Crew crew;
  private final List<Worker> workers = new ArrayList<>();
  private final Gradients gradients;
  private final Optional<Update> update;
  private final FlatState flat;
  /** What rounds matrices of the parameters; none where matmuls read exact weights. */
  private final List<Consumer<float[]>> rounding;
  /** The parameters on their way to {@link Layout#rounded}. */
  private final float[] numbers;
  /** Targets of what ran last. */
  private int counted = 1;
  /** Whether what ran last was a step of training. */
  private boolean learnt;
  /** Sums of the squares of the workers' parts of the gradient. */
  private final double[] squares;
  private OptionalDouble gradientNorm = OptionalDouble.empty();

  /**
   * @param workerCount at most the batch's windows
   * @param mode makes how a thread computes
   * @param matmuls makes a worker's products over the session's memory
   * @param weightRounding of the weights that matmuls read
   */
  CpuSession(Program program, int workerCount, DType dtype, Function<Arena, ThreadMode> mode,
      Function<MemorySegment, MatMuls> matmuls, Optional<WeightRounding> weightRounding) {
    this.program = program;
    int windows = stepWindows(program);
    int sliceWindows = sliceWindows(program, workerCount);
    rounding = weightRounding.map(how -> how.matrices(program)).orElse(List.of());
    numbers = new float[rounding.isEmpty() ? 0 : Math.toIntExact(program.parameterCount())];
    layout = layout(program, dtype, workerCount, !rounding.isEmpty());
    memory = allocate(layout.size());
    layout.ropeTables().forEach((table, offset) -> RopeKernel.fill(memory, offset, table));
    crew = new Crew(workerCount, () -> mode.apply(arena));
    boolean learns = program.updateRule().isPresent();
    for (int i = 0; i < workerCount; i++) {
      workers.add(new Worker(memory, layout, matmuls.apply(memory), i, i * windows / workerCount,
          (i + 1) * windows / workerCount, sliceWindows, windows, program.length(), learns));
    }
    gradients = new Gradients(memory, IntStream.range(0, workerCount).mapToLong(layout::gradients).toArray());
    squares = new double[workerCount];
    update = program.updateRule().map(this::updateOf);
    flat = new FlatState(program, new Flat());
  }

  private Update updateOf(UpdateRule updateRule) {
    boolean gathered = updateRule.clip().isPresent();
    return switch (updateRule.optimiser()) {
      case Optimiser.AdamW _,Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ ->
          new ElementwiseUpdate(memory, layout, program.decays(), program.trainedCount(), gradients,
              updateRule.optimiser(), gathered);
      case Optimiser.Adafactor o -> new AdafactorUpdate(memory, layout, program, gradients, o, gathered);
      case Optimiser.Muon o -> new MuonUpdate(memory, layout, program, gradients, o,
          workers.stream().map(Worker::matmuls).toList(), gathered);
    };
  }

  /** Windows of a step: as activations are those of a slice only, several batches are as good as a large one. */
  static int stepWindows(Program program) {
    return program.accumulation() * program.windows();
  }

  private static int sliceWindows(Program program, int workerCount) {
    return Math.clamp(SLICE_ROWS / program.length(), 1, Math.ceilDiv(stepWindows(program), workerCount));
  }

  private static Layout layout(Program program, DType dtype, int workerCount, boolean rounds) {
    return new Layout(program, dtype, sliceWindows(program, workerCount), workerCount, rounds);
  }

  /** Bytes of parameters, optimiser state, rounded weights and workers' buffers. */
  static long bytes(Program program, DType dtype, int workerCount, boolean rounds) {
    return layout(program, dtype, workerCount, false).size() + (rounds ? WeightRounding.bytes(program) : 0);
  }

  private MemorySegment allocate(long bytes) {
    try {
      return arena.allocate(bytes, 64);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new EngineUnavailableException(
          "the model, its optimiser and the workers' buffers need " + bytes / (1 << 20)
              + " MiB, more than this process may have; use fewer threads, smaller batches or a"
              + " smaller model");
    }
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    Update changes = update
        .orElseThrow(() -> new IllegalStateException("a scoring program cannot be trained"));
    put(tokens, targets);
    learnt = true;
    crew.each(i -> workers.get(i).run(true));
    update(changes, learningRate, step);
  }

  private void update(Update changes, double learningRate, long step) {
    UpdateRule updateRule = program.updateRule().orElseThrow();
    float scale = updateRule.clip().isPresent() ? (float) updateRule.scale(norm()) : 1;
    crew.each(i -> changes.run(i, learningRate, step, scale));
    keep(updateRule.masterWeights(), step);
    round();
  }

  /** Rounds the parameters themselves, where they are not kept in fp32. */
  private void keep(MasterWeights type, long step) {
    if (type == MasterWeights.FP32) {
      return;
    }
    long count = program.parameterCount();
    crew.each(i -> {
      long from = ElementwiseUpdate.start(count, workers.size(), i);
      long to = ElementwiseUpdate.start(count, workers.size(), i + 1);
      Loops.toMasterWeights(memory, layout.parameters, type, step, from, to);
      if (layout.dtype().isBf16()) {
        Loops.toBf16(memory, layout.parameters, layout.copy, from, to);
      }
    });
  }

  /** Sums the workers' gradients, and takes the sum's length. */
  private double norm() {
    long count = program.trainedCount();
    crew.each(i -> squares[i] = gradients.gatherSquares(ElementwiseUpdate.start(count, workers.size(), i),
        ElementwiseUpdate.start(count, workers.size(), i + 1)));
    double sum = 0;
    for (double part : squares) {
      sum += part;
    }
    gradientNorm = OptionalDouble.of(Math.sqrt(sum));
    return gradientNorm.getAsDouble();
  }

  /**
   * A step that also says where its time went.
   *
   * @return nanoseconds of each kind of step, summed over workers
   */
  Map<String, Long> timedStep(int[] tokens, int[] targets, double learningRate, long step) {
    put(tokens, targets);
    List<Map<String, Long>> times = new ArrayList<>();
    workers.forEach(worker -> times.add(new HashMap<>()));
    crew.each(i -> workers.get(i).runTimed(true, times.get(i)));
    Map<String, Long> sum = new TreeMap<>();
    times.forEach(each -> each.forEach((kind, time) -> sum.merge(kind, time, Long::sum)));
    long began = System.nanoTime();
    update.ifPresent(changes -> update(changes, learningRate, step));
    sum.put("Update", (System.nanoTime() - began) * workers.size());
    return sum;
  }

  private void put(int[] tokens, int[] targets) {
    MemorySegment.copy(tokens, 0, memory, ValueLayout.JAVA_INT, layout.tokens, program.stepRows());
    MemorySegment.copy(targets, 0, memory, ValueLayout.JAVA_INT, layout.targets, program.stepRows());
    counted = Targets.counted(targets);
    memory.set(ValueLayout.JAVA_FLOAT, layout.share, 1f / counted);
    layout.documents().ifPresent(documents -> putDocuments(tokens, documents.separator()));
  }

  /** Where the document of each token begins in its window: at the last separator up to it, or with the window. */
  private void putDocuments(int[] tokens, int separator) {
    int start = 0;
    for (int row = 0; row < program.stepRows(); row++) {
      int position = row % program.length();
      start = position == 0 || tokens[row] == separator ? position : start;
      memory.set(ValueLayout.JAVA_INT, layout.documents + 4L * row, start);
    }
  }

  @Override
  public OptionalDouble gradientNorm() {
    return gradientNorm;
  }

  @Override
  public double loss() {
    double sum = 0;
    for (int row = 0; row < program.stepRows(); row++) {
      sum += memory.get(ValueLayout.JAVA_FLOAT, layout.losses + 4L * row);
    }
    return sum / counted;
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    put(tokens, targets);
    learnt = false;
    crew.each(i -> workers.get(i).run(false));
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, layout.losses, losses, 0, program.stepRows());
  }

  @Override
  public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
    losses(tokens, targets, losses);
    MemorySegment.copy(memory, ValueLayout.JAVA_INT, layout.predictions, predictions, 0, program.stepRows());
  }

  @Override
  public List<RoutingMetrics> routing() {
    List<List<HostRouter>> slices = workers.stream().flatMap(worker -> worker.routers(learnt)).toList();
    return IntStream.range(0, slices.getFirst().size())
        .mapToObj(block -> HostRouter.metrics(slices.stream().map(routers -> routers.get(block)).toList()))
        .toList();
  }

  @Override
  public Map<String, float[]> state() {
    return flat.copies();
  }

  @Override
  public float[] parameter(Parameter parameter) {
    float[] copy = new float[(int) parameter.tensor().size()];
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, layout.parameters + 4 * parameter.offset(), copy, 0,
        copy.length);
    return copy;
  }

  /** Rounds what matmuls read of the parameters, after these have changed. */
  private void round() {
    if (rounding.isEmpty()) {
      return;
    }
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, layout.parameters, numbers, 0, numbers.length);
    crew.each(worker -> {
      for (int matrix = worker; matrix < rounding.size(); matrix += workers.size()) {
        rounding.get(matrix).accept(numbers);
      }
    });
    MemorySegment.copy(numbers, 0, memory, ValueLayout.JAVA_FLOAT, layout.rounded, numbers.length);
    if (layout.dtype().isBf16()) {
      Loops.toBf16(memory, layout.rounded, layout.copy, 0, numbers.length);
    }
  }

  @Override
  public void load(Map<String, float[]> state) {
    flat.load(state);
    // To the nearest also where steps round at random: what such a training has saved stays what it is.
    program.updateRule()
        .filter(rule -> rule.masterWeights() != MasterWeights.FP32)
        .ifPresent(_ -> keep(MasterWeights.BF16, 0));
    round();
    // Rounding has converted them already.
    if (rounding.isEmpty() && layout.dtype().isBf16()) {
      Matrix parameters = Matrix.dense(layout.parameters, 1, Math.toIntExact(program.parameterCount()),
          DType.FP32);
      Elementwise.convert(memory, parameters, Matrix.dense(layout.copy, 1, parameters.columns(), DType.BF16))
          .run(0);
    }
  }

  /** The flat buffers where they lie. */
  private final class Flat implements FlatState.Buffers {
    private long offset(String name) {
      return name.equals(PARAMETERS)
          ? layout.parameters
          : layout.state().get(StateBuffer.named(name).orElseThrow());
    }

    @Override
    public void read(String name, float[] to) {
      MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, offset(name), to, 0, to.length);
    }

    @Override
    public void write(String name, float[] from) {
      MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_FLOAT, offset(name), from.length);
    }
  }

  @Override
  public void close() {
    crew.close();
    workers.forEach(Worker::close);
    arena.close();
  }
}
