package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.Router;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.models.program.BackwardOperation;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Mixtures of experts. The {@link Router} settles on the host who sits where: gates stay with it, and so does their
 * gradient. Rows move by gathers, from arrays with a row of zeros behind the last for what is not there.
 */
final class Mixtures {
  private final Memory memory;
  /** By the gates that each settles, in the order of blocks. */
  private final Map<Tensor, Seats> seats = new HashMap<>();
  private final List<Tensor> gates;

  Mixtures(Memory memory, Program program) {
    this.memory = memory;
    gates = program.forward()
        .stream()
        .filter(ForwardOperation.Route.class::isInstance)
        .map(ForwardOperation::out)
        .toList();
  }

  /**
   * A router and where its tokens sit.
   *
   * @param logits [R, E]
   * @param tokenOfSeat [S], R for an empty one
   * @param seatsOfToken for each seat that a token may have [R], S for none
   * @param weights gates by seat, [S, 1]
   */
  private record Seats(Router router, Mixture mixture, INDArray logits, INDArray tokenOfSeat,
      INDArray[] seatsOfToken, INDArray weights) {
    int rows() {
      return mixture.windows() * mixture.length();
    }

    void settle() {
      float[] values = logits.data().asFloat();
      System.arraycopy(values, 0, router.logits(), 0, values.length);
      router.route();
      int[] tokens = new int[mixture.seats()];
      int[][] places = new int[seatsOfToken.length][rows()];
      int[] taken = new int[rows()];
      float[] gates = new float[mixture.seats()];
      Arrays.fill(tokens, rows());
      Arrays.stream(places).forEach(each -> Arrays.fill(each, mixture.seats()));
      for (int e = 0; e < mixture.experts(); e++) {
        for (int seat = router.start(e); seat < router.start(e + 1); seat++) {
          int token = router.token(seat);
          tokens[seat] = token;
          gates[seat] = router.gate(token, e);
          places[taken[token]++][token] = seat;
        }
      }
      tokenOfSeat.data().setData(tokens);
      weights.data().setData(gates);
      for (int i = 0; i < places.length; i++) {
        seatsOfToken[i].data().setData(places[i]);
      }
    }

    /** Hands the gates' gradient, by seat, to the router. */
    void hand(INDArray gradients) {
      float[] values = gradients.data().asFloat();
      for (int e = 0; e < mixture.experts(); e++) {
        for (int seat = router.start(e); seat < router.start(e + 1); seat++) {
          router.gateGradients()[router.token(seat) * mixture.experts() + e] = values[seat];
        }
      }
    }
  }

  /** Gates as they were settled last, [R, E]; empty of any other tensor. */
  Optional<float[]> gates(Tensor tensor) {
    return Optional.ofNullable(seats.get(tensor)).map(settled -> {
      float[] values = new float[(int) tensor.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = settled.router.gate(i / tensor.columns(), i % tensor.columns());
      }
      return values;
    });
  }

  List<RoutingMetrics> metrics() {
    return gates.stream().map(each -> Router.metrics(List.of(seats.get(each).router()))).toList();
  }

  Recording route(ForwardOperation.Route o) {
    Mixture mixture = o.mixture();
    int rows = o.out().rows();
    INDArray[] ofToken = new INDArray[mixture.seatsOfToken()];
    Arrays.setAll(ofToken, i -> memory.indices(rows));
    Seats settled = new Seats(new Router(o, mixture.windows(), mixture.windows() * mixture.length(), 1),
        mixture, memory.own(rows, mixture.experts()), memory.indices(mixture.seats()), ofToken,
        memory.own(mixture.seats(), 1));
    seats.put(o.out(), settled);
    return new Recording(memory).copy(memory.of(o.logits()), settled.logits).call(() -> {
      settled.router.restart();
      settled.settle();
    });
  }

  Recording routeBackward(BackwardOperation.RouteBackward o) {
    Seats settled = seats.get(o.forward().out());
    INDArray gradient = memory.own(o.dLogits().rows(), o.dLogits().columns());
    float[] values = new float[(int) o.dLogits().size()];
    return new Recording(memory).call(() -> {
      settled.router.gradient(values);
      gradient.data().setData(values);
    }).copy(gradient, memory.of(o.dLogits()));
  }

  Recording dispatch(ForwardOperation.Dispatch o) {
    Recording recording = new Recording(memory);
    INDArray rows = withZeros(recording, memory.of(o.x()), 0);
    return gather(recording, rows, seats.get(o.gates()).tokenOfSeat, memory.of(o.out()));
  }

  Recording dispatchBackward(BackwardOperation.DispatchBackward o) {
    Recording recording = new Recording(memory);
    return sumOfSeats(recording, memory.of(o.dOut()), seats.get(o.forward().gates()), memory.of(o.dX()));
  }

