package org.knowcap.models.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.knowcap.testing.TestSeed;

/** Formats of few bits, against the arithmetic and the tables of their specifications. */
@ExtendWith(TestSeed.class)
class FormatsTest {
  private static final double[][] NO_ROWS = {};

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom")
      .create(TestSeed.value());

  private static double[][] rounded(Quantiser quantiser, double[]... rows) {
    return Samples.quantised(quantiser, rows, NO_ROWS);
  }

  /** The values of codes 0 to the last finite one, as the specifications define them: exponent, bias, subnormals. */
  private static List<Double> table(int mantissaBits, int bias, int lastFinite) {
    List<Double> values = new ArrayList<>();
    for (int code = 0; code <= lastFinite; code++) {
      int exponent = code >> mantissaBits;
      double fraction = (code & (1 << mantissaBits) - 1) / (double) (1 << mantissaBits);
      values.add(
          exponent == 0 ? Math.pow(2, 1 - bias) * fraction : Math.pow(2, exponent - bias) * (1 + fraction));
    }
    return values;
  }

  /** The values of all codes, the middles between neighbours (ties go to the even code), what is beside them and beyond. */
  @ParameterizedTest
  @CsvSource({"E4M3, 3, 7, 126, 448, 0.001953125", "E5M2, 2, 15, 123, 57344, 0.0000152587890625",
      "E2M1, 1, 1, 7, 6, 0.5"})
  void smallFloatsRoundToNearestEven(String name, int mantissaBits, int bias, int lastFinite, double greatest,
      double least) {
    Minifloat format = switch (name) {
      case "E4M3" -> Minifloat.E4M3;
      case "E5M2" -> Minifloat.E5M2;
      default -> Minifloat.E2M1;
    };
    List<Double> table = table(mantissaBits, bias, lastFinite);
    // As the specifications print them.
    assertEquals(greatest, table.getLast());
    assertEquals(least, table.get(1));
    for (int sign : new int[]{1, -1}) {
      for (int code = 0; code < lastFinite; code++) {
        double value = sign * table.get(code);
        double next = sign * table.get(code + 1);
        double middle = (value + next) / 2;
        assertEquals(value, format.round(value), 0, "code " + code);
        assertEquals(code % 2 == 0 ? value : next, format.round(middle), 0,
            "between codes " + code + " and the next");
        assertEquals(value, format.round(middle + (value - middle) * 1e-9), 0, "code " + code);
        assertEquals(next, format.round(middle + (next - middle) * 1e-9), 0, "code " + (code + 1));
      }
      for (double beyond : new double[]{greatest, 1.01 * greatest, 1e30, Double.MAX_VALUE}) {
        assertEquals(sign * greatest, format.round(sign * beyond));
      }
    }
  }

  /** Blocks of 32 by hand: scale 2^(floor(log2 7) - 2) = 1, so 7 is 6; 5 lies between 4 and 6, whose code is odd. */
  @Test
  void mxfp4SharesAPowerOfTwo() {
    double[] row = new double[34];
    row[0] = 7;
    row[1] = -5;
    row[2] = 0.25;
    row[3] = 0.75;
    row[4] = 2.4;
    row[32] = 0.1;
    row[33] = -0.04;
    double[] rounded = rounded(Fp4.MXFP4, row)[0];
    assertArrayEquals(new double[]{6, -4, 0, 1, 2}, Arrays.copyOf(rounded, 5));
    // 2^-4 <= 0.1 < 2^-3, so the second block's scale is 2^-6: 6.4 of them become 6, 2.56 become 3.
    assertEquals(6.0 / 64, rounded[32]);
    assertEquals(-3.0 / 64, rounded[33]);
    assertEquals(2 * (32 * 4 + 8), Fp4.MXFP4.quantise(new double[][]{row}, Samples.inputs(NO_ROWS)));
  }

