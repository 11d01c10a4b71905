package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.FusedOperation.AddNorm;
import org.knowcap.models.program.FusedOperation.Copy;
import org.knowcap.models.program.FusedOperation.LossHead;
import org.knowcap.models.program.FusedOperation.NormBackward;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.ScalarGate;
import org.knowcap.models.program.Scale;
import org.knowcap.models.program.Tensor;

/**
 * How a lowered operation becomes a kernel.
 *
 * @param work floats of work space that the kernel needs beside its tensors
 * @param builder makes the kernel, once there is memory
 */
record KernelPlan(long work, Function<Slice, Kernel> builder) {
  private static KernelPlan of(Function<Slice, Kernel> builder) {
    return new KernelPlan(0, builder);
  }

  /** @param dtype precision of the operands of matmuls */
  static KernelPlan of(Operation operation, DType dtype) {
    return switch (operation) {
      case Embedding o -> of(
          s -> EmbeddingKernels.gather(s.memory(), s.layout().tokens, s.parameter(o.table()), s.at(o.out())));
      case Embedding.Backward o -> of(s -> EmbeddingKernels.scatter(s.memory(), s.layout().tokens,
          s.at(o.dOut()), s.gradient(o.dTable())));
      case LearnedPositions o ->
          of(s -> EmbeddingKernels.addPositions(s.memory(), s.parameter(o.table()), o.length(), s.at(o.x())));
      case LearnedPositions.Backward o -> of(s -> EmbeddingKernels.addPositionsBackward(s.memory(),
          s.at(o.dOut()), o.forward().length(), s.gradient(o.dTable())));
      case Add o -> of(s -> Elementwise.add(s.memory(), s.at(o.a()), s.at(o.b()), s.at(o.out())));
      case Scale o -> of(s -> Elementwise.scale(s.memory(), (float) o.factor(), s.at(o.x()), s.at(o.out())));
      case Scale.Backward o ->
          of(s -> Elementwise.scale(s.memory(), (float) o.forward().factor(), s.at(o.dOut()), s.at(o.dX())));
      case Accumulate o -> of(s -> Elementwise.add(s.memory(), s.at(o.a()), s.at(o.b()), s.at(o.out())));
      case Copy o -> of(s -> Elementwise.convert(s.memory(), s.at(o.x()), s.at(o.out())));
      case Normalisation o -> new KernelPlan(Norms.workSize(o.x().columns()), s -> norm(s, o));
      case AddNorm o ->
          new KernelPlan(Norms.workSize(o.norm().x().columns()),
              s -> Kernel.inOrder(List.of(
                  Elementwise.add(s.memory(), s.at(o.sum().a()), s.at(o.sum().b()), s.at(o.sum().out())),
                  norm(s, o.norm()))));
      case NormBackward o ->
          new KernelPlan(Norms.workSize(o.norm().forward().x().columns()), s -> normBackward(s, o));
      case Linear o -> of(s -> linear(s, o));
      case Linear.Backward o -> of(s -> linearBackward(s, o));
      case Activate o -> new KernelPlan(Elementwise.WORK, s -> activate(s, o));
      case Activate.Backward o -> new KernelPlan(Elementwise.WORK, s -> activateBackward(s, o));
      case GatedActivation o -> new KernelPlan(gateWork(o.out()),
          s -> Elementwise.gate(s.memory(), o.activation(), s.at(o.x()), s.at(o.out()), s.work()));
      case GatedActivation.Backward o ->
          new KernelPlan(gateWork(o.dOut()), s -> Elementwise.gateBackward(s.memory(),
              o.forward().activation(), s.at(o.forward().x()), s.at(o.dOut()), s.at(o.dX()), s.work()));
      case Canon o -> new KernelPlan(CanonKernel.workSize(o),
          s -> canon(s, o).forward(s.at(o.x()), s.parameter(o.weight()), s.at(o.out())));
      case Canon.Backward o -> new KernelPlan(CanonKernel.workSize(o.forward()),
          s -> canon(s, o.forward()).backward(s.at(o.forward().x()), s.parameter(o.forward().weight()),
              s.at(o.dOut()), s.at(o.dX()), s.gradient(o.dWeight())));
      case Rope o -> of(s -> rope(s, o, o.out(), 1));
      case Rope.Backward o -> of(s -> rope(s, o.forward(), o.dX(), -1));
      case Attention o -> new KernelPlan(attentionWork(o, dtype), s -> attention(s, o));
      case Attention.Backward o ->
          new KernelPlan(attentionWork(o.forward(), dtype), s -> attentionBackward(s, o));
      case Recurrence o -> new KernelPlan(RecurrenceKernel.Work.size(o),
          s -> recurrence(s, o).forward(recurrenceInputs(s, o), s.at(o.out())));
      case Recurrence.Backward o -> new KernelPlan(RecurrenceKernel.Work.size(o.forward()),
          s -> recurrence(s, o.forward()).backward(recurrenceInputs(s, o.forward()), s.at(o.dOut()),
              new RecurrenceKernel.Inputs(s.at(o.dQkv()), s.at(o.dDecays()),
                  o.dDelta().map(d -> s.at(d.strengths())).orElse(s.at(o.dDecays())),
                  o.dDelta().map(d -> s.gradient(d.rates())).orElse(s.at(o.dDecays())))));
      case GatedNorm o ->
          new KernelPlan(GatedNormKernel.workSize(o), s -> new GatedNormKernel(s.memory(), o, s.work())
              .forward(s.at(o.x()), s.parameter(o.gain()), s.at(o.gate()), s.at(o.out())));
      case GatedNorm.Backward o -> new KernelPlan(GatedNormKernel.workSize(o.forward()),
          s -> new GatedNormKernel(s.memory(), o.forward(), s.work()).backward(s.at(o.forward().x()),
              s.parameter(o.forward().gain()), s.at(o.forward().gate()), s.at(o.dOut()), s.at(o.dX()),
              s.gradient(o.dGain()), s.at(o.dGate())));
      case NgramLookup o -> new KernelPlan(MemoryKernels.workSize(o), s -> MemoryKernels.lookup(s.memory(), o,
          s.layout().tokens, s.parameter(o.table()), s.at(o.out()), s.work()));
      case NgramLookup.Backward o ->
          new KernelPlan(MemoryKernels.workSize(o.forward()), s -> MemoryKernels.lookupBackward(s.memory(),
              o.forward(), s.layout().tokens, s.at(o.dOut()), s.gradient(o.dTable()), s.work()));
      case ScalarGate o -> of(s -> MemoryKernels.gate(s.memory(), (float) o.scale(), s.at(o.query()),
          s.at(o.key()), s.at(o.value()), s.at(o.out())));
      case ScalarGate.Backward o -> of(s -> MemoryKernels.gateBackward(s.memory(),
          (float) o.forward().scale(), s.at(o.forward().query()), s.at(o.forward().key()),
          s.at(o.forward().value()), s.at(o.dOut()), s.at(o.dQuery()), s.at(o.dKey()), s.at(o.dValue())));
      case Route o -> of(s -> ExpertKernels.route(s.memory(), s.newRouter(o), s.at(o.logits())));
      case Route.Backward o ->
          of(s -> ExpertKernels.routeBackward(s.memory(), s.router(o.forward().out()), s.at(o.dLogits())));
      case Dispatch o ->
          of(s -> ExpertKernels.dispatch(s.memory(), s.router(o.weights()), s.at(o.x()), s.at(o.out())));
      case Dispatch.Backward o -> of(s -> ExpertKernels.dispatchBackward(s.memory(),
          s.router(o.forward().weights()), s.at(o.dOut()), s.at(o.dX())));
      case ExpertLinear o ->
          of(s -> ExpertKernels.linear(s.memory(), s.matmuls(), s.router(o.weights()), o.routing().experts(),
              s.at(o.x()), s.layout().operand(o.weight()), o.bias().map(s::parameter), s.at(o.out())));
      case ExpertLinear.Backward o -> of(s -> ExpertKernels.linearBackward(s.memory(), s.matmuls(),
          s.router(o.forward().weights()), o.forward().routing().experts(), s.at(o.forward().x()),
          s.layout().operand(o.forward().weight()), s.at(o.dOut()), s.at(o.dX()), s.gradient(o.dWeight()),
          o.dBias().map(s::gradient)));
      case Combine o -> of(s -> ExpertKernels.combine(s.memory(), s.router(o.weights()),
          o.routing().experts(), s.at(o.x()), s.at(o.out())));
      case Combine.Backward o ->
          of(s -> ExpertKernels.combineBackward(s.memory(), s.router(o.forward().weights()),
              o.forward().routing().experts(), s.at(o.forward().x()), s.at(o.dOut()), s.at(o.dX())));
      case LossHead o ->
          new KernelPlan(Head.workSize(o.linear().out().columns(), dtype), s -> lossHead(s, o));
      case Normalisation.Backward _,CrossEntropy _,CrossEntropy.Backward _ ->
          throw new IllegalStateException("lowering fuses it: " + operation);
    };
  }

