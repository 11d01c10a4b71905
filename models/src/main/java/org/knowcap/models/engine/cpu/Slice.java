package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.lowering.RopeTable;
import org.knowcap.models.engine.routing.HostRouter;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Tensor;

/**
 * The kernels with which one worker takes a slice of a number of windows through all operations; their addresses are
 * fixed.
 */
final class Slice {
  private final MemorySegment memory;
  private final Layout layout;
  private final MatMuls matmuls;
  private final int worker;
  private final int windows;
  private final int batchRows;
  private final boolean learning;
  /** By the routing weights that each computes. */
  private final Map<Tensor, HostRouter> routers = new LinkedHashMap<>();

  private Slice(MemorySegment memory, Layout layout, MatMuls matmuls, int worker, int windows, int batchRows,
      boolean learning) {
    this.memory = memory;
    this.layout = layout;
    this.matmuls = matmuls;
    this.worker = worker;
    this.windows = windows;
    this.batchRows = batchRows;
    this.learning = learning;
  }

  /** A kernel and the kind of its operation. */
  record Timed(String kind, Kernel kernel) {}

  /** The kernels of all operations, in order, and their routers, in the order of blocks. */
  record Sequence(List<Timed> timed, List<HostRouter> routers) {}

  /**
   * The kernels of all operations.
   *
   * @param batchRows R, over which the routers' losses are means
   * @param learning with the backward part, or the forward part alone
   */
  static Sequence kernels(MemorySegment memory, Layout layout, MatMuls matmuls, int worker, int windows,
      int batchRows, boolean learning) {
    Slice slice = new Slice(memory, layout, matmuls, worker, windows, batchRows, learning);
    List<Operation> operations = layout.lowered().operations(learning);
    Optional<FirstLayer> first = layout.firstLayer(learning, windows);
    int skipped = first.isPresent() ? FirstLayer.OPERATIONS : 0;
    int end = operations.size() - (learning ? skipped : 0);
    List<Timed> kernels = new ArrayList<>();
    first.ifPresent(layer -> kernels.addAll(layer.forward(slice)));
    operations.subList(skipped, end)
        .forEach(operation -> kernels.add(
            new Timed(operation.kind(), KernelPlan.of(operation, layout.dtype()).builder().apply(slice))));
    if (learning) {
      first.ifPresent(layer -> kernels.addAll(layer.backward(slice, operations)));
    }
    return new Sequence(List.copyOf(kernels), List.copyOf(slice.routers.values()));
  }

  MemorySegment memory() {
    return memory;
  }

  Layout layout() {
    return layout;
  }

  MatMuls matmuls() {
    return matmuls;
  }

  /** Whether the backward part follows. */
  boolean learning() {
    return learning;
  }

  /** Operations that read a tensor. */
  long readers(Tensor tensor) {
    return layout.lowered()
        .operations(learning)
        .stream()
        .filter(operation -> operation.reads().contains(tensor))
        .count();
  }

  /** Offset of the work space. */
  long work() {
    return layout.work(worker);
  }

  Matrix at(Tensor tensor) {
    return layout.activation(tensor, learning, worker, windows);
  }

  /** A parameter in fp32. */
  Matrix parameter(Tensor tensor) {
    return layout.parameter(tensor);
  }

  Matrix gradient(Tensor tensor) {
    return layout.gradient(tensor, worker);
  }

  /** Offset of a table. */
  long ropeOfQueries(Rope rope) {
    return layout.ropeTables().get(RopeTable.ofQueries(rope));
  }

  long ropeOfKeys(Rope rope) {
    return layout.ropeTables().get(RopeTable.ofKeys(rope));
  }

  HostRouter newRouter(Route route) {
    HostRouter router = new HostRouter(route, windows, batchRows, ExpertKernels.UNIT);
    routers.put(route.out(), router);
    return router;
  }

  /** The router that computes some routing weights. */
  HostRouter router(Tensor weights) {
    return routers.get(weights);
  }
}
