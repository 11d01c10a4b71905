package org.knowcap.experiments.cli;

import java.util.List;
import java.util.Optional;
import org.knowcap.experiments.runner.SparkRequest;
import picocli.CommandLine.Option;

/** The options of spark-submit that commands take for '--launcher spark'. */
final class SparkOptions {
  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark: the cluster, such as spark://host:7077, yarn, or local[2]. Default: what Spark's settings say.")
  private Optional<String> master;

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description = "Spark: a setting, such as spark.executor.instances=20. May be given several times.")
  private List<String> settings = List.of();

  /** @throws org.knowcap.experiments.UserException where an option has a wrong value */
  SparkRequest request() {
    return new SparkRequest(master, settings);
  }

  /** Whether one of them was given. */
  boolean given() {
    return master.isPresent() || !settings.isEmpty();
  }
}