  /**
   * Whether an activation in training overwrites its input with its derivative: only if nothing else reads the
   * input.
   */
  private static boolean leavesSlope(Slice s, Tensor x) {
    return s.learning() && s.readers(x) == 2 && s.at(x).dtype() == s.layout().dtype();
  }

  private static Kernel activate(Slice s, Activate o) {
    return leavesSlope(s, o.x())
        ? Elementwise.activateToLearn(s.memory(), o.activation(), s.at(o.x()), s.at(o.out()), s.work())
        : Elementwise.activate(s.memory(), o.activation(), s.at(o.x()), s.at(o.out()));
  }

  private static Kernel activateBackward(Slice s, Activate.Backward o) {
    Tensor x = o.forward().x();
    return leavesSlope(s, x)
        ? Elementwise.multiply(s.memory(), s.at(x), s.at(o.dX()))
        : Elementwise.activateBackward(s.memory(), o.forward().activation(), s.at(x), s.at(o.dX()), s.work());
  }

  private static long gateWork(Tensor gated) {
    return (long) Elementwise.GATE_ROWS * Matrix.stride(gated.columns());
  }

  private static Kernel norm(Slice s, Normalisation o) {
    return Norms.forward(s.memory(), s.at(o.x()), s.parameter(o.gain()), o.bias().map(s::parameter),
        (float) o.epsilon(), o.heads(), s.at(o.out()), s.at(o.statistics()), s.work());
  }