  /** NVFP4 by the definition: every block's scale is a code of E4M3, and every weight the nearest of 15 multiples. */
  @Test
  void nvfp4HasScalesOfTwoLevels() {
    List<Double> scales = table(3, 7, 126);
    double[] elements = DoubleStream.of(0, 0.5, 1, 1.5, 2, 3, 4, 6)
        .flatMap(x -> DoubleStream.of(x, -x))
        .toArray();
    double[][] weights = Samples.normal(5, 40, random);
    weights[3][7] = 9;
    Arrays.fill(weights[4], 16, 32, 0);
    double[][] rounded = rounded(Fp4.NVFP4, weights);
    float unit = (float) (9 / (6.0 * 448));
    for (int output = 0; output < 5; output++) {
      for (int from = 0; from < 40; from += 16) {
        int to = Math.min(40, from + 16);
        double wanted = Arrays.stream(weights[output], from, to).map(Math::abs).max().orElseThrow() / 6
            / unit;
        double scale = scales.stream()
            .min((a, b) -> Double.compare(Math.abs(a - wanted), Math.abs(b - wanted)))
            .orElseThrow() * unit;
        for (int i = from; i < to; i++) {
          double weight = weights[output][i];
          double nearest = Arrays.stream(elements).map(e -> Math.abs(e * scale - weight)).min().orElseThrow();
          assertEquals(nearest, Math.abs(rounded[output][i] - weight), 1e-9);
        }
      }
    }
    assertEquals(9, rounded[3][7], 1e-6, "the largest weight is kept");
    assertEquals(5 * 3 * (16 * 4 + 8) + 32, Fp4.NVFP4.quantise(weights, Samples.inputs(NO_ROWS)));
  }

  @ParameterizedTest
  @EnumSource(Fp8.class)
  void fp8ScalesAMatrixToItsLargestNumber(Fp8 format) {
    List<Double> table = format == Fp8.FP8_E4M3 ? table(3, 7, 126) : table(2, 15, 123);
    double[][] weights = Samples.normal(6, 7, random);
    double largest = Rows.largest(weights);
    double scale = (float) (largest / table.getLast());
    double[][] rounded = rounded(format, weights);
    for (int output = 0; output < 6; output++) {
      for (int i = 0; i < 7; i++) {
        double weight = weights[output][i];
        double nearest = table.stream()
            .mapToDouble(value -> Math.abs(Math.copySign(value * scale, weight) - weight))
            .min()
            .orElseThrow();
        assertEquals(nearest, Math.abs(rounded[output][i] - weight), 1e-12);
      }
    }
    assertEquals(42 * 8 + 32, format.quantise(weights, Samples.inputs(NO_ROWS)));
  }

