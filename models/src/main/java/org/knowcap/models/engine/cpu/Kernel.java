package org.knowcap.models.engine.cpu;

import java.util.List;

/** Something done to one worker's slice of the batch; all addresses were settled when it was made. */
@FunctionalInterface
interface Kernel {
  /**
   * @param firstRow the slice's first row among those of the whole batch: ids are read, and losses written, there
   */
  void run(int firstRow);

  /** One after the other. */
  static Kernel inOrder(List<Kernel> kernels) {
    Kernel[] all = kernels.toArray(Kernel[]::new);
    return firstRow -> {
      for (Kernel kernel : all) {
        kernel.run(firstRow);
      }
    };
  }
}
