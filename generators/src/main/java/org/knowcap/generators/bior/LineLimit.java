package org.knowcap.generators.bior;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file of lines as a stream that ends with an error at a line longer than any text: it would fill the memory. */
public final class LineLimit extends FilterInputStream {
  private static final int MOST_MEGABYTES = 16;

  private final Path file;
  private long line = 1;
  private int length;

  private LineLimit(Path file, InputStream in) {
    super(in);
    this.file = file;
  }

  /** Opens a file. */
  public static InputStream open(Path file) throws IOException {
    return new LineLimit(file, Files.newInputStream(file));
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int most) throws IOException {
    int count = super.read(bytes, offset, most);
    for (int i = offset; i < offset + count; i++) {
      if (bytes[i] == '\n') {
        line++;
        length = 0;
      } else if (++length > MOST_MEGABYTES << 20) {
        throw new IOException(file + ", line " + line + " is longer than " + MOST_MEGABYTES
            + " MB: this is no file of texts, one a line");
      }
    }
    return count;
  }
}
