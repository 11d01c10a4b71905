package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
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
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector g = gradient(i);
      FloatVector m = moment(Vectors.load(memory, first, i, false), g, adamW.beta1());
      FloatVector v = moment(Vectors.load(memory, second, i, false), g.mul(g), adamW.beta2());
      Vectors.store(m, memory, first, i, false);
      Vectors.store(v, memory, second, i, false);
      FloatVector p = updated(Vectors.load(memory, parameters, i, false), m, v, rate, keep, unbias);
      Vectors.store(p, memory, parameters, i, false);
      if (copies) {
        Vectors.store(p, memory, copy, i, true);
      }
    }
    if (i < to) {
      VectorMask<Float> rest = FLOATS.indexInRange(i, to);
      FloatVector g = gradient(i, rest);
      FloatVector m = moment(Vectors.load(memory, first, i, false, rest), g, adamW.beta1());
      FloatVector v = moment(Vectors.load(memory, second, i, false, rest), g.mul(g), adamW.beta2());
      Vectors.store(m, memory, first, i, false, rest);
      Vectors.store(v, memory, second, i, false, rest);
      FloatVector p = updated(Vectors.load(memory, parameters, i, false, rest), m, v, rate, keep, unbias);
      Vectors.store(p, memory, parameters, i, false, rest);
      if (copies) {
        Vectors.store(p, memory, copy, i, true, rest);
      }
    }
  }

  private FloatVector gradient(long i) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (long gradient : gradients) {
      sum = sum.add(Vectors.load(memory, gradient, i, false));
      Vectors.store(FloatVector.zero(FLOATS), memory, gradient, i, false);
    }
    return sum;
  }

  private FloatVector gradient(long i, VectorMask<Float> mask) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (long gradient : gradients) {
      sum = sum.add(Vectors.load(memory, gradient, i, false, mask));
      Vectors.store(FloatVector.zero(FLOATS), memory, gradient, i, false, mask);
    }
    return sum;
  }

  private static FloatVector moment(FloatVector before, FloatVector sample, double beta) {
    return sample.mul((float) (1 - beta)).add(before.mul((float) beta));
  }

  private FloatVector updated(FloatVector p, FloatVector m, FloatVector v, float rate, float keep,
      float unbias) {
    FloatVector root = v.lanewise(VectorOperators.SQRT).mul(unbias).add((float) adamW.epsilon());
    return p.mul(keep).sub(m.mul(rate).div(root));
  }
}
