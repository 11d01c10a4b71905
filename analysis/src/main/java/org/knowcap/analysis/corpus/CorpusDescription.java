package org.knowcap.analysis.corpus;

import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.units.Units;

/**
 * A description of a corpus in numbers.
 *
 * @param name       as in "bioS(200)"
 * @param people     N
 * @param totalBits bits of the corpus, all parts together
 * @param exposureTokens mean number of training tokens in which every person occurs once
 * @param sources    that are mixed, with the studied one first; a single one if the corpus is not a mixture
 * @param vocabulary how its tokens are used
 */
public record CorpusDescription(String name, long people, double totalBits, double exposureTokens,
    List<Source> sources, VocabularyUse vocabulary) {

  /**
   * One stream of texts.
   *
   * @param share   of the training windows; 1 if this is the only source
   * @param bits    bits of the source, by part
   * @param meanTokens expected over all possible texts
   * @param lengths number of sampled texts by their number of tokens, the end-of-text token included
   * @param sample  a text
   */
  public record Source(String name, double share, long people, List<PartBits> bits, double meanTokens,
      SortedMap<Integer, Long> lengths, List<Passage> sample) {
    /** Bits of all parts together. */
    public double totalBits() {
      return bits.stream().mapToDouble(PartBits::bits).sum();
    }

    /** Attributes that the sample text states, in its order. */
    public List<String> attributes() {
      return sample.stream()
          .filter(passage -> passage.mark() != Mark.NONE)
          .map(Passage::attribute)
          .distinct()
          .toList();
    }

    /** The number of texts whose lengths are counted. */
    public long texts() {
      return lengths.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** The description in sentences. */
  public List<String> findings() {
    List<String> findings = new ArrayList<>();
    findings.add(Units.count(people) + " people, " + Units.bits(totalBits) + " to know: "
        + Units.bits(totalBits / people) + " a person.");
    findings.add(Units.brief(exposureTokens) + " tokens an exposure of everybody.");
    findings.add("A vocabulary of " + Units.count(vocabulary.size()) + " tokens, of which "
        + Units.count(vocabulary.counts().size()) + " occur in the first " + Units.count(vocabulary.tokens())
        + " of the training stream.");
    List<Integer> commonest = Stream.of(10, 100, 1000)
        .filter(ids -> ids < vocabulary.counts().size())
        .toList();
    if (!commonest.isEmpty()) {
      findings.add("The commonest " + commonest.stream()
          .map(ids -> Units.count(ids) + " make up " + Units.percent(vocabulary.share(ids)))
          .collect(Collectors.joining(", ")) + " of these.");
    }
    return findings;
  }

  /**
   * The lengths of each source's texts, counted in bins of equal width from the shortest text's to the longest's.
   *
   * @param most bins at most
   */
  public List<List<Bin>> histograms(int most) {
    IntSummaryStatistics range = sources.stream()
        .flatMap(source -> source.lengths().keySet().stream())
        .mapToInt(Integer::intValue)
        .summaryStatistics();
    int width = Math.ceilDiv(range.getMax() - range.getMin() + 1, most);
    return sources.stream()
        .map(source -> IntStream.rangeClosed(0, (source.lengths().lastKey() - range.getMin()) / width)
            .mapToObj(bin -> range.getMin() + bin * width)
            .map(from -> new Bin(from, from + width,
                source.lengths().subMap(from, from + width).values().stream().mapToLong(Long::longValue).sum()
                    / (double) source.texts()))
            .toList())
        .toList();
  }

  /**
   * Texts of {@code from} to {@code end} - 1 tokens.
   *
   * @param share of the source's texts
   */
  public record Bin(int from, int end, double share) {}

  /** @param part "names", "values" or "diversity" */
  public record PartBits(String part, double bits) {}

  /** What a passage of a text says. */
  public enum Mark {
    /** It says nothing that is measured. */
    NONE,
    /** It is a person's name. */
    NAME,
    /** It is a value, or the rest of one. */
    VALUE,
    /** It is the first chunk of a value, whose loss is also taken by itself. */
    FIRST_CHUNK,
    /** It follows from earlier words of the text, so it is not measured. */
    IMPLIED
  }

  /**
   * A piece of a text.
   *
   * @param attribute that the passage belongs to; empty if none
   */
  public record Passage(String text, Mark mark, String attribute) {}

  /**
   * How the tokens of a vocabulary are used at the beginning of a training stream.
   *
   * @param size   V
   * @param tokens looked at
   * @param counts how often each token id occurs that does occur, the most frequent first
   * @param reach  number of different ids after growing numbers of tokens
   */
  public record VocabularyUse(int size, long tokens, List<Long> counts, List<Reach> reach) {
    /** The share of all tokens that have one of the {@code ids} most frequent ids. */
    public double share(int ids) {
      return (double) counts.stream().limit(ids).mapToLong(Long::longValue).sum() / tokens;
    }
  }

  /** The number of different ids in the first tokens of the stream. */
  public record Reach(long tokens, int ids) {}
}
