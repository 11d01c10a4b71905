package org.knowcap.experiments.run;

import java.util.Objects;

/**
 * The files of a run's folder that its result was made from, so that a result from elsewhere is noticed.
 *
 * @param runJson SHA-256 of {@code run.json}
 * @param checkpoint the checksum that {@code checkpoint.safetensors} states of its content, under {@code sha256} in its metadata
 */
public record Origin(String runJson, String checkpoint) {
  public Origin {
    Objects.requireNonNull(runJson, "runJson");
    Objects.requireNonNull(checkpoint, "checkpoint");
  }
}
