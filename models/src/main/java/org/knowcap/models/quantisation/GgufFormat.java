package org.knowcap.models.quantisation;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Block formats of GGUF files, to the bit (https://github.com/ggml-org/ggml, docs/gguf.md, and the block structures of
 * ggml-common.h). Consecutive weights of a row make a block, which has its own scale; numbers of 16 bits are IEEE half
 * precision, bytes are little-endian.
 */
public enum GgufFormat {
  /** 32 weights: a scale d, then 32 signed codes of 8 bits; w = d q. */
  Q8_0(8, 32, 34) {
    @Override
    void encode(float[] w, int from, ByteBuffer out) {
      float scale = largest(w, from) / 127;
      out.putShort(half(scale));
      for (int i = 0; i < block(); i++) {
        float quotient = scale == 0 ? 0 : w[from + i] * (1 / scale);
        // Ties away from zero, as ggml rounds.
        out.put((byte) (Math.signum(quotient) * (int) (Math.abs(quotient) + 0.5f)));
      }
    }

    @Override
    void decode(ByteBuffer in, float[] w, int from) {
      float scale = Float.float16ToFloat(in.getShort());
      for (int i = 0; i < block(); i++) {
        w[from + i] = scale * in.get();
      }
    }

    private float largest(float[] w, int from) {
      float largest = 0;
      for (int i = from; i < from + block(); i++) {
        largest = Math.max(largest, Math.abs(w[i]));
      }
      return largest;
    }
  },
  /**
   * 32 weights: a scale d, then 16 bytes, of which byte i has the codes of weights i (low half) and i + 16 (high half);
   * w = d (q - 8). d is such that the largest weight, with its sign, has the code 0.
   */
  Q4_0(4, 32, 18) {
    @Override
    void encode(float[] w, int from, ByteBuffer out) {
      float extreme = 0;
      for (int i = from; i < from + block(); i++) {
        extreme = Math.abs(w[i]) > Math.abs(extreme) ? w[i] : extreme;
      }
      float scale = extreme / -8;
      out.putShort(half(scale));
      for (int i = 0; i < block() / 2; i++) {
        out.put((byte) (code(w[from + i], scale) | code(w[from + block() / 2 + i], scale) << 4));
      }
    }

    private int code(float weight, float scale) {
      return scale == 0 ? 8 : Math.min(15, (int) (weight * (1 / scale) + 8.5f));
    }

    @Override
    void decode(ByteBuffer in, float[] w, int from) {
      float scale = Float.float16ToFloat(in.getShort());
      for (int i = 0; i < block() / 2; i++) {
        int both = Byte.toUnsignedInt(in.get());
        w[from + i] = ((both & 15) - 8) * scale;
        w[from + block() / 2 + i] = ((both >> 4) - 8) * scale;
      }
    }
  },
  /**
   * 256 weights in 8 groups of 32: two scales d and m, then 6 bits for each group's scale s and minimum b, packed into 12
   * bytes, then 128 bytes, of which 32 have the codes of two groups (low and high halves); w = d s q - m b.
   */
  Q4_K(4, 256, 144) {
    @Override
    void encode(float[] w, int from, ByteBuffer out) {
      SuperBlock.of(w, from).encode(w, from, out);
    }

    @Override
    void decode(ByteBuffer in, float[] w, int from) {
      SuperBlock.read(in).decode(in, w, from);
    }
  };

  private final int bits;
  private final int block;
  private final int bytes;

  GgufFormat(int bits, int block, int bytes) {
    this.bits = bits;
    this.block = block;
    this.bytes = bytes;
  }

  /** Bits of a weight's code. */
  public int bits() {
    return bits;
  }

  /** Weights of a block. */
  public int block() {
    return block;
  }

  /** Bytes of a block. */
  public int bytes() {
    return bytes;
  }

  /** Whether rows of this many weights consist of whole blocks. */
  public boolean divides(long inputs) {
    return inputs % block == 0;
  }

  /** Writes the block that begins at {@code w[from]}; out is little-endian. */
  abstract void encode(float[] w, int from, ByteBuffer out);

  /** Reads a block. */
  abstract void decode(ByteBuffer in, float[] w, int from);

  /**
   * The bytes of rows of weights.
   *
   * @param weights row after row, a multiple of {@link #block}, all finite
   * @throws IllegalArgumentException if a scale is too large for half precision
   */
  public byte[] encode(float[] weights) {
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact((long) weights.length / block * bytes))
        .order(ByteOrder.LITTLE_ENDIAN);
    for (int from = 0; from < weights.length; from += block) {
      encode(weights, from, out);
    }
    return out.array();
  }

  /** The weights that bytes stand for. */
  public float[] decode(byte[] encoded) {
    ByteBuffer in = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
    float[] weights = new float[encoded.length / bytes * block];
    for (int from = 0; from < weights.length; from += block) {
      decode(in, weights, from);
    }
    return weights;
  }

  /**
   * The nearest number of half precision, as its bits.
   *
   * @throws org.knowcap.models.engine.RoundingException beyond 65504, its largest
   */
  public static short half(float value) {
    Half.round(value);
    return Float.floatToFloat16(value);
  }
}
