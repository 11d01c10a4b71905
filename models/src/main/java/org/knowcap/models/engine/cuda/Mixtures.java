package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.lowering.Step;
import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Experts.Choice;

/**
 * Launches of mixtures of experts, see {@code experts.cu}. Every expert has its places in every window whether they are
 * taken or not: so shapes are known beforehand, and all experts' products are one.
 */
final class Mixtures {
  private static final int WARP = 32;
  private static final int WARPS = 8;
  private static final int COLUMN_THREADS = 256;
  private static final int SUM_THREADS = 128;

  private final Program program;
  private final Kernels kernels;
  private final Products products;
  private final Buffers buffers;
  private final int vector;
  private final boolean learning;

  Mixtures(Program program, Kernels kernels, Products products, Buffers buffers, KernelSource source,
      boolean learning) {
    this.program = program;
    this.kernels = kernels;
    this.products = products;
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

  private Mixture mixture(Tensor gates) {
    return buffers.seating(gates).route().mixture();
  }

  private long bytes(Tensor tensor) {
    return size(tensor) * at(tensor).bytes();
  }

  List<Launch> route(Step.Route s) {
    Seating seating = buffers.seating(s.route().out());
    Mixture mixture = s.route().mixture();
    int rows = program.rows();
    Grid warps = new Grid(mixture.windows(), mixture.experts(), WARP, 0);
    boolean ask = mixture.choice() == Choice.TOKENS;
    // Of a token's: logits and probabilities, two sums, experts, and what each slot comes to; and the seats.
    long asking = 4L * rows * (2 * mixture.experts() + 2 + 2 * mixture.topK());
    long seats = 4L * rows * 3 * mixture.seatsOfToken() + 4L * Seating.rows(mixture)
        + (ask ? 0 : 4L * rows * mixture.experts());
    return List
        .of(kernels
            .each("ask", rows, at(s.route().logits()).address(), seating.probabilities(),
                seating.normalisers(), seating.entropies(), seating.asked(), ask ? seating.gates() : 0L, rows,
                mixture.experts(), mixture.topK())
            .moving(asking), (switch (mixture.choice()) {
              case TOKENS -> kernels.launch("seat_tokens", warps, seating.asked(), seating.gates(),
                  seating.firsts(), seating.seats(), seating.slots(), mixture.windows(), mixture.length(),
                  mixture.experts(), mixture.topK(), mixture.places());
              case EXPERTS -> kernels.launch("seat_chosen",
                  new Grid(mixture.windows(), mixture.experts(), WARP, 4 * mixture.length()),
                  seating.probabilities(), seating.asked(), seating.firsts(), seating.gates(),
                  seating.seats(), seating.slots(), mixture.windows(), mixture.length(), mixture.experts(),
                  mixture.places());
            }).moving(seats));
  }

  Launch routeBackward(Step.RouteBackward s) {
    Seating seating = buffers.seating(s.route().out());
    Mixture mixture = s.route().mixture();
    // The router's losses are means over the tokens of a step.
    double balance = mixture.balance() * mixture.experts() / ((double) mixture.length() * program.stepRows());
    return kernels
        .each("route_backward", program.rows(), seating.probabilities(), seating.normalisers(),
            seating.asked(), seating.firsts(), seating.gates(), seating.seats(), seating.dGates(),
            at(s.dLogits()).address(), program.rows(), mixture.length(), mixture.experts(), mixture.topK(),
            mixture.seatsOfToken(), (float) balance, (float) (2 * mixture.zLoss() / program.stepRows()))
        .moving(
            4L * program.rows() * (2 * mixture.experts() + 1 + mixture.topK() + 3 * mixture.seatsOfToken()));
  }

  Launch dispatch(Step.Dispatch s) {
    return kernels
        .each("dispatch", size(s.out()) / vector, buffers.seating(s.gates()).slots(),
            mixture(s.gates()).seatsOfToken(), at(s.x()), at(s.out()), size(s.out()), s.out().columns())
        .moving(bytes(s.x()) + bytes(s.out()) + 4L * rows(s.out()));
  }

  Launch dispatchBackward(Step.DispatchBackward s) {
    return combine(0, s.gates(), s.dOut(), s.dX());
  }

  Launch combine(Step.Combine s) {
    return combine(buffers.seating(s.gates()).gates(), s.gates(), s.x(), s.out());
  }

  private Launch combine(long weights, Tensor gates, Tensor x, Tensor out) {
    return kernels
        .each("combine", size(out) / vector, weights, buffers.seating(gates).seats(),
            mixture(gates).seatsOfToken(), at(x), at(out), size(out), out.columns())
        .moving(bytes(x) + bytes(out) + 8L * rows(out) * mixture(gates).seatsOfToken());
  }

  Launch combineBackward(Step.CombineBackward s) {
    Seating seating = buffers.seating(s.gates());
    return kernels
        .launch("combine_backward", new Grid(Math.ceilDiv(rows(s.x()), WARPS), 1, WARPS * WARP, 0),
            seating.gates(), seating.slots(), mixture(s.gates()).seatsOfToken(), at(s.x()), at(s.dOut()),
            at(s.dX()), seating.dGates(), rows(s.x()), s.x().columns())
        .moving(bytes(s.x()) + bytes(s.dOut()) + bytes(s.dX()) + 12L * rows(s.x()));
  }

  /** The rows of one expert; the others' lie behind them. */
  private Matrix seated(Tensor tensor, int experts) {
    return Matrix.dense(at(tensor), rows(tensor) / experts, tensor.columns());
  }

  List<Launch> linear(Step.ExpertLinear s) {
    int experts = mixture(s.gates()).experts();
    Matrix weight = Matrix.dense(buffers.operand(s.weight()), s.x().columns(), s.out().columns());
    return products.of(experts, seated(s.x(), experts), weight, s.bias().map(buffers::operand),
        seated(s.out(), experts), false);
  }

  List<Launch> linearBackward(Step.ExpertLinearBackward s) {
    int experts = mixture(s.gates()).experts();
    int inputs = s.x().columns();
    int outputs = s.dOut().columns();
    Matrix dOut = seated(s.dOut(), experts);
    List<Launch> all = new ArrayList<>();
    all.addAll(
        products.of(experts, dOut, Matrix.dense(buffers.operand(s.weight()), inputs, outputs).transpose(),
            Optional.empty(), seated(s.dX(), experts), false));
    all.addAll(products.of(experts, seated(s.x(), experts).transpose(), dOut, Optional.empty(),
        Matrix.dense(buffers.gradient(s.dWeight()), inputs, outputs), true));
    s.dBias()
        .ifPresent(bias -> all.add(kernels
            .launch("expert_columns",
                new Grid(Math.ceilDiv(outputs, WARP * vector), experts, COLUMN_THREADS, 0), dOut.numbers(),
                buffers.gradient(bias).address(), dOut.rows(), outputs)
            .moving(bytes(s.dOut()) + 8L * experts * outputs)));
    return all;
  }

  /** Sums up what each router did in the last step, in its {@link Seating#sums}. */
  static List<Launch> sums(Kernels kernels, Buffers buffers) {
    return buffers.seatings().stream().map(seating -> {
      Mixture mixture = seating.route().mixture();
      return kernels
          .launch("routing_sums", new Grid(mixture.windows(), 1, SUM_THREADS, 0), seating.probabilities(),
              seating.normalisers(), seating.entropies(), seating.asked(), seating.firsts(), seating.seats(),
              seating.sums(), mixture.length(), mixture.experts(), mixture.topK(), mixture.seatsOfToken(),
              mixture.choice() == Choice.EXPERTS ? 1 : 0)
          .moving(4L * mixture.windows() * mixture.length()
              * (mixture.experts() + 2 + mixture.topK() + mixture.seatsOfToken()));
    }).toList();
  }

  /** Metrics of a router from its sums, [W, 4 + E], which experts.cu describes. */
  static RoutingMetrics metrics(Seating seating, double[] sums) {
    Mixture mixture = seating.route().mixture();
    double[] total = new double[4 + mixture.experts()];
    for (int i = 0; i < sums.length; i++) {
      total[i % total.length] += sums[i];
    }
    double tokens = (double) mixture.windows() * mixture.length();
    double loads = IntStream.range(0, mixture.experts()).mapToDouble(e -> total[4 + e]).sum();
    return new RoutingMetrics(seating.route().logits().name(), total[2] / (tokens * mixture.topK()),
        IntStream.range(0, mixture.experts()).mapToObj(e -> total[4 + e] / loads).toList(), total[0] / tokens,
        mixture.experts() * total[3] / mixture.length() / tokens, total[1] / tokens);
  }
}
