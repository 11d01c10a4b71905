package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.models.engine.Router;
import org.knowcap.models.engine.lowering.Step;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Tensor;

/** One worker's way through the steps with a slice of so many windows: kernels whose addresses are settled. */
final class Slice {
  private final MemorySegment memory;
  private final Layout layout;
  private final Products products;
  private final int worker;
  private final int windows;
  private final int batchRows;
  private final boolean learning;
  /** By the gates that each settles. */
  private final Map<Tensor, Router> routers = new LinkedHashMap<>();

  private Slice(MemorySegment memory, Layout layout, Products products, int worker, int windows,
      int batchRows, boolean learning) {
    this.memory = memory;
    this.layout = layout;
    this.products = products;
    this.worker = worker;
    this.windows = windows;
    this.batchRows = batchRows;
    this.learning = learning;
  }

  /** A kernel and the kind of its step. */
  record Timed(String kind, Kernel kernel) {}

  /** The kernels of all steps, in order, and the routers they have, in the order of blocks. */
  record Kernels(List<Timed> timed, List<Router> routers) {}

  /**
   * The kernels of all steps.
   *
   * @param batchRows R, over which the routers' losses are means
   * @param learning with the backward part, or the forward part alone
   */
  static Kernels kernels(MemorySegment memory, Layout layout, Products products, int worker, int windows,
      int batchRows, boolean learning) {
    Slice slice = new Slice(memory, layout, products, worker, windows, batchRows, learning);
    List<Timed> kernels = new ArrayList<>();
    layout.steps(learning).forEach(step -> kernels.add(new Timed(step.kind(), slice.kernel(step))));
    return new Kernels(List.copyOf(kernels), List.copyOf(slice.routers.values()));
  }

  private Router router(Tensor gates) {
    return routers.get(gates);
  }

  private Matrix at(Tensor tensor) {
    return layout.activation(tensor, learning, worker, windows);
  }

  private Matrix gradient(Tensor tensor) {
    return layout.gradient(tensor, worker);
  }

  private Kernel kernel(Step step) {
    return switch (step) {
      case Step.Gather s -> Embedding.gather(memory, layout.tokens, layout.parameter(s.table()), at(s.out()));
      case Step.Scatter s -> Embedding.scatter(memory, layout.tokens, at(s.dOut()), gradient(s.dTable()));
      case Step.Place s -> Embedding.place(memory, layout.parameter(s.table()), s.length(), at(s.x()));
      case Step.PlaceBackward s ->
          Embedding.placeBackward(memory, at(s.dOut()), s.length(), gradient(s.dTable()));
      case Step.Sum s -> Elementwise.add(memory, at(s.a()), at(s.b()), at(s.out()));
      case Step.Copy s -> Elementwise.convert(memory, at(s.x()), at(s.out()));
      case Step.Norm s -> Norms.forward(memory, s.sum().map(sum -> new Norms.Sum(at(sum.a()), at(sum.b()))),
          at(s.x()), layout.parameter(s.gain()), s.bias().map(layout::parameter), (float) s.epsilon(),
          s.heads(), at(s.out()), at(s.moments()));
      case Step.NormBackward s ->
          Norms.backward(memory, s.residual().map(this::at), at(s.x()), layout.parameter(s.gain()), s.heads(),
              at(s.moments()), at(s.dOut()), at(s.dX()), gradient(s.dGain()), s.dBias().map(this::gradient));
      case Step.Linear s -> linear(s);
      case Step.LinearBackward s -> linearBackward(s);
      case Step.Activate s -> Elementwise.activate(memory, s.activation(), at(s.x()), at(s.out()));
      case Step.ActivateBackward s -> Elementwise.activateBackward(memory, s.activation(), at(s.x()),
          at(s.gradient()), layout.work(worker));
      case Step.Gate s ->
          Elementwise.gate(memory, s.activation(), at(s.x()), at(s.out()), layout.work(worker));
      case Step.GateBackward s -> Elementwise.gateBackward(memory, s.activation(), at(s.x()), at(s.dOut()),
          at(s.dX()), layout.work(worker));
      case Step.Turn s ->
          Rotation.turn(memory, layout.tables(s.rotary()), s.rotary(), at(s.qkv()), s.direction());
      case Step.Attend s -> attend(s);
      case Step.AttendBackward s -> attendBackward(s);
      case Step.Route s -> {
        routers.put(s.route().out(), new Router(s.route(), windows, batchRows, Mixtures.UNIT));
        yield Mixtures.route(memory, router(s.route().out()), at(s.route().logits()));
      }
      case Step.RouteBackward s -> Mixtures.routeBackward(memory, router(s.route().out()), at(s.dLogits()));
      case Step.Dispatch s -> Mixtures.dispatch(memory, router(s.gates()), at(s.x()), at(s.out()));
      case Step.DispatchBackward s ->
          Mixtures.dispatchBackward(memory, router(s.gates()), at(s.dOut()), at(s.dX()));
      case Step.ExpertLinear s -> Mixtures.linear(memory, products, router(s.gates()), s.gates().columns(),
          at(s.x()), layout.operand(s.weight()), s.bias().map(layout::parameter), at(s.out()));
      case Step.ExpertLinearBackward s -> Mixtures.linearBackward(memory, products, router(s.gates()),
          s.gates().columns(), at(s.x()), layout.operand(s.weight()), at(s.dOut()), at(s.dX()),
          gradient(s.dWeight()), s.dBias().map(this::gradient));
      case Step.Combine s ->
          Mixtures.combine(memory, router(s.gates()), s.gates().columns(), at(s.x()), at(s.out()));
      case Step.CombineBackward s -> Mixtures.combineBackward(memory, router(s.gates()), s.gates().columns(),
          at(s.x()), at(s.dOut()), at(s.dX()));
      case Step.Head s -> head(s);
    };
  }

