package org.knowcap.files;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Writes a file under a temporary name beside its target and then renames it, so that a reader never meets an
 * incomplete file. If the writing fails, an existing target is unchanged and nothing is left beside it.
 */
public final class WholeFile {
  private static final String ASIDE = ".tmp-";

  private WholeFile() {}

  /** The content of a file, as bytes. */
  @FunctionalInterface
  public interface Content {
    /** Writes all of the content. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** The content of a file, written by its path. */
  @FunctionalInterface
  public interface Maker {
    /** Creates the file. */
    void make(Path file) throws IOException;
  }

  /**
   * Writes a file. Creates the target's folder if it is missing.
   *
   * @throws IOException if the folder or the file cannot be written
   */
  public static void write(Path target, Content content) throws IOException {
    make(target, aside -> {
      try (
          FileChannel channel = FileChannel.open(aside, StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE);
          OutputStream out = Channels.newOutputStream(channel)) {
        content.writeTo(out);
        // Before the rename: after a power failure the file must not be there without its content.
        channel.force(true);
      }
    });
  }

  /**
   * Has a file made. Creates the target's folder if it is missing.
   *
   * @throws IOException if the folder or the file cannot be written
   */
  public static void make(Path target, Maker maker) throws IOException {
    // Not Files.createTempFile: only their owner can read its files.
    make(target, target.resolveSibling(ASIDE + target.getFileName() + "-" + UUID.randomUUID()), maker);
  }

  /** Deletes what processes that were killed while they wrote files have left in a folder. */
  public static void deleteUnfinished(Path folder) throws IOException {
    List<Path> left;
    try (Stream<Path> entries = Files.list(folder)) {
      left = entries.filter(entry -> entry.getFileName().toString().startsWith(ASIDE)).toList();
    }
    for (Path file : left) {
      Files.deleteIfExists(file);
    }
  }

  /**
   * Has a file made under a temporary name that the caller chooses, if no other process may write the target:
   * what a killed process has left is overwritten.
   *
   * @param aside in the target's folder
   * @throws IOException if the folder or the file cannot be written
   */
  public static void make(Path target, Path aside, Maker maker) throws IOException {
    Path folder = target.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    try {
      maker.make(aside);
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw FileFailure.of(target, aside, e);
    } catch (RuntimeException e) {
      throw FileFailure.of(target, aside, e);
    } finally {
      Files.deleteIfExists(aside);
    }
  }
}
