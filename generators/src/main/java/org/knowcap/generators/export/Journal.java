package org.knowcap.generators.export;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.knowcap.files.FileFailure;
import org.knowcap.generators.export.Manifest.Entry;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The progress of an unfinished export, in {@code unfinished.jsonl}: the manifest without its
 * files, then a line for each finished file. While it is open, no other process can write the same export.
 */
final class Journal implements AutoCloseable {
  static final String NAME = "unfinished.jsonl";

  private final Path file;
  private final FileChannel channel;
  private Optional<Manifest> manifest = Optional.empty();
  private final Map<String, Entry> entries = new HashMap<>();

  private Journal(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens the journal of a directory, or begins one.
   *
   * @throws IOException if that fails, or another process has it open
   */
  static Journal open(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
        StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        throw new OverlappingFileLockException();
      }
      Journal journal = new Journal(file, channel);
      journal.read();
      return journal;
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new IOException("another process is writing there", e);
    } catch (JacksonException e) {
      channel.close();
      throw new IOException(file.getFileName() + " is not valid JSON: delete the directory", e);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * The manifest of the export that some process is writing to a directory.
   *
   * @throws ExportException if none is
   */
  static Manifest begun(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      String first = lines.readLine();
      if (first == null) {
        throw new ExportException(file + " is empty: no export is being written to " + directory);
      }
      return new Manifest(Manifest.JSON.readTree(first));
    } catch (NoSuchFileException e) {
      throw new ExportException("no export is being written to " + directory + ": it has no " + NAME, e);
    } catch (JacksonException e) {
      throw new IOException(file.getFileName() + " is not valid JSON: delete the directory", e);
    }
  }

  /** Reads complete lines and cuts off an incomplete one, which a killed process has left. */
  private void read() throws IOException {
    byte[] bytes = Channels.newInputStream(channel).readAllBytes();
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        read(Manifest.JSON.readTree(bytes, start, i - start));
        start = i + 1;
      }
    }
    channel.truncate(start).position(start);
  }

  private void read(JsonNode line) {
    if (manifest.isEmpty()) {
      manifest = Optional.of(new Manifest(line));
    } else {
      entries.put(line.path("name").asString(""), new Entry(line.path("count").asLong(-1),
          line.path("bytes").asLong(-1), line.path("sha256").asString("")));
    }
  }

  /** The manifest of the export, if there is one. */
  Optional<Manifest> manifest() {
    return manifest;
  }

  /** Begins an export. */
  void begin(Manifest manifest) throws IOException {
    append(manifest.tree());
  }

  /** The file's entry, if it was finished. */
  Optional<Entry> entry(PlannedFile planned) {
    return Optional.ofNullable(entries.get(planned.name()));
  }

  /** Notes a finished file. */
  void add(PlannedFile planned, Entry entry) throws IOException {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("name", planned.name());
    line.put("count", entry.count());
    line.put("bytes", entry.bytes());
    line.put("sha256", entry.sha256());
    append(Manifest.JSON.valueToTree(line));
  }

  private void append(JsonNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer
        .wrap((Manifest.JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
    read(line);
  }

  /** Ends the export. */
  void delete() throws IOException {
    Files.delete(file);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
