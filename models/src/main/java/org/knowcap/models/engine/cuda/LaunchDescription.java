package org.knowcap.models.engine.cuda;

import java.util.Optional;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;

/**
 * What one launch does: of all replicas, if there are several.
 *
 * @param name the kernel's, or of a product of cuBLASLt's its shape
 * @param grid blocks and threads; absent for cuBLASLt's products, which choose their own
 * @param replicas runs that are computed at once, the grid's third dimension
 * @param bytes that it reads and writes at least, each number once
 * @param flops floating-point operations of products, a multiply-add counted as two; other arithmetic is not counted
 */
public record LaunchDescription(String name, Optional<Grid> grid, int replicas, long bytes, double flops) {
  /** Seconds below which it cannot be done: its products or its memory traffic, whichever takes longer. */
  public double leastSeconds(double flopsPerSecond, double bytesPerSecond) {
    return Math.max(flops / flopsPerSecond, bytes / bytesPerSecond);
  }
}
