package org.knowcap.models.engine.cpu;

/** Something done to one worker's slice of the batch; all addresses were settled when it was made. */
@FunctionalInterface
interface Kernel {
  /**
   * @param firstRow the slice's first row among those of the whole batch: ids are read, and losses written, there
   */
  void run(int firstRow);
}
