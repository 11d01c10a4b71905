package org.knowcap.generators.bior;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
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
 * Finds what a text in free words says of a person of bioS: name and values, word for word, and the pronoun.
 *
 * <p>What counts is a value's first mention in full. A word of it that comes before ("in 1996 ... on October
 * 2, 1996") tells a part of it already, so it counts as well, and so does an employer's city in front of the
 * employer: together, the tokens that count tell everything that there is to know at least once. Words that
 * half of a list's entries share, and words without a capital or a digit, are taken to tell nothing.
 */
public final class FactFinder {
  /** Longer texts are no biographies; they would make every probe's window as long. */
  private static final int MOST_TOKENS = 1024;

  private static final List<Attribute> VERBATIM = List.of(Attribute.NAME, Attribute.BIRTH_DATE,
      Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER,
      Attribute.EMPLOYER_CITY);
  /** Words that tell the gender, by the pronoun that stands for it. */
  private static final Map<String, String> GENDERS = Stream
      .of(Stream.of("he", "him", "his", "himself", "man", "son").map(word -> Map.entry(word, "He")),
          Stream.of("she", "her", "hers", "herself", "woman", "daughter").map(word -> Map.entry(word, "She")))
      .flatMap(words -> words)
      .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  /** What came of reading a text. */
  public sealed interface Reading {}

  /**
   * A text that says all there is to say.
   *
   * @param gpt2Ids the text's tokens
   * @param spans   what counts, in the order of the text; positions are those of an item, where the end of
   *                text comes first
   * @param orderly whether the name is in front of all values and the employer in front of its city, and
   *                nothing is told in part before
   */
  public record Usable(int[] gpt2Ids, List<Span> spans, boolean orderly) implements Reading {}

  /** @param reason why a text is of no use, to follow "a text that", as in "lacks the employer" */
  public record Fault(String reason) implements Reading {}

  /** Characters {@code start} to {@code end - 1} of a text. */
  private record Place(int start, int end) {
    private boolean holds(int position) {
      return start <= position && position < end;
    }
  }

  /** Letters and digits in a row. */
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

