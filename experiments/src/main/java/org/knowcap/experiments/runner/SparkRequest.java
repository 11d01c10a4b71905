package org.knowcap.experiments.runner;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.knowcap.experiments.UserException;

/**
 * What is asked of Spark, in the words of spark-submit.
 *
 * @param master address of the cluster; empty for what Spark's own settings say
 * @param settings of Spark, each {@code KEY=VALUE}
 */
public record SparkRequest(Optional<String> master, List<String> settings) {
  /** Settings that Knowcap's tasks depend on, and what to give in their place. */
  private static final String CPUS = "spark.task.cpus";
  private static final Set<String> OWN = Set.of("spark.submit.deployMode", "spark.speculation",
      "spark.master", "spark.app.name");

  public SparkRequest {
    settings = List.copyOf(settings);
    master.filter(String::isBlank).ifPresent(value -> {
      throw UserException.usage(
          "--master must be an address such as spark://host:7077, yarn or local[2], found '" + value + "'");
    });
    for (String setting : settings) {
      if (!setting.matches("spark\\.[^=\\s]+=[^\\n\\r]*")) {
        throw UserException
            .usage("--conf must be KEY=VALUE, such as spark.executor.memory=2g, found '" + setting + "'");
      }
      String key = setting.substring(0, setting.indexOf('='));
      if (key.equals(CPUS)) {
        throw UserException.usage("--conf cannot set " + CPUS + ": --threads does");
      }
      if (OWN.contains(key)) {
        throw UserException.usage("--conf cannot set " + key + ": Knowcap needs its own"
            + (key.equals("spark.master") ? "; give --master" : ""));
      }
    }
  }
}
