package org.knowcap.models.engine.cuda;

import java.util.List;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Tensor;

/** The launches of recurrence.cu. */
final class RecurrenceLaunches {
  /** Tokens of a chunk, as recurrence.cu has it. */
  private static final int CHUNK = 16;
  private static final int THREADS = 128;
  private static final int NORM_WARPS = 4;
  private static final int MOST_NORM_BLOCKS = 132;
  private static final int WARP = 32;
  /** The widest head whose state, and the gradient of whose state, fit into shared memory. */
  private static final int WIDEST = 128;

  private final KernelModule kernels;
  private final Buffers buffers;
  private final boolean learning;

  RecurrenceLaunches(KernelModule kernels, Buffers buffers, boolean learning) {
    this.kernels = kernels;
    this.buffers = buffers;
    this.learning = learning;
  }

  /** Floats: a state for each full chunk of each head, and a part of the rates' gradient for each window. */
  static long work(Recurrence.Backward o) {
    Recurrence.Shape shape = o.forward().shape();
    return (long) blocks(shape) * (mostStates(shape) * shape.keyWidth() * shape.valueWidth() + 1L);
  }

  private static int blocks(Recurrence.Shape shape) {
    return shape.windows() * shape.heads();
  }

  private static int mostStates(Recurrence.Shape shape) {
    return shape.length() / CHUNK;
  }

  static long work(GatedNorm.Backward o) {
    return (long) normBlocks(o.forward()) * o.forward().width();
  }

  private static int normBlocks(GatedNorm o) {
    return Math.toIntExact(Math.min(MOST_NORM_BLOCKS, Math.ceilDiv(items(o), NORM_WARPS)));
  }

  /** Heads of all rows. */
  private static long items(GatedNorm o) {
    return o.x().size() / o.width();
  }

  private Numbers at(Tensor tensor) {
    return buffers.activation(tensor, learning);
  }

  private long bytes(Tensor tensor) {
    return tensor.size() * at(tensor).bytes();
  }

  /** Address of a tensor that is stored in fp32. */
  private long fp32(Tensor tensor) {
    Numbers numbers = at(tensor);
    if (numbers.bf16()) {
      throw new IllegalArgumentException("gates are in fp32, found " + tensor + " in bf16");
    }
    return numbers.address();
  }

  private long strengths(Recurrence o) {
    return o.delta().map(delta -> fp32(delta.strengths())).orElse(0L);
  }

  private long rates(Recurrence o) {
    return o.delta().map(delta -> buffers.parameter(delta.rates()).address()).orElse(0L);
  }

  private long documents(Recurrence o) {
    return o.documents().isPresent() ? buffers.address(Part.DOCUMENTS) : 0L;
  }

  /** @param states as many as a block keeps in shared memory, each with what a chunk needs besides */
  private static Grid grid(Recurrence.Shape shape, int states) {
    if (shape.valueWidth() > WIDEST) {
      throw new EngineUnavailableException("the cuda engine has no recurrences with heads wider than "
          + WIDEST + ", found " + shape.valueWidth() + "; use engine cpu");
    }
    int state = shape.keyWidth() * shape.valueWidth();
    int chunk = CHUNK * (2 * shape.valueWidth() + 4 * shape.keyWidth() + 2 * CHUNK + 3) + shape.keyWidth();
    return new Grid(blocks(shape), 1, THREADS, 4 * states * (state + chunk));
  }

  private long moved(Recurrence o) {
    return bytes(o.qkv()) + bytes(o.decays()) + o.delta().map(delta -> bytes(delta.strengths())).orElse(0L);
  }

  Launch recurrence(Recurrence o) {
    Recurrence.Shape shape = o.shape();
    return kernels
        .launch("recurrence", grid(shape, 1), at(o.qkv()), fp32(o.decays()), strengths(o), rates(o),
            documents(o), at(o.out()), shape.length(), shape.heads(), shape.keyWidth(), shape.valueWidth())
        .costing(moved(o) + bytes(o.out()), o.flops());
  }

  List<Launch> recurrenceBackward(Recurrence.Backward o, long work) {
    Recurrence forward = o.forward();
    Recurrence.Shape shape = forward.shape();
    long states = work + 4L * blocks(shape);
    Launch backward = kernels
        .launch("recurrence_backward", grid(shape, 2), at(forward.qkv()), fp32(forward.decays()),
            strengths(forward), rates(forward), documents(forward), at(o.dOut()), at(o.dQkv()),
            fp32(o.dDecays()), o.dDelta().map(delta -> fp32(delta.strengths())).orElse(0L), work, states,
            shape.length(), shape.heads(), shape.keyWidth(), shape.valueWidth(), mostStates(shape))
        .costing(2 * moved(forward) + bytes(o.dOut()) + 8 * (work(o) - blocks(shape)), o.flops());
    return o.dDelta()
        .map(delta -> List.of(backward,
            sum(work, buffers.gradient(delta.rates()).address(), shape.windows(), shape.heads())))
        .orElse(List.of(backward));
  }

  /** Adds the sums of parts to a gradient. */
  private Launch sum(long parts, long gradient, int count, int size) {
    return kernels.each("sum_parts", size, parts, gradient, count, size).moving(4L * (count + 2) * size);
  }

  Launch gatedNorm(GatedNorm o) {
    return kernels
        .launch("gated_norm",
            new Grid(Math.toIntExact(Math.ceilDiv(items(o), NORM_WARPS)), 1, NORM_WARPS * WARP, 0), at(o.x()),
            buffers.parameter(o.gain()).address(), at(o.gate()), at(o.out()), items(o), o.width(),
            (float) o.epsilon())
        .moving(bytes(o.x()) + bytes(o.gate()) + bytes(o.out()));
  }

  List<Launch> gatedNormBackward(GatedNorm.Backward o, long work) {
    GatedNorm forward = o.forward();
    int blocks = normBlocks(forward);
    return List.of(
        kernels.launch("gated_norm_backward",
            new Grid(blocks, 1, NORM_WARPS * WARP, 4 * NORM_WARPS * forward.width()), at(forward.x()),
            buffers.parameter(forward.gain()).address(), at(forward.gate()), at(o.dOut()), at(o.dX()),
            at(o.dGate()), work, items(forward), forward.width(), (float) forward.epsilon())
            .moving(bytes(forward.x()) + bytes(forward.gate()) + bytes(o.dOut()) + bytes(o.dX())
                + bytes(o.dGate())),
        sum(work, buffers.gradient(o.dGain()).address(), blocks, forward.width()));
  }
}
