package org.knowcap.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.knowcap.experiments.bench.CorpusSpeed.Copy;

class CorpusSpeedTest {
  /** JMH would refuse to run while another build on this machine runs it. */
  @BeforeAll
  static void ignoreOthers() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  @Test
  void everyCorpusIsTimedInJvmsOfItsOwn() throws Exception {
    List<String> steps = new ArrayList<>();
    CorpusSpeed.Table table = CorpusSpeed.measure(new Effort(1, 0, 1, 20), steps::add);
    int runs = Runtime.getRuntime().availableProcessors() == 1 ? 1 : 2;
    assertEquals(runs, table.copies().size());
    assertEquals(runs * 5, table.speeds().size());
    assertEquals(runs * 6, steps.size());
    for (CorpusSpeed speed : table.speeds()) {
      Copy copy = table.copies().stream().filter(each -> each.threads() == speed.threads()).findFirst()
          .orElseThrow();
      assertEquals(speed.bytesPerSecond() / copy.bytesPerSecond(), speed.copyFraction(), 1e-9);
      // An id has four bytes; of text, GPT-2's tokens have between two and ten each.
      double bytesOfAToken = speed.bytesPerSecond() / speed.tokensPerSecond();
      assertTrue(speed.output().equals("text")
          ? bytesOfAToken > 2 && bytesOfAToken < 10
          : bytesOfAToken == Integer.BYTES, speed.toString());
    }
  }
}
