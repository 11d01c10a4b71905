package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Session;
import java.util.stream.LongStream;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.engine.lowering.LoweredProgram;
import org.knowcap.models.engine.lowering.RopeTable;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.Tensor;

/**
 * All of a run's memory on the device: the sizes of its parts and, once it is allocated, their addresses. Every
 * replica has an equal layout.
 */
final class Buffers {
  /** What memory is for. */
  enum Part {
    PARAMETERS,
    GRADIENTS,
    FIRST_MOMENT,
    SECOND_MOMENT,
    ROW_MOMENT,
    COLUMN_MOMENT,
    BF16_COPY,
    ACTIVATIONS,
    LOGITS,
    WORK,
    SUMS,
    TABLES,
    DOCUMENTS,
    ROUTERS,
    INPUTS,
    LOSSES;

    private static Part of(StateBuffer buffer) {
      return switch (buffer) {
        case FIRST_MOMENT -> FIRST_MOMENT;
        case SECOND_MOMENT -> SECOND_MOMENT;
        case ROW_MOMENT -> ROW_MOMENT;
        case COLUMN_MOMENT -> COLUMN_MOMENT;
      };
    }

    private String words() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /** The most bytes of logits; those of a larger batch are computed in several stages. */
  private static final long LOGITS_BYTES = 1L << 30;
  /**
   * Parts begin at multiples of this number of bytes, with a gap of as many bytes after each part; tests check that
   * nothing writes into the gaps.
   */
  static final long GAP = 256;
  /** {@link Updates#stepScalars}, the number of targets and one over it lie before the tokens; see loss.cu. */
  static final long STEP_SCALARS = 32;
  static final long COUNTED = 24;
  static final long SHARE = 28;
  /** Before the losses lie the mean loss of the last step, */
  static final long MEAN = 0;
  /** the sum of the losses of the batches that a step has had, */
  static final long TOTAL = 8;
  /** the length of the last step's gradient, */
  static final long NORM = 16;
  /** and what it was multiplied by: three doubles and a float. The most likely tokens lie behind the losses. */
  static final long SCALE = 24;
  /** How many blocks of the mean are done, and the sum of each, a double; see loss.cu. */
  static final long BLOCKS_DONE = 28;
  static final long BLOCK_SUMS = 32;
  static final int MOST_BLOCKS = 64;
  static final long RESULTS = BLOCK_SUMS + 8 * MOST_BLOCKS;

  private final Program program;
  private final LoweredProgram lowered;
  private final Map<Part, Long> bytes = new EnumMap<>(Part.class);
  private final Map<Part, Long> addresses = new EnumMap<>(Part.class);
  private final long size;
  private final Map<Tensor, Long> parameterOffsets = new HashMap<>();
  /** Where in the tables they are. */
  private final Map<RopeTable, Long> ropeTables = new LinkedHashMap<>();
  private final Map<Heads, Long> slopes = new LinkedHashMap<>();
  private final ColumnSums sums;
  private final long sumsOffset;
  private final NgramInputs ngrams;
  private final List<int[]> updateTables;
  private final long updateTablesOffset;
  /** Where each router's memory begins among that of all. */
  private final Map<Route, Long> routers = new LinkedHashMap<>();

  /** Without memory, to see how much it would be. */
  Buffers(Program program, DType dtype) {
    this(program, new LoweredProgram(program, dtype, Buffers::rows), 0);
  }

