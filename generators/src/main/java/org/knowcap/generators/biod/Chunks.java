package org.knowcap.generators.biod;

import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.people.AppliedRevision;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.RandomStream;

/** The chunks of bioD's values: which of an attribute's D strings each chunk is. */
sealed interface Chunks {

  /** The index of a chunk's string, 0..D-1. */
  int index(long individual, int attribute, int chunk);

  /** The values before any revision. */
  final class Original implements Chunks {
    private final CounterRandom random;
    private final BioDShape shape;

    Original(CounterRandom random, BioDShape shape) {
      this.random = random;
      this.shape = shape;
    }

    @Override
    public int index(long individual, int attribute, int chunk) {
      return random.below(shape.diversity(),
          (individual * shape.attributes() + attribute) * shape.chunks() + chunk);
    }
  }

  /** The values after a revision; each new value is uniform over all values except the old one. */
  final class Revised implements Chunks {
    private final Chunks before;
    private final AppliedRevision revision;
    private final BioDShape shape;
    private final CounterRandom[][] randoms;
    private final boolean[] revised;

    /** @throws IllegalArgumentException if an attribute has one value only */
    Revised(Chunks before, AppliedRevision revision, BioDShape shape) {
      this.before = before;
      this.revision = revision;
      this.shape = shape;
      if (shape.diversity() == 1) {
        throw new IllegalArgumentException(
            "with a diversity (D) of 1 there is one value only, and it cannot be revised");
      }
      CounterRandom random = RandomStream.CHUNKS.random(revision.seed());
      revised = new boolean[shape.attributes()];
      randoms = new CounterRandom[shape.attributes()][shape.chunks()];
      for (int attribute = 0; attribute < revised.length; attribute++) {
        revised[attribute] = revision.revises(Attribute.id(attribute + 1));
        for (int chunk = 0; chunk < shape.chunks(); chunk++) {
          randoms[attribute][chunk] = random.child((long) attribute * shape.chunks() + chunk);
        }
      }
    }

    @Override
    public int index(long individual, int attribute, int chunk) {
      return revised[attribute] && revision.changes(individual)
          ? redrawn(individual, attribute, chunk)
          : before.index(individual, attribute, chunk);
    }

    /** Draws a value until it differs from the old one. */
    private int redrawn(long individual, int attribute, int chunk) {
      for (long attempt = 0;; attempt++) {
        for (int each = 0; each < shape.chunks(); each++) {
          if (draw(individual, attribute, each, attempt) != before.index(individual, attribute, each)) {
            return draw(individual, attribute, chunk, attempt);
          }
        }
      }
    }

    private int draw(long individual, int attribute, int chunk, long attempt) {
      return randoms[attribute][chunk].below(shape.diversity(), AppliedRevision.counter(individual, attempt));
    }
  }
}
