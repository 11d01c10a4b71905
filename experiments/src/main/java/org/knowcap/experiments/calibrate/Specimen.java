package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bior.BioR;
import org.knowcap.generators.bior.RewrittenLine;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.strings.RandomStrings;
import org.knowcap.generators.strings.StringShape;

/**
 * A corpus to try the instrument on.
 *
 * @param kind as a study names it
 * @param everybody enough people to have every word of its lists
 */
record Specimen(String kind, Corpus corpus, Source everybody) {
  private static final PoolSizes SIZES = new PoolSizes(20, 15, 40, 12, 28, 20, 15, 20, 12, 25);
  /**
   * T^L is neither D nor D^2, so log2 T^L, log2 D and log2(T^L / D) are three different numbers, and a formula that
   * confuses them is noticed.
   */
  private static final BioDShape SHAPE = new BioDShape(3, 2, 16, 3, 16);
  /** There are 32,768 strings. */
  private static final StringShape STRINGS = new StringShape(5, 8);
  private static final int ENOUGH = 1600;

  /** Symbols of a chunk of values that are symbols: those of random strings are drawn one by one. */
  int symbols() {
    return everybody instanceof RandomStrings ? 1 : SHAPE.length();
  }

  /** The possible names and values, counted. */
  Possibilities possibilities() {
    return new Possibilities(everybody, symbols());
  }

  /** Bits that guesses store: none, but of bioD's diversity. */
  double guessedBits(Possibilities possibilities) {
    return everybody instanceof BioD ? possibilities.guessedDiversity(SHAPE.alphabet()) : 0;
  }

  /** One of each kind. */
  static List<Specimen> all(long seed, long people) throws IOException {
    BioS bioS = new BioS(people, seed, Pools.shipped(SIZES), Templates.shipped());
    BioS everybody = new BioS(ENOUGH, seed, Pools.shipped(SIZES), Templates.shipped());
    BioD bioD = new BioD(people, SHAPE, seed, Pools.shipped(SIZES));
    BioD everyString = new BioD(ENOUGH, SHAPE, seed, Pools.shipped(SIZES));
    return List
        .of(new Specimen("bioS", bioS, everybody), new Specimen("bioS-simple", bioS.simple(), everybody),
            new Specimen("bioD", bioD, everyString), new Specimen("bioR", bioR(
                bioS), everybody),
            new Specimen("mixture",
                new Mixture(
                    seed, List
                        .of(new Mixture.Ingredient(bioS, 0.5, "books"),
                            new Mixture.Ingredient(new BioS(SIZES.names() - people, seed,
                                Pools.shipped(SIZES), Templates.shipped()).from(people), 0.5, "junk"))),
                everybody),
            new Specimen("revised",
                new RevisedCorpus(bioS,
                    new Revision(0.3, Set.of(Attribute.EMPLOYER, Attribute.BIRTH_DATE), seed), 3, 0.5),
                everybody),
            new Specimen("strings", new RandomStrings(people, STRINGS, seed, seed),
                new RandomStrings(ENOUGH, STRINGS, seed, seed)));
  }

  /** A bioR whose texts are word for word those of bioS, as if a language model had written them. */
  private static BioR bioR(BioS people) throws IOException {
    Path file = Files.createTempFile("knowcap-calibrate", ".jsonl");
    try {
      Files.write(file, LongStream.range(0, 2 * people.people()).mapToObj(number -> {
        int[] tokens = people.annotated(number).tokens();
        return new RewrittenLine(people.person(number), number / people.people(), "",
            people.vocabulary().decode(tokens, 1, tokens.length)).line();
      }).toList());
      return new BioR(RewrittenTexts.read(file, people), people.seed(), people.seed());
    } finally {
      Files.delete(file);
    }
  }
}
