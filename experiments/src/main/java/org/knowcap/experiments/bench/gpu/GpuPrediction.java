package org.knowcap.experiments.bench.gpu;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.cuda.LaunchDescription;
import org.knowcap.models.engine.cuda.StepLaunches;

/**
 * Predicts how long a training step in bf16 takes on a GPU that is not at hand. The time of each launch follows from
 * the bytes that it moves, the matmuls that it computes, and the cost of a launch. Nothing is fitted to measurements
 * of this engine, because there are none yet.
 *
 * @param launches of a step, in order
 */
public record GpuPrediction(TrainingShape shape, Chip chip, List<Timed> launches) {
  /** Cards with published measurements of large matmuls and of copies. */
  public static final List<Chip> CHIPS = List.of(new Chip("H200", 790e12, 4.3e12),
      new Chip("H100", 790e12, 3.09e12));

  /** A kernel of a graph, from the end of the one before to its own first byte, and until its last block is done. */
  private static final double LAUNCH_SECONDS = 3e-6;
  /**
   * Assumed fractions: of a copy's speed in kernels that stream rows, of a copy's speed in cuBLASLt's narrow
   * matmuls, and of a large matmul's speed.
   */
  private static final double STREAMING = 0.85;
  private static final double PRODUCTS_STREAMING = 0.65;
  private static final double MULTIPLYING = 0.85;
  /** Bytes that a thread has in flight, and the time until they arrive; these bound a kernel with few threads. */
  private static final double BYTES_IN_FLIGHT = 32;
  private static final double LATENCY_SECONDS = 0.7e-6;
  /**
   * Attention computes by mma.sync, and is bound by the instructions around it: a warp's 16 x 32 tile of heads 64
   * wide takes 370 forwards, 332 for the queries' gradient and 432 for the keys' as compiled for sm_90a, of which a
   * multiprocessor's four schedulers start 0.4 each a cycle of 1.755 GHz; and of whose pairs 89 % at T = 512 are
   * seen. Operations a second of a multiprocessor of 132.
   */
  private static final Map<String, Double> ATTENTION = Map.of("tensor_attend", rate(2, 370),
      "tensor_attend_queries", rate(3, 332), "tensor_attend_keys", rate(4, 432));

  private static double rate(int products, int instructions) {
    double perInstruction = products * 2.0 * 16 * 32 * 64 / instructions;
    return perInstruction * 0.4 * 4 * 132 * 1.755e9 * 0.89;
  }

  /**
   * A card.
   *
   * @param flopsPerSecond of a large bf16 matmul of random numbers
   * @param bytesPerSecond of a copy, read and written
   */
  public record Chip(String name, double flopsPerSecond, double bytesPerSecond) {
    /** Words in the names of cards with such a chip but other clocks or memory, and of slices of a card. */
    private static final List<String> OTHERS = List.of("PCIe", "NVL", "MIG");

    /** The card that a driver gives this name, if its speed is known. */
    static Optional<Chip> of(String card) {
      List<String> words = List.of(card.split("[^A-Za-z0-9]+"));
      return words.stream().anyMatch(OTHERS::contains)
          ? Optional.empty()
          : CHIPS.stream().filter(chip -> words.contains(chip.name)).findFirst();
    }

    /** Seconds that a launch should take. */
    double seconds(LaunchDescription launch) {
      double bytes = (launch.grid().isPresent() ? STREAMING : PRODUCTS_STREAMING) * bytesPerSecond;
      double flops = ATTENTION.getOrDefault(launch.name(), MULTIPLYING * flopsPerSecond);
      if (launch.grid().isPresent()) {
        double threads = launch.grid().get().x() * (double) launch.grid().get().y()
            * launch.grid().get().threads() * launch.replicas();
        bytes = Math.min(bytes, threads * BYTES_IN_FLIGHT / LATENCY_SECONDS);
      }
      return LAUNCH_SECONDS + launch.leastSeconds(flops, bytes);
    }
  }

  /** A launch and the seconds that it should take. */
  public record Timed(LaunchDescription launch, double seconds) {}

  /** Predicts a step of AdamW on one batch. */
  public static GpuPrediction of(TrainingShape shape, Chip chip) {
    return new GpuPrediction(shape, chip,
        StepLaunches.of(shape.program(), Precision.BF16)
            .stream()
            .map(launch -> new Timed(launch, chip.seconds(launch)))
            .toList());
  }

  /** Seconds of a step. */
  public double seconds() {
    return launches.stream().mapToDouble(Timed::seconds).sum();
  }

  public double tokensPerSecond() {
    return shape.tokens() / seconds();
  }

  public double bytes() {
    return launches.stream().mapToDouble(timed -> timed.launch.bytes()).sum();
  }

  public double flops() {
    return launches.stream().mapToDouble(timed -> timed.launch.flops()).sum();
  }

  /** A table as Markdown: equal launches share a line, the longest come first, and the step comes last. */
  public String markdown() {
    StringBuilder text = new StringBuilder(String.format(Locale.ROOT,
        "%s on one %s, bf16, predicted: %d launches, %.2f GB, %.3f TFLOP, %.0f us, %.2fM tokens/s%n%n"
            + "| launch | grid | times | MB | GFLOP | us each | share |%n|---|---|---|---|---|---|---|%n",
        shape.name(), chip.name, launches.size(), bytes() / 1e9, flops() / 1e12, seconds() * 1e6,
        tokensPerSecond() / 1e6));
    Map<LaunchDescription, Integer> times = new LinkedHashMap<>();
    launches.forEach(timed -> times.merge(timed.launch, 1, Integer::sum));
    times.entrySet()
        .stream()
        .sorted(Comparator.comparingDouble(entry -> -entry.getValue() * chip.seconds(entry.getKey())))
        .forEach(entry -> {
          LaunchDescription launch = entry.getKey();
          String grid = launch.grid()
              .map(g -> g.x() + " x " + g.y() + " x " + g.threads())
              .orElse("cuBLASLt's");
          text.append(String.format(Locale.ROOT, "| %s | %s | %d | %.1f | %.1f | %.1f | %.1f %% |%n",
              launch.name(), grid, entry.getValue(), launch.bytes() / 1e6, launch.flops() / 1e9,
              chip.seconds(launch) * 1e6, 100 * entry.getValue() * chip.seconds(launch) / seconds()));
        });
    return text.toString();
  }
}
