import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.training.InitialParameters;

/**
 * Processor time of a training step of the cpu engine on one thread, in microseconds: scripts/compare-builds.sh runs it by the classes of
 * two builds in turn. It uses only what builds since b9d2514 have in common.
 *
 * <p>Arguments: precision, model, vocabulary, context length, batch size, seconds of warm-up, stretches of 100 steps.
 */
public final class StepTime {
  private static final int STEPS_OF_A_STRETCH = 100;

  private StepTime() {}

  public static void main(String[] arguments) throws ReflectiveOperationException {
    Precision precision = Precision.valueOf(arguments[0].toUpperCase(Locale.ROOT));
    int vocabulary = Integer.parseInt(arguments[2]);
    int length = Integer.parseInt(arguments[3]);
    int windows = Integer.parseInt(arguments[4]);
    double warmUp = Double.parseDouble(arguments[5]);
    int stretches = Integer.parseInt(arguments[6]);
    Program program = program(arguments[1], vocabulary, windows, length);
    Random random = new Random(1);
    int[] tokens = random.ints(windows * length, 0, vocabulary).toArray();
    int[] targets = random.ints(windows * length, 0, vocabulary).toArray();
    try (Session session = new CpuEngine().compile(program, new Execution(1, precision))) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      long step = 0;
      long begin = own(false);
      while (own(false) - begin < warmUp * 1e9) {
        session.step(tokens, targets, 1e-4, ++step);
      }
      double best = Double.MAX_VALUE;
      long allocated = own(true);
      for (int stretch = 0; stretch < stretches; stretch++) {
        long before = own(false);
        for (int i = 0; i < STEPS_OF_A_STRETCH; i++) {
          session.step(tokens, targets, 1e-4, ++step);
        }
        best = Math.min(best, (own(false) - before) / 1e3 / STEPS_OF_A_STRETCH);
      }
      System.out.printf(Locale.ROOT, "%.1f us, %d bytes allocated, loss %.6f%n", best,
          (own(true) - allocated) / stretches / STEPS_OF_A_STRETCH, session.loss());
    }
  }

  /** Classes have moved, and what says how many tokens there are has changed. */
  private static Program program(String model, int vocabulary, int windows, int length)
      throws ReflectiveOperationException {
    Class<?> spec;
    try {
      spec = Class.forName("org.knowcap.models.architecture.ModelSpec");
    } catch (ClassNotFoundException e) {
      spec = Class.forName("org.knowcap.models.spec.ModelSpec");
    }
    Object parsed = spec.getMethod("parse", String.class).invoke(null, model);
    Optimiser adamW = new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01);
    try {
      return (Program) Program.class
          .getMethod("training", spec, int.class, int.class, int.class, Optimiser.class)
          .invoke(null, parsed, vocabulary, windows, length, adamW);
    } catch (NoSuchMethodException e) {
      Object ids = TokenIds.class.getConstructor(int.class, int.class).newInstance(vocabulary, 0);
      return (Program) Program.class
          .getMethod("training", spec, TokenIds.class, int.class, int.class, Optimiser.class)
          .invoke(null, parsed, ids, windows, length, adamW);
    }
  }

  /** Nanoseconds that this thread and the engine's have used, or bytes that they have allocated. */
  private static long own(boolean bytes) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long sum = 0;
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread == Thread.currentThread() || thread.getName().startsWith("cpu-engine")) {
        sum += bytes ? threads.getThreadAllocatedBytes(thread.threadId()) : threads.getThreadCpuTime(thread.threadId());
      }
    }
    return sum;
  }
}
