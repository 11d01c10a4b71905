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
 * @param second offset of the second moment, fp32 [P]
 * @param copy offset of the bf16 copy, [P]; not used unless {@code copies}
 * @param decaying elements at the front of the buffers that weight decay shrinks
 */
record Update(MemorySegment memory, Optimiser.AdamW adamW, long[] gradients, long parameters, long first,
    long second, long copy, boolean copies, long decaying) {
  /** Numbers of a stretch that stays in the innermost cache on its way. */
  private static final int CHUNK = 1024;

  /** Updates the elements from one to before another. */
  void run(long from, long to, double learningRate, long step) {
    double unbiasFirst = 1 / (1 - Math.pow(adamW.beta1(), step));
    double unbiasSecond = 1 / Math.sqrt(1 - Math.pow(adamW.beta2(), step));
    float rate = (float) (learningRate * unbiasFirst);
    float keep = (float) (1 - learningRate * adamW.weightDecay());
    long border = Math.clamp(decaying, from, to);
    stretch(from, border, rate, keep, (float) unbiasSecond);
    stretch(border, to, rate, 1, (float) unbiasSecond);
  }

  private void stretch(long from, long to, float rate, float keep, float unbias) {
    for (long i = from; i < to; i += CHUNK) {
      long end = Math.min(i + CHUNK, to);
      for (int worker = 1; worker < gradients.length; worker++) {
        Loops.accumulate(memory, gradients[worker] + 4 * i, false, gradients[0] + 4 * i, end - i);
        memory.asSlice(gradients[worker] + 4 * i, 4 * (end - i)).fill((byte) 0);
      }
      Loops.adamW(memory, parameters, gradients[0], first, second, (float) adamW.beta1(),
          (float) adamW.beta2(),
          (float) adamW.epsilon(), rate, keep, unbias, i, end);
      if (copies) {
        Loops.narrow(memory, parameters, copy, i, end);
      }
    }
  }
}
