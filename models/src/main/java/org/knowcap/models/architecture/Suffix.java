package org.knowcap.models.architecture;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * How a model's name shows the value of an option.
 *
 * @param pattern of the text after the dash, without named or numbered groups
 * @param parse gives the value for such a text and the family's model
 * @param print gives the text for a value and the family's model; empty if the value is the family's
 */
record Suffix<T>(String pattern, BiFunction<String, ModelSpec, T> parse,
    BiFunction<T, ModelSpec, String> print) {
  /** A whole number of at most four digits. */
  static final String NUMBER = "[1-9][0-9]{0,3}";

  private static <T> Suffix<T> ofText(String pattern, Function<ModelSpec, T> get, Function<String, T> parse,
      Function<T, String> print) {
    return new Suffix<>(pattern, (text, _) -> parse.apply(text),
        (value, plain) -> value.equals(get.apply(plain)) ? "" : print.apply(value));
  }

  /** A letter and a whole number. */
  static Suffix<Integer> whole(String letter, Function<ModelSpec, Integer> get) {
    return ofText(letter + NUMBER, get, text -> Integer.valueOf(text.substring(letter.length())),
        value -> letter + value);
  }

  /** A letter and a whole number, or nothing. */
  static Suffix<Optional<Integer>> optional(String letter, Function<ModelSpec, Optional<Integer>> get) {
    return ofText(letter + NUMBER, get, text -> Optional.of(Integer.valueOf(text.substring(letter.length()))),
        value -> letter + value.orElseThrow());
  }

  /** A word for each value. */
  static <E extends Enum<E>> Suffix<E> words(Class<E> type, UnaryOperator<String> word,
      Function<ModelSpec, E> get) {
    Function<E, String> print = value -> word.apply(value.name().toLowerCase(Locale.ROOT));
    List<E> values = Arrays.asList(type.getEnumConstants());
    return ofText(values.stream().map(print).collect(Collectors.joining("|")), get,
        text -> values.stream().filter(value -> print.apply(value).equals(text)).findFirst().orElseThrow(),
        print);
  }

  /** One word for true and one for false. */
  static Suffix<Boolean> flag(String yes, String no, Function<ModelSpec, Boolean> get) {
    return ofText(yes + "|" + no, get, yes::equals, value -> value ? yes : no);
  }
}
