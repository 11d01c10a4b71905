package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import org.knowcap.models.program.Optimiser;

/**
 * One pass over a stretch of the flat buffers: sums the workers' gradients in the workers' order, zeroes them for the
 * next step, updates moments and parameters, and renews the parameters' bf16 copy.
 *
 * @param gradients offsets of the workers' gradients, each fp32 [P]
 * @param parameters offset, fp32 [P]
 * @param first offset of the first moment, fp32 [P]
 * @param second offset of the second moment, fp32 [P]; not used unless the optimiser has one
 * @param copy offset of the bf16 copy, [P]; not used unless {@code copies}
 * @param decaying elements at the front of the buffers that weight decay shrinks
 */
record Update(MemorySegment memory, Optimiser optimiser, long[] gradients, long parameters, long first,
    long second, long copy, boolean copies, long decaying) {
  /** Numbers of a stretch that stays in the innermost cache on its way. */
  private static final int CHUNK = 1024;

  /** Updates the elements from one to before another. */
  void run(long from, long to, double learningRate, long step) {
    float keep = (float) (1 - learningRate * optimiser.weightDecay());
    float rate = (float) (learningRate * unbiasFirst(step));
    float unbias = (float) unbiasSecond(step);
    long border = Math.clamp(decaying, from, to);
    stretch(from, border, rate, keep, unbias);
    stretch(border, to, rate, 1, unbias);
  }

  /** What AdamW's first moment is multiplied by to undo its start at zero. */
  private double unbiasFirst(long step) {
    return switch (optimiser) {
      case Optimiser.AdamW o -> 1 / (1 - Math.pow(o.beta1(), step));
      case Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> 1;
    };
  }

  /** The same for the root of its second moment. */
  private double unbiasSecond(long step) {
    return switch (optimiser) {
      case Optimiser.AdamW o -> 1 / Math.sqrt(1 - Math.pow(o.beta2(), step));
      case Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> 1;
    };
  }

  private void stretch(long from, long to, float rate, float keep, float unbias) {
    for (long i = from; i < to; i += CHUNK) {
      long end = Math.min(i + CHUNK, to);
      for (int worker = 1; worker < gradients.length; worker++) {
        Loops.accumulate(memory, gradients[worker] + 4 * i, false, gradients[0] + 4 * i, end - i);
        memory.asSlice(gradients[worker] + 4 * i, 4 * (end - i)).fill((byte) 0);
      }
      apply(i, end, rate, keep, unbias);
      if (copies) {
        Loops.narrow(memory, parameters, copy, i, end);
      }
    }
  }

  private void apply(long from, long to, float rate, float keep, float unbias) {
    switch (optimiser) {
      case Optimiser.AdamW o ->
        Loops.adamW(memory, parameters, gradients[0], first, second, (float) o.beta1(),
            (float) o.beta2(), (float) o.epsilon(), rate, keep, unbias, from, to);
      case Optimiser.Lion o -> Loops.signed(memory, parameters, gradients[0], first, (float) o.beta1(),
          (float) o.beta2(), rate, keep, from, to);
      // The step's blend is the moment to come: Lion with one beta.
      case Optimiser.Tiger o -> Loops.signed(memory, parameters, gradients[0], first, (float) o.beta(),
          (float) o.beta(), rate, keep, from, to);
      case Optimiser.Sgd o ->
        Loops.momentum(memory, parameters, gradients[0], first, (float) o.momentum(), rate, keep,
            from, to);
    }
  }
}
