package org.knowcap.analysis.units;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Locale;
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
}
