package org.knowcap.experiments.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.core.JacksonException;

/**
 * Reads a run's {@code metrics.jsonl} while it grows: each line once. A run that goes on from a checkpoint writes the file anew; then the
 * last line read is no longer where it was, and reading begins again. Not for several threads.
 */
public final class MetricsTail {
  /** Most bytes of one reading; the rest follows with the next. */
  private static final int MOST = 1 << 24;

  private final Path file;
  private long position;
  private long lines;
  private byte[] lastLine = new byte[0];
  private long seenSize = -1;
  private FileTime seenModified = FileTime.fromMillis(0);

  MetricsTail(Path file) {
    this.file = file;
  }

  /**
   * What a reading has found.
   *
   * @param anew whether these reports replace all earlier ones
   * @param metrics reported since the reading before
   * @param problems what is wrong with lines that cannot be read, a sentence each
   */
  public record News(boolean anew, List<RunFolder.Metric> metrics, List<String> problems) {
    private static final News NONE = new News(false, List.of(), List.of());

    /** Whether there is anything new. */
    public boolean any() {
      return anew || !metrics.isEmpty() || !problems.isEmpty();
    }
  }

  /** Reads what was added; a line that is not whole yet waits for the next reading. */
  public News read() throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      boolean anew = position > 0;
      restart();
      return new News(anew, List.of(), List.of());
    }
    if (attributes.size() == seenSize && attributes.lastModifiedTime().equals(seenModified)) {
      return News.NONE;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      boolean anew = !goesOn(channel);
      if (anew) {
        restart();
      }
      byte[] added = bytes(channel, position, Math.min(MOST, Math.max(0, channel.size() - position)));
      News news = parse(added, anew);
      if (added.length < MOST) {
        seenSize = attributes.size();
        seenModified = attributes.lastModifiedTime();
      }
      return news;
    } catch (NoSuchFileException e) {
      // Deleted meanwhile: the next reading sees it.
      return News.NONE;
    }
  }

  private void restart() {
    position = 0;
    lines = 0;
    lastLine = new byte[0];
    seenSize = -1;
  }

  /** Whether the file still has the last line read where it was. */
  private boolean goesOn(FileChannel channel) throws IOException {
    return Arrays.equals(lastLine, bytes(channel, position - lastLine.length, lastLine.length));
  }

  /** Fewer bytes where the file ends before. */
  private static byte[] bytes(FileChannel channel, long from, long count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) count);
    while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) >= 0) {
      // Until all is read.
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  private News parse(byte[] added, boolean anew) {
    List<RunFolder.Metric> metrics = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < added.length; i++) {
      if (added[i] == '\n') {
        lastLine = Arrays.copyOfRange(added, start, i + 1);
        lines++;
        String line = new String(added, start, i - start, StandardCharsets.UTF_8);
        try {
          metrics.add(RunFolder.metric(line));
        } catch (JacksonException e) {
          problems.add(
              file + ", line " + lines + ": damaged (" + RunFolder.shown(line) + "); the curve lacks it");
        }
        start = i + 1;
      }
    }
    position += start;
    return new News(anew, metrics, problems);
  }
}
