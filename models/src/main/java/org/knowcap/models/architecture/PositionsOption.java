package org.knowcap.models.architecture;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Positions in names, in studies, in {@code run.json} and in words. Names omit settings that are the family's. */
final class PositionsOption {
  private static final String NUMBER = "[0-9]+(?:\\.[0-9]+)?";
  private static final String INTEGER = "[1-9][0-9]{0,7}";
  private static final String ROTARY = "rotary" + NUMBER + "(?:b" + NUMBER + ")?";
  /** Kinds of positions that are based on a rotation. */
  private static final String CHANGED = "(?:ntk" + NUMBER + "|rerope" + INTEGER + "|leaky" + INTEGER + "k"
      + NUMBER + ")";
  /** A rotation other than the family's with a kind based on it, or positions without a rotation. */
  private static final String PATTERN = ROTARY + "(?:-" + CHANGED + ")?|" + CHANGED + "|alibi|learned"
      + INTEGER + "|nopos";

  private PositionsOption() {}

  static ModelOption<Positions> row(String key) {
    Suffix<Positions> suffix = new Suffix<>(PATTERN, (text, plain) -> parse(text, plain.family().rotary()),
        (positions, plain) -> print(positions, plain.family().rotary()));
    return new ModelOption<>(key, suffix, (values, named) -> read(key, values, named), ModelSpec::positions,
        (builder, value) -> builder.positions = value,
        (model, settings) -> settings.put(key, settings(model.positions())), PositionsOption::phrase);
  }

  private static Positions parse(String text, Rotary usual) {
    List<String> parts = List.of(text.split("-"));
    Optional<String> fraction = behind("rotary", parts.getFirst());
    Rotary rotary = fraction.map(numbers -> rotary(numbers.split("b"), usual)).orElse(usual);
    if (fraction.isPresent() && parts.size() == 1) {
      return rotary;
    }
    String kind = parts.getLast();
    return Stream
        .of(behind("ntk", kind).map(scale -> new Positions.Ntk(rotary, Double.parseDouble(scale))),
            behind("rerope", kind).map(window -> new Positions.Rerope(rotary, Integer.parseInt(window))),
            behind("leaky", kind).map(numbers -> leaky(rotary, numbers.split("k"))),
            behind("alibi", kind).map(_ -> new Positions.Alibi()),
            behind("learned", kind).map(length -> new Positions.Learned(Integer.parseInt(length))))
        .<Positions>flatMap(Optional::stream)
        .findFirst()
        .orElseGet(Positions.None::new);
  }

  private static Optional<String> behind(String word, String text) {
    return text.startsWith(word) ? Optional.of(text.substring(word.length())) : Optional.empty();
  }

  private static Rotary rotary(String[] numbers, Rotary usual) {
    return new Rotary(Double.parseDouble(numbers[0]),
        numbers.length == 1 ? usual.base() : Double.parseDouble(numbers[1]));
  }

  private static Positions leaky(Rotary rotary, String[] numbers) {
    return new Positions.LeakyRerope(rotary, Integer.parseInt(numbers[0]), Double.parseDouble(numbers[1]));
  }

  private static String print(Positions positions, Rotary usual) {
    String rotation = positions.rotary().map(rotary -> print(rotary, usual)).orElse("");
    String changed = switch (positions) {
      case Rotary _ -> "";
      case Positions.Ntk ntk -> "ntk" + text(ntk.scale());
      case Positions.Rerope rerope -> "rerope" + rerope.window();
      case Positions.LeakyRerope leaky -> "leaky" + leaky.window() + "k" + text(leaky.slowness());
      case Positions.Alibi _ -> "alibi";
      case Positions.Learned learned -> "learned" + learned.length();
      case Positions.None _ -> "nopos";
    };
    return rotation + (rotation.isEmpty() || changed.isEmpty() ? "" : "-") + changed;
  }

  private static String print(Rotary rotary, Rotary usual) {
    return rotary.equals(usual)
        ? ""
        : "rotary" + text(rotary.fraction())
            + (rotary.base() == usual.base() ? "" : "b" + text(rotary.base()));
  }

  /** The shortest decimal that is the number, without an exponent. */
  private static String text(double number) {
    return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
  }

