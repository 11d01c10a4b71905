package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Experts.Choice;

/**
 * Launches of mixtures of experts, see {@code experts.cu}. Every expert has its slots in every window, whether
 * tokens have them or not. So shapes are fixed, and the matmuls of all experts are one batch.
 */
final class ExpertLaunches {
  private static final int WARP = 32;
  private static final int WARPS = 8;
  private static final int COLUMN_THREADS = 256;
  private static final int SUM_THREADS = 128;

  private final Program program;
  private final KernelModule kernels;
  private final MatMuls matmuls;
  private final Buffers buffers;
  private final int vector;
  private final boolean learning;

  ExpertLaunches(Program program, KernelModule kernels, MatMuls matmuls, Buffers buffers, KernelSource source,
      boolean learning) {
    this.program = program;
    this.kernels = kernels;
    this.matmuls = matmuls;
    this.buffers = buffers;
    this.vector = source.vector();
    this.learning = learning;
  }

  private Numbers at(Tensor tensor) {
    return buffers.activation(tensor, learning);
  }

  private int rows(Tensor tensor) {
    return buffers.rows(tensor, learning);
  }

  private long size(Tensor tensor) {
    return (long) rows(tensor) * tensor.columns();
  }

  private ExpertRouting routing(Tensor weights) {
    return buffers.routing(weights).route().routing();
  }

  private long bytes(Tensor tensor) {
    return size(tensor) * at(tensor).bytes();
  }

  List<Launch> route(Route o) {
    RoutingBuffers buffer = buffers.routing(o.out());
    ExpertRouting routing = o.routing();
    int rows = program.rows();
    Grid warps = new Grid(routing.windows(), routing.experts(), WARP, 0);
    boolean tokensChoose = routing.choice() == Choice.TOKENS;
    // Of a token's: logits and probabilities, two sums, experts, and what each slot comes to; and the slots.
    long choosing = 4L * rows * (2 * routing.experts() + 2 + 2 * routing.topK());
    long slots = 4L * rows * 3 * routing.slotsPerToken() + 4L * RoutingBuffers.rows(routing)
        + (tokensChoose ? 0 : 4L * rows * routing.experts());
    return List
        .of(kernels
            .each("softmax_top_k", rows, at(o.logits()).address(), buffer.probabilities(), buffer.logSumExp(),
                buffer.entropies(), buffer.choices(), tokensChoose ? buffer.weights() : 0L, rows,
                routing.experts(), routing.topK())
            .moving(choosing), (switch (routing.choice()) {
              case TOKENS -> kernels.launch("token_choice", warps, buffer.choices(), buffer.weights(),
                  buffer.firsts(), buffer.slots(), buffer.pairs(), routing.windows(), routing.length(),
                  routing.experts(), routing.topK(), routing.capacity());
              case EXPERTS -> kernels.launch("expert_choice",
                  new Grid(routing.windows(), routing.experts(), WARP, 4 * routing.length()),
                  buffer.probabilities(), buffer.choices(), buffer.firsts(), buffer.weights(), buffer.slots(),
                  buffer.pairs(), routing.windows(), routing.length(), routing.experts(), routing.capacity());
            }).moving(slots));
  }

  Launch routeBackward(Route.Backward o) {
    RoutingBuffers buffer = buffers.routing(o.forward().out());
    ExpertRouting routing = o.forward().routing();
    // The router's losses are means over the tokens of a step.
    double balance = routing.balance() * routing.experts() / ((double) routing.length() * program.stepRows());
    return kernels
        .each("route_backward", program.rows(), buffer.probabilities(), buffer.logSumExp(), buffer.choices(),
            buffer.firsts(), buffer.weights(), buffer.slots(), buffer.dWeights(), at(o.dLogits()).address(),
            program.rows(), routing.length(), routing.experts(), routing.topK(), routing.slotsPerToken(),
            (float) balance, (float) (2 * routing.zLoss() / program.stepRows()))
        .moving(
            4L * program.rows() * (2 * routing.experts() + 1 + routing.topK() + 3 * routing.slotsPerToken()));
  }

  Launch dispatch(Dispatch o) {
    return kernels
        .each("dispatch", size(o.out()) / vector, buffers.routing(o.weights()).pairs(),
            routing(o.weights()).slotsPerToken(), at(o.x()), at(o.out()), size(o.out()), o.out().columns())
        .moving(bytes(o.x()) + bytes(o.out()) + 4L * rows(o.out()));
  }

  Launch dispatchBackward(Dispatch.Backward o) {
    return combine(0, o.forward().weights(), o.dOut(), o.dX());
  }

