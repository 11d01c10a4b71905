package org.knowcap.models.engine.cuda;

/**
 * A kernel or a matmul that is ready to be launched.
 *
 * @param work asks for it
 */
record Launch(LaunchDescription description, Runnable work) {
  /**
   * The same with what it costs.
   *
   * @param bytes read and written at least by one replica, each number once
   * @param flops of products, for one replica
   */
  Launch costing(long bytes, double flops) {
    LaunchDescription d = description;
    return new Launch(
        new LaunchDescription(d.name(), d.grid(), d.replicas(), d.replicas() * bytes, d.replicas() * flops),
        work);
  }

  /** The same of a kernel that only moves numbers. */
  Launch moving(long bytes) {
    return costing(bytes, 0);
  }

  void run() {
    work.run();
  }
}