  private static Kernel normBackward(Slice s, NormBackward o) {
    Normalisation forward = o.norm().forward();
    MemorySegment memory = s.memory();
    Kernel norm = Norms.backward(memory, o.residual().map(s::at), s.at(forward.x()),
        s.parameter(forward.gain()), forward.heads(), s.at(forward.statistics()), s.at(o.norm().dOut()),
        s.at(o.norm().dX()), s.gradient(o.norm().dGain()), o.norm().dBias().map(s::gradient), s.work());
    return o.copy()
        .map(copy -> Kernel
            .inOrder(List.of(norm, Elementwise.convert(memory, s.at(o.norm().dX()), s.at(copy)))))
        .orElse(norm);
  }

  /** A weight [n, m] as its matmul reads it. */
  static Matrix weight(Slice s, Linear o) {
    Matrix stored = o.exact() ? s.parameter(o.weight()) : s.layout().operand(o.weight());
    return upright(stored, o);
  }

  /** [n, m], whichever way round it is stored. */
  private static Matrix upright(Matrix weight, Linear o) {
    return o.transposed() ? weight.transposed() : weight;
  }

  private static Kernel linear(Slice s, Linear o) {
    Runnable matmul = s.matmuls()
        .matmul(s.at(o.x()), weight(s, o), o.bias().map(s::parameter), s.at(o.out()), false);
    return firstRow -> matmul.run();
  }

  private static Kernel linearBackward(Slice s, Linear.Backward o) {
    if (o.dWeight().isEmpty()) {
      Runnable toX = s.matmuls()
          .matmul(s.at(o.dOut()), weight(s, o.forward()).transposed(), Optional.empty(), s.at(o.dX()), false);
      return firstRow -> toX.run();
    }
    return linearBackward(s, o.forward(), s.at(o.forward().x()), s.at(o.dOut()), s.at(o.dX()),
        s.gradient(o.dWeight().get()), o.dBias().map(s::gradient));
  }

