package org.knowcap.analysis;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Mark;
import org.knowcap.analysis.corpus.CorpusDescription.PartBits;
import org.knowcap.analysis.corpus.CorpusDescription.Passage;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.analysis.corpus.CorpusDescription.Source;
import org.knowcap.analysis.corpus.CorpusDescription.VocabularyUse;

/** Descriptions for tests. */
public final class Corpora {
  private Corpora() {}

  /** A source whose texts have so many tokens each. */
  public static Source source(String name, int... lengths) {
    SortedMap<Integer, Long> counts = new TreeMap<>();
    for (int length : lengths) {
      counts.merge(length, 1L, Long::sum);
    }
    return new Source(name, 0.5, 100, List.of(new PartBits("names", 100), new PartBits("values", 300)), 7,
        counts,
        List.of(new Passage("Ann <b> Lee", Mark.NAME, "name"), new Passage(" has ", Mark.NONE, ""),
            new Passage("#1", Mark.FIRST_CHUNK, "id_1"), new Passage(" #2", Mark.VALUE, "id_1"),
            new Passage(" & ", Mark.NONE, ""), new Passage("#3", Mark.IMPLIED, "id_2")));
  }

  /** A corpus of two such sources, of which ten ids make up 1,010 tokens. */
  public static CorpusDescription mixture() {
    return new CorpusDescription("<useful> & other", 100, 400, 700,
        List.of(source("<useful> one", 5, 6, 6, 8), source("other", 8, 8, 21)),
        new VocabularyUse(20, 1010, List.of(500L, 300L, 100L, 50L, 20L, 10L, 10L, 10L, 5L, 5L),
            List.of(new Reach(1, 1), new Reach(10, 4), new Reach(1000, 10))));
  }
}
