package org.knowcap.generators.pools;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedSet;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A plain text list: UTF-8, one entry a line, LF or CRLF, no entry twice. Words are separated by single
 * spaces: the pieces of a text are joined at spaces, and GPT-2's encoding splits words there.
 */
record TextList(String file, List<String> lines) {
  /** Every file that is read from a directory of lists. */
  private static final List<String> KNOWN = List.of("first_name.txt", "middle_name.txt", "last_name.txt",
      "city.txt", "university.txt", "field.txt", "company.txt", "template_birth_date.txt",
      "template_birth_city.txt", "template_university.txt", "template_major.txt", "template_employer.txt",
      "template_employer_city.txt");

  private static final String BYTE_ORDER_MARK = "\uFEFF";

  /** Reads a list that ships with the toolkit. */
  static TextList shipped(String file) {
    try (InputStream in = TextList.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException(file + " is missing from the toolkit's jar");
      }
      return parse(file, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /**
   * A reader of lists by file name: from a directory, or, if the file is missing, from the toolkit.
   *
   * @throws IllegalArgumentException if there is no such directory
   */
  static Function<String, TextList> in(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new IllegalArgumentException(directory + " is not a directory of lists");
    }
    requireLists(directory);
    return name -> {
      Path file = directory.resolve(name);
      try {
        return parse(file.toString(), Files.readAllBytes(file));
      } catch (NoSuchFileException e) {
        return shipped(name);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read " + file, e);
      }
    };
  }

  /** A misspelt name would be passed over, and the corpus made of the toolkit's own list. */
  private static void requireLists(Path directory) {
    List<String> texts;
    try (Stream<Path> files = Files.list(directory)) {
      texts = files.map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".txt"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + directory, e);
    }
    if (texts.stream().noneMatch(KNOWN::contains)) {
      throw new IllegalArgumentException(directory + " holds none of the lists " + String.join(", ", KNOWN)
          + "; found " + (texts.isEmpty() ? "no .txt file" : String.join(", ", texts)));
    }
    for (String text : texts) {
      KNOWN.stream()
          .filter(known -> !KNOWN.contains(text) && !texts.contains(known)
              && similar(known).equals(similar(text)))
          .findFirst()
          .ifPresent(known -> {
            throw new IllegalArgumentException(
                directory.resolve(text) + " is no list that is read; is it meant to be " + known + "?");
          });
    }
  }

  /** What is left of a name when it is written as people vary it: "First_names.TXT", "first-name.txt". */
  private static String similar(String name) {
    return name.toLowerCase(Locale.ROOT)
        .replaceAll("\\.txt$", "")
        .replaceAll("[^a-z]", "")
        .replaceAll("ies$", "y")
        .replaceAll("s$", "");
  }

  /** @throws IllegalArgumentException naming the file and the line of the first fault */
  static TextList parse(String file, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    if (StandardCharsets.UTF_8.newDecoder().decode(in, out, true).isError()) {
      int lines = 0;
      for (int i = 0; i < in.position(); i++) {
        lines += bytes[i] == '\n' ? 1 : 0;
      }
      throw fault(file, lines + 1, "is not valid UTF-8");
    }
    String text = out.flip().toString();
    if (text.startsWith(BYTE_ORDER_MARK)) {
      text = text.substring(1);
    }
    if (text.isEmpty()) {
      throw fault(file, 1, "is missing: the list is empty");
    }
    SequencedSet<String> lines = new LinkedHashSet<>();
    for (String line : text.lines().toList()) {
      int number = lines.size() + 1;
      if (line.isEmpty()) {
        throw fault(file, number, "is empty");
      }
      if (!line.matches("(?U)\\S+( \\S+)*")) {
        throw fault(file, number, "must have single spaces, and only between words, found \"" + line + "\"");
      }
      if (!lines.add(line)) {
        throw fault(file, number, "repeats \"" + line + "\"");
      }
    }
    return new TextList(file, List.copyOf(lines));
  }

  /** A fault of the line at {@code index}, counted from 0. */
  IllegalArgumentException fault(int index, String what) {
    return fault(file, index + 1, what + ", found \"" + lines.get(index) + "\"");
  }

  private static IllegalArgumentException fault(String file, int number, String what) {
    return new IllegalArgumentException(file + ", line " + number + " " + what);
  }
}
