package org.knowcap.analysis.units;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class UnitsTest {
  @Test
  void quantitiesReadTheSameInEveryLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertEquals("1,024,000", Units.count(1_024_000));
      assertEquals("1.5M", Units.brief(1.5e6));
      assertEquals("500", Units.brief(500));
      assertEquals("0.5", Units.brief(0.5));
      assertEquals("50k", Units.label(50_000));
      assertEquals("1,600", Units.label(1600));
      assertEquals("12,345", Units.label(12_345));
      assertEquals("21.4 kbit", Units.bits(21_431));
      assertEquals("1.00 Mbit", Units.bits(999_999));
      assertEquals("-3.20 bit", Units.bits(-3.2));
      assertEquals("0 bit", Units.bits(0));
      assertEquals("21.4 ± 0.3 kbit", Units.bits(21_431, 321));
      assertEquals("21.431 ± 0.003 kbit", Units.bits(21_431, 3));
      assertEquals("21.431 ± <0.001 kbit", Units.bits(21_431, 0.3));
      assertEquals("21.4 kbit", Units.bits(21_431, 0));
      assertEquals("0.0821 ± 0.0012", Units.ratio(0.08213, 0.00119));
      assertEquals("98.2 %", Units.percent(0.9821));
      assertEquals("0.0 %", Units.percent(-1e-6));
      assertEquals("3 min 20 s", Units.seconds(200.2));
      assertEquals("1 min 0 s", Units.seconds(59.7));
      assertEquals("2 h 5 min", Units.seconds(7510));
      assertEquals("4.2 s", Units.seconds(4.21));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aColumnHasOneUnit() {
    Units.Scale bits = Units.bitScale(DoubleStream.of(5540, 31.2, 12_345_678));
    assertEquals("kbit", bits.unit());
    assertEquals(List.of("5.54", "0.031", "12346", "5.54 ± 0.02", "5.540 ± <0.001", "0.000"),
        List.of(bits.number(5540, 0), bits.number(31.2, 0), bits.number(12_345_678, 0), bits.number(5540, 21),
            bits.number(5540, 0.2), bits.number(0.1, 0)));
    assertEquals(List.of("s", "min", "h"),
        Stream.of(80.0, 800.0, 8000.0)
            .map(most -> Units.timeScale(DoubleStream.of(3, most)).unit())
            .toList());
  }
}
