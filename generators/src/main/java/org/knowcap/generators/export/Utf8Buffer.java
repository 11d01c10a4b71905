package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Collects text for a file as UTF-8, without intermediate strings. */
final class Utf8Buffer {
  private static final int BLOCK_BYTES = 1 << 16;
  /** The digits of small numbers. */
  private static final byte[][] SMALL = IntStream.range(0, 1000)
      .mapToObj(Utf8Buffer::digits)
      .toArray(byte[][]::new);
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private final OutputStream out;
  private byte[] bytes = new byte[2 * BLOCK_BYTES];
  private int size;

  Utf8Buffer(OutputStream out) {
    this.out = out;
  }

  /** Adds bytes unchanged. */
  void add(byte[] text) {
    reserve(text.length);
    System.arraycopy(text, 0, bytes, size, text.length);
    size += text.length;
  }

  /** Adds the bytes of tokens {@code from} to {@code to - 1}; returns their number. */
  int add(TokenBytes text, int[] tokens, int from, int to) {
    reserve((to - from) * text.longest() + TokenBytes.SLACK);
    int at = size;
    for (int i = from; i < to; i++) {
      at = text.write(tokens[i], bytes, at);
    }
    int added = at - size;
    size = at;
    return added;
  }

  /** Adds a number that is not negative. */
  void add(long number) {
    add(number < SMALL.length ? SMALL[(int) number] : digits(number));
  }

  private static byte[] digits(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  /** Adds a JSON string, with its quotes. */
  void addQuoted(String text) {
    reserve(2);
    bytes[size++] = '"';
    add(escaped(text.getBytes(StandardCharsets.UTF_8)));
    bytes[size++] = '"';
  }

  /** Ends a piece of text, and writes the buffer if it is full. */
  void flushIfFull() throws IOException {
    if (size >= BLOCK_BYTES) {
      flush();
    }
  }

  void flush() throws IOException {
    out.write(bytes, 0, size);
    size = 0;
  }

  /** Escapes UTF-8 for a JSON string. */
  static byte[] escaped(byte[] text) {
    boolean plain = true;
    for (byte b : text) {
      plain &= !isSpecial(b);
    }
    if (plain) {
      return text;
    }
    byte[] escaped = new byte[6 * text.length];
    int size = 0;
    for (byte b : text) {
      if (b == '"' || b == '\\') {
        escaped[size++] = '\\';
        escaped[size++] = b;
      } else if (isSpecial(b)) {
        escaped[size++] = '\\';
        escaped[size++] = 'u';
        escaped[size++] = '0';
        escaped[size++] = '0';
        escaped[size++] = HEX[b >> 4];
        escaped[size++] = HEX[b & 15];
      } else {
        escaped[size++] = b;
      }
    }
    return Arrays.copyOf(escaped, size);
  }

  /** Quotes, backslashes and control characters; the bytes of characters beyond ASCII are negative. */
  private static boolean isSpecial(byte b) {
    return b >= 0 && b < ' ' || b == '"' || b == '\\';
  }

  /** Makes room for a number of bytes and a quote after them. */
  private void reserve(int count) {
    if (size + count >= bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + count + 1));
    }
  }
}
