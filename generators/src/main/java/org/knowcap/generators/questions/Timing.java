package org.knowcap.generators.questions;

import java.util.Map;

/** When training asks. */
public sealed interface Timing {
  /** What a corpus's parameters say of it. */
  Map<String, Object> parameters();

  /** What the name of a corpus says of it. */
  String words();

  /**
   * Among the biographies, in windows of their own.
   *
   * @param perExposure how often each question occurs, for each exposure of a biography
   */
  record Mixed(double perExposure) implements Timing {
    /** @throws IllegalArgumentException if the number is out of range */
    public Mixed {
      if (!(perExposure > 0 && perExposure <= 1000)) {
        throw new IllegalArgumentException(
            "questions per exposure must be above 0 and at most 1000, found " + perExposure);
      }
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("per_exposure", perExposure);
    }

    @Override
    public String words() {
      return perExposure == 1 ? "" : ", " + perExposure + " an exposure";
    }
  }

  /**
   * After all biographies: a second phase of the training, on questions alone.
   *
   * @param exposures how often each question occurs
   */
  record Afterwards(long exposures) implements Timing {
    /** @throws IllegalArgumentException if there are none */
    public Afterwards {
      if (exposures < 1) {
        throw new IllegalArgumentException(
            "exposures of questions after the biographies must be 1 or more, found " + exposures);
      }
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("tuning_exposures", exposures);
    }

    @Override
    public String words() {
      return ", " + exposures + " times afterwards";
    }
  }
}
