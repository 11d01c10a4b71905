package org.knowcap.models.engine.cuda;

import java.util.List;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.cuda.driver.Replicas;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Program;

/** The launches of a training step, computed without a GPU. */
public final class StepLaunches {
  private StepLaunches() {}

  /**
   * The launches of a step's only batch and its update, in order, as on a GPU where cuBLASLt's epilogues are the faster
   * way.
   */
  public static List<LaunchDescription> of(Program program, Precision precision) {
    DType dtype = CudaEngine.dtype(precision);
    KernelSource source = KernelSource.of(program, dtype);
    KernelModule kernels = KernelModule.described(Replicas.ONE);
    return new Launches(program, kernels, MatMuls.described(kernels), new Buffers(program, dtype), source,
        true).lastBatch().stream().map(Launch::description).toList();
  }
}
