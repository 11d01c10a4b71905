package org.knowcap.models.architecture;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What lets the tokens of a block see each other. */
public enum Mixer {
  /** Softmax attention. */
  ATTENTION("attention"),
  /** Gated linear attention (arXiv 2312.06635). */
  GLA("gated linear attention"),
  /** Gated delta net (arXiv 2412.06464). */
  GDN("gated delta net");

  /** Columns between the two matrices that make GLA's decays (its paper, section 4.4). */
  public static final int RANK = 16;

  private static final Pattern PART = Pattern.compile("(attention|gla|gdn)([2-9]?)");
  private static final String PATTERN = "(?:(?:attention|gla|gdn)[2-9]?)+";

  private final String words;

  Mixer(String words) {
    this.words = words;
  }

  /** Whether it has a state in the place of keys and values of all earlier tokens. */
  public boolean recurrent() {
    return this != ATTENTION;
  }

  /** The part of parameters' names. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads mixers of one block after the other, each with its number of blocks if there are several, such as
   * {@code gla3attention}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static List<Mixer> parse(String text) {
    if (!text.matches(PATTERN)) {
      throw new IllegalArgumentException(
          "mixers are attention, gla and gdn, each with its number of blocks from 2 to 9 if there are several, such as"
              + " gla3attention, found " + text);
    }
    List<Mixer> mixers = new ArrayList<>();
    Matcher part = PART.matcher(text);
    while (part.find()) {
      Mixer mixer = valueOf(part.group(1).toUpperCase(Locale.ROOT));
      int count = part.group(2).isEmpty() ? 1 : Integer.parseInt(part.group(2));
      mixers.addAll(Collections.nCopies(count, mixer));
    }
    return shortest(mixers);
  }

  /** The shortest list that says the same when it is repeated. */
  static List<Mixer> shortest(List<Mixer> mixers) {
    for (int length = 1; length < mixers.size(); length++) {
      List<Mixer> part = mixers.subList(0, length);
      if (mixers.size() % length == 0 && Collections.nCopies(mixers.size() / length, part)
          .stream()
          .flatMap(List::stream)
          .toList()
          .equals(mixers)) {
        return List.copyOf(part);
      }
    }
    return List.copyOf(mixers);
  }

  /** What {@link #parse} reads. */
  static String print(List<Mixer> mixers) {
    return runs(mixers).map(run -> run.mixer.word() + (run.count == 1 ? "" : run.count))
        .collect(Collectors.joining());
  }

  /** Equal neighbours, of which a number has one digit. */
  private record Run(Mixer mixer, int count) {}

  private static Stream<Run> runs(List<Mixer> mixers) {
    List<Run> runs = new ArrayList<>();
    for (Mixer mixer : mixers) {
      if (!runs.isEmpty() && runs.getLast().mixer == mixer && runs.getLast().count < 9) {
        runs.add(new Run(mixer, runs.removeLast().count + 1));
      } else {
        runs.add(new Run(mixer, 1));
      }
    }
    return runs.stream();
  }

  private static String describe(List<Mixer> mixers) {
    if (mixers.equals(List.of(ATTENTION))) {
      return "";
    }
    return mixers.size() == 1
        ? mixers.getFirst().words
        : "in turn " + runs(mixers)
            .map(run -> run.count + (run.count == 1 ? " block of " : " blocks of ") + run.mixer.words)
            .collect(Collectors.joining(" and "));
  }

  /** The option of a model that says which mixers its blocks have. */
  static ModelOption<List<Mixer>> row(String key) {
    return new ModelOption<>(key,
        new Suffix<>(PATTERN, (text, _) -> parse(text),
            (mixers, plain) -> mixers.equals(plain.mixers()) ? "" : print(mixers)),
        (values, named) -> values.has(key)
            ? values.checked(key, () -> parse(values.text(key, "")))
            : named.mixers(),
        ModelSpec::mixers, (b, value) -> b.mixers = value, (model, settings) -> {
          if (model.recurrent()) {
            settings.put(key, print(model.mixers()));
          }
        }, model -> describe(model.mixers()));
  }
}
