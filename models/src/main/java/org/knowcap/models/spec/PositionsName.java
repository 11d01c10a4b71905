package org.knowcap.models.spec;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Positions as a model's short name says them. What is the family's goes without saying. */
final class PositionsName {
  private static final String NUMBER = "([0-9]+(?:\\.[0-9]+)?)";
  private static final String INTEGER = "([1-9][0-9]{0,7})";
  /** A rotation other than the family's and what is made of one, or what is made of none. */
  static final String PATTERN = "(?:-rotary" + NUMBER + "(?:b" + NUMBER + ")?)?(?:-ntk" + NUMBER + ")?"
      + "|-learned" + INTEGER + "|-(nopos)";

  private static final Pattern NAME = Pattern.compile(PATTERN);

  private PositionsName() {}

  /**
   * Reads what {@link #of} prints.
   *
   * @param text matches {@link #PATTERN}
   * @param usual the family's
   * @throws IllegalArgumentException where a number is not allowed
   */
  static Positions parse(String text, Rotary usual) {
    Matcher matcher = NAME.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no positions are named '" + text + "'");
    }
    if (matcher.group(4) != null) {
      return new Positions.Learned(Integer.parseInt(matcher.group(4)));
    }
    if (matcher.group(5) != null) {
      return new Positions.None();
    }
    Rotary rotary = matcher.group(1) == null
        ? usual
        : new Rotary(Double.parseDouble(matcher.group(1)),
            matcher.group(2) == null ? usual.base() : Double.parseDouble(matcher.group(2)));
    return matcher.group(3) == null
        ? rotary
        : new Positions.Ntk(rotary, Double.parseDouble(matcher.group(3)));
  }

  /** The name, from its dash on; empty for the family's own. */
  static String of(Positions positions, Rotary usual) {
    return positions.rotary().map(rotary -> rotation(rotary, usual)).orElse("") + switch (positions) {
      case Rotary _ -> "";
      case Positions.Ntk ntk -> "-ntk" + text(ntk.scale());
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
