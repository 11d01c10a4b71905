package org.knowcap.models.engine.nd4j;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.MemoryPlan;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The arrays of a session: the flat parameter and gradient buffers, the arena of the memory plan, views of every tensor
 * in them, and what kernels keep for themselves. All are allocated when a program is compiled.
 */
final class SessionArrays implements AutoCloseable {
  private final List<INDArray> owned = new ArrayList<>();
  private final List<OpContext> contexts = new ArrayList<>();
  private final Map<Tensor, INDArray> views = new HashMap<>();
  private final Map<Tensor, Location> locations = new HashMap<>();
  private final Map<List<Integer>, INDArray> scratch = new HashMap<>();
  private final Map<List<Integer>, INDArray> constants = new HashMap<>();

  /** Where a tensor begins in a flat buffer, in elements. */
  private record Location(INDArray buffer, long offset) {}

  /** Flat parameters, [P]. */
  final INDArray parameters;
  /** Flat gradients, [P]; of a single element where nothing is trained. */
  final INDArray gradients;

  SessionArrays(Program program) {
    parameters = own(program.parameterCount());
    gradients = own(program.updateRule().isPresent() ? program.parameterCount() : 1);
    for (Parameter parameter : program.parameters()) {
      put(parameter.tensor(), parameters, parameter.offset());
      if (program.updateRule().isPresent()) {
        put(parameter.gradient(), gradients, parameter.offset());
      }
    }
    MemoryPlan plan = program.memoryPlan();
    INDArray arena = own(plan.size());
    plan.offsets().forEach((tensor, offset) -> put(tensor, arena, offset));
    for (Tensor input : List.of(program.tokens(), program.targets())) {
      views.put(input, indices(input.rows()));
    }
  }

  private void put(Tensor tensor, INDArray buffer, long offset) {
    locations.put(tensor, new Location(buffer, offset));
    views.put(tensor, rows(tensor, 0, tensor.rows()));
  }

  /** Some rows of a tensor, from one to before another: a view made anew. */
  INDArray rows(Tensor tensor, int from, int to) {
    Location location = locations.get(tensor);
    return view(location.buffer(), location.offset() + (long) from * tensor.columns(), to - from,
        tensor.columns());
  }

  /** A matrix in a flat buffer. */
  static INDArray view(INDArray buffer, long offset, long rows, long columns) {
    return Nd4j.create(buffer.data(), new long[]{rows, columns}, new long[]{columns, 1}, offset, 'c');
  }

  /** The array of a tensor: [rows, columns], or [R] integers for an input. */
  INDArray of(Tensor tensor) {
    return views.get(tensor);
  }

  /** A zeroed array of its own, kept from one step to the next. */
  INDArray own(long... shape) {
    INDArray array = Nd4j.create(DataType.FLOAT, shape);
    owned.add(array);
    return array;
  }

  /** An array of whole numbers of its own. */
  INDArray indices(int size) {
    INDArray array = Nd4j.createUninitialized(DataType.INT32, size);
    array.assign(0);
    owned.add(array);
    return array;
  }

  /** An array whose content lasts no longer than one kernel's run; kernels share those of equal slot and shape. */
  INDArray scratch(int slot, int rows, int columns) {
    return scratch.computeIfAbsent(List.of(slot, rows, columns), key -> own(rows, columns));
  }

  /** A native context for an operation's arguments. */
  OpContext context() {
    OpContext context = Nd4j.getExecutioner().buildContext();
    contexts.add(context);
    return context;
  }

  /** A constant array of ones, for sums by products. */
  INDArray ones(int rows, int columns) {
    return constant(rows, columns, 1);
  }

  /** A constant array of one value, for means by products. */
  INDArray constant(int rows, int columns, double value) {
    return constants.computeIfAbsent(List.of(rows, columns, Float.floatToIntBits((float) value)),
        key -> own(rows, columns).addi(value));
  }

  /** Bytes of all arrays. */
  long bytes() {
    return owned.stream().mapToLong(array -> 4 * array.length()).sum();
  }

  @Override
  public void close() {
    views.clear();
    locations.clear();
    for (OpContext context : contexts) {
      context.purge();
    }
    for (INDArray array : owned) {
      if (array.closeable()) {
        array.close();
      }
    }
  }
}