  private Buffers(Program program, LoweredProgram lowered, long address) {
    this.program = program;
    this.lowered = lowered;
    sums = new ColumnSums(program, lowered.operations(true), KernelSource.of(program, lowered.dtype()),
        logitRows());
    for (Parameter parameter : program.parameters()) {
      parameterOffsets.put(parameter.tensor(), parameter.offset());
      parameterOffsets.put(parameter.gradient(), parameter.offset());
    }
    long count = program.parameterCount();
    boolean learns = program.optimiser().isPresent();
    bytes.put(Part.PARAMETERS, 4 * count);
    bytes.put(Part.GRADIENTS, learns ? 4 * count : 0);
    for (StateBuffer buffer : StateBuffer.values()) {
      bytes.put(Part.of(buffer), state().contains(buffer) ? 4 * program.stateCount(buffer) : 0);
    }
    bytes.put(Part.BF16_COPY, lowered.dtype().isBf16() ? 2 * count : 0);
    bytes.put(Part.ACTIVATIONS, lowered.arenaBytes());
    bytes.put(Part.LOGITS, (long) logitRows() * logitStride() * lowered.dtype().bytes());
    bytes.put(Part.WORK,
        4 * Math.max(
            lowered.operations(true).stream().mapToLong(o -> Launches.work(program, o)).max().orElse(0),
            program.updateRule().map(learning -> Updates.work(program, learning)).orElse(0L)));
    bytes.put(Part.SUMS, 4 * sums.size());
    long tables = 0;
    for (RopeTable table : lowered.ropeTables()) {
      ropeTables.put(table, tables);
      tables += table.bytes();
    }
    for (Heads heads : lowered.alibiHeads()) {
      slopes.put(heads, tables);
      tables += 4L * heads.count();
    }
    updateTables = Updates.tables(program);
    updateTablesOffset = tables;
    sumsOffset = tables + 4 * updateTables.stream().mapToLong(table -> table.length).sum();
    bytes.put(Part.TABLES, sumsOffset + 4L * ColumnSums.STRETCH * sums.blocks());
    bytes.put(Part.DOCUMENTS, documents().isPresent() ? 8L * program.rows() : 0);
    long routed = 0;
    for (ForwardOperation operation : program.forward()) {
      if (operation instanceof Route route) {
        routers.put(route, routed);
        routed = RoutingBuffers.at(route, routed).end();
      }
    }
    bytes.put(Part.ROUTERS, routed);
    ngrams = new NgramInputs(program,
        STEP_SCALARS + 8L * program.rows() + TokenOrder.bytes(program.rows(), program.vocabulary()));
    bytes.put(Part.INPUTS, ngrams.end());
    bytes.put(Part.LOSSES, RESULTS + 8L * program.rows());
    long end = address;
    for (Map.Entry<Part, Long> part : bytes.entrySet()) {
      addresses.put(part.getKey(), part.getValue() == 0 ? 0 : end);
      end += Math.ceilDiv(part.getValue(), GAP) * GAP + GAP;
    }
    size = end - address;
  }

  /** How windows split into documents, where operations look at that. */
  Optional<Documents> documents() {
    return lowered.documents();
  }

  private static int rows(Tensor tensor, Optional<ExpertRouting> routing) {
    return routing.map(RoutingBuffers::rows).orElse(tensor.rows());
  }

  /** Rows of an activation: more than the program says where they are experts' slots. */
  int rows(Tensor tensor, boolean learning) {
    return rows(tensor, lowered.dispatched(tensor, learning));
  }

  /** Rows whose logits exist at a time. */
  int logitRows() {
    long most = Math.max(1, LOGITS_BYTES / ((long) logitStride() * lowered.dtype().bytes()));
    return (int) Math.min(most, program.rows());
  }

  /** Numbers from one row of logits to the next: rows begin where wide reads may. */
  int logitStride() {
    return Math.ceilDiv(program.vocabulary(), 8) * 8;
  }

  /** Bytes of all, with the gaps between parts. */
  long size() {
    return size;
  }

  /**
   * Allocates the memory of so many runs, one behind the other.
   *
   * @return each run's
   * @throws EngineUnavailableException where there is too little memory: how much, for what, and what would fit
   */
  List<Buffers> allocate(Gpu gpu, int replicas) {
    long free = gpu.freeBytes();
    if (replicas * size > free) {
      throw tooLittle(free, replicas);
    }
    try {
      long first = gpu.allocate(replicas * size);
      return LongStream.range(0, replicas)
          .mapToObj(i -> new Buffers(program, lowered, first + i * size))
          .toList();
    } catch (CudaException e) {
      throw e.outOfMemory() ? tooLittle(free, replicas) : e;
    }
  }

