package org.knowcap.analysis.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Corpora;
import org.knowcap.analysis.corpus.CorpusDescription.Bin;

class CorpusDescriptionTest {
  @Test
  void histogramsOfAllSourcesHaveTheSameBins() {
    CorpusDescription corpus = Corpora.mixture();
    // From 5 to 21 tokens there are 17 lengths.
    assertEquals(List.of(new Bin(5, 10, 1.0)), corpus.histograms(4).getFirst());
    assertEquals(
        List.of(new Bin(5, 10, 2 / 3.0), new Bin(10, 15, 0), new Bin(15, 20, 0), new Bin(20, 25, 1 / 3.0)),
        corpus.histograms(4).getLast());
    assertEquals(List.of(new Bin(5, 6, 0.25), new Bin(6, 7, 0.5), new Bin(7, 8, 0), new Bin(8, 9, 0.25)),
        corpus.histograms(17).getFirst());
  }

  @Test
  void findingsSayWhatWasCounted() {
    assertEquals(
        List.of("100 people, 400 bit to know: 4.00 bit a person.", "700 tokens an exposure of everybody.",
            "A vocabulary of 20 tokens, of which 10 occur in the first 1,010 of the training stream."),
        Corpora.mixture().findings());
    assertEquals(900 / 1010.0, Corpora.mixture().vocabulary().share(3));
  }
}
