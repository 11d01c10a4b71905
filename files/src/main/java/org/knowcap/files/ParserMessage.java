package org.knowcap.files;

import java.util.stream.Collectors;

/** What a JSON or YAML parser says of a text, without what only its programmers know. */
public final class ParserMessage {
  private static final int LINES = 2;

  private ParserMessage() {}

  /**
   * The first lines of a message as one, without the parser's own settings and the packages of Java's classes.
   *
   * @param message such as Jackson's without the place
   */
  public static String plain(String message) {
    return message.lines()
        .filter(line -> !line.startsWith(" ") && !line.startsWith("in "))
        .limit(LINES)
        .collect(Collectors.joining(", "))
        .replaceAll(", from `[^`]*`", "")
        .replaceAll("(?:[a-z][\\w$]*\\.)+([A-Z][\\w$]*)", "$1");
  }
}
