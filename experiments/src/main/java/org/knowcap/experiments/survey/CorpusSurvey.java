package org.knowcap.experiments.survey;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Mark;
import org.knowcap.analysis.corpus.CorpusDescription.PartBits;
import org.knowcap.analysis.corpus.CorpusDescription.Passage;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.analysis.corpus.CorpusDescription.VocabularyUse;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.corpus.WindowReader;

/**
 * Reads the beginning of a corpus for its statistics: up to 20,000 texts of each source, and up to 4,194,304 tokens
 * of the training stream.
 */
public final class CorpusSurvey {
  private static final int WINDOW = 512;
  private static final int WINDOWS = 8192;
  private static final int TEXTS = 20_000;
  /** In tokens, from one point of the curve of ids that have occurred to the next; powers of ten are points too. */
  private static final double STEP = 1.12;
  /** The most tokens of a text that is shown. */
  private static final int MOST_SHOWN = 300;

  private CorpusSurvey() {}

  /** The description of a corpus. */
  public static CorpusDescription of(Corpus corpus) {
    VocabularyUse vocabulary = vocabulary(corpus);
    double[] tokens = IntStream.range(0, corpus.stream().sources().size())
        .mapToDouble(i -> corpus.stream().items(i, 1) * corpus.stream().sources().get(i).meanItemTokens())
        .toArray();
    List<CorpusDescription.Source> sources = new ArrayList<>();
    for (int source = 0; source < tokens.length; source++) {
      sources
          .add(source(corpus.stream().sources().get(source), tokens[source] / Arrays.stream(tokens).sum()));
    }
    return new CorpusDescription(corpus.name(), corpus.measured().people(),
        corpus.measured().bits().totalBits(), corpus.stream().tokens(2) - corpus.stream().tokens(1), sources,
        vocabulary);
  }

  private static CorpusDescription.Source source(Source source, double share) {
    int[] tokens = new int[source.longestItem()];
    SortedMap<Integer, Long> lengths = new TreeMap<>();
    long read = 0;
    for (int item = 0; item < TEXTS && read < (long) WINDOWS * WINDOW; item++) {
      int length = source.write(item, tokens, 0);
      lengths.merge(length, 1L, Long::sum);
      read += length;
    }
    List<PartBits> bits = source.bits()
        .parts()
        .stream()
        .map(part -> new PartBits(part.name(), part.totalBits()))
        .toList();
    return new CorpusDescription.Source(source.name(), share, source.people(), bits, source.meanItemTokens(),
        lengths, sample(source));
  }

  /** The first text of the training stream, or the beginning of it, in passages of one mark each. */
  private static List<Passage> sample(Source source) {
    AnnotatedItem item = source.annotated(0);
    int shown = Math.min(item.tokens().length, MOST_SHOWN);
    Passage[] marks = new Passage[item.tokens().length];
    Arrays.fill(marks, new Passage("", Mark.NONE, ""));
    // A first chunk's span comes behind that of its value, and covers the beginning of it.
    for (Span span : item.spans()) {
      Arrays.fill(marks, span.start(), span.end(),
          new Passage("", mark(span.kind()), span.attribute().key()));
    }
    List<Passage> passages = new ArrayList<>();
    for (int from = 1, to = 1; from < shown; from = to) {
      Passage mark = marks[from];
      while (to < shown && marks[to].equals(mark)) {
        to++;
      }
      String text = source.vocabulary().decode(item.tokens(), from, to);
      if (mark.mark() != Mark.NONE && text.startsWith(" ")) {
        passages.add(new Passage(" ", Mark.NONE, ""));
        text = text.substring(1);
      }
      passages.add(new Passage(text, mark.mark(), mark.attribute()));
    }
    if (shown < item.tokens().length) {
      passages.add(new Passage(" ... and " + Units.count(item.tokens().length - shown) + " tokens more",
          Mark.NONE, ""));
    }
    return passages;
  }

  private static Mark mark(KnowledgeKind part) {
    return switch (part) {
      case NAME -> Mark.NAME;
      case VALUE -> Mark.VALUE;
      case FIRST_CHUNK -> Mark.FIRST_CHUNK;
      case IMPLIED -> Mark.IMPLIED;
    };
  }

  private static VocabularyUse vocabulary(Corpus corpus) {
    WindowReader reader = new WindowReader(corpus, WINDOW, Cursor.START);
    long[] counts = new long[corpus.vocabulary().size()];
    int[] inputs = new int[WINDOW];
    int[] targets = new int[WINDOW];
    List<Reach> reach = new ArrayList<>();
    long read = 0;
    long next = 1;
    int ids = 0;
    for (int window = 0; window < WINDOWS; window++) {
      reader.read(inputs, targets, 0);
      for (int token : inputs) {
        ids += counts[token]++ == 0 ? 1 : 0;
        read++;
        if (read == next) {
          reach.add(new Reach(read, ids));
          next = Math.min(Math.max(read + 1, Math.round(read * STEP)), decade(read));
        }
      }
    }
    List<Long> used = Arrays.stream(counts)
        .filter(count -> count > 0)
        .boxed()
        .sorted((a, b) -> Long.compare(b, a))
        .toList();
    return new VocabularyUse(counts.length, read, used, reach);
  }

  /** The next power of ten. */
  private static long decade(long number) {
    long power = 10;
    while (power <= number) {
      power *= 10;
    }
    return power;
  }
}
