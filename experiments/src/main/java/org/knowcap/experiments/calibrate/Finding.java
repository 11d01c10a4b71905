package org.knowcap.experiments.calibrate;

/**
 * One line of the table: what was looked at, what came out, and what must.
 *
 * @param check name of the check
 * @param what was looked at, such as a kind of corpus
 * @param found in words, with its unit
 * @param allowed what it must be
 * @param verdict whether it is
 */
public record Finding(String check, String what, String found, String allowed, Verdict verdict) {
  /** What a finding says of the instrument. */
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
