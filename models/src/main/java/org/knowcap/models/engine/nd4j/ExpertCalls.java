package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Route;
import org.knowcap.models.engine.routing.HostRouter;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Mixtures of experts. The {@link HostRouter} decides on the host which token has which slot: routing weights stay
 * with it, and so does their gradient. Rows move by gathers, from arrays with a row of zeros after the last row,
 * which stands for empty slots.
 */
final class ExpertCalls {
  private final SessionArrays arrays;
  /** By the routing weights that each computes, in the order of blocks. */
  private final Map<Tensor, Slots> slots = new HashMap<>();
  private final List<Tensor> weights;

  ExpertCalls(SessionArrays arrays, Program program) {
    this.arrays = arrays;
    weights = program.forward().stream().filter(Route.class::isInstance).map(ForwardOperation::out).toList();
  }

  /**
   * A router, and its slots.
   *
   * @param logits [R, E]
   * @param tokenOfSlot [S], R for an empty one
   * @param slotsOfToken for each slot that a token may have [R], S for none
   * @param weights routing weights by slot, [S, 1]
   */
  private record Slots(HostRouter router, ExpertRouting routing, INDArray logits, INDArray tokenOfSlot,
      INDArray[] slotsOfToken, INDArray weights) {
    int rows() {
      return routing.windows() * routing.length();
    }

    void settle() {
      float[] values = logits.data().asFloat();
      System.arraycopy(values, 0, router.logits(), 0, values.length);
      router.route();
      int[] tokens = new int[routing.slots()];
      int[][] rowsOfToken = new int[slotsOfToken.length][rows()];
      int[] taken = new int[rows()];
      float[] byRow = new float[routing.slots()];
      Arrays.fill(tokens, rows());
      Arrays.stream(rowsOfToken).forEach(each -> Arrays.fill(each, routing.slots()));
      for (int e = 0; e < routing.experts(); e++) {
        for (int slot = router.start(e); slot < router.start(e + 1); slot++) {
          int token = router.token(slot);
          tokens[slot] = token;
          byRow[slot] = router.weight(token, e);
          rowsOfToken[taken[token]++][token] = slot;
        }
      }
      tokenOfSlot.data().setData(tokens);
      weights.data().setData(byRow);
      for (int i = 0; i < rowsOfToken.length; i++) {
        slotsOfToken[i].data().setData(rowsOfToken[i]);
      }
    }

    /** Hands the routing weights' gradient, by slot, to the router. */
    void hand(INDArray gradients) {
      float[] values = gradients.data().asFloat();
      for (int e = 0; e < routing.experts(); e++) {
        for (int slot = router.start(e); slot < router.start(e + 1); slot++) {
          router.weightGradients()[router.token(slot) * routing.experts() + e] = values[slot];
        }
      }
    }
  }

  /** The last routing weights, [R, E]; empty for any other tensor. */
  Optional<float[]> weights(Tensor tensor) {
    return Optional.ofNullable(slots.get(tensor)).map(settled -> {
      float[] values = new float[(int) tensor.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = settled.router.weight(i / tensor.columns(), i % tensor.columns());
      }
      return values;
    });
  }

  List<RoutingMetrics> metrics() {
    return weights.stream().map(each -> HostRouter.metrics(List.of(slots.get(each).router()))).toList();
  }

  CallList route(Route o) {
    ExpertRouting routing = o.routing();
    int rows = o.out().rows();
    INDArray[] ofToken = new INDArray[routing.slotsPerToken()];
    Arrays.setAll(ofToken, i -> arrays.indices(rows));
    Slots settled = new Slots(new HostRouter(o, routing.windows(), routing.windows() * routing.length(), 1),
        routing, arrays.own(rows, routing.experts()), arrays.indices(routing.slots()), ofToken,
        arrays.own(routing.slots(), 1));
    slots.put(o.out(), settled);
    return new CallList(arrays).copy(arrays.of(o.logits()), settled.logits).call(() -> {
      settled.router.restart();
      settled.settle();
    });
  }

  CallList routeBackward(Route.Backward o) {
    Slots settled = slots.get(o.forward().out());
    INDArray gradient = arrays.own(o.dLogits().rows(), o.dLogits().columns());
    float[] values = new float[(int) o.dLogits().size()];
    return new CallList(arrays).call(() -> {
      settled.router.gradient(values);
      gradient.data().setData(values);
    }).copy(gradient, arrays.of(o.dLogits()));
  }

  CallList dispatch(Dispatch o) {
    CallList calls = new CallList(arrays);
    INDArray rows = withZeros(calls, arrays.of(o.x()), 0);
    return gather(calls, rows, slots.get(o.weights()).tokenOfSlot, arrays.of(o.out()));
  }

  CallList dispatchBackward(Dispatch.Backward o) {
    CallList calls = new CallList(arrays);
    return sumOfSlots(calls, arrays.of(o.dOut()), slots.get(o.forward().weights()), arrays.of(o.dX()));
  }

