package org.knowcap.generators.export;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.knowcap.generators.tokens.Vocabulary;

/** The bytes of each token of a vocabulary, end to end in one array. */
final class TokenBytes {
  /** {@link #write} may overwrite this many bytes after those that it writes. */
  static final int SLACK = 2 * Long.BYTES;

  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class,
      ByteOrder.nativeOrder());

  private final byte[] bytes;
  /** The start of each token's bytes, times 2^32, plus their number: one look-up finds both. */
  private final long[] places;
  private final int longest;

  private TokenBytes(int tokens, IntFunction<byte[]> bytesOf) {
    places = new long[tokens];
    int all = 0;
    int most = 0;
    for (int token = 0; token < tokens; token++) {
      int length = bytesOf.apply(token).length;
      places[token] = (long) all << Integer.SIZE | length;
      all += length;
      most = Math.max(most, length);
    }
    longest = most;
    bytes = new byte[all + SLACK];
    for (int token = 0; token < tokens; token++) {
      byte[] one = bytesOf.apply(token);
      System.arraycopy(one, 0, bytes, start(places[token]), one.length);
    }
  }

  private static int start(long place) {
    return (int) (place >>> Integer.SIZE);
  }

  private static int length(long place) {
    return (int) place;
  }

  /** The tokens' text. */
  static TokenBytes text(Vocabulary vocabulary) {
    return new TokenBytes(vocabulary.size(), vocabulary::bytes);
  }

  /** The tokens' text, escaped for JSON strings. */
  static TokenBytes json(Vocabulary vocabulary) {
    return new TokenBytes(vocabulary.size(), token -> Utf8Buffer.escaped(vocabulary.bytes(token)));
  }

  /** The tokens' numbers, each after a comma. */
  static TokenBytes numbers(Vocabulary vocabulary) {
    return new TokenBytes(vocabulary.size(), token -> ("," + token).getBytes(StandardCharsets.US_ASCII));
  }

  /** The largest number of bytes of a token. */
  int longest() {
    return longest;
  }

  /**
   * Writes a token to {@code target[offset]} and on, where there must be room for {@link #longest} +
   * {@link #SLACK} bytes; returns the offset after it.
   */
  int write(int token, byte[] target, int offset) {
    int start = start(places[token]);
    int length = length(places[token]);
    // Nearly every token has at most 16 bytes: to copy as many, wanted or not, beats a loop.
    LONGS.set(target, offset, (long) LONGS.get(bytes, start));
    LONGS.set(target, offset + Long.BYTES, (long) LONGS.get(bytes, start + Long.BYTES));
    for (int i = SLACK; i < length; i++) {
      target[offset + i] = bytes[start + i];
    }
    return offset + length;
  }

  /** Whether any token has one of these bytes. */
  boolean holdsAny(byte... wanted) {
    return IntStream.range(0, bytes.length - SLACK).anyMatch(i -> {
      for (byte b : wanted) {
        if (bytes[i] == b) {
          return true;
        }
      }
      return false;
    });
  }

  /** The number of characters (Unicode code points) that begin in a token. */
  int characters(int token) {
    int characters = 0;
    int start = start(places[token]);
    for (int i = start; i < start + length(places[token]); i++) {
      // All but the first byte of a character are 10xxxxxx.
      characters += (bytes[i] & 0xC0) == 0x80 ? 0 : 1;
    }
    return characters;
  }
}
