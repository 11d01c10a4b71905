package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.questions.QuestionedCorpus;
import org.knowcap.generators.questions.Timing;

/** What is expected of windows against what the windows of a stream have, counted token by token. */
class ItemLayoutTest {
  private static final int ITEMS = 20_000;

  /** Of one seed: how far a small corpus is from what is expected is a matter of chance. */
  static List<Source> sources() {
    long seed = 20261127;
    BioD strings = Corpora.bioD(200, seed, Corpora.SHAPE);
    Map<String, Corpus> all = Corpora.all(seed);
    return List.of(Corpora.bioS(200, seed, Corpora.SMALL),
        Corpora.bioS(50_000, seed, PoolSizes.PAPER).simple(), Corpora.bioS(5000, seed, PoolSizes.PAPER),
        strings, Corpora.bioD(200, seed, new BioDShape(2, 3, 20, 2, 7)), all.get("mixture").measured(),
        all.get("mixture").stream().sources().get(1), all.get("bioR").measured(), Corpora.strings(200, seed),
        new QuestionedCorpus(Corpora.bioS(5000, seed, PoolSizes.PAPER), 0.9, new Timing.Mixed(1)).stream()
            .sources()
            .getLast());
  }

  /** Windows begin where the last one ended, so positions in windows follow from positions in the stream. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("sources")
  void sharesAreThoseOfTheStream(Source source) {
    ItemLayout layout = source.layout();
    assertEquals(1, Arrays.stream(layout.lengths()).sum(), 1e-9);
    assertEquals(source.meanItemTokens(), layout.meanLength(), 1e-9);
    for (int length : new int[]{source.longestItem() * 2 / 3, 2 * source.longestItem()}) {
      long complete = 0;
      long values = 0;
      long behind = 0;
      long at = 0;
      for (long item = 0; item < ITEMS; item++) {
        AnnotatedItem read = source.annotated(item);
        Span name = read.spans()
            .stream()
            .filter(span -> span.kind() == KnowledgeKind.NAME)
            .reduce((a, b) -> b.end() - b.start() > a.end() - a.start() ? b : a)
            // A string has no name: what must be in the window is the end of text before it.
            .orElse(new Span(KnowledgeKind.NAME, Attribute.NAME, 0, 1));
        complete += at / length == (at + read.tokens().length - 1) / length ? 1 : 0;
        for (Span span : read.spans()) {
          for (int token = span.start(); span.kind() == KnowledgeKind.VALUE && token < span.end(); token++) {
            values++;
            // A token is predicted from the one before it, and from what else the window has before that.
            behind += token >= name.end() && (at + token - 1) / length == (at + name.start()) / length
                ? 1
                : 0;
          }
        }
        at += read.tokens().length;
      }
      Windows windows = Windows.cut(length);
      String where = source.name() + ", seed " + source.seed() + ", windows of " + length;
      assertEquals((double) complete / ITEMS, layout.complete(windows), 0.01, where);
      assertEquals((double) behind / values, layout.behindName(windows), 0.01, where);
      assertEquals(values / (double) ITEMS, layout.valueTokens(), 0.02 * layout.valueTokens(), where);
      assertEquals((double) at / length / ITEMS, 1 / layout.itemsPerWindow(windows),
          0.01 / layout.itemsPerWindow(windows), where);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("sources")
  void windowsOfWholeItemsHoldAsManyAsExpected(Source source) {
    int longest = source.longestItem();
    for (int length : new int[]{longest, longest + 20, 4 * longest}) {
      Windows windows = new Windows(length, Packing.WHOLE);
      WindowReader reader = new WindowReader(source, windows, Cursor.START);
      int[] inputs = new int[length];
      int[] targets = new int[length];
      int count = 20_000;
      for (int window = 0; window < count; window++) {
        reader.read(inputs, targets, 0);
      }
      double items = reader.cursor().positions().getFirst().item();
      String where = source.name() + ", seed " + source.seed() + ", windows of " + length;
      assertEquals(items / count, source.layout().itemsPerWindow(windows), 0.02 * items / count, where);
      assertEquals(count, source.stream().windows(items / source.people(), windows), 0.02 * count, where);
      assertEquals(1, source.layout().complete(windows));
    }
    Windows small = new Windows(source.layout().lengths().length - 2, Packing.WHOLE);
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> source.layout().itemsPerWindow(small)).getMessage()
            .contains("no text is cut"));
  }

  /** Texts of 30 tokens in windows of 64: they begin at every even place. */
  @Test
  void textsOfOneLengthBeginAtSomePlacesOnly() {
    double[] lengths = new double[31];
    lengths[30] = 1;
    double[] values = new double[30];
    values[29] = 1;
    ItemLayout layout = new ItemLayout(lengths, Map.of(1, values), 1);
    // 0, 2, ... 34: 18 of 32 places have room for 30 tokens. Tokens 1 to 28 also have room at [].
    assertEquals(18.0 / 32, layout.complete(Windows.cut(64)), 1e-12);
    assertEquals(18 / 32.0, layout.behindName(Windows.cut(64)), 1e-12);
    assertEquals(2, layout.itemsPerWindow(new Windows(64, Packing.WHOLE)), 1e-9);
    assertEquals(64 / 30.0, layout.itemsPerWindow(Windows.cut(64)), 1e-12);
    assertEquals(0, layout.complete(Windows.cut(29)));
  }

  /** The numbers in docs/measuring.md: a bioS with Knowcap's lists, in windows of 512 tokens. */
  @Test
  void thePapersWindowsHoldSixTextsInSeven() {
    Source bioS = Corpora.bioS(1000, 1, PoolSizes.PAPER);
    assertEquals(70.0, bioS.meanItemTokens(), 0.05);
    double complete = bioS.layout().complete(Windows.cut(512));
    // Texts of n tokens begin at all 512 places as often, and lie in one window from 512 - n + 1 of them.
    assertEquals((513 - bioS.meanItemTokens()) / 512, complete, 1e-9);
    assertEquals(0.865, complete, 0.0005);
    assertEquals(1156, 1000 / complete, 0.5);
  }

  /** Of lengths 2 and 3, each as likely, in windows of 4: one 3 or two 2s; worked out by hand. */
  @Test
  void theItemThatHadNoRoomComesFirst() {
    ItemLayout layout = new ItemLayout(new double[]{0, 0, 0.5, 0.5}, Map.of(1, new double[]{0, 0, 1}), 1);
    // A window begins with a 3 (x) or a 2 (1 - x). Behind a 3 there is room for nothing: the next begins with either. Behind
    // a 2, a 2 fits and either is next, and a 3 does not fit and is next. x = x / 2 + (1 - x)(1 / 4 + 1 / 2): x = 3 / 5.
    assertEquals(0.6 + 0.4 * 1.5, layout.itemsPerWindow(new Windows(4, Packing.WHOLE)), 1e-9);
  }
}
