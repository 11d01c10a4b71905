package org.knowcap.generators.corpus;

import java.util.Locale;

/** What a biography says of a person. */
public enum Attribute {
  NAME, BIRTH_DATE, BIRTH_CITY, UNIVERSITY, MAJOR, EMPLOYER,
  /** Told by the pronoun "He" or "She". */
  GENDER,
  /** Follows from the employer. */
  EMPLOYER_CITY;

  /** Whether it holds bits of its own: all but {@link #EMPLOYER_CITY} do. */
  public boolean knowledge() {
    return this != EMPLOYER_CITY;
  }

  /** The name used in files, as in "birth_date". */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
