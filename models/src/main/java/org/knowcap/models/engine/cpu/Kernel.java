package org.knowcap.models.engine.cpu;

import java.util.List;

/** A computation on one worker's slice of the batch; all addresses are fixed when the kernel is made. */
@FunctionalInterface
interface Kernel {
  /**
   * @param firstRow the slice's first row among those of the whole batch: ids are read, and losses written, there
   */
  void run(int firstRow);

  /** A kernel that runs these kernels one after the other. */
  static Kernel inOrder(List<Kernel> kernels) {
    Kernel[] all = kernels.toArray(Kernel[]::new);
    return firstRow -> {
      for (Kernel kernel : all) {
        kernel.run(firstRow);
      }
    };
  }
}
