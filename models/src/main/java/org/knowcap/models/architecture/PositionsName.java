package org.knowcap.models.architecture;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Positions as a model's short name says them. What is the family's goes without saying. */
final class PositionsName {
  private static final String NUMBER = "[0-9]+(?:\\.[0-9]+)?";
  private static final String INTEGER = "[1-9][0-9]{0,7}";
  /** A rotation other than the family's and what is made from one, or what is made from none. */
  static final String PATTERN = "(?:-rotary(?<fraction>" + NUMBER + ")(?:b(?<base>" + NUMBER + "))?)?"
      + "(?:-ntk(?<scale>" + NUMBER + ")|-rerope(?<clipped>" + INTEGER + ")|-leaky(?<leaky>" + INTEGER
      + ")k(?<slowness>" + NUMBER + "))?" + "|-(?<alibi>alibi)|-learned(?<places>" + INTEGER
      + ")|-(?<none>nopos)";

  private PositionsName() {}

  /**
   * Reads what {@link #of} prints.
   *
   * @param name a match of a pattern with {@link #PATTERN} in it
   * @param usual the family's
   * @throws IllegalArgumentException where a number is not allowed
   */
  static Positions parse(Matcher name, Rotary usual) {
    if (name.group("alibi") != null) {
      return new Positions.Alibi();
    }
    if (name.group("places") != null) {
      return new Positions.Learned(Integer.parseInt(name.group("places")));
    }
    if (name.group("none") != null) {
      return new Positions.None();
    }
    Rotary rotary = name.group("fraction") == null
        ? usual
        : new Rotary(number(name, "fraction"),
            name.group("base") == null ? usual.base() : number(name, "base"));
    if (name.group("scale") != null) {
      return new Positions.Ntk(rotary, number(name, "scale"));
    }
    if (name.group("clipped") != null) {
      return new Positions.Rerope(rotary, Integer.parseInt(name.group("clipped")));
    }
    if (name.group("leaky") != null) {
      return new Positions.LeakyRerope(rotary, Integer.parseInt(name.group("leaky")),
          number(name, "slowness"));
    }
    return rotary;
  }

  private static double number(Matcher name, String group) {
    return Double.parseDouble(name.group(group));
  }

  /** The name, from its dash on; empty for the family's own. */
  static String of(Positions positions, Rotary usual) {
    return positions.rotary().map(rotary -> rotation(rotary, usual)).orElse("") + switch (positions) {
      case Rotary _ -> "";
      case Positions.Ntk ntk -> "-ntk" + text(ntk.scale());
      case Positions.Rerope rerope -> "-rerope" + rerope.window();
      case Positions.LeakyRerope leaky -> "-leaky" + leaky.window() + "k" + text(leaky.slowness());
      case Positions.Alibi _ -> "-alibi";
      case Positions.Learned learned -> "-learned" + learned.length();
      case Positions.None _ -> "-nopos";
    };
  }

  private static String rotation(Rotary rotary, Rotary usual) {
    return rotary.equals(usual)
        ? ""
        : "-rotary" + text(rotary.fraction())
            + (rotary.base() == usual.base() ? "" : "b" + text(rotary.base()));
  }

  /** The shortest decimal that is the number, without an exponent. */
  private static String text(double number) {
    return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
  }
}
