package org.knowcap.generators.bior;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.tokens.Gpt2;

/**
 * Finds the facts about a person of bioS in a free text: the name and the values, word for word, and the gender.
 *
 * <p>The first full mention of a value counts. A word of the value that comes before it ("in 1996 ... on October
 * 2, 1996") already states a part of the value, so it counts as well, and so does an employer's city in front of
 * the employer. Together, the tokens that count state all knowledge at least once. Words that more than half of
 * a list's entries share, and words without a capital letter or a digit, are assumed to state nothing.
 */
public final class FactFinder {
  /** Longer texts are no biographies; all measuring windows would have to be as long. */
  private static final int MOST_TOKENS = 1024;

  private static final List<Attribute> VERBATIM = List.of(Attribute.NAME, Attribute.BIRTH_DATE,
      Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER,
      Attribute.EMPLOYER_CITY);
  /** Words that state the gender, and the pronoun of each. */
  private static final Map<String, String> GENDERS = Stream
      .of(Stream.of("he", "him", "his", "himself", "man", "son").map(word -> Map.entry(word, "He")),
          Stream.of("she", "her", "hers", "herself", "woman", "daughter").map(word -> Map.entry(word, "She")))
      .flatMap(words -> words)
      .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  /** The result of reading a text. */
  public sealed interface Reading {}

  /**
   * A text that states all facts.
   *
   * @param gpt2Ids the text's tokens
   * @param spans   the tokens that count, in the order of the text; positions are those of an item, which begins
   *                with the end-of-text token
   * @param orderly whether the name is in front of all values and the employer in front of its city, and no word
   *                of a value precedes its full mention
   */
  public record Usable(int[] gpt2Ids, List<Span> spans, boolean orderly) implements Reading {}

  /**
   * A text that cannot be used.
   *
   * @param reason continues "a text that", such as "lacks the employer"
   */
  public record Fault(String reason) implements Reading {}

  /** Characters {@code start} to {@code end - 1} of a text. */
  private record TextRange(int start, int end) {
    private boolean contains(int position) {
      return start <= position && position < end;
    }
  }

  /** A run of letters and digits. */
  private record Word(String text, int start) {
    static List<Word> all(String text) {
      List<Word> words = new ArrayList<>();
      for (int start = 0, end; start < text.length(); start = end + 1) {
        end = start;
        while (end < text.length() && Character.isLetterOrDigit(text.charAt(end))) {
          end++;
        }
        if (end > start) {
          words.add(new Word(text.substring(start, end), start));
        }
      }
      return words;
    }

    private TextRange range() {
      return new TextRange(start, start + text.length());
    }
  }

  /** What a token counts for; adjacent tokens of one mark are one span. */
  private record Mark(KnowledgeKind kind, Attribute attribute, int start) {}

  private final BioS people;
  /** For each GPT-2 id, the number of bytes of the token. */
  private final int[] lengths = IntStream.range(0, Gpt2.EOS).map(id -> Gpt2.bytes(id).length).toArray();
  /** For each entry of any list, the longer entries of all lists that contain it. */
  private final Map<String, List<String>> longer = new HashMap<>();
  /** For each attribute, the words that state too little to count. */
  private final Map<Attribute, Set<String>> common;

  /** @param people the people that texts are about */
  public FactFinder(BioS people) {
    this.people = people;
    Pools pools = people.pools();
    Map<Attribute, List<String>> lists = Map.of(Attribute.BIRTH_CITY, pools.birthCities(),
        Attribute.UNIVERSITY, pools.universities(), Attribute.MAJOR, pools.majors(), Attribute.EMPLOYER,
        pools.employers().stream().map(Employer::name).toList(), Attribute.EMPLOYER_CITY,
        pools.employers().stream().map(Employer::city).distinct().toList());
    List<String> all = lists.values().stream().flatMap(List::stream).distinct().toList();
    for (String entry : all) {
      longer.put(entry,
          all.stream().filter(other -> other.length() > entry.length() && other.contains(entry)).toList());
    }
    common = lists.entrySet()
        .stream()
        .collect(Collectors.toMap(Map.Entry::getKey, each -> common(each.getValue())));
  }