  /** Mean absolute weight 0.5: from 0.25 on (a tie goes to zero) a weight is 0.5. */
  @Test
  void ternaryWeightsAreTheMeanSizeOrZero() {
    double[][] weights = {{1, -0.3, 0.2}, {-0.25, 0.9, -0.35}};
    double[][] rounded = rounded(new Ternary(), weights);
    assertArrayEquals(new double[]{0.5, -0.5, 0}, rounded[0], 1e-15);
    assertArrayEquals(new double[]{0, 0.5, -0.5}, rounded[1], 1e-15);
    assertEquals(2 * 8 + 32, new Ternary().quantise(weights, Samples.inputs(NO_ROWS)));
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  /** d = 254 / 127 = 2 = 0x4000 in half precision; codes are weights over 2, ties away from zero. */
  @Test
  void q80BytesByHand() {
    float[] w = new float[32];
    w[0] = 254;
    w[1] = -254;
    w[2] = 5;
    w[3] = -5;
    w[31] = 2;
    assertEquals("0040" + "7f81" + "03fd" + "00".repeat(27) + "01", hex(GgufFormat.Q8_0.encode(w)));
    assertArrayEquals(new float[]{254, -254, 6, -6},
        Arrays.copyOf(GgufFormat.Q8_0.decode(GgufFormat.Q8_0.encode(w)), 4));
  }

  /** The weight of largest size is -16, so d = 2: its code is 0; 15 would be code 15.5 + 0.5, which is cut to 15. */
  @Test
  void q40BytesByHand() {
    float[] w = new float[32];
    w[0] = -16;
    w[1] = 15;
    w[16] = 2;
    w[17] = -2;
    assertEquals("0040" + "90" + "7f" + "88".repeat(14), hex(GgufFormat.Q4_0.encode(w)));
    float[] decoded = GgufFormat.Q4_0.decode(GgufFormat.Q4_0.encode(w));
    assertArrayEquals(new float[]{-16, 14, 2, -2},
        new float[]{decoded[0], decoded[1], decoded[16], decoded[17]});
    // A positive extreme has a negative scale.
    w[0] = 16;
    assertEquals("00c0", hex(GgufFormat.Q4_0.encode(w)).substring(0, 4));
  }

  /** Groups that are 0.5 s q - 0.25 b exactly, with s and b of 6 bits, survive, and their bytes have the specification's places. */
  @Test
  void q4KBytesByHand() {
    int[] scales = {63, 1, 17, 32, 5, 47, 33, 20};
    int[] minima = {0, 14, 1, 40, 16, 12, 63, 31};
    float[] w = new float[256];
    for (int i = 0; i < 256; i++) {
      w[i] = 0.5f * scales[i / 32] * (i % 16) - 0.25f * minima[i / 32];
    }
    ByteBuffer bytes = ByteBuffer.wrap(GgufFormat.Q4_K.encode(w)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(144, bytes.remaining());
    assertEquals(0.5f, Float.float16ToFloat(bytes.getShort(0)), "d: the largest scale is 63 d");
    assertEquals(0.25f, Float.float16ToFloat(bytes.getShort(2)), "m: the largest minimum is 63 m");
    for (int group = 0; group < 8; group++) {
      assertEquals(scales[group], scale(bytes, group), "scale of group " + group);
      assertEquals(minima[group], minimum(bytes, group), "minimum of group " + group);
      for (int i = 0; i < 32; i++) {
        int both = Byte.toUnsignedInt(bytes.get(16 + group / 2 * 32 + i));
        assertEquals(i % 16, group % 2 == 0 ? both & 15 : both >> 4, "code " + i + " of group " + group);
      }
    }
    assertArrayEquals(w, GgufFormat.Q4_K.decode(bytes.array()));
  }

  /** As the specification unpacks them: bytes 4..7 of a group's kind below 4, else two halves. */
  private static int scale(ByteBuffer bytes, int group) {
    return group < 4
        ? bytes.get(4 + group) & 63
        : bytes.get(8 + group) & 15 | (Byte.toUnsignedInt(bytes.get(group)) >> 6) << 4;
  }

  private static int minimum(ByteBuffer bytes, int group) {
    return group < 4
        ? bytes.get(8 + group) & 63
        : Byte.toUnsignedInt(bytes.get(8 + group)) >> 4
            | (Byte.toUnsignedInt(bytes.get(4 + group)) >> 6) << 4;
  }

  /** Random weights: what is decoded is what the bytes mean by the specification, and near the weights. */
  @Test
  void q4KDecodesByTheSpecificationAndIsNear() {
    float[] w = new float[512];
    IntStream.range(0, 512).forEach(i -> w[i] = (float) (random.nextGaussian() * (1 + i / 32)));
    byte[] encoded = GgufFormat.Q4_K.encode(w);
    float[] decoded = GgufFormat.Q4_K.decode(encoded);
    for (int block = 0; block < 2; block++) {
      ByteBuffer bytes = ByteBuffer.wrap(Arrays.copyOfRange(encoded, 144 * block, 144 * (block + 1)))
          .order(ByteOrder.LITTLE_ENDIAN);
      float d = Float.float16ToFloat(bytes.getShort(0));
      float m = Float.float16ToFloat(bytes.getShort(2));
      for (int i = 0; i < 256; i++) {
        int group = i / 32;
        int both = Byte.toUnsignedInt(bytes.get(16 + group / 2 * 32 + i % 32));
        int code = group % 2 == 0 ? both & 15 : both >> 4;
        float meant = d * scale(bytes, group) * code - m * minimum(bytes, group);
        assertEquals(meant, decoded[256 * block + i], "element " + i);
        // A group of n standard deviations' width has 15 steps; its scale and minimum are rounded to 1/63 of the largest.
        assertEquals(w[256 * block + i], meant, 0.4 * 8 * (block + 1), "element " + i);
      }
    }
    double error = IntStream.range(0, 512).mapToDouble(i -> Math.pow(w[i] - decoded[i], 2)).sum();
    double size = IntStream.range(0, 512).mapToDouble(i -> w[i] * w[i]).sum();
    assertTrue(error < 0.01 * size, "4.5 bits a weight leave less than 1 % of the variance: " + error / size);
  }

  @ParameterizedTest
  @EnumSource(GgufFormat.class)
  void zerosStayZerosAndHugeScalesAreRefused(GgufFormat format) {
    assertArrayEquals(new float[256], format.decode(format.encode(new float[256])), 1e-30f);
    float[] huge = new float[256];
    huge[5] = 1e9f;
    assertTrue(assertThrows(IllegalArgumentException.class, () -> format.encode(huge)).getMessage()
        .contains("65504"));
  }

  @Test
  void rowsOfPartsOfBlocksStayInHalfPrecision() {
    double[][] weights = Samples.normal(3, 48, random);
    double[][] rounded = rounded(new GgufBlocks(GgufFormat.Q8_0), weights);
    for (int i = 0; i < 48; i++) {
      assertEquals(Float.float16ToFloat(Float.floatToFloat16((float) weights[1][i])), rounded[1][i]);
    }
    assertEquals(3 * 48 * 16, new GgufBlocks(GgufFormat.Q8_0).quantise(weights, Samples.inputs(NO_ROWS)));
    assertEquals(2 * 34 * 8,
        new GgufBlocks(GgufFormat.Q8_0).quantise(Samples.normal(1, 64, random), Samples.inputs(NO_ROWS)));
  }
}
