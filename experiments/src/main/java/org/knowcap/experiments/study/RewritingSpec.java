package org.knowcap.experiments.study;

import java.nio.file.Path;
import org.knowcap.generators.bios.BioS;

/**
 * What of a study's bioR there is before its texts are: whom they are about, and where they go.
 *
 * @param people N
 * @param seed of the people; not one of the study's seeds, as texts serve many runs
 * @param from what the people are made of
 * @param name of the file of texts, as the study gives it
 * @param file where that is
 */
public record RewritingSpec(long people, long seed, Lists from, String name, Path file) {
  /** The people, as bioS has them. */
  public BioS who() {
    return new BioS(people, seed, from.pools(), from.templates());
  }
}