  /** The gradient of a product of some rows, wherever they are. */
  static Kernel linearBackward(Slice s, Linear o, Matrix x, Matrix dOut, Matrix dX, Matrix dWeight,
      Optional<Matrix> dBias) {
    Runnable toX = s.matmuls().matmul(dOut, weight(s, o).transposed(), Optional.empty(), dX, false);
    Runnable toWeight = s.matmuls().weightGradient(x, dOut, upright(dWeight, o));
    Optional<Kernel> toBias = dBias.map(bias -> Elementwise.columnSums(s.memory(), dOut, bias));
    return firstRow -> {
      toX.run();
      toWeight.run();
      toBias.ifPresent(kernel -> kernel.run(firstRow));
    };
  }

  private static CanonKernel canon(Slice s, Canon o) {
    return new CanonKernel(s.memory(), o, s.layout().documents, s.work());
  }

  private static RecurrenceKernel recurrence(Slice s, Recurrence o) {
    return new RecurrenceKernel(s.memory(), o, s.layout().documents, s.work());
  }

  private static RecurrenceKernel.Inputs recurrenceInputs(Slice s, Recurrence o) {
    Matrix decays = s.at(o.decays());
    return new RecurrenceKernel.Inputs(s.at(o.qkv()), decays,
        o.delta().map(d -> s.at(d.strengths())).orElse(decays),
        o.delta().map(d -> s.parameter(d.rates())).orElse(decays));
  }

  private static Kernel rope(Slice s, Rope o, Tensor qkv, int direction) {
    return RopeKernel.rotate(s.memory(), s.ropeOfQueries(o), s.ropeOfKeys(o), o.heads(), o.rotated() / 2,
        s.at(qkv), direction);
  }

  private static long attentionWork(Attention o, DType dtype) {
    long work = BlockAttention.workSize(o, dtype);
    return ShortAttention.Bounds.mayTake(o) ? Math.max(work, ShortAttention.Bounds.workSize(o)) : work;
  }

  private static Kernel attention(Slice s, Attention o) {
    return ShortAttention.takes(o)
        ? shortAttention(s, o).forward(s.at(o.qkv()), s.at(o.out()), s.at(o.logSumExp()))
        : blockAttention(s, o).forward(s.at(o.qkv()), o.distant().map(s::at), s.at(o.out()),
            s.at(o.logSumExp()));
  }

  private static Kernel attentionBackward(Slice s, Attention.Backward o) {
    Attention forward = o.forward();
    return ShortAttention.takes(forward)
        ? shortAttention(s, forward).backward(s.at(forward.qkv()), s.at(forward.logSumExp()), s.at(o.dOut()),
            s.at(o.dQkv()))
        : blockAttention(s, forward).backward(s.at(forward.qkv()), forward.distant().map(s::at),
            s.at(forward.out()), s.at(forward.logSumExp()), s.at(o.dOut()), s.at(o.dQkv()),
            o.dDistant().map(s::at));
  }

  private static ShortAttention shortAttention(Slice s, Attention o) {
    return new ShortAttention(s.memory(), o, s.work(), s.layout().dtype());
  }

  private static BlockAttention blockAttention(Slice s, Attention o) {
    return new BlockAttention(s.memory(), s.matmuls(), o, s.work(), s.layout().documents, s.layout().dtype());
  }

  private static Kernel lossHead(Slice s, LossHead o) {
    Head head = new Head(s.memory(), s.matmuls(), s.layout().targets, s.layout().share, s.layout().losses,
        s.layout().predictions, s.work(), s.layout().dtype());
    return head.run(s.at(o.linear().x()), weight(s, o.linear()), o.linear().bias().map(s::parameter),
        o.backward()
            .map(b -> new Head.Gradients(s.at(b.dX()),
                b.dWeight().map(weight -> upright(s.gradient(weight), b.forward())),
                b.dBias().map(s::gradient))));
  }
}
