package org.knowcap.generators.corpus;

import org.knowcap.generators.random.CounterRandom;

/** Independent streams of random numbers. A stream is its place in this list: add at the end only. */
enum Purpose {
  NAMES,
  ROUNDS,
  TEXTS,
  PROBES,
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

  CounterRandom random(long seed) {
    return new CounterRandom(seed).child(ordinal());
  }
}
