package org.knowcap.models.quantisation;

import java.util.Locale;

/**
 * Rounds weights to what a GGUF file keeps of them. A matrix whose rows do not consist of whole blocks is kept in half
 * precision, as in the files.
 */
public record GgufBlocks(GgufFormat format) implements FixedQuantiser {
  @Override
  public String method() {
    return format.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public int bits() {
    return format.bits();
  }

  @Override
  public int group() {
    return format.block();
  }

  @Override
  public boolean fits(int inputs) {
    return format.divides(inputs);
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    int width = weights[0].length;
    for (double[] row : weights) {
      if (fits(width)) {
        float[] decoded = format.decode(format.encode(floats(row)));
        for (int i = 0; i < width; i++) {
          row[i] = decoded[i];
        }
      } else {
        for (int i = 0; i < width; i++) {
          row[i] = Half.round(row[i]);
        }
      }
    }
    long size = (long) weights.length * width;
    return fits(width) ? size / format.block() * format.bytes() * Byte.SIZE : size * Half.BITS;
  }

  private static float[] floats(double[] row) {
    float[] floats = new float[row.length];
    for (int i = 0; i < row.length; i++) {
      floats[i] = (float) row[i];
    }
    return floats;
  }
}
