package org.knowcap.experiments.bench.gpu;

import java.util.List;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.cuda.LaunchDescription;

/** The result of an item. */
public sealed interface GpuResult {
  /**
   * The GPU and the libraries.
   *
   * @param engine how the cuda engine describes them
   * @param handicap why the engine is slow here; empty if it is not
   */
  record Machine(String engine, String handicap) implements GpuResult {}

  /**
   * The speed of the GPU, whatever the model.
   *
   * @param matmulTeraflops 10^12 operations a second of one large bf16 matmul of random numbers
   * @param copyTerabytes 10^12 bytes a second, read and written
   */
  record Meter(double matmulTeraflops, double copyTerabytes) implements GpuResult {}

  /**
   * How far the engine is from the cpu engine in fp32.
   *
   * @param loss largest difference of the mean loss over ten steps, in nats
   * @param gradient largest difference of what the optimiser keeps of the first step's gradients, in parts of the
   *        largest
   * @param tolerance of either
   * @param parameterGradient largest |difference| / |gradient| of a parameter's gradient; 0 where the optimiser
   *        keeps none
   * @param parameter which one's
   * @param parameterTolerance of that
   */
  record Parity(String model, Precision precision, double loss, double gradient, double tolerance,
      double parameterGradient, String parameter, double parameterTolerance) implements GpuResult {
    /**
     * How far the engine may be off.
     *
     * @param common of loss, in nats, and of gradients, in parts of the largest
     * @param parameter of a parameter's gradient, in parts of its norm
     */
    record Tolerance(double common, double parameter) {
      /** In bf16 a token that stands between two experts may be routed to the other, so experts are given more. */
      static Tolerance of(Precision precision, boolean experts) {
        return precision == Precision.FP32
            ? new Tolerance(2e-4, 2e-4)
            : experts ? new Tolerance(0.1, 0.1) : new Tolerance(0.05, 0.02);
      }
    }

    /** Whether all differences are within tolerance; false if a difference is NaN. */
    public boolean holds() {
      return loss <= tolerance && gradient <= tolerance && parameterGradient <= parameterTolerance;
    }
  }

  /** Speed of a shape in bf16, with AdamW every step. */
  record Speed(String shape, double tokensPerSecond) implements GpuResult {}

  /**
   * Several runs of a shape that train as one, against one by itself.
   *
   * @param tokensPerSecond of all of them
   * @param alone tokens a second of one by itself
   */
  record Fused(String shape, int runs, double tokensPerSecond, double alone) implements GpuResult {}

  /**
   * A step's launches.
   *
   * @param stepSeconds of a whole step, as one graph
   * @param markSeconds subtracted from each launch: the time that a timestamp takes
   */
  record Profile(String shape, double stepSeconds, double markSeconds,
      List<Launch> launches) implements GpuResult {}

  /**
   * One launch.
   *
   * @param grid blocks and threads, or empty for cuBLASLt's matmuls
   * @param bytes that it reads and writes at least
   * @param flops of its matmuls
   */
  record Launch(String kernel, String grid, double seconds, long bytes, double flops) {
    static Launch of(LaunchDescription launch, double seconds) {
      String grid = launch.grid()
          .map(each -> each.x() + "x" + each.y() + "x" + launch.replicas() + " of " + each.threads())
          .orElse("");
      return new Launch(launch.name(), grid, seconds, launch.bytes(), launch.flops());
    }

    /** The launch without its time, which is equal for equal launches. */
    Launch untimed() {
      return new Launch(kernel, grid, 0, bytes, flops);
    }
  }

  /** The output of scripts/check_hf_export.py for a model that passed. */
  record Exported(String model, String said) implements GpuResult {}

  /** PyTorch's speed in one mode. */
  record Peer(String shape, String mode, double tokensPerSecond, long peakBytes,
      String versions) implements GpuResult {}
}
