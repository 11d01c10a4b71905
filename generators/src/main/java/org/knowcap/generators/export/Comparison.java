package org.knowcap.generators.export;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.knowcap.files.Sha256;
import org.knowcap.generators.export.Manifest.Entry;

/** An output stream that stores nothing and compares what it receives with an existing file. */
final class Comparison extends OutputStream {
  private static final int BUFFER_BYTES = 1 << 16;

  private final InputStream found;
  private final MessageDigest digest = Sha256.digest();
  private long bytes;
  /** The position of the first different byte; negative while there is none. */
  private long difference = -1;

  private Comparison(InputStream found) {
    this.found = found;
  }

  /** The faults of a file and of its entry in the manifest, one line each. */
  static List<String> of(Path directory, PlannedFile file, Optional<Entry> entry) throws IOException {
    Path place = directory.resolve(file.name());
    if (!Files.isRegularFile(place)) {
      return List.of(file.name() + " is missing");
    }
    List<String> wrong = new ArrayList<>();
    long size = Files.size(place);
    Entry expected;
    try (InputStream found = Files.newInputStream(place);
        Comparison comparison = new Comparison(new BufferedInputStream(found, BUFFER_BYTES))) {
      OutputStream out = new BufferedOutputStream(comparison, BUFFER_BYTES);
      long count = file.content().writeTo(out);
      out.flush();
      expected = new Entry(count, comparison.bytes, Sha256.hex(comparison.digest));
      if (comparison.difference >= 0) {
        wrong.add(file.name() + describe(place, comparison.difference, size, comparison.bytes));
      } else if (size > comparison.bytes) {
        wrong.add(file.name() + " has " + (size - comparison.bytes) + " bytes too many behind its "
            + comparison.bytes);
      }
    }
    if (entry.isEmpty()) {
      wrong.add(Manifest.NAME + " says nothing of " + file.name());
    } else if (!entry.get().equals(expected)) {
      wrong.add(Manifest.NAME + " says of " + file.name() + ": " + shown(file, entry.get()) + ", not "
          + shown(file, expected));
    }
    return wrong;
  }

  private static String shown(PlannedFile file, Entry entry) {
    return entry.count() + " " + file.unit() + ", " + entry.bytes() + " bytes, SHA-256 " + entry.sha256();
  }

  private static String describe(Path place, long difference, long size, long expected) throws IOException {
    if (difference == size) {
      return " is truncated: it has " + size + " of " + expected + " bytes";
    }
    String name = place.getFileName().toString();
    boolean lines = name.endsWith(".jsonl") || name.endsWith(".txt") || name.endsWith(".json");
    return " has been changed, first at byte " + difference + " (counted from 0)"
        + (lines ? ", in line " + line(place, difference) : "");
  }

  /** The number of the line that a byte is in, from 1. */
  private static long line(Path place, long position) throws IOException {
    long line = 1;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(place), BUFFER_BYTES)) {
      for (long i = 0; i < position; i++) {
        line += in.read() == '\n' ? 1 : 0;
      }
    }
    return line;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[]{(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] expected, int offset, int length) throws IOException {
    digest.update(expected, offset, length);
    if (difference < 0) {
      byte[] actual = found.readNBytes(length);
      int at = Arrays.mismatch(expected, offset, offset + length, actual, 0, actual.length);
      if (at >= 0) {
        difference = bytes + at;
      }
    }
    bytes += length;
  }
}