  CallList combine(Combine o) {
    Slots settled = slots.get(o.weights());
    int width = o.x().columns();
    INDArray weighted = arrays.scratch(0, o.x().rows(), width);
    INDArray spread = arrays.scratch(1, o.x().rows(), width);
    CallList calls = new CallList(arrays).multiplyColumn(arrays.of(o.x()), settled.weights, spread, weighted);
    return sumOfSlots(calls, weighted, settled, arrays.of(o.out()));
  }

  CallList combineBackward(Combine.Backward o) {
    Slots settled = slots.get(o.forward().weights());
    int rows = o.dX().rows();
    int width = o.dX().columns();
    INDArray dX = arrays.of(o.dX());
    INDArray work = arrays.scratch(0, rows, width);
    INDArray dWeights = arrays.own(rows, 1);
    CallList calls = new CallList(arrays);
    INDArray dOut = withZeros(calls, arrays.of(o.dOut()), 0);
    return gather(calls, dOut, settled.tokenOfSlot, dX).multiply(dX, arrays.of(o.forward().x()), work)
        .matmul(work, false, arrays.ones(width, 1), false, false, dWeights)
        .call(() -> settled.hand(dWeights))
        .multiplyColumn(dX, settled.weights, work, dX);
  }

  /** out[r] = sum of the rows in the slots of token r. */
  private CallList sumOfSlots(CallList calls, INDArray rows, Slots settled, INDArray out) {
    INDArray dispatched = withZeros(calls, rows, 2);
    INDArray part = arrays.scratch(3, settled.rows(), out.columns());
    gather(calls, dispatched, settled.slotsOfToken[0], out);
    for (int i = 1; i < settled.slotsOfToken.length; i++) {
      gather(calls, dispatched, settled.slotsOfToken[i], part).add(out, part, out);
    }
    return calls;
  }

  /** The rows of an array, and one of zeros behind them, in a slot of scratch memory whose last row nobody writes. */
  private INDArray withZeros(CallList calls, INDArray rows, int slot) {
    INDArray longer = arrays.scratch(10 + slot, rows.rows() + 1, rows.columns());
    calls.copy(rows, longer.get(NDArrayIndex.interval(0, rows.rows()), NDArrayIndex.all()));
    return longer;
  }

  private static CallList gather(CallList calls, INDArray rows, INDArray indices, INDArray out) {
    return calls.custom(DynamicCustomOp.builder("gather")
        .addInputs(rows, indices)
        .addOutputs(out)
        .addIntegerArguments(0)
        .build());
  }

  CallList linear(ExpertLinear o) {
    HostRouter router = slots.get(o.weights()).router;
    INDArray out = arrays.of(o.out());
    INDArray ones = arrays.ones(o.x().rows(), 1);
    int n = o.x().columns();
    return new CallList(arrays).call(() -> {
      out.assign(0);
      for (int e = 0; e < o.routing().experts(); e++) {
        int from = router.start(e);
        int to = router.start(e + 1);
        if (to > from) {
          int expert = e;
          INDArray rows = arrays.rows(o.out(), from, to);
          o.bias()
              .ifPresent(bias -> multiply(first(ones, to - from, 1), false,
                  arrays.rows(bias, expert, expert + 1), false, false, rows));
          multiply(arrays.rows(o.x(), from, to), false, arrays.rows(o.weight(), e * n, (e + 1) * n), false,
              o.bias().isPresent(), rows);
        }
      }
    });
  }

  CallList linearBackward(ExpertLinear.Backward o) {
    ExpertLinear forward = o.forward();
    HostRouter router = slots.get(forward.weights()).router;
    INDArray dX = arrays.of(o.dX());
    INDArray ones = arrays.ones(1, o.dX().rows());
    int n = o.dX().columns();
    return new CallList(arrays).call(() -> {
      dX.assign(0);
      for (int e = 0; e < forward.routing().experts(); e++) {
        int from = router.start(e);
        int to = router.start(e + 1);
        if (to > from) {
          int expert = e;
          INDArray rows = arrays.rows(o.dOut(), from, to);
          multiply(rows, false, arrays.rows(forward.weight(), e * n, (e + 1) * n), true, false,
              arrays.rows(o.dX(), from, to));
          multiply(arrays.rows(forward.x(), from, to), true, rows, false, true,
              arrays.rows(o.dWeight(), e * n, (e + 1) * n));
          o.dBias()
              .ifPresent(dBias -> multiply(first(ones, 1, to - from), false, rows, false, true,
                  arrays.rows(dBias, expert, expert + 1)));
        }
      }
    });
  }

  /** The first elements of an array of ones. */
  private static INDArray first(INDArray ones, int rows, int columns) {
    return Nd4j.create(ones.data(), new long[]{rows, columns}, new long[]{columns, 1}, 0, 'c');
  }

  /** z = a * b, or z += a * b: as {@link CallList#matmul}, for rows that are others at each step. */
  private static void multiply(INDArray a, boolean transposeA, INDArray b, boolean transposeB, boolean adds,
      INDArray z) {
    Nd4j.gemm(b, a, z.transpose(), !transposeB, !transposeA, 1, adds ? 1 : 0);
  }
}
