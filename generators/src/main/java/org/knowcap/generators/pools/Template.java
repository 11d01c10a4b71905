package org.knowcap.generators.pools;

/**
 * A sentence with two gaps: subject, then {@code prefix}, then a space and the value, then {@code suffix}.
 * Written as a line: "{name} was born on {value}.".
 *
 * @param prefix text between subject and value, such as " was born on" or "'s birthday is"
 * @param suffix text after the value, such as "." or ", a day to remember."
 */
public record Template(String prefix, String suffix) {
  private static final String SUBJECT = "{name}";
  private static final String VALUE = " {value}";

  /** @throws IllegalArgumentException if the line does not have each gap once */
  static Template parse(String line) {
    int value = line.indexOf(VALUE);
    if (!line.startsWith(SUBJECT) || value < 0 || line.split("[{}]", -1).length != 5) {
      throw new IllegalArgumentException(
          "must begin with " + SUBJECT + " and hold one" + VALUE + " after a space, and no other braces");
    }
    return new Template(line.substring(SUBJECT.length(), value), line.substring(value + VALUE.length()));
  }

  /** The template as a line of its list. */
  public String line() {
    return SUBJECT + prefix + VALUE + suffix;
  }
}
