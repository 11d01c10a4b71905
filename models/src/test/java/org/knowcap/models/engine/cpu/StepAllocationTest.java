package org.knowcap.models.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.InitialParameters;
import org.knowcap.testing.TimeLimit;

/**
 * Once Java has compiled the loops, a step leaves nothing behind but the messages to the workers and their answers. A
 * vector that the compiler puts on the heap would be there a thousand times a step. In a process of its own, as runs
 * are: what other tests have made of a loop must not count.
 */
@Tag("process")
class StepAllocationTest {
  private static final long MOST_BYTES_A_STEP = 2000;
  private static final int STEPS_AT_A_TIME = 100;
  /** Java compiles while the loops run. Time of this process's own: on a busy machine it gets little of each minute. */
  private static final Duration MOST_WARM_UP = Duration.ofMinutes(3);
  /** In one process of some ten the compiler gives up a loop for good; where a loop cannot be compiled, it does so in all. */
  private static final int PROCESSES = 3;

  /** Each precision, kind of model, shape and optimiser once; fp32 and bf16 with whole vectors and without. */
  @ParameterizedTest
  @CsvSource({"FP32, gpt2-2-3-w16, 64, adamw", "AUTO, gpt2-moe4-2-2-w16, 70, adamw",
      "FP32, gpt2-2-2-w16-k1-alibi-document, 70, adamw",
      "AUTO, gpt2-2-2-w16-leaky9k2-document, 64, adafactor", "AUTO, gpt2-2-2-w16-canonabcd, 70, adamw",
      "FP32, gpt2-2-2-w16-gla, 64, adamw", "AUTO, gpt2-2-2-w16, 64, muon"})
  void stepsAllocateNextToNothingInBrief(Precision precision, String model, int length, String optimiser)
      throws Exception {
    stepsAllocateNextToNothing(precision, model, length, optimiser);
  }

  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"FP32, gpt2-2-2-w16, 70, adamw", "AUTO, gpt2-2-2-w16, 70, adamw",
      "AUTO, gpt2-2-3-w16, 64, adamw", "FP32, gpt2-moe4-2-2-w16, 70, adamw",
      "AUTO, mixtral4-2-2-w16, 70, adamw", "AUTO, gpt2-2-2-w16-leaky9k2-document, 70, adamw",
      "FP32, gpt2-2-2-w16, 70, adafactor"})
  void stepsAllocateNextToNothing(Precision precision, String model, int length, String optimiser)
      throws Exception {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < PROCESSES && least > MOST_BYTES_A_STEP; i++) {
      least = Math.min(least, bytes(precision, model, length, optimiser));
    }
    assertTrue(least <= MOST_BYTES_A_STEP, least + " bytes a step");
  }

  private static long bytes(Precision precision, String model, int length, String optimiser)
      throws Exception {
    List<String> command = new ArrayList<>(
        List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(CpuEngine.KEEP_LOOPS_APART);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), StepAllocationTest.class.getName(),
        precision.name(), model, Integer.toString(length), optimiser));
    Process process = TimeLimit
        .start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT), 1200);
    String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, process.waitFor(), answer);
    return Long.parseLong(answer);
  }

  /** Prints the bytes of a step once they are few enough, or when time is up. */
  public static void main(String[] arguments) {
    UpdateRule updateRule = switch (arguments[3]) {
      case "adamw" -> UpdateRule.by(new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01));
      case "muon" -> UpdateRule.by(new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true,
          Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.01));
      default -> UpdateRule.by(new Optimiser.Adafactor(1, true, 0.01)).withClip(0.1);
    };
    Program program = Program.training(ModelSpec.parse(arguments[1]), new TokenIds(53, 0), 5,
        Integer.parseInt(arguments[2]), updateRule);
    Batches batch = Batches.random(program, 53, RandomGeneratorFactory.of("L64X128MixRandom").create(4));
    Execution execution = new Execution(2, Precision.valueOf(arguments[0]));
    try (Session session = new CpuEngine().compile(program, execution)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 3)));
      long step = 0;
      long least = Long.MAX_VALUE;
      while (least > MOST_BYTES_A_STEP && ownNanoseconds() < MOST_WARM_UP.toNanos()) {
        long before = allocatedBytes();
        for (int i = 0; i < STEPS_AT_A_TIME; i++) {
          session.step(batch.tokens(), batch.targets(), 0.001, ++step);
        }
        least = Math.min(least, (allocatedBytes() - before) / STEPS_AT_A_TIME);
      }
      System.out.println(least);
    }
  }

  /** Of all cores, compiling included. */
  private static long ownNanoseconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** By this thread and the engine's, so far. */
  private static long allocatedBytes() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Thread.getAllStackTraces()
        .keySet()
        .stream()
        .filter(thread -> thread == Thread.currentThread() || thread.getName().startsWith("cpu-engine"))
        .mapToLong(thread -> threads.getThreadAllocatedBytes(thread.threadId()))
        .sum();
  }
}
