package org.knowcap.experiments.bench.jmh;

import org.knowcap.experiments.bench.CorpusSpeed;
import org.knowcap.experiments.bench.Benchmarks;
import org.knowcap.experiments.bench.Effort;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.knowcap.experiments.bench.CorpusSpeed.Copy;

class JmhBenchmarksTest {
  /** JMH would refuse to run while another build on this machine runs it. */
  @BeforeAll
  static void ignoreOthers() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  @Test
  void everyCorpusIsTimedInJvmsOfItsOwn() throws Exception {
    List<String> steps = new ArrayList<>();
    CorpusSpeed.Table table = Benchmarks.ofThisBuild()
        .corpora(new Effort(1, 0, 1, 20), List.of(2), steps::add);
    assertEquals(5, table.speeds().size());
    assertEquals(6, steps.size());
    Copy copy = table.copies().getFirst();
    for (CorpusSpeed speed : table.speeds()) {
      assertEquals(2, speed.threads());
      assertEquals(speed.bytesPerSecond() / copy.bytesPerSecond(), speed.copyFraction(), 1e-9);
      // An id has four bytes; of text, GPT-2's tokens have between two and ten each.
      double bytesOfAToken = speed.bytesPerSecond() / speed.tokensPerSecond();
      assertTrue(speed.output().equals("text")
          ? bytesOfAToken > 2 && bytesOfAToken < 10
          : bytesOfAToken == Integer.BYTES, speed.toString());
    }
  }
}
