package org.knowcap.generators.export;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;

/**
 * Writes equal tables as equal bytes. Parquet's library keeps the encodings of a column in a hash set, so their
 * order in a file's footer differs between Java processes; this class writes them in the format's order.
 */
final class OrderedFooter extends OutputStream {
  /** A footer takes a few kilobytes for each row group: this is room for more than a thousand of them. */
  private static final int HELD_BYTES = 8 << 20;
  /** The footer's length, and "PAR1". */
  private static final int TAIL_BYTES = 8;

  private final OutputStream out;
  /** The last bytes received, not yet written; at the end, the footer is among them. */
  private final byte[] held = new byte[2 * HELD_BYTES];
  private int size;

  OrderedFooter(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[]{(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    for (int at = 0; at < length;) {
      if (size == held.length) {
        out.write(held, 0, HELD_BYTES);
        System.arraycopy(held, HELD_BYTES, held, 0, HELD_BYTES);
        size = HELD_BYTES;
      }
      int count = Math.min(length - at, held.length - size);
      System.arraycopy(bytes, offset + at, held, size, count);
      size += count;
      at += count;
    }
  }

  /** Writes the remaining bytes; to be called once, when the table is complete. */
  void end() throws IOException {
    int end = size - TAIL_BYTES;
    int length = ByteBuffer.wrap(held).order(ByteOrder.LITTLE_ENDIAN).getInt(end);
    int start = end - length;
    if (length < 0 || start < 0) {
      throw new IOException("a Parquet footer of " + length + " bytes is too long: choose smaller shards");
    }
    FileMetaData footer = Util.readFileMetaData(new ByteArrayInputStream(held, start, length));
    for (RowGroup rows : footer.getRow_groups()) {
      for (ColumnChunk column : rows.getColumns()) {
        order(column.getMeta_data());
      }
    }
    ByteArrayOutputStream ordered = new ByteArrayOutputStream(length);
    Util.writeFileMetaData(footer, ordered);
    out.write(held, 0, start);
    out.write(ordered.toByteArray());
    out.write(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(ordered.size()).array());
    out.write(held, end + Integer.BYTES, TAIL_BYTES - Integer.BYTES);
  }

  private static void order(ColumnMetaData column) {
    Collections.sort(column.getEncodings());
    if (column.isSetEncoding_stats()) {
      Collections.sort(column.getEncoding_stats());
    }
  }
}
