package org.knowcap.experiments.calibrate;

/**
 * One line of the table: what was looked at, what was found, and what must be found.
 *
 * @param check name of the check
 * @param what was looked at, such as a kind of corpus
 * @param found in words, with its unit
 * @param allowed what must be found
 * @param verdict whether {@code found} is {@code allowed}
 */
public record Finding(String check, String what, String found, String allowed, Verdict verdict) {
  /** What a finding says about the instrument. */
  public enum Verdict {
    PASS,
    FAIL,
    /** There was nothing to look at here, such as a second engine. */
    SKIPPED
  }

  static Finding of(String check, String what, String found, String allowed, boolean passed) {
    return new Finding(check, what, found, allowed, passed ? Verdict.PASS : Verdict.FAIL);
  }
}
