package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.pools.PoolSizes;

class BioSBitsTest {

  /** The figures that the paper's formula gives at the paper's sizes. */
  @Test
  void agreesWithThePapersCorpora() {
    BitContent bits = BioSBits.of(50_000, PoolSizes.PAPER);
    assertEquals(27.2535, bits.part("names").uniformBits(), 5e-5);
    assertEquals(47.5916, bits.part("values").uniformBits(), 5e-5);
    assertEquals(47.5916, bits.part("values").maxBits(), 5e-5);
    assertEquals(59.235, bits.totalBits() / 50_000, 5e-4);
    assertEquals(2.9618e6, bits.totalBits(), 50);
    assertEquals(0.6156e6, BioSBits.of(10_000, PoolSizes.PAPER).totalBits(), 50);
    assertEquals(1011.83e6, BioSBits.of(20_000_000, PoolSizes.PAPER).totalBits(), 5e3);
  }

  /** 2^bits, counted in whole numbers: (N0/N)^N S0^N. */
  @Test
  void agreesWithWholeNumbers() {
    for (PoolSizes sizes : new PoolSizes[]{new PoolSizes(2, 3, 5, 1, 2, 3, 4, 5, 6, 7),
        new PoolSizes(1, 1, 9, 1, 1, 1, 1, 1, 1, 1), new PoolSizes(20, 20, 50, 12, 28, 50, 20, 30, 10, 25)}) {
      for (int people : new int[]{1, 2, 9}) {
        BigInteger values = BigInteger.TWO;
        for (int size : new int[]{sizes.months(), sizes.days(), sizes.years(), sizes.birthCities(),
            sizes.universities(), sizes.majors(), sizes.employers()}) {
          values = values.multiply(BigInteger.valueOf(size));
        }
        BigDecimal corpora = new BigDecimal(BigInteger.valueOf(sizes.names()).multiply(values).pow(people))
            .divide(BigDecimal.valueOf(people).pow(people), MathContext.DECIMAL128);
        assertEquals(log2(corpora), BioSBits.of(people, sizes).totalBits(), 1e-9);
      }
    }
  }

  @Test
  void noPartOfThatName() {
    assertThrows(IllegalArgumentException.class, () -> BioSBits.of(1, PoolSizes.PAPER).part("diversity"));
  }

  private static double log2(BigDecimal number) {
    int shift = number.toBigInteger().bitLength() - 1;
    return shift + Math
        .log(number.divide(new BigDecimal(BigInteger.TWO.pow(shift)), MathContext.DECIMAL128).doubleValue())
        / Math.log(2);
  }
}
