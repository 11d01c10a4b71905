package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.knowcap.generators.corpus.ItemReader;
import org.knowcap.generators.corpus.Source;

/**
 * Writes a source's texts in UTF-8, one line each, as in a file of the format {@link Format#TXT}. Writing
 * allocates nothing for a text. An instance is for one thread.
 */
public final class TextWriter {
  private static final byte[] LINE = "\n".getBytes(StandardCharsets.US_ASCII);

  private final ItemReader items;
  private final TokenBytes text;
  private final Utf8Buffer buffer;
  private final int[] item;
  private long tokens;

  /**
   * @param first number of the first item
   * @param out   receives blocks of lines
   */
  public TextWriter(Source source, long first, OutputStream out) {
    this(source, first, TokenBytes.text(source.vocabulary()), out);
  }

  /** @param text bytes of each token of the source's vocabulary */
  TextWriter(Source source, long first, TokenBytes text, OutputStream out) {
    items = new ItemReader(source, first);
    this.text = text;
    buffer = new Utf8Buffer(out);
    item = new int[source.longestItem()];
  }

  /**
   * Writes the next item's line.
   *
   * @return the number of its bytes, including the end of the line
   * @throws IOException if a block cannot be written
   */
  public int write() throws IOException {
    int length = items.read(item);
    tokens += length;
    int bytes = buffer.add(text, item, 1, length);
    buffer.add(LINE);
    buffer.flushIfFull();
    return bytes + LINE.length;
  }

  /** The number of tokens of all items so far, including their end-of-text tokens. */
  public long tokens() {
    return tokens;
  }

  /**
   * Writes the last, incomplete block.
   *
   * @throws IOException if it cannot be written
   */
  public void flush() throws IOException {
    buffer.flush();
  }
}