  /**
   * The same with an allocation for each part, for tools that see writes beyond one.
   *
   * @throws EngineUnavailableException for several runs, whose parts must lie equally far apart
   */
  List<Buffers> allocateApart(Gpu gpu, int replicas) {
    if (replicas > 1) {
      throw new EngineUnavailableException(
          DebugSwitch.PARTS_APART.word() + " goes with one run at a time, found " + replicas);
    }
    Buffers apart = new Buffers(program, lowered, 0);
    bytes.forEach((part, count) -> apart.addresses.put(part, count == 0 ? 0 : gpu.allocate(count)));
    return List.of(apart);
  }

  private EngineUnavailableException tooLittle(long free, int replicas) {
    String has = " on the GPU, which has " + mebibytes(free) + " free";
    String parts = bytes.entrySet()
        .stream()
        .filter(entry -> entry.getValue() >= 1 << 20)
        .sorted(Map.Entry.<Part, Long>comparingByValue().reversed())
        .map(entry -> entry.getKey().words() + " " + mebibytes(entry.getValue()))
        .collect(Collectors.joining(", "));
    if (replicas > 1 && size <= free) {
      return new EngineUnavailableException(
          replicas + " runs at once need " + replicas + " times " + mebibytes(size) + has + "; each: " + parts
              + ". The most that fit at once are " + free / size + ".");
    }
    long perBatch = bytes.get(Part.ACTIVATIONS) + bytes.get(Part.LOGITS) + bytes.get(Part.WORK)
        + bytes.get(Part.ROUTERS) + bytes.get(Part.INPUTS);
    long windows = Math.max(0, (free - (size - perBatch)) / Math.ceilDiv(perBatch, program.windows()));
    return new EngineUnavailableException((replicas > 1 ? "each of " + replicas + " runs" : "this")
        + " needs " + mebibytes(size) + has + ": " + parts + ". "
        + (windows == 0
            ? "Not even a batch of one window fits: use a smaller model, or another GPU."
            : "The largest batch that fits is " + Math.min(windows, program.windows() - 1) + " windows of "
                + program.length() + " tokens, instead of " + program.windows() + "."));
  }

  private static String mebibytes(long bytes) {
    return Math.ceilDiv(bytes, 1 << 20) + " MiB";
  }

  /** Where a part is; 0 if there is none. */
  long address(Part part) {
    return addresses.get(part);
  }

  long bytes(Part part) {
    return bytes.get(part);
  }

  LoweredProgram lowered() {
    return lowered;
  }

  /** An activation, dense. */
  Numbers activation(Tensor tensor, boolean learning) {
    return new Numbers(address(Part.ACTIVATIONS) + lowered.offset(tensor, learning),
        lowered.dtype(tensor, learning).isBf16());
  }

  /** A parameter in fp32. */
  Numbers parameter(Tensor tensor) {
    return new Numbers(address(Part.PARAMETERS), false).from(parameterOffsets.get(tensor));
  }

  /** A parameter as matmuls read it. */
  Numbers operand(Tensor tensor) {
    return lowered.dtype().isBf16()
        ? new Numbers(address(Part.BF16_COPY), true).from(parameterOffsets.get(tensor))
        : parameter(tensor);
  }

  /** A parameter's gradient, in fp32. */
  Numbers gradient(Tensor tensor) {
    return new Numbers(address(Part.GRADIENTS), false).from(parameterOffsets.get(tensor));
  }

  /** Logits of some rows. */
  Matrix logits(int rows) {
    return new Matrix(new Numbers(address(Part.LOGITS), lowered.dtype().isBf16()), rows, program.vocabulary(),
        logitStride(), false);
  }

  /** Address of the cosines and sines of queries, fp32 [T, rotated / 2, 2]. */
  long ropeOfQueries(Rope rope) {
    return address(Part.TABLES) + ropeTables.get(RopeTable.ofQueries(rope));
  }

