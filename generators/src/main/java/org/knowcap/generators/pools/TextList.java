package org.knowcap.generators.pools;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * A plain text list: UTF-8, one entry a line, LF or CRLF, no entry twice. Words are separated by single
 * spaces: the pieces of a text are joined at spaces, and GPT-2's encoding splits words there.
 */
record TextList(String file, List<String> lines) {

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

  /** @throws IllegalArgumentException naming the file and the line of the first fault */
  static TextList parse(String file, byte[] bytes) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(file + " is not valid UTF-8", e);
    }
    SequencedSet<String> lines = new LinkedHashSet<>();
    for (String line : text.lines().toList()) {
      int number = lines.size() + 1;
      if (line.isEmpty()) {
        throw fault(file, number, "is empty");
      }
      if (!line.matches("\\S+( \\S+)*")) {
        throw fault(file, number, "must have single spaces, and only between words, found \"" + line + "\"");
      }
      if (!lines.add(line)) {
        throw fault(file, number, "repeats \"" + line + "\"");
      }
    }
    return new TextList(file, List.copyOf(lines));
  }

  /** The first {@code count} lines. */
  TextList cut(int count) {
    if (count > lines.size()) {
      throw new IllegalArgumentException(
          file + " has " + lines.size() + " entries, but " + count + " are asked");
    }
    return new TextList(file, lines.subList(0, count));
  }

  /** Something wrong with the line at {@code index}, counted from 0. */
  IllegalArgumentException fault(int index, String what) {
    return fault(file, index + 1, what + ", found \"" + lines.get(index) + "\"");
  }

  private static IllegalArgumentException fault(String file, int number, String what) {
    return new IllegalArgumentException(file + ", line " + number + " " + what);
  }
}
