package org.knowcap.experiments.study;

import java.nio.file.Path;
import org.knowcap.generators.bios.BioS;

/**
 * The settings of a study's bioR that are known before its texts exist: the people that the texts are about, and the
 * file of the texts.
 *
 * @param people N
 * @param seed of the people; not one of the study's seeds, because many runs use the texts
 * @param from what the people are made of
 * @param name of the file of texts, as the study gives it
 * @param file where that is
 */
public record RewritingSpec(long people, long seed, Lists from, String name, Path file) {
  /** The people, as a bioS. */
  public BioS who() {
    return new BioS(people, seed, from.pools(), from.templates());
  }
}