    private Place place() {
      return new Place(start, start + text.length());
    }
  }

  /** What a token is counted as: tokens of one mark that stand together are one span. */
  private record Mark(KnowledgeKind part, Attribute attribute, int start) {}

  private final BioS people;
  /** By GPT-2 id: how many bytes the token has. */
  private final int[] lengths = IntStream.range(0, Gpt2.EOS).map(id -> Gpt2.bytes(id).length).toArray();
  /** By entry of any list: the entries of all lists that it is a part of. */
  private final Map<String, List<String>> longer = new HashMap<>();
  /** By attribute: the words that tell too little to count. */
  private final Map<Attribute, Set<String>> common;

  /** @param people whom texts are about */
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

  /** The words with a capital or a digit. */
  private static Stream<String> names(String text) {
    return Word.all(text)
        .stream()
        .map(Word::text)
        .filter(word -> word.chars().anyMatch(c -> Character.isUpperCase(c) || Character.isDigit(c)));
  }

  /** A text as {@link #read} takes it: white space at its ends does not count, and a space begins it. */
  static String normal(String text) {
    return " " + text.strip();
  }

  /**
   * Reads a text about a person.
   *
   * @return a fault unless the name and the six values stand in the text word for word, each ending where a
   *         token of GPT-2 ends, and the first word that tells the gender tells the right one
   */
  public Reading read(long person, String text) {
    String told = normal(text);
    if (told.indexOf('\uFFFD') >= 0) {
      return new Fault("is not valid UTF-8");
    }
    Map<Attribute, String> values = people.values(person);
    Map<Attribute, Place> places = new LinkedHashMap<>();
    for (Attribute attribute : VERBATIM) {
      String value = values.get(attribute);
      // Born where the employer is: the place must be told twice, and the second time is the employer's.
      boolean again = attribute.equals(Attribute.EMPLOYER_CITY)
          && value.equals(values.get(Attribute.BIRTH_CITY));
      Optional<Place> place = find(value, told, again ? places.get(Attribute.BIRTH_CITY).end : 0);
      if (place.isEmpty()) {
        return new Fault("lacks the " + words(attribute));
      }
      places.put(attribute, place.get());
    }
    List<Word> words = Word.all(told);
    Optional<Word> gender = words.stream()
        .filter(word -> GENDERS.containsKey(word.text.toLowerCase(Locale.ROOT)))
        .filter(word -> places.values().stream().noneMatch(place -> place.holds(word.start)))
        .findFirst();
    if (gender.isEmpty()) {
      return new Fault("does not tell the gender");
    }
    if (!GENDERS.get(gender.get().text.toLowerCase(Locale.ROOT)).equals(values.get(Attribute.GENDER))) {
      return new Fault("tells another gender");
    }
    places.put(Attribute.GENDER, gender.get().place());
    Tokens tokens = new Tokens(told, lengths);
    if (tokens.ids.length > MOST_TOKENS) {
      return new Fault("has more than " + MOST_TOKENS + " tokens");
    }
    for (Map.Entry<Attribute, Place> each : places.entrySet()) {
      if (!tokens.areAligned(each.getValue())) {
        return new Fault("has a token that holds more than the " + words(each.getKey()));
      }
    }
    return usable(values, places, words, tokens);
  }

  private static String words(Attribute attribute) {
    return attribute.key().replace('_', ' ');
  }

  /** The first place, from a position on, where a value stands as words of their own, and not in a longer one. */
  private Optional<Place> find(String value, String text, int from) {
    for (int start = text.indexOf(value, from); start >= 0; start = text.indexOf(value, start + 1)) {
      int end = start + value.length();
      int at = start;
      boolean apart = !Character.isLetterOrDigit(text.codePointBefore(start))
          && (end == text.length() || !Character.isLetterOrDigit(text.codePointAt(end)));
      boolean another = longer.getOrDefault(value, List.of())
          .stream()
          .anyMatch(each -> text.startsWith(each, at - each.indexOf(value)));
      if (apart && !another) {
        return Optional.of(new Place(start, end));
      }
    }
    return Optional.empty();
  }

  private Usable usable(Map<Attribute, String> values, Map<Attribute, Place> places, List<Word> words,
      Tokens tokens) {
    Mark[] marks = new Mark[tokens.ids.length];
    int employer = places.get(Attribute.EMPLOYER).start;
    Map<Attribute, Integer> firsts = new HashMap<>();
    places.forEach((attribute, place) -> {
      KnowledgeKind part = attribute.equals(Attribute.NAME)
          ? KnowledgeKind.NAME
          : attribute.equals(Attribute.EMPLOYER_CITY) && place.start > employer
              ? KnowledgeKind.IMPLIED
              : KnowledgeKind.VALUE;
      for (Place piece : pieces(attribute, place, words)) {
        tokens.mark(piece, new Mark(part, attribute, piece.start), marks);
      }
      firsts.put(attribute,
          attribute.equals(Attribute.EMPLOYER_CITY) ? Math.min(employer, place.start) : place.start);
    });
    boolean early = markEarlyWords(values, firsts, words, tokens, marks);
    int name = places.get(Attribute.NAME).start;
    boolean orderly = !early && places.values().stream().allMatch(place -> place.start >= name)
        && places.get(Attribute.EMPLOYER_CITY).start > employer;
    return new Usable(tokens.ids, spans(marks), orderly);
  }

  /** A birth date is month, day and year, without the comma; all else is one piece. */
  private static List<Place> pieces(Attribute attribute, Place place, List<Word> words) {
    return attribute.equals(Attribute.BIRTH_DATE)
        ? words.stream().filter(word -> place.holds(word.start)).map(Word::place).toList()
        : List.of(place);
  }

  /**
   * Marks the words that tell a part of a name or value before all of it is told.
   *
   * @param firsts from where on an attribute's words tell nothing new
   * @return whether there are any
   */
  private boolean markEarlyWords(Map<Attribute, String> values, Map<Attribute, Integer> firsts,
      List<Word> words, Tokens tokens, Mark[] marks) {
    Map<String, List<Attribute>> telling = new HashMap<>();
    for (Attribute attribute : VERBATIM) {
      for (String name : names(values.get(attribute)).toList()) {
        if (!common.getOrDefault(attribute, Set.of()).contains(name)) {
          telling.computeIfAbsent(name, _ -> new ArrayList<>()).add(attribute);
        }
        if (attribute.equals(Attribute.MAJOR)) {
          // The one kind that is no proper name: "physics" tells what "Physics" tells.
          telling.computeIfAbsent(name.toLowerCase(Locale.ROOT), _ -> new ArrayList<>()).add(attribute);
        }
      }
    }
    boolean any = false;
    for (Word word : words) {
      for (Attribute attribute : telling.getOrDefault(word.text, List.of())) {
        if (word.start < firsts.get(attribute)) {
          KnowledgeKind part = attribute.equals(Attribute.NAME) ? KnowledgeKind.NAME : KnowledgeKind.VALUE;
          any |= tokens.mark(word.place(), new Mark(part, attribute, word.start), marks);
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
        spans.add(new Span(marks[start].part, marks[start].attribute, start + 1, end + 1));
      }
    }
    return List.copyOf(spans);
  }

  /** A text's tokens, and where each begins and ends. */
  private static final class Tokens {
    private final String text;
    private final int[] ids;
    /** Of each character, and of the end: how many bytes are before it. */
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

    /** Whether the tokens that hold a place's characters hold no others, but for a space in front. */
    boolean areAligned(Place place) {
      int start = bytes[place.start];
      int first = token(start);
      int begin = first == 0 ? 0 : ends[first - 1];
      return (begin == start || begin == start - 1 && text.charAt(place.start - 1) == ' ')
          && ends[token(bytes[place.end] - 1)] == bytes[place.end];
    }

    /** Marks the tokens of a place that have no mark yet; returns whether there are any. */
    boolean mark(Place place, Mark mark, Mark[] marks) {
      boolean any = false;
      for (int token = token(bytes[place.start]); token <= token(bytes[place.end] - 1); token++) {
        if (marks[token] == null) {
          marks[token] = mark;
          any = true;
        }
      }
      return any;
    }

    /** The token that holds a byte. */
    private int token(int position) {
      int found = Arrays.binarySearch(ends, position + 1);
      return found >= 0 ? found : -found - 1;
    }
  }
}
