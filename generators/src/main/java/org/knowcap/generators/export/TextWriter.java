package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.knowcap.generators.corpus.ItemReader;
import org.knowcap.generators.corpus.Source;

/**
 * Writes a source's texts, a line each, in UTF-8: what a file of the format {@link Format#TXT} holds. Writing
 * allocates nothing for a text. Not for use by several threads at once.
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

  /** @param text of the source's vocabulary */
  TextWriter(Source source, long first, TokenBytes text, OutputStream out) {
    items = new ItemReader(source, first);
    this.text = text;
    buffer = new Utf8Buffer(out);
    item = new int[source.longestItem()];
  }

  /**
   * Writes the next item's line.
   *
   * @return its bytes, the end of the line included
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

  /** Of all items so far, each with the end of text in front. */
  public long tokens() {
    return tokens;
  }

  /**
   * Hands over what has been kept back to fill a block.
   *
   * @throws IOException if it cannot be written
   */
  public void flush() throws IOException {
    buffer.flush();
  }
}
