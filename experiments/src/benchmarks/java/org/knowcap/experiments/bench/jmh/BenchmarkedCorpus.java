package org.knowcap.experiments.bench.jmh;

import java.util.List;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** The corpora whose generators are timed: of the paper's pool sizes, and as many people as its largest. */
public enum BenchmarkedCorpus {
  /** Redrawn at every exposure. */
  BIO_S,
  /** One text for each person. */
  BIO_S_SIMPLE,
  /** K = 5, C = 2, L = 2, with D = 1,000 of 10,000 strings. */
  BIO_D,
  /** One window in eight of 20M useful people behind a domain token, the others of 100M junk people. */
  MIXTURE;

  private static final long SEED = 1;
  private static final long PEOPLE = 20_000_000;
  private static final long JUNK_PEOPLE = 100_000_000;

  /** Makes it. */
  public Corpus corpus() {
    return switch (this) {
      case BIO_S -> bioS();
      case BIO_S_SIMPLE -> bioS().simple();
      case BIO_D -> new BioD(PEOPLE, new BioDShape(5, 2, 1000, 2, 100), SEED, Pools.shipped());
      case MIXTURE -> {
        BioS junk = new BioS(JUNK_PEOPLE, SEED, Pools.shipped(), Templates.shipped()).from(PEOPLE);
        yield new Mixture(SEED,
            List.of(new Ingredient(bioS(), 0.125, "<useful>"), new Ingredient(junk, 0.875, "")));
      }
    };
  }

  private static BioS bioS() {
    return new BioS(PEOPLE, SEED, Pools.shipped(), Templates.shipped());
  }
}
