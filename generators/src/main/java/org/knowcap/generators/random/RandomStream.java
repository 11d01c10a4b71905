package org.knowcap.generators.random;

/** Independent streams of random numbers. A stream is its place in this list: add at the end only. */
public enum RandomStream {
  NAMES,
  ROUNDS,
  TEXTS,
  MEASURING,
  GENDER,
  MONTH,
  DAY,
  YEAR,
  BIRTH_CITY,
  UNIVERSITY,
  MAJOR,
  EMPLOYER,
  WINDOWS,
  REVISIONS,
  DIVERSITY,
  CHUNKS;

  public CounterRandom random(long seed) {
    return new CounterRandom(seed).child(ordinal());
  }
}
