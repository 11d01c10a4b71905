package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.testing.TestSeed;
import org.knowcap.testing.TimeLimit;

/** Nothing is allocated for a text or a window, and nothing is kept for a person. */
@Tag("process")
class ConstantMemoryTest {
  private static final int WINDOW = 512;
  private static final int WINDOWS = 3000;
  private static final String HEAP = "24m";

  @Test
  void readingWindowsAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long seed = TestSeed.value();
    Corpora.all(seed).forEach((kind, corpus) -> {
      WindowReader reader = new WindowReader(corpus, WINDOW, Cursor.START);
      int[] inputs = new int[WINDOW];
      int[] targets = new int[WINDOW];
      // What the JVM allocates once, to link code that is met for the first time, does not count.
      read(reader, 1000, inputs, targets);
      long before = threads.getCurrentThreadAllocatedBytes();
      read(reader, WINDOWS, inputs, targets);
      // Now and then the JVM allocates something of its own in this thread; an object a window would be 16 bytes.
      assertEquals(0, (threads.getCurrentThreadAllocatedBytes() - before) / WINDOWS, kind + ", seed " + seed);
    });
  }

  private static void read(WindowReader reader, int windows, int[] inputs, int[] targets) {
    for (int window = 0; window < windows; window++) {
      reader.read(inputs, targets, 0);
    }
  }

  /** In a JVM whose heap has two bits for each of the 100M people, and most of it is taken by the tokeniser. */
  @Test
  void memoryDoesNotGrowWithThePeople() throws Exception {
    for (long people : new long[]{20_000_000, 100_000_000}) {
      Process process = TimeLimit
          .start(new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx" + HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
              System.getProperty("java.class.path"), ConstantMemoryTest.class.getName(),
              Long.toString(people)).redirectErrorStream(true));
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, process.waitFor(), output);
      // The windows are those that a JVM with room for everything reads.
      assertEquals(windows(people), output.strip());
    }
  }

  /** Prints a digest of some windows. */
  public static void main(String[] arguments) {
    System.out.println(windows(Long.parseLong(arguments[0])));
  }

  /** From the first round, from its end, and from the millionth round. */
  private static String windows(long people) {
    BioS corpus = new BioS(people, 1, Pools.shipped(), Templates.shipped());
    int[] tokens = new int[WINDOW];
    int[] targets = new int[WINDOW];
    long digest = 0;
    for (long item : new long[]{0, people - 1000, 1_000_000 * people}) {
      WindowReader reader = new WindowReader(corpus, WINDOW, Cursor.ofNumbers(0, item, 0));
      for (int window = 0; window < 2000; window++) {
        reader.read(tokens, targets, 0);
        digest = 31 * digest + Arrays.hashCode(tokens);
      }
    }
    return Long.toHexString(digest);
  }
}
