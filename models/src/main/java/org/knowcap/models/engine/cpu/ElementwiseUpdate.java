package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;

/**
 * One pass over a stretch of the flat buffers: sums the workers' gradients, updates statistics and parameters, and
 * renews the parameters' bf16 copy.
 */
final class ElementwiseUpdate implements Update {
  /** Elements that a worker updates are a multiple of this, a cache line. */
  private static final int UNIT = 16;

  private final MemorySegment memory;
  private final Layout layout;
  private final Gradients gradients;
  private final Optimiser optimiser;
  private final boolean gathered;
  private final List<Program.Range> decays;
  private final long count;
  private final int workers;

  /**
   * @param decays the ranges that it updates, of buffers of so many elements
   * @param gathered whether the gradients are summed before this comes
   */
  ElementwiseUpdate(MemorySegment memory, Layout layout, List<Program.Range> decays, long count,
      Gradients gradients, Optimiser optimiser, boolean gathered) {
    this.memory = memory;
    this.layout = layout;
    this.gradients = gradients;
    this.optimiser = optimiser;
    this.gathered = gathered;
    this.decays = decays;
    this.count = count;
    workers = gradients.offsets().length;
  }

  /** The first element of a worker's part, which ends where the next one's starts. */
  static long start(long count, int workers, int worker) {
    return Math.min(worker * Math.ceilDiv(Math.ceilDiv(count, workers), UNIT) * UNIT, count);
  }

  @Override
  public void run(int worker, double learningRate, long step, float scale) {
    long from = start(count, workers, worker);
    long to = start(count, workers, worker + 1);
    float rate = (float) (learningRate * unbiasFirst(step));
    float unbias = (float) unbiasSecond(step);
    for (int i = 0; i < decays.size(); i++) {
      Program.Range range = decays.get(i);
      float keep = (float) (1 - learningRate * range.decay());
      stretch(Math.clamp(range.from(), from, to), Math.clamp(range.to(), from, to), scale, rate, keep,
          unbias);
    }
  }

  /** The factor that corrects AdamW's first moment for its start at zero. */
  private double unbiasFirst(long step) {
    return optimiser instanceof Optimiser.AdamW o ? 1 / (1 - Math.pow(o.beta1(), step)) : 1;
  }

  /** The factor that corrects the root of its second moment. */
  private double unbiasSecond(long step) {
    return optimiser instanceof Optimiser.AdamW o ? 1 / Math.sqrt(1 - Math.pow(o.beta2(), step)) : 1;
  }

  private void stretch(long from, long to, float scale, float rate, float keep, float unbias) {
    for (long i = from; i < to; i += Gradients.CHUNK) {
      long end = Math.min(i + Gradients.CHUNK, to);
      if (!gathered) {
        gradients.gather(i, end);
      }
      gradients.scale(i, end, scale);
      apply(i, end, rate, keep, unbias);
      if (layout.dtype().isBf16()) {
        Loops.toBf16(memory, layout.parameters, layout.copy, i, end);
      }
    }
  }

  private void apply(long from, long to, float rate, float keep, float unbias) {
    switch (optimiser) {
      case Optimiser.AdamW o ->
          Loops.adamW(memory, layout.parameters, gradients.sum(), layout.firstMoment, layout.secondMoment,
              (float) o.beta1(), (float) o.beta2(), (float) o.epsilon(), rate, keep, unbias, from, to);
      case Optimiser.Lion o -> Loops.signed(memory, layout.parameters, gradients.sum(), layout.firstMoment,
          (float) o.beta1(), (float) o.beta2(), rate, keep, from, to);
      // The step's blend is the moment to come: Lion with one beta.
      case Optimiser.Tiger o -> Loops.signed(memory, layout.parameters, gradients.sum(), layout.firstMoment,
          (float) o.beta(), (float) o.beta(), rate, keep, from, to);
      case Optimiser.Sgd o -> Loops.momentum(memory, layout.parameters, gradients.sum(), layout.firstMoment,
          (float) o.momentum(), rate, keep, from, to);
      case Optimiser.Adafactor _,Optimiser.Muon _ ->
          throw new IllegalStateException("this update goes by parameters: " + optimiser);
    }
  }
}