  Recording combine(ForwardOperation.Combine o) {
    Seats settled = seats.get(o.gates());
    int width = o.x().columns();
    INDArray weighted = memory.scratch(0, o.x().rows(), width);
    INDArray spread = memory.scratch(1, o.x().rows(), width);
    Recording recording = new Recording(memory).multiplyColumn(memory.of(o.x()), settled.weights, spread,
        weighted);
    return sumOfSeats(recording, weighted, settled, memory.of(o.out()));
  }

  Recording combineBackward(BackwardOperation.CombineBackward o) {
    Seats settled = seats.get(o.forward().gates());
    int rows = o.dX().rows();
    int width = o.dX().columns();
    INDArray dX = memory.of(o.dX());
    INDArray work = memory.scratch(0, rows, width);
    INDArray dGates = memory.own(rows, 1);
    Recording recording = new Recording(memory);
    INDArray dOut = withZeros(recording, memory.of(o.dOut()), 0);
    return gather(recording, dOut, settled.tokenOfSeat, dX).multiply(dX, memory.of(o.forward().x()), work)
        .product(work, false, memory.ones(width, 1), false, false, dGates)
        .call(() -> settled.hand(dGates))
        .multiplyColumn(dX, settled.weights, work, dX);
  }

  /** out[r] = sum of the rows where token r sits. */
  private Recording sumOfSeats(Recording recording, INDArray rows, Seats settled, INDArray out) {
    INDArray seated = withZeros(recording, rows, 2);
    INDArray part = memory.scratch(3, settled.rows(), out.columns());
    gather(recording, seated, settled.seatsOfToken[0], out);
    for (int i = 1; i < settled.seatsOfToken.length; i++) {
      gather(recording, seated, settled.seatsOfToken[i], part).add(out, part, out);
    }
    return recording;
  }

  /** The rows of an array, and one of zeros behind them, in a slot of scratch memory whose last row nobody writes. */
  private INDArray withZeros(Recording recording, INDArray rows, int slot) {
    INDArray longer = memory.scratch(10 + slot, rows.rows() + 1, rows.columns());
    recording.copy(rows, longer.get(NDArrayIndex.interval(0, rows.rows()), NDArrayIndex.all()));
    return longer;
  }

  private static Recording gather(Recording recording, INDArray rows, INDArray indices, INDArray out) {
    return recording.custom(DynamicCustomOp.builder("gather")
        .addInputs(rows, indices)
        .addOutputs(out)
        .addIntegerArguments(0)
        .build());
  }

  Recording linear(ForwardOperation.ExpertLinear o) {
    Router router = seats.get(o.gates()).router;
    INDArray out = memory.of(o.out());
    INDArray ones = memory.ones(o.x().rows(), 1);
    int n = o.x().columns();
    return new Recording(memory).call(() -> {
      out.assign(0);
      for (int e = 0; e < o.mixture().experts(); e++) {
        int from = router.start(e);
        int to = router.start(e + 1);
        if (to > from) {
          int expert = e;
          INDArray rows = memory.rows(o.out(), from, to);
          o.bias()
              .ifPresent(bias -> multiply(first(ones, to - from, 1), false,
                  memory.rows(bias, expert, expert + 1), false, false, rows));
          multiply(memory.rows(o.x(), from, to), false, memory.rows(o.weight(), e * n, (e + 1) * n), false,
              o.bias().isPresent(), rows);
        }
      }
    });
  }

  Recording linearBackward(BackwardOperation.ExpertLinearBackward o) {
    ForwardOperation.ExpertLinear forward = o.forward();
    Router router = seats.get(forward.gates()).router;
    INDArray dX = memory.of(o.dX());
    INDArray ones = memory.ones(1, o.dX().rows());
    int n = o.dX().columns();
    return new Recording(memory).call(() -> {
      dX.assign(0);
      for (int e = 0; e < forward.mixture().experts(); e++) {
        int from = router.start(e);
        int to = router.start(e + 1);
        if (to > from) {
          int expert = e;
          INDArray rows = memory.rows(o.dOut(), from, to);
          multiply(rows, false, memory.rows(forward.weight(), e * n, (e + 1) * n), true, false,
              memory.rows(o.dX(), from, to));
          multiply(memory.rows(forward.x(), from, to), true, rows, false, true,
              memory.rows(o.dWeight(), e * n, (e + 1) * n));
          o.dBias()
              .ifPresent(dBias -> multiply(first(ones, 1, to - from), false, rows, false, true,
                  memory.rows(dBias, expert, expert + 1)));
        }
      }
    });
  }

  /** The first elements of an array of ones. */
  private static INDArray first(INDArray ones, int rows, int columns) {
    return Nd4j.create(ones.data(), new long[]{rows, columns}, new long[]{columns, 1}, 0, 'c');
  }

  /** z = a * b, or z += a * b: as {@link Recording#product}, for rows that are others at each step. */
  private static void multiply(INDArray a, boolean transposeA, INDArray b, boolean transposeB, boolean adds,
      INDArray z) {
    Nd4j.gemm(b, a, z.transpose(), !transposeB, !transposeA, 1, adds ? 1 : 0);
  }
}
