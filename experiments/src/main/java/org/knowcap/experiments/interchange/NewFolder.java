package org.knowcap.experiments.interchange;

import org.knowcap.files.FileFailure;
import org.knowcap.files.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;

/** Fills a folder under a temporary name and renames it, so that it is whole or absent. */
final class NewFolder {
  private NewFolder() {}

  /** Writes the content of the folder. */
  interface Content {
    void writeTo(Path folder) throws IOException;
  }

  /**
   * Makes a folder.
   *
   * @param target may exist, but must be empty
   * @throws UserException if it is not empty, or is not a folder
   */
  static void write(Path target, Content content) throws IOException {
    Path absolute = target.toAbsolutePath().normalize();
    if (Files.exists(absolute) && !isEmptyDirectory(absolute)) {
      throw UserException.usage(target + " is there already; give a new directory");
    }
    Files.createDirectories(absolute.getParent());
    Path aside = absolute.resolveSibling(".tmp-" + absolute.getFileName() + "-" + UUID.randomUUID());
    try {
      Files.createDirectory(aside);
      content.writeTo(aside);
      Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw FileFailure.of(target, aside, e);
    } catch (RuntimeException e) {
      throw FileFailure.of(target, aside, e);
    } finally {
      Folders.delete(aside);
    }
  }

  private static boolean isEmptyDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> files = Files.list(path)) {
      return files.findAny().isEmpty();
    }
  }
}
