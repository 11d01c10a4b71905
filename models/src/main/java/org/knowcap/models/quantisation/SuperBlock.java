package org.knowcap.models.quantisation;

import java.nio.ByteBuffer;

/**
 * The scales of a block of {@link GgufFormat#Q4_K}: of group g, w = d s_g q - m b_g, q = 0..15. The format leaves open
 * how they are chosen. Here each group's scale and minimum are fitted by least squares and rounded codes in turn; both
 * are then rounded to 6 bits.
 *
 * @param scale d, as half precision keeps it
 * @param minimum m, likewise
 * @param scales s of each group, 0..63
 * @param minima b of each group, 0..63
 */
record SuperBlock(float scale, float minimum, int[] scales, int[] minima) {
  private static final int GROUPS = 8;
  private static final int GROUP = 32;
  private static final int TOP = 15;
  private static final int TOP_SCALE = 63;
  private static final int ROUNDS = 8;

  /** A line w = slope q - drop, with slope and drop at least 0. */
  private record Line(double slope, double drop) {
    int code(double weight) {
      return slope == 0 ? 0 : (int) Math.clamp(Math.rint((weight + drop) / slope), 0, TOP);
    }

    double error(float[] w, int from) {
      double sum = 0;
      for (int i = from; i < from + GROUP; i++) {
        double difference = w[i] - (slope * code(w[i]) - drop);
        sum += difference * difference;
      }
      return sum;
    }

    /** The line that fits a group best among those of the search. */
    static Line fitted(float[] w, int from) {
      double least = 0;
      double greatest = 0;
      for (int i = from; i < from + GROUP; i++) {
        least = Math.min(least, w[i]);
        greatest = Math.max(greatest, w[i]);
      }
      Line line = new Line((greatest - least) / TOP, -least);
      Line best = line;
      double error = line.error(w, from);
      for (int round = 0; round < ROUNDS && error > 0; round++) {
        line = line.refitted(w, from);
        double now = line.error(w, from);
        if (now >= error) {
          break;
        }
        best = line;
        error = now;
      }
      return best;
    }

    /** Least squares of the weights on the codes that this line gives them. */
    private Line refitted(float[] w, int from) {
      double q = 0;
      double qq = 0;
      double x = 0;
      double qx = 0;
      for (int i = from; i < from + GROUP; i++) {
        int code = code(w[i]);
        q += code;
        qq += code * code;
        x += w[i];
        qx += code * (double) w[i];
      }
      double spread = GROUP * qq - q * q;
      double steep = spread == 0 ? slope : (GROUP * qx - q * x) / spread;
      double down = (steep * q - x) / GROUP;
      if (down < 0) {
        return new Line(qq == 0 ? slope : Math.max(0, qx / qq), 0);
      }
      return new Line(Math.max(0, steep), down);
    }
  }

  static SuperBlock of(float[] w, int from) {
    Line[] lines = new Line[GROUPS];
    double steepest = 0;
    double deepest = 0;
    for (int group = 0; group < GROUPS; group++) {
      lines[group] = Line.fitted(w, from + group * GROUP);
      steepest = Math.max(steepest, lines[group].slope);
      deepest = Math.max(deepest, lines[group].drop);
    }
    float scale = (float) Half.round(steepest / TOP_SCALE);
    float minimum = (float) Half.round(deepest / TOP_SCALE);
    int[] scales = new int[GROUPS];
    int[] minima = new int[GROUPS];
    for (int group = 0; group < GROUPS; group++) {
      scales[group] = sixBits(lines[group].slope, scale);
      minima[group] = sixBits(lines[group].drop, minimum);
    }
    return new SuperBlock(scale, minimum, scales, minima);
  }

  private static int sixBits(double value, float unit) {
    return unit == 0 ? 0 : (int) Math.clamp(Math.rint(value / unit), 0, TOP_SCALE);
  }

  private float slope(int group) {
    return scale * scales[group];
  }

  private float drop(int group) {
    return minimum * minima[group];
  }

  void encode(float[] w, int from, ByteBuffer out) {
    out.putShort(Float.floatToFloat16(scale)).putShort(Float.floatToFloat16(minimum));
    byte[] packed = new byte[12];
    for (int g = 0; g < 4; g++) {
      packed[g] = (byte) (scales[g] | scales[g + 4] >> 4 << 6);
      packed[g + 4] = (byte) (minima[g] | minima[g + 4] >> 4 << 6);
      packed[g + 8] = (byte) (scales[g + 4] & 15 | (minima[g + 4] & 15) << 4);
    }
    out.put(packed);
    for (int g = 0; g < GROUPS; g += 2) {
      Line low = new Line(slope(g), drop(g));
      Line high = new Line(slope(g + 1), drop(g + 1));
      for (int i = from + g * GROUP; i < from + (g + 1) * GROUP; i++) {
        out.put((byte) (low.code(w[i]) | high.code(w[i + GROUP]) << 4));
      }
    }
  }

  static SuperBlock read(ByteBuffer in) {
    float scale = Float.float16ToFloat(in.getShort());
    float minimum = Float.float16ToFloat(in.getShort());
    byte[] packed = new byte[12];
    in.get(packed);
    int[] scales = new int[GROUPS];
    int[] minima = new int[GROUPS];
    for (int g = 0; g < 4; g++) {
      scales[g] = packed[g] & 63;
      minima[g] = packed[g + 4] & 63;
      scales[g + 4] = packed[g + 8] & 15 | (packed[g] & 0xc0) >> 2;
      minima[g + 4] = (packed[g + 8] & 0xf0) >> 4 | (packed[g + 4] & 0xc0) >> 2;
    }
    return new SuperBlock(scale, minimum, scales, minima);
  }

  void decode(ByteBuffer in, float[] w, int from) {
    for (int g = 0; g < GROUPS; g += 2) {
      for (int i = from + g * GROUP; i < from + (g + 1) * GROUP; i++) {
        int both = Byte.toUnsignedInt(in.get());
        w[i] = slope(g) * (both & 15) - drop(g);
        w[i + GROUP] = slope(g + 1) * (both >> 4) - drop(g + 1);
      }
    }
  }
}