  Launch combine(Combine o) {
    return combine(buffers.routing(o.weights()).weights(), o.weights(), o.x(), o.out());
  }

  /** @param factors address of the routing weights by slot; 0 for factors of 1 */
  private Launch combine(long factors, Tensor weights, Tensor x, Tensor out) {
    return kernels
        .each("combine", size(out) / vector, factors, buffers.routing(weights).slots(),
            routing(weights).slotsPerToken(), at(x), at(out), size(out), out.columns())
        .moving(bytes(x) + bytes(out) + 8L * rows(out) * routing(weights).slotsPerToken());
  }

  Launch combineBackward(Combine.Backward o) {
    Tensor x = o.forward().x();
    Tensor weights = o.forward().weights();
    RoutingBuffers buffer = buffers.routing(weights);
    return kernels
        .launch("combine_backward", new Grid(Math.ceilDiv(rows(x), WARPS), 1, WARPS * WARP, 0),
            buffer.weights(), buffer.pairs(), routing(weights).slotsPerToken(), at(x), at(o.dOut()),
            at(o.dX()), buffer.dWeights(), rows(x), x.columns())
        .moving(bytes(x) + bytes(o.dOut()) + bytes(o.dX()) + 12L * rows(x));
  }

  /** The rows of one expert; the others' lie behind them. */
  private Matrix slots(Tensor tensor, int experts) {
    return Matrix.dense(at(tensor), rows(tensor) / experts, tensor.columns());
  }

  List<Launch> linear(ExpertLinear o) {
    int experts = routing(o.weights()).experts();
    Matrix weight = Matrix.dense(buffers.operand(o.weight()), o.x().columns(), o.out().columns());
    return matmuls.of(experts, slots(o.x(), experts), weight, o.bias().map(buffers::operand),
        slots(o.out(), experts), false);
  }

  List<Launch> linearBackward(ExpertLinear.Backward o) {
    int experts = routing(o.forward().weights()).experts();
    int inputs = o.forward().x().columns();
    int outputs = o.dOut().columns();
    Matrix dOut = slots(o.dOut(), experts);
    List<Launch> all = new ArrayList<>();
    all.addAll(matmuls.of(experts, dOut,
        Matrix.dense(buffers.operand(o.forward().weight()), inputs, outputs).transpose(), Optional.empty(),
        slots(o.dX(), experts), false));
    all.addAll(matmuls.of(experts, slots(o.forward().x(), experts).transpose(), dOut, Optional.empty(),
        Matrix.dense(buffers.gradient(o.dWeight()), inputs, outputs), true));
    o.dBias()
        .ifPresent(bias -> all.add(kernels
            .launch("expert_columns",
                new Grid(Math.ceilDiv(outputs, WARP * vector), experts, COLUMN_THREADS, 0), dOut.numbers(),
                buffers.gradient(bias).address(), dOut.rows(), outputs)
            .moving(bytes(o.dOut()) + 8L * experts * outputs)));
    return all;
  }

  /** Sums up what each router did in the last step, in its {@link RoutingBuffers#sums}. */
  static List<Launch> sums(KernelModule kernels, Buffers buffers) {
    return buffers.routings().stream().map(buffer -> {
      ExpertRouting routing = buffer.route().routing();
      return kernels
          .launch("routing_sums", new Grid(routing.windows(), 1, SUM_THREADS, 0), buffer.probabilities(),
              buffer.logSumExp(), buffer.entropies(), buffer.choices(), buffer.firsts(), buffer.slots(),
              buffer.sums(), routing.length(), routing.experts(), routing.topK(), routing.slotsPerToken(),
              routing.choice() == Choice.EXPERTS ? 1 : 0)
          .moving(4L * routing.windows() * routing.length()
              * (routing.experts() + 2 + routing.topK() + routing.slotsPerToken()));
    }).toList();
  }

  /** Metrics of a router from its sums, [W, 4 + E], which experts.cu describes. */
  static RoutingMetrics metrics(RoutingBuffers buffer, double[] sums) {
    ExpertRouting routing = buffer.route().routing();
    double[] total = new double[4 + routing.experts()];
    for (int i = 0; i < sums.length; i++) {
      total[i % total.length] += sums[i];
    }
    double tokens = (double) routing.windows() * routing.length();
    double loads = IntStream.range(0, routing.experts()).mapToDouble(e -> total[4 + e]).sum();
    return new RoutingMetrics(buffer.route().logits().name(), total[2] / (tokens * routing.topK()),
        IntStream.range(0, routing.experts()).mapToObj(e -> total[4 + e] / loads).toList(), total[0] / tokens,
        routing.experts() * total[3] / routing.length() / tokens, total[1] / tokens);
  }
}
