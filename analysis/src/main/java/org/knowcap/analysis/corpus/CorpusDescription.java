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
 * What a corpus is, in numbers.
 *
 * @param name       as in "bioS(200)"
 * @param people     N
 * @param totalBits  of all there is to know
 * @param exposureTokens mean length of a training stream that tells of everybody once
 * @param sources    that it is mixed of, the one that is studied first; a single one if it is no mixture
 * @param vocabulary how its tokens are used
 */
public record CorpusDescription(String name, long people, double totalBits, double exposureTokens,
    List<Source> sources, VocabularyUse vocabulary) {

  /**
   * One stream of texts.
   *
   * @param share   of the training windows, 1 if there are no others
   * @param bits    what there is to know in it, by part
   * @param meanTokens of a text, as expected over all texts that there could be
   * @param lengths how many texts, of those looked at, have so many tokens; the end of text counts as one
   * @param sample  a text
   */
  public record Source(String name, double share, long people, List<PartBits> bits, double meanTokens,
      SortedMap<Integer, Long> lengths, List<Passage> sample) {
    /** Of all parts. */
    public double totalBits() {
      return bits.stream().mapToDouble(PartBits::bits).sum();
    }

    /** What the sample tells of, in its order. */
    public List<String> attributes() {
      return sample.stream()
          .filter(passage -> passage.mark() != Mark.NONE)
          .map(Passage::attribute)
          .distinct()
          .toList();
    }

    /** Texts whose lengths are counted. */
    public long texts() {
      return lengths.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** What is to be said of it in words. */
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

  /** What a passage of a text is for. */
  public enum Mark {
    /** It tells nothing. */
    NONE,
    /** It names somebody. */
    NAME,
    /** It tells a value, or the rest of one. */
    VALUE,
    /** It is what a value begins with, and its loss is taken by itself. */
    FIRST_CHUNK,
    /** It follows from what the text said before. */
    IMPLIED
  }

  /**
   * A piece of a text.
   *
   * @param attribute that it tells of; empty if none
   */
  public record Passage(String text, Mark mark, String attribute) {}

  /**
   * How the tokens of a vocabulary are used at the beginning of a training stream.
   *
   * @param size   V
   * @param tokens looked at
   * @param counts how often each id occurs that does, the commonest first
   * @param reach  how many ids have occurred after ever more tokens
   */
  public record VocabularyUse(int size, long tokens, List<Long> counts, List<Reach> reach) {
    /** What part of all tokens the {@code ids} commonest are. */
    public double share(int ids) {
      return (double) counts.stream().limit(ids).mapToLong(Long::longValue).sum() / tokens;
    }
  }

  /** So many different ids have occurred in so many tokens. */
  public record Reach(long tokens, int ids) {}
}
