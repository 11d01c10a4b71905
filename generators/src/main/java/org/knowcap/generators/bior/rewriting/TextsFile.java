package org.knowcap.generators.bior.rewriting;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import org.knowcap.files.FileFailure;

/**
 * A file of lines that grows. One process at a time may write to it. Opening it removes an incomplete line that a
 * killed process has left. Threads may share an instance.
 */
final class TextsFile implements AutoCloseable {
  private static final int STEP = 1 << 16;

  private final Path path;
  private final FileChannel channel;
  private boolean broken;

  /**
   * @param earlier receives each line that the file already has
   * @throws RewritingException if another process, or another part of this one, has it open
   */
  TextsFile(Path path, Consumer<String> earlier) throws IOException {
    this.path = path;
    Files.createDirectories(path.toAbsolutePath().getParent());
    channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
        StandardOpenOption.WRITE);
    try {
      lock();
      channel.truncate(endOfLines());
      // The reader is not closed: that would close the channel, and with it give up the lock.
      BufferedReader lines = new BufferedReader(Channels.newReader(channel.position(0),
          StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE), STEP));
      lines.lines().forEach(earlier);
      channel.position(channel.size());
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void lock() throws IOException {
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException heldByThisProcess) {
      // As good as held by another.
    }
    if (lock == null) {
      throw new RewritingException(path + " is being written to by another process");
    }
  }

  /** The position after the last complete line. */
  private long endOfLines() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(STEP);
    for (long end = channel.size(); end > 0; end -= STEP) {
      long start = Math.max(0, end - STEP);
      bytes.clear().limit((int) (end - start));
      while (bytes.hasRemaining() && channel.read(bytes, start + bytes.position()) >= 0) {
        // A read may bring less than was asked for.
      }
      for (int i = bytes.position() - 1; i >= 0; i--) {
        if (bytes.get(i) == '\n') {
          return start + i + 1;
        }
      }
    }
    return 0;
  }

  /** Appends a line, completely or not at all. */
  synchronized void append(String line) throws IOException {
    if (broken) {
      throw new IOException(path + " could not be written to before");
    }
    long before = channel.position();
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      broken = true;
      channel.truncate(before);
      throw FileFailure.of(path, e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
