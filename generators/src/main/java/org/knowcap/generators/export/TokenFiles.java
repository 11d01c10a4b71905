package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.knowcap.generators.export.PlannedFile.Content;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Token files for three training programs; all numbers are little-endian. The formats are defined by
 * nanoGPT's {@code data/openwebtext/prepare.py} and {@code data/shakespeare_char/prepare.py}, llm.c's
 * {@code dev/data/data_common.py}, and Megatron-LM's {@code megatron/core/datasets/indexed_dataset.py}.
 */
final class TokenFiles {
  /** Vocabularies whose tokens fit into 16 bits. */
  static final int SHORT_VOCABULARY = 1 << Short.SIZE;
  /** Megatron uses 32 bits from this size on. */
  private static final int MEGATRON_SHORT_VOCABULARY = 65_500;

  private static final int LLMC_HEADER_INTS = 256;
  private static final int LLMC_MAGIC = 20240520;
  private static final int LLMC_VERSION = 1;
  /** llm.c's header for 32 bits a token, which it uses for Llama 3. */
  private static final int LLMC_WIDE_MAGIC = 20240801;
  private static final int LLMC_WIDE_VERSION = 7;

  private static final byte[] MEGATRON_MAGIC = "MMIDIDX\0\0".getBytes(StandardCharsets.US_ASCII);
  private static final long MEGATRON_VERSION = 1;
  private static final byte MEGATRON_UINT16 = 8;
  private static final byte MEGATRON_INT32 = 4;
  private static final int BLOCK_BYTES = 1 << 16;

  private TokenFiles() {}

  /** nanoGPT's {@code train.bin}: the tokens, in {@link #SHORT_VOCABULARY}. */
  static Content nanoGpt(Sequences sequences) {
    return out -> writeTokens(sequences, Short.BYTES, out);
  }

  /**
   * nanoGPT's {@code meta.pkl}: a Python dictionary of {@code vocab_size}, {@code itos} and {@code stoi}, as a
   * pickle of protocol 0, which is text.
   */
  static Content nanoGptMeta(Vocabulary vocabulary) {
    return out -> {
      StringBuilder pickle = new StringBuilder("(dVvocab_size\nI" + vocabulary.size() + "\nsVitos\n(d");
      for (int token = 0; token < vocabulary.size(); token++) {
        pickle.append("I").append(token).append("\nV").append(pickled(vocabulary, token)).append("\ns");
      }
      pickle.append("sVstoi\n(d");
      for (int token = 0; token < vocabulary.size(); token++) {
        pickle.append("V").append(pickled(vocabulary, token)).append("\nI").append(token).append("\ns");
      }
      out.write(pickle.append("s.").toString().getBytes(StandardCharsets.US_ASCII));
      return vocabulary.size();
    };
  }

  /** A token's text with all characters except plain ASCII escaped. */
  private static String pickled(Vocabulary vocabulary, int token) {
    StringBuilder escaped = new StringBuilder();
    vocabulary.decode(new int[]{token}, 0, 1).codePoints().forEach(character -> {
      if (character < ' ' || character == '\\' || character > '~') {
        escaped.append(String.format(Locale.ROOT, character > 0xFFFF ? "\\U%08x" : "\\u%04x", character));
      } else {
        escaped.append((char) character);
      }
    });
    return escaped.toString();
  }

  /** llm.c: a header of 256 numbers of 32 bits, the first of them magic, version and number of tokens; then the tokens. */
  static Content llmC(Sequences sequences, int vocabulary) {
    boolean wide = vocabulary > SHORT_VOCABULARY;
    return out -> {
      ByteBuffer header = littleEndian(LLMC_HEADER_INTS * Integer.BYTES);
      header.putInt(wide ? LLMC_WIDE_MAGIC : LLMC_MAGIC);
      header.putInt(wide ? LLMC_WIDE_VERSION : LLMC_VERSION);
      header.putInt(Math.toIntExact(sequences.tokens()));
      out.write(header.array());
      return writeTokens(sequences, wide ? Integer.BYTES : Short.BYTES, out);
    };
  }

  /** Megatron's {@code .bin}: the tokens. */
  static Content megatron(Sequences sequences, int vocabulary) {
    return out -> writeTokens(sequences, megatronWidth(vocabulary), out);
  }

  /**
   * Megatron's {@code .idx}: magic, version, type of a token, numbers of sequences and of document bounds;
   * then each sequence's length, its first byte, and the bounds. Each sequence is a document.
   */
  static Content megatronIndex(Sequences sequences, int vocabulary) {
    return out -> {
      int width = megatronWidth(vocabulary);
      int count = Math.toIntExact(sequences.count());
      ByteBuffer lengths = littleEndian(count * Integer.BYTES);
      sequences.forEach((_, length) -> lengths.putInt(length));
      ByteBuffer header = littleEndian(MEGATRON_MAGIC.length + 1 + 3 * Long.BYTES);
      header.put(MEGATRON_MAGIC).putLong(MEGATRON_VERSION);
      header.put(width == Short.BYTES ? MEGATRON_UINT16 : MEGATRON_INT32);
      header.putLong(count).putLong(count + 1L);
      out.write(header.array());
      out.write(lengths.array());
      ByteBuffer number = littleEndian(Long.BYTES);
      long start = 0;
      for (int i = 0; i < count; i++) {
        out.write(number.putLong(0, start).array());
        start += (long) lengths.getInt(i * Integer.BYTES) * width;
      }
      for (int i = 0; i <= count; i++) {
        out.write(number.putLong(0, i).array());
      }
      return count;
    };
  }

  private static int megatronWidth(int vocabulary) {
    return vocabulary < MEGATRON_SHORT_VOCABULARY ? Short.BYTES : Integer.BYTES;
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes tokens of 2 or 4 bytes; returns their number. */
  private static long writeTokens(Sequences sequences, int width, OutputStream out) throws IOException {
    byte[] bytes = new byte[BLOCK_BYTES + sequences.longest() * width];
    int[] used = new int[1];
    long[] written = new long[1];
    sequences.forEach((tokens, length) -> {
      int at = used[0];
      for (int i = 0; i < length; i++) {
        int token = tokens[i];
        for (int b = 0; b < width; b++) {
          bytes[at++] = (byte) (token >>> Byte.SIZE * b);
        }
      }
      written[0] += length;
      if (at >= BLOCK_BYTES) {
        out.write(bytes, 0, at);
        at = 0;
      }
      used[0] = at;
    });
    out.write(bytes, 0, used[0]);
    return written[0];
  }
}