  private static Set<String> common(List<String> entries) {
    Map<String, Long> counts = entries.stream()
        .flatMap(entry -> names(entry).distinct())
        .collect(Collectors.groupingBy(word -> word, Collectors.counting()));
    return counts.entrySet()
        .stream()
        .filter(each -> 2 * each.getValue() > entries.size())
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  /** The words with a capital letter or a digit. */
  private static Stream<String> names(String text) {
    return Word.all(text)
        .stream()
        .map(Word::text)
        .filter(word -> word.chars().anyMatch(c -> Character.isUpperCase(c) || Character.isDigit(c)));
  }

  /** A text without white space at its ends, and with one space in front: {@link #read} reads this form. */
  static String normal(String text) {
    return " " + text.strip();
  }

  /**
   * Reads a text about a person.
   *
   * @return a fault unless the text has the name and the six values word for word, each of them begins where a GPT-2
   *         token begins, and the first word that states a gender states the right one. A token across a value's end
   *         ("..") belongs to the value
   */
  public Reading read(long person, String text) {
    String normal = normal(text);
    if (normal.indexOf('\uFFFD') >= 0) {
      return new Fault("is not valid UTF-8");
    }
    Map<Attribute, String> values = people.values(person);
    Map<Attribute, TextRange> ranges = new LinkedHashMap<>();
    for (Attribute attribute : VERBATIM) {
      String value = values.get(attribute);
      // If the person was born in the employer's city, the text must have the city twice; the second is the employer's.
      boolean again = attribute.equals(Attribute.EMPLOYER_CITY)
          && value.equals(values.get(Attribute.BIRTH_CITY));
      Optional<TextRange> range = find(value, normal, again ? ranges.get(Attribute.BIRTH_CITY).end : 0);
      if (range.isEmpty()) {
        return new Fault("lacks the " + words(attribute));
      }
      ranges.put(attribute, range.get());
    }
    List<Word> words = Word.all(normal);
    Optional<Word> gender = words.stream()
        .filter(word -> GENDERS.containsKey(word.text.toLowerCase(Locale.ROOT)))
        .filter(word -> ranges.values().stream().noneMatch(range -> range.contains(word.start)))
        .findFirst();
    if (gender.isEmpty()) {
      return new Fault("does not tell the gender");
    }
    if (!GENDERS.get(gender.get().text.toLowerCase(Locale.ROOT)).equals(values.get(Attribute.GENDER))) {
      return new Fault("tells another gender");
    }
    ranges.put(Attribute.GENDER, gender.get().range());
    Tokens tokens = new Tokens(normal, lengths);
    if (tokens.ids.length > MOST_TOKENS) {
      return new Fault("has more than " + MOST_TOKENS + " tokens");
    }
    for (Map.Entry<Attribute, TextRange> each : ranges.entrySet()) {
      if (!tokens.begins(each.getValue())) {
        return new Fault(
            "has a token that holds the beginning of the " + words(each.getKey()) + " and the text before");
      }
    }
    return usable(values, ranges, words, tokens);
  }

  /** The attributes whose values a text has word for word, whatever else it says of them. */
  Set<Attribute> stated(long person, String text) {
    String normal = normal(text);
    Map<Attribute, String> values = people.values(person);
    Set<Attribute> stated = VERBATIM.stream()
        .filter(attribute -> find(values.get(attribute), normal, 0).isPresent())
        .collect(Collectors.toCollection(HashSet::new));
    Word.all(normal)
        .stream()
        .map(word -> GENDERS.get(word.text.toLowerCase(Locale.ROOT)))
        .filter(Objects::nonNull)
        .findFirst()
        .filter(values.get(Attribute.GENDER)::equals)
        .ifPresent(_ -> stated.add(Attribute.GENDER));
    return stated;
  }

  private static String words(Attribute attribute) {
    return attribute.key().replace('_', ' ');
  }

  /** The first mention of a value, from a position on, as separate words and not inside a longer entry. */
  private Optional<TextRange> find(String value, String text, int from) {
    for (int start = text.indexOf(value, from); start >= 0; start = text.indexOf(value, start + 1)) {
      int end = start + value.length();
      int at = start;
      boolean apart = !Character.isLetterOrDigit(text.codePointBefore(start))
          && (end == text.length() || !Character.isLetterOrDigit(text.codePointAt(end)));
      boolean another = longer.getOrDefault(value, List.of())
          .stream()
          .anyMatch(each -> text.startsWith(each, at - each.indexOf(value)));
      if (apart && !another) {
        return Optional.of(new TextRange(start, end));
      }
    }
    return Optional.empty();
  }

  private Usable usable(Map<Attribute, String> values, Map<Attribute, TextRange> ranges, List<Word> words,
      Tokens tokens) {
    Mark[] marks = new Mark[tokens.ids.length];
    int employer = ranges.get(Attribute.EMPLOYER).start;
    Map<Attribute, Integer> firsts = new HashMap<>();
    ranges.forEach((attribute, range) -> {
      KnowledgeKind kind = attribute.equals(Attribute.NAME)
          ? KnowledgeKind.NAME
          : attribute.equals(Attribute.EMPLOYER_CITY) && range.start > employer
              ? KnowledgeKind.IMPLIED
              : KnowledgeKind.VALUE;
      for (TextRange piece : pieces(attribute, range, words)) {
        tokens.mark(piece, new Mark(kind, attribute, piece.start), marks);
      }
      firsts.put(attribute,
          attribute.equals(Attribute.EMPLOYER_CITY) ? Math.min(employer, range.start) : range.start);
    });
    boolean early = markEarlyWords(values, firsts, words, tokens, marks);
    int name = ranges.get(Attribute.NAME).start;
    boolean orderly = !early && ranges.values().stream().allMatch(range -> range.start >= name)
        && ranges.get(Attribute.EMPLOYER_CITY).start > employer;
    return new Usable(tokens.ids, spans(marks), orderly);
  }

  /** A birth date has three pieces, month, day and year, without the comma; other values are one piece. */
  private static List<TextRange> pieces(Attribute attribute, TextRange range, List<Word> words) {
    return attribute.equals(Attribute.BIRTH_DATE)
        ? words.stream().filter(word -> range.contains(word.start)).map(Word::range).toList()
        : List.of(range);
  }

  /**
   * Marks the words that state a part of a name or value before its full mention.
   *
   * @param firsts for each attribute, the position from which on its words state nothing new
   * @return whether there are such words
   */
  private boolean markEarlyWords(Map<Attribute, String> values, Map<Attribute, Integer> firsts,
      List<Word> words, Tokens tokens, Mark[] marks) {
    Map<String, List<Attribute>> stated = new HashMap<>();
    for (Attribute attribute : VERBATIM) {
      for (String name : names(values.get(attribute)).toList()) {
        if (!common.getOrDefault(attribute, Set.of()).contains(name)) {
          stated.computeIfAbsent(name, _ -> new ArrayList<>()).add(attribute);
        }
        if (attribute.equals(Attribute.MAJOR)) {
          // Majors are not proper names: "physics" states what "Physics" states.
          stated.computeIfAbsent(name.toLowerCase(Locale.ROOT), _ -> new ArrayList<>()).add(attribute);
        }
      }
    }
    boolean any = false;
    for (Word word : words) {
      for (Attribute attribute : stated.getOrDefault(word.text, List.of())) {
        if (word.start < firsts.get(attribute)) {
          KnowledgeKind kind = attribute.equals(Attribute.NAME) ? KnowledgeKind.NAME : KnowledgeKind.VALUE;
          any |= tokens.mark(word.range(), new Mark(kind, attribute, word.start), marks);
        }
      }
    }
    return any;
  }

  private static List<Span> spans(Mark[] marks) {
    List<Span> spans = new ArrayList<>();
    for (int start = 0, end; start < marks.length; start = end) {
      end = start + 1;
      while (end < marks.length && Objects.equals(marks[end], marks[start])) {
        end++;
      }
      if (marks[start] != null) {
        spans.add(new Span(marks[start].kind, marks[start].attribute, start + 1, end + 1));
      }
    }
    return List.copyOf(spans);
  }

  /** A text's tokens, and the position of each in the text. */
  private static final class Tokens {
    private final String text;
    private final int[] ids;
    /** The number of bytes in front of each character, and in front of the end. */
    private final int[] bytes;
    /** Token t is bytes ends[t - 1]..ends[t] - 1 of the text. */
    private final int[] ends;

    Tokens(String text, int[] lengths) {
      this.text = text;
      ids = Gpt2.encode(text);
      bytes = new int[text.length() + 1];
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        // Two bytes for each half of a pair: four for both.
        bytes[i + 1] = bytes[i] + (c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3);
      }
      ends = new int[ids.length];
      for (int token = 0, end = 0; token < ids.length; token++) {
        end += lengths[ids[token]];
        ends[token] = end;
      }
    }

    /** Whether a range's first token begins with the range, or with one space in front of it. */
    boolean begins(TextRange range) {
      int start = bytes[range.start];
      int first = token(start);
      int begin = first == 0 ? 0 : ends[first - 1];
      return begin == start || begin == start - 1 && text.charAt(range.start - 1) == ' ';
    }

    /** Marks the tokens that hold a part of a range and have no mark yet; returns whether there are any. */
    boolean mark(TextRange range, Mark mark, Mark[] marks) {
      boolean any = false;
      for (int token = token(bytes[range.start]); token <= token(bytes[range.end] - 1); token++) {
        if (marks[token] == null) {
          marks[token] = mark;
          any = true;
        }
      }
      return any;
    }

    /** The token that a byte belongs to. */
    private int token(int position) {
      int found = Arrays.binarySearch(ends, position + 1);
      return found >= 0 ? found : -found - 1;
    }
  }
}
