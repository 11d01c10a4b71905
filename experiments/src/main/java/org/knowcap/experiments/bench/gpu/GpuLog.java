package org.knowcap.experiments.bench.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import tools.jackson.core.JacksonException;

/** The file gpu.jsonl: a line for each item that has ended, on the disk before the next one begins. */
public final class GpuLog {
  /** Bytes that must find room. */
  private static final int PAGE = 4096;

  private final Path file;

  private GpuLog(Path file) {
    this.file = file;
  }

  /** What is in a file. */
  public record Lines(List<GpuLine> lines, int broken) {}

  /** The file in a folder. */
  public static GpuLog of(Path folder) {
    return new GpuLog(folder.resolve("gpu.jsonl"));
  }

  /**
   * Makes the folder if need be, and sees that it has room: now, rather than after the first measurement.
   *
   * @throws UserException where it has none, or cannot be written
   */
  public void requireRoom() {
    try {
      Files.createDirectories(file.getParent());
      try (
          FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        long end = channel.size();
        try {
          ByteBuffer page = ByteBuffer.wrap(" ".repeat(PAGE).getBytes(StandardCharsets.UTF_8));
          channel.position(end);
          while (page.hasRemaining()) {
            channel.write(page);
          }
          channel.force(true);
        } finally {
          channel.truncate(end);
        }
      }
    } catch (IOException e) {
      throw UserException.failure("--out " + file.getParent() + " cannot be written: " + reason(e)
          + "; name another folder, or make room");
    }
  }

  private static String reason(IOException e) {
    return e.getClass().getSimpleName().replace("IOException", "") + " " + e.getMessage();
  }

  /**
   * Adds a line and waits until it is on the disk.
   *
   * @throws IOException where it cannot be written, such as on a full disk
   */
  public synchronized void add(GpuLine line) throws IOException {
    append((Json.MAPPER.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private void append(byte[] content) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
        StandardOpenOption.WRITE)) {
      long end = channel.size();
      // Of a line that was cut off, by a kill or for want of room, nothing else must suffer.
      ByteBuffer last = ByteBuffer.allocate(1);
      boolean cut = end > 0 && channel.read(last, end - 1) == 1 && last.get(0) != '\n';
      ByteBuffer all = ByteBuffer.allocate(content.length + 1);
      if (cut) {
        all.put((byte) '\n');
      }
      all.put(content).flip();
      channel.position(end);
      while (all.hasRemaining()) {
        channel.write(all);
      }
      channel.force(true);
    }
  }

  /** Everything written so far, in order; lines that were cut off are counted. */
  public synchronized Lines read() throws IOException {
    List<GpuLine> lines = new ArrayList<>();
    int broken = 0;
    for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n")) {
      try {
        if (!line.isBlank()) {
          lines.add(Json.MAPPER.readValue(line, GpuLine.class));
        }
      } catch (JacksonException e) {
        broken++;
      }
    }
    return new Lines(lines, broken);
  }
}
