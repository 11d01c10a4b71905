package org.knowcap.experiments.study;

/**
 * What is measured of each run, and when.
 *
 * @param people number of people who are measured; all people if there are fewer
 * @param along at which steps of the training
 */
public record MeasurementSettings(long people, Along along) {
  /** Steps after which a model is measured; all runs are measured at the end. */
  public enum Along {
    /** Only at the end. */
    END,
    /** Also along training, at steps whose distances grow: a factor of about the square root of two lies between them. */
    LOG
  }
}
