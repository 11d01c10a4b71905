package org.knowcap.generators.bior;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Gatherers;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.files.Sha256;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Texts about the people of a bioS, one or more for each person, read from a file of {@link RewrittenLine} lines.
 * Unusable lines are left out, and {@link #rejections} gives the reasons.
 *
 * <p>All texts are kept in memory as tokens: 2 bytes for each token and 8 for each text.
 */
public final class RewrittenTexts {
  /** Tokens of a block, as a power of two; a text is all in one block, and never as long as that. */
  private static final int BLOCK_BITS = 20;
  private static final int LENGTH_BITS = 16;
  private static final int SHOWN = 5;

  /**
   * The lines that were left out for one reason.
   *
   * @param reason what is wrong with each line, such as "lacks the employer"
   * @param lines  the number of lines
   * @param first  the numbers of the first few lines, from 1
   */
  public record Rejection(String reason, long lines, List<Long> first) {
    /** Such as "lacks the employer: 12 (lines 3, 4, 9, 11, 20, ...)". */
    @Override
    public String toString() {
      return reason + ": " + lines + (lines == 1 ? " (line " : " (lines ") + shown(first, lines) + ")";
    }

    private Rejection and(long line) {
      return new Rejection(reason, lines + 1, first.size() < SHOWN
          ? LongStream.concat(first.stream().mapToLong(Long::longValue), LongStream.of(line)).boxed().toList()
          : first);
    }
  }

  private final BioS people;
  private final FactFinder facts;
  private final List<Rejection> rejections;
  private final String digest;
  private final Vocabulary vocabulary;
  private final int longest;
  private final List<char[]> blocks;
  /** For each text, by person: the location of its first token in the blocks, then {@link #LENGTH_BITS} of length. */
  private final long[] texts;
  /** Person p has texts firsts[p]..firsts[p+1]-1; the last of them is for measuring. */
  private final int[] firsts;
  /** Empty until somebody asks: finding it reads all texts again. */
  private Optional<ItemLayout> layout = Optional.empty();

  private RewrittenTexts(BioS people, FactFinder facts, Collector read) {
    this.people = people;
    this.facts = facts;
    rejections = read.rejections();
    blocks = read.blocks;
    texts = read.sorted;
    firsts = read.firsts;
    longest = (int) Arrays.stream(texts).map(RewrittenTexts::length).max().orElseThrow();
    BitSet occurring = new BitSet(Gpt2.EOS + 1);
    MessageDigest all = Sha256.digest();
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + longest * Character.BYTES);
    for (int person = 0; person < firsts.length - 1; person++) {
      for (int text = firsts[person]; text < firsts[person + 1]; text++) {
        bytes.clear().putInt(person);
        int start = offset(texts[text]);
        char[] block = blocks.get(block(texts[text]));
        for (int i = start; i < start + length(texts[text]); i++) {
          occurring.set(block[i]);
          bytes.putChar(block[i]);
        }
        all.update(bytes.flip());
      }
    }
    digest = Sha256.hex(all);
    vocabulary = new Vocabulary(occurring.stream().toArray(), List.of());
    char[] tokens = new char[Gpt2.EOS];
    occurring.stream().forEach(id -> tokens[id] = (char) vocabulary.token(id));
    for (long text : texts) {
      char[] block = blocks.get(block(text));
      for (int i = offset(text); i < offset(text) + length(text); i++) {
        block[i] = tokens[block[i]];
      }
    }
  }

  /**
   * Reads a file.
   *
   * @param people each of them must have a usable text; lines about other people are left out
   * @throws IllegalArgumentException if a person has no usable text
   * @throws IOException              if the file cannot be read
   */
  public static RewrittenTexts read(Path file, BioS people) throws IOException {
    FactFinder facts = new FactFinder(people);
    Collector collector = new Collector(Math.toIntExact(people.people()));
    try (BufferedReader lines = new BufferedReader(
        new InputStreamReader(LineLimit.open(file), StandardCharsets.UTF_8))) {
      lines.lines()
          .gather(Gatherers.mapConcurrent(2 * Runtime.getRuntime().availableProcessors(),
              line -> Line.of(line, people.people(), facts)))
          .forEachOrdered(collector::take);
    }
    collector.sort();
    List<Long> missing = collector.missing();
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(file + " holds no text that can be used about " + missing.size()
          + " of " + people.people() + " people (number "
          + shown(missing.subList(0, Math.min(SHOWN, missing.size())), missing.size()) + "); lines left out: "
          + (collector.rejections().isEmpty() ? "none" : listed(collector.rejections())));
    }
    return new RewrittenTexts(people, facts, collector);
  }

  private static String shown(List<Long> first, long all) {
    return first.stream().map(String::valueOf).collect(Collectors.joining(", "))
        + (all > first.size() ? ", ..." : "");
  }

  private static String listed(List<Rejection> rejections) {
    return rejections.stream().map(Rejection::toString).collect(Collectors.joining("; "));
  }

  /** A line that has been read. */
  private record Line(long person, FactFinder.Reading reading) {
    static Line of(String json, long people, FactFinder facts) {
      Optional<RewrittenLine> read = RewrittenLine.parse(json);
      if (read.isEmpty()) {
        return new Line(0, new FactFinder.Fault("is not an object with a whole \"person\" and a \"text\""));
      }
      long person = read.get().person();
      return new Line(person,
          person < people
              ? facts.read(person, read.get().text())
              : new FactFinder.Fault("is about somebody else than the first " + people + " people"));
    }
  }

  /** Takes lines in the order of the file, then sorts their texts by person. */
  private static final class Collector {
    private final List<char[]> blocks = new ArrayList<>();
    private final Map<String, Rejection> rejections = new LinkedHashMap<>();
    private final LongStream.Builder locations = LongStream.builder();
    private final LongStream.Builder numbers = LongStream.builder();
    private final IntStream.Builder persons = IntStream.builder();
    private final BitSet orderly = new BitSet();
    private final int[] firsts;
    private int free = 1 << BLOCK_BITS;
    private int count;
    private long line;
    private long[] sorted = {};

    Collector(int people) {
      firsts = new int[people + 1];
    }

    void take(Line next) {
      line++;
      switch (next.reading) {
        case FactFinder.Fault(String reason) -> reject(reason, line);
        case FactFinder.Usable(int[] ids, _, boolean isOrderly) -> {
          if (free + ids.length > 1 << BLOCK_BITS) {
            blocks.add(new char[1 << BLOCK_BITS]);
            free = 0;
          }
          locations.add(((long) (blocks.size() - 1) << BLOCK_BITS | free) << LENGTH_BITS | ids.length);
          for (int id : ids) {
            blocks.getLast()[free++] = (char) id;
          }
          numbers.add(line);
          persons.add((int) next.person);
          orderly.set(count++, isOrderly);
        }
      }
    }

    private void reject(String reason, long number) {
      rejections.put(reason,
          rejections.getOrDefault(reason, new Rejection(reason, 0, List.of())).and(number));
    }

    /**
     * Puts each person's texts together and drops repeated texts. The last orderly text, or the last text if
     * none is orderly, goes to the end: it is for measuring.
     */
    void sort() {
      long[] locations = this.locations.build().toArray();
      long[] numbers = this.numbers.build().toArray();
      int[] persons = this.persons.build().toArray();
      // Where the next text about each person goes; at the end, where the next person's texts begin.
      int[] next = new int[firsts.length];
      for (int person : persons) {
        next[person + 1]++;
      }
      Arrays.parallelPrefix(next, Integer::sum);
      int[] order = new int[count];
      for (int text = 0; text < count; text++) {
        order[next[persons[text]]++] = text;
      }
      sorted = new long[count];
      int stored = 0;
      for (int person = 0, at = 0; person < firsts.length - 1; person++) {
        firsts[person] = stored;
        int measured = -1;
        for (; at < next[person]; at++) {
          long location = locations[order[at]];
          if (IntStream.range(firsts[person], stored).anyMatch(other -> same(location, sorted[other]))) {
            reject("repeats an earlier text about the same person", numbers[order[at]]);
            continue;
          }
          if (orderly.get(order[at])) {
            measured = stored;
          }
          sorted[stored++] = location;
        }
        if (measured >= 0) {
          long location = sorted[measured];
          sorted[measured] = sorted[stored - 1];
          sorted[stored - 1] = location;
        }
      }
      firsts[firsts.length - 1] = stored;
      sorted = Arrays.copyOf(sorted, stored);
    }

    private boolean same(long a, long b) {
      return Arrays.equals(blocks.get(block(a)), offset(a), offset(a) + length(a), blocks.get(block(b)),
          offset(b), offset(b) + length(b));
    }

    List<Long> missing() {
      return IntStream.range(0, firsts.length - 1)
          .filter(person -> firsts[person] == firsts[person + 1])
          .asLongStream()
          .boxed()
          .toList();
    }

    List<Rejection> rejections() {
      return List.copyOf(rejections.values());
    }
  }

  private static int block(long location) {
    return (int) (location >>> LENGTH_BITS + BLOCK_BITS);
  }

  private static int offset(long location) {
    return (int) (location >>> LENGTH_BITS) & (1 << BLOCK_BITS) - 1;
  }

  private static int length(long location) {
    return (int) location & (1 << LENGTH_BITS) - 1;
  }

  /** The people that the texts are about. */
  public BioS people() {
    return people;
  }

  /** The number of usable texts. */
  public int size() {
    return texts.length;
  }

  /** The lines that were left out, by reason. */
  public List<Rejection> rejections() {
    return rejections;
  }

  /** Such as "4,100 texts about 100 people; lines left out: lacks the employer: 1 (line 7)". */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%,d texts about %,d people", texts.length, firsts.length - 1)
        + (rejections.isEmpty() ? "" : "; lines left out: " + listed(rejections));
  }

  /** SHA-256, in hex, of the usable texts and the person of each. Texts of equal digests are equal. */
  public String digest() {
    return digest;
  }

  Vocabulary vocabulary() {
    return vocabulary;
  }

  /** The number of tokens of the longest text. */
  int longest() {
    return longest;
  }

  /** The number of a person's training texts: all except one, or 1 if there is only one text. */
  int training(long person) {
    return Math.max(1, firsts[(int) person + 1] - firsts[(int) person] - 1);
  }

  /** The index of a person's text for measuring. */
  int measured(long person) {
    return firsts[(int) person + 1] - firsts[(int) person] - 1;
  }

  /** The number of tokens of a text. */
  int length(long person, int text) {
    return length(texts[firsts[(int) person] + text]);
  }

  /** Writes the end of text and a text about a person to {@code target[offset]} and on; returns the number of tokens. */
  int writeItem(long person, int text, int[] target, int offset) {
    target[offset] = vocabulary.eos();
    return write(person, text, target, offset + 1) - offset;
  }

  /** A text about a person, behind the end of text, with its spans. */
  AnnotatedItem item(long person, int text) {
    int[] tokens = new int[1 + length(person, text)];
    writeItem(person, text, tokens, 0);
    return new AnnotatedItem(tokens, spans(person, vocabulary.decode(tokens, 1, tokens.length)));
  }

  /** Of all items of training. */
  synchronized ItemLayout layout() {
    ItemLayout found = layout.orElseGet(this::findLayout);
    layout = Optional.of(found);
    return found;
  }

  private ItemLayout findLayout() {
    double[] lengths = new double[2 + longest];
    Map<Integer, double[]> behindNames = new TreeMap<>();
    double valueTokens = 0;
    for (long person = 0; person < people.people(); person++) {
      int count = training(person);
      double share = 1.0 / people.people() / count;
      for (int text = 0; text < count; text++) {
        AnnotatedItem item = item(person, text);
        lengths[item.tokens().length] += share;
        // The first full name has as many tokens as there are in the longest of the name's spans.
        Span name = item.spans()
            .stream()
            .filter(span -> span.kind() == KnowledgeKind.NAME)
            .max(Comparator.comparingInt(span -> span.end() - span.start()))
            .orElseThrow();
        double[] values = behindNames.computeIfAbsent(name.start(), _ -> new double[lengths.length]);
        for (Span span : item.spans()) {
          if (span.kind() == KnowledgeKind.VALUE) {
            valueTokens += share * (span.end() - span.start());
            for (int at = Math.max(span.start(), name.end()); at < span.end(); at++) {
              values[at] += share;
            }
          }
        }
      }
    }
    return new ItemLayout(lengths, behindNames, valueTokens);
  }

  /** Copies a text about a person to {@code target[offset]} and on; returns the offset after it. */
  int write(long person, int text, int[] target, int offset) {
    long location = texts[firsts[(int) person] + text];
    char[] block = blocks.get(block(location));
    int start = offset(location);
    int length = length(location);
    for (int i = 0; i < length; i++) {
      target[offset + i] = block[start + i];
    }
    return offset + length;
  }

  /** The attributes whose true values a text states word for word. */
  Set<Attribute> stated(long person, String text) {
    return facts.stated(person, text);
  }

  /** The spans of a usable text. */
  List<Span> spans(long person, String text) {
    return switch (facts.read(person, text)) {
      case FactFinder.Usable(_, List<Span> spans, _) -> spans;
      case FactFinder.Fault(String reason) ->
          throw new IllegalStateException("a text that " + reason + " was taken: " + text);
    };
  }
}
