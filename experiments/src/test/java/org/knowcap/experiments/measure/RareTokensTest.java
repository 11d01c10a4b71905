package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

class RareTokensTest {
  @Test
  void theyAreTheTenthThatComesLeast() {
    Corpus corpus = new BioS(30, 4, Pools.shipped(new PoolSizes(5, 4, 10, 6, 7, 8, 9, 11, 12, 13)),
        Templates.shipped());
    int tokens = 64 * 200;
    BitSet rare = RareTokens.of(corpus, 64, tokens);
    int[] stream = new int[tokens];
    WindowReader reader = new WindowReader(corpus, 64, Cursor.START);
    for (int window = 0; window < 200; window++) {
      reader.read(stream, new int[tokens], 64 * window);
    }
    long[] counts = new long[corpus.vocabulary().size()];
    for (int token : stream) {
      counts[token]++;
    }
    long most = rare.stream().mapToLong(token -> counts[token]).max().orElseThrow();
    assertTrue(rare.cardinality() >= counts.length / 10, rare.cardinality() + " of " + counts.length);
    assertTrue(rare.cardinality() < counts.length / 2, rare.cardinality() + " of " + counts.length);
    for (int token = 0; token < counts.length; token++) {
      assertEquals(counts[token] <= most, rare.get(token), "token " + token);
    }
    assertFalse(rare.get(corpus.vocabulary().eos()));
    assertEquals(rare, RareTokens.of(corpus, 64, tokens));
  }
}