  /** Each kind of positions has the settings that its formula has; others are unknown keys. */
  private static Positions read(String key, OptionValues values, ModelSpec named) {
    Positions positions = named.positions();
    String kind = values.text(key, positions.kind());
    return switch (kind) {
      case "rotary" -> rotary(values, named);
      case "ntk" -> {
        Rotary rotary = rotary(values, named);
        double scale = positions instanceof Positions.Ntk ntk
            ? values.number("ntk_scale", ntk.scale())
            : values.number("ntk_scale");
        yield values.checked("ntk_scale", () -> new Positions.Ntk(rotary, scale));
      }
      case "rerope" -> {
        Rotary rotary = rotary(values, named);
        yield new Positions.Rerope(rotary, tokens(values, "rerope_window",
            positions instanceof Positions.Rerope rerope ? Optional.of(rerope.window()) : Optional.empty()));
      }
      case "leaky-rerope" -> {
        Rotary rotary = rotary(values, named);
        Optional<Positions.LeakyRerope> leaky = positions instanceof Positions.LeakyRerope found
            ? Optional.of(found)
            : Optional.empty();
        int window = tokens(values, "rerope_window", leaky.map(Positions.LeakyRerope::window));
        double slowness = leaky.isPresent()
            ? values.number("rerope_slowness", leaky.get().slowness())
            : values.number("rerope_slowness");
        yield values.checked("rerope_slowness", () -> new Positions.LeakyRerope(rotary, window, slowness));
      }
      case "alibi" -> new Positions.Alibi();
      case "learned" -> new Positions.Learned(tokens(values, "learned_positions",
          positions instanceof Positions.Learned learned ? Optional.of(learned.length()) : Optional.empty()));
      case "none" -> new Positions.None();
      default ->
          throw values.wrongText(key, "rotary, ntk, rerope, leaky-rerope, alibi, learned or none", kind);
    };
  }

  private static int tokens(OptionValues values, String key, Optional<Integer> named) {
    return (int) (named.isPresent()
        ? values.integer(key, 1, ModelOption.MOST_TOKENS, named.get())
        : values.integer(key, 1, ModelOption.MOST_TOKENS));
  }

  /** The rotation of a mapping; a setting that the mapping omits is that of the named model, or else of its family. */
  private static Rotary rotary(OptionValues values, ModelSpec named) {
    Rotary usual = named.positions().rotary().orElse(named.family().rotary());
    double fraction = values.number("rotary_fraction", usual.fraction());
    double base = values.number("rotary_base", usual.base());
    return values.checkedAll(() -> new Rotary(fraction, base));
  }

  private static Map<String, Object> settings(Positions positions) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("kind", positions.kind());
    positions.rotary().ifPresent(rotary -> {
      settings.put("rotary_fraction", rotary.fraction());
      settings.put("rotary_base", rotary.base());
    });
    switch (positions) {
      case Rotary _,Positions.Alibi _,Positions.None _ -> {
        // Nothing more to say.
      }
      case Positions.Ntk ntk -> settings.put("ntk_scale", ntk.scale());
      case Positions.Rerope rerope -> settings.put("rerope_window", rerope.window());
      case Positions.LeakyRerope leaky -> {
        settings.put("rerope_window", leaky.window());
        settings.put("rerope_slowness", leaky.slowness());
      }
      case Positions.Learned learned -> settings.put("learned_positions", learned.length());
    }
    return settings;
  }

  private static String phrase(ModelSpec model) {
    return switch (model.positions()) {
      // Only attention rotates queries and keys.
      case Rotary _ when !model.mixers().contains(Mixer.ATTENTION) -> "no positions";
      case Rotary rotary -> "rotary positions" + rotated(rotary, model);
      case Positions.Ntk ntk -> "NTK-aware positions" + rotated(ntk.scaled(model.headWidth()), model);
      case Positions.Rerope rerope -> "ReRoPE of window " + rerope.window() + rotated(rerope.plain(), model);
      case Positions.LeakyRerope leaky -> "Leaky ReRoPE of window " + leaky.window() + ", "
          + text(leaky.slowness()) + " times slower beyond," + rotated(leaky.plain(), model);
      case Positions.Alibi _ -> "ALiBi";
      case Positions.Learned learned -> learned.length() + " learned positions";
      case Positions.None _ -> "no positions";
    };
  }

  private static String rotated(Rotary rotary, ModelSpec model) {
    return " that rotate " + rotary.width(model.headWidth()) + " of " + model.headWidth() + " by base "
        + String.format(Locale.ROOT, "%,.0f", rotary.base());
  }
}
