package org.knowcap.generators.random;

/**
 * Independent streams of random numbers, one for each use. A stream is keyed by its ordinal: new ones must be
 * added at the end.
 */
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
  CHUNKS,
  QUESTIONS,
  RANKS,
  STRINGS,
  REPLAYED;

  /** The stream of a seed. */
  public CounterRandom random(long seed) {
    return new CounterRandom(seed).child(ordinal());
  }
}
