package org.knowcap.experiments.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.random.CounterRandom;

/**
 * Checks that bits which are planted value by value are measured within the standard error, and that this error is
 * not too large.
 */
record PlantedCheck(List<Specimen> specimens, long seed, Measurer measurer) implements Check {
  private static final int TRIALS = 12;
  private static final double[] SHARES = {0.25, 0.5, 0.9};
  /** Share of the people that is measured. */
  private static final double SAMPLE = 0.25;
  /** A normally distributed error is larger once in 30,000 times, in standard errors. */
  private static final double MOST = 4.2;

  @Override
  public String name() {
    return "planted";
  }

  @Override
  public String about() {
    return "bits that a scorer knows of a chosen share of the values are found within the standard error";
  }

  @Override
  public List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    for (Specimen specimen : specimens) {
      Possibilities possibilities = specimen.possibilities();
      for (double share : SHARES) {
        double squares = 0;
        double largest = 0;
        String last = "";
        for (int trial = 0; trial < TRIALS; trial++) {
          Planted planted = new Planted(specimen.corpus().measured(), possibilities,
              specimen.guessedBits(possibilities), share,
              new CounterRandom(seed + trial).child(Double.doubleToLongBits(share)));
          WatchedCorpus corpus = new WatchedCorpus(specimen.corpus(), seed + trial);
          Capacity found = measurer
              .measure(corpus, (long) (SAMPLE * specimen.corpus().measured().people()),
                  new ByHand(corpus, planted))
              .capacity(1);
          double error = (found.storedBits() - planted.bits()) / found.storedBitsStandardError();
          squares += error * error / TRIALS;
          largest = Math.max(largest, Math.abs(error));
          last = Units.bits(found.storedBits(), found.storedBitsStandardError()) + ", planted "
              + Units.bits(planted.bits());
        }
        // By chance the mean of twelve squares is below 0.12 or above 3.4 once in 5,000 times (chi-squared).
        findings.add(Finding.of(name(), specimen.kind() + ", " + Math.round(100 * share) + " % of the values",
            last + "; mean square of " + TRIALS + " errors " + String.format(Locale.ROOT, "%.2f", squares)
                + ", largest " + String.format(Locale.ROOT, "%.1f", largest),
            "mean square 0.12 to 3.4, largest " + MOST,
            squares >= 0.12 && squares <= 3.4 && largest <= MOST));
      }
    }
    return findings;
  }

  /** Some values of some people are known for certain, and the others are guessed. */
  private record Planted(Source source, Possibilities possibilities, double guessedBits, double share,
      CounterRandom random) implements ByHand.Losses {
    private boolean known(long person, Attribute attribute) {
      long bits = random.child(attribute.key().hashCode()).bits(person);
      return (bits >>> 11) * 0x1p-53 < share;
    }

    @Override
    public double of(Source asked, long person, Attribute attribute) {
      if (attribute.equals(Attribute.NAME)) {
        return Math.log(source.people());
      }
      return known(person, attribute) ? 0 : possibilities.nats(attribute);
    }

    /** All bits of the names, and those of the known values. */
    double bits() {
      double nats = source.people() * (possibilities.nats(Attribute.NAME) - Math.log(source.people()));
      for (Attribute attribute : source.truth().attributes()) {
        for (long person = 0; person < source.people(); person++) {
          if (known(person, attribute)) {
            // The first chunks of an attribute's values tell the strings that chunks are made of.
            double strings = possibilities.strings(attribute);
            nats += possibilities.nats(attribute)
                + (strings > 0 ? strings * Math.log(strings) / source.people() : 0);
          }
        }
      }
      return nats / Math.log(2) + guessedBits;
    }
  }
}