  private Kernel attend(Step.Attend s) {
    return ShortAttention.takes(s.operation())
        ? shortAttention(s.operation()).forward(at(s.qkv()), at(s.out()), at(s.normalisers()))
        : attention(s.operation()).forward(at(s.qkv()), s.distant().map(this::at), at(s.out()),
            at(s.normalisers()));
  }

  private Kernel attendBackward(Step.AttendBackward s) {
    return ShortAttention.takes(s.operation())
        ? shortAttention(s.operation()).backward(at(s.qkv()), at(s.normalisers()), at(s.dOut()), at(s.dQkv()))
        : attention(s.operation()).backward(at(s.qkv()), s.distant().map(this::at), at(s.out()),
            at(s.normalisers()), at(s.dOut()), at(s.dQkv()), s.dDistant().map(this::at));
  }

  private ShortAttention shortAttention(ForwardOperation.Attention operation) {
    return new ShortAttention(memory, operation, layout.work(worker), layout.element());
  }

  private Attention attention(ForwardOperation.Attention operation) {
    return new Attention(memory, products, operation, layout.work(worker), layout.documents,
        layout.element());
  }

  /** [n, m], whichever way round it is stored. */
  private static Matrix upright(Matrix weight, boolean transposed) {
    return transposed ? weight.transposed() : weight;
  }

  private Matrix weight(Tensor weight, boolean transposed, boolean exact) {
    return upright(exact ? layout.parameter(weight) : layout.operand(weight), transposed);
  }

  private Kernel linear(Step.Linear s) {
    Runnable product = products.product(at(s.x()), weight(s.weight(), s.transposed(), s.exact()),
        s.bias().map(layout::parameter), at(s.out()), false);
    return firstRow -> product.run();
  }

  private Kernel linearBackward(Step.LinearBackward s) {
    Matrix weight = weight(s.weight(), s.transposed(), s.exact());
    Runnable dX = products.product(at(s.dOut()), weight.transposed(), Optional.empty(), at(s.dX()), false);
    Runnable dWeight = products.weightGradient(at(s.x()), at(s.dOut()),
        upright(gradient(s.dWeight()), s.transposed()));
    Optional<Kernel> dBias = s.dBias()
        .map(bias -> Elementwise.columnSums(memory, at(s.dOut()), gradient(bias)));
    return firstRow -> {
      dX.run();
      dWeight.run();
      dBias.ifPresent(kernel -> kernel.run(firstRow));
    };
  }

  private Kernel head(Step.Head s) {
    Step.Linear linear = s.linear();
    Head head = new Head(memory, products, layout.targets, layout.share, layout.losses, layout.predictions,
        layout.work(worker), layout.element());
    return head.run(at(linear.x()), weight(linear.weight(), linear.transposed(), linear.exact()),
        linear.bias().map(layout::parameter),
        s.backward()
            .map(b -> new Head.Gradients(at(b.dX()), upright(gradient(b.dWeight()), b.transposed()),
                b.dBias().map(this::gradient))));
  }
}