  /** Address of those of keys. */
  long ropeOfKeys(Rope rope) {
    return address(Part.TABLES) + ropeTables.get(RopeTable.ofKeys(rope));
  }

  /**
   * Address of what ALiBi subtracts from the scores of each query head for each token of distance, fp32 [heads]; 0
   * without ALiBi.
   */
  long slopes(Attention operation) {
    return operation.scores() instanceof Attention.Scores.Alibi
        ? address(Part.TABLES) + slopes.get(operation.heads())
        : 0;
  }

  /** What the router of some routing weights decides. */
  RoutingBuffers routing(Tensor weights) {
    return routings().stream()
        .filter(routing -> routing.route().out().equals(weights))
        .findFirst()
        .orElseThrow();
  }

  /** The same of all routers, in the order of blocks. */
  List<RoutingBuffers> routings() {
    return routers.entrySet()
        .stream()
        .map(entry -> RoutingBuffers.at(entry.getKey(), address(Part.ROUTERS) + entry.getValue()))
        .toList();
  }

  /** What memories of n-grams read, in {@link Part#INPUTS}. */
  NgramInputs ngrams() {
    return ngrams;
  }

  /** The sums over rows that a batch leaves in {@link Part#SUMS} until its end. */
  ColumnSums sums() {
    return sums;
  }

  /** Address where an operation writes the parts of its sums. */
  long parts(Operation operation) {
    return address(Part.SUMS) + 4 * sums.of(operation).orElseThrow().first();
  }

  /** Address of what is to be done with the parts, of all launches. */
  long stretches() {
    return address(Part.TABLES) + sumsOffset;
  }

  /** Address of {@link Updates#tables}, one behind the other. */
  long updateTables() {
    return address(Part.TABLES) + updateTablesOffset;
  }

  /** What is in the tables: those of RoPE, ALiBi's slopes, and those of the update. */
  MemorySegment tables() {
    // Longs, so that it begins where any number may.
    MemorySegment tables = MemorySegment
        .ofArray(new long[Math.toIntExact(Math.ceilDiv(bytes.get(Part.TABLES), 8))]);
    ropeTables.forEach((table, offset) -> {
      long at = offset;
      for (int t = 0; t < table.length(); t++) {
        for (int i = 0; i < table.pairs(); i++) {
          double angle = table.angle(t, i);
          tables.set(ValueLayout.JAVA_FLOAT, at, (float) Math.cos(angle));
          tables.set(ValueLayout.JAVA_FLOAT, at + 4, (float) Math.sin(angle));
          at += 8;
        }
      }
    });
    slopes.forEach((heads, offset) -> {
      for (int head = 0; head < heads.count(); head++) {
        double slope = new Attention.Scores.Alibi().slope(heads, head) * Math.sqrt(heads.width());
        tables.set(ValueLayout.JAVA_FLOAT, offset + 4L * head, (float) slope);
      }
    });
    long at = updateTablesOffset;
    for (int[] table : updateTables) {
      MemorySegment.copy(table, 0, tables, ValueLayout.JAVA_INT, at, table.length);
      at += 4L * table.length;
    }
    int[] stretches = sums.stretches(parameterOffsets);
    MemorySegment.copy(stretches, 0, tables, ValueLayout.JAVA_INT, sumsOffset, stretches.length);
    return tables.asSlice(0, bytes.get(Part.TABLES));
  }

  private List<StateBuffer> state() {
    return program.optimiser().map(Optimiser::state).orElse(List.of());
  }

  /** Where a flat buffer is, and how many numbers it has. */
  record Location(long address, int count) {}

  /** The flat buffers by name. */
  Map<String, Location> flat() {
    Map<String, Location> locations = new LinkedHashMap<>();
    locations.put(Session.PARAMETERS,
        new Location(address(Part.PARAMETERS), Math.toIntExact(program.parameterCount())));
    for (StateBuffer buffer : state()) {
      locations.put(buffer.key(),
          new Location(address(Part.of(buffer)), Math.toIntExact(program.stateCount(buffer))));
    }
    return locations;
  }
}
