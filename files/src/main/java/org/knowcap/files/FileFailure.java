package org.knowcap.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Optional;

/** Failures to read or write, by the name of their file and in words. */
public final class FileFailure {
  private FileFailure() {}

  /** A failure as a person reads it: the file first, then why. Java says the reason in an exception's name. */
  public static String describe(IOException failed) {
    if (failed instanceof FileSystemException system) {
      return system.getFile() + ": " + reason(system);
    }
    if (failed.getCause() instanceof IOException cause && cause.toString().equals(failed.getMessage())) {
      return describe(cause);
    }
    return failed.getMessage() == null ? "reading or writing failed without a reason" : failed.getMessage();
  }

  private static String reason(FileSystemException failed) {
    return switch (failed) {
      case AccessDeniedException _ -> "no permission";
      case NoSuchFileException _ -> "no such file or directory";
      case FileAlreadyExistsException _ -> "is there already";
      case NotDirectoryException _ -> "is no directory";
      case DirectoryNotEmptyException _ -> "is not empty";
      case FileSystemLoopException _ -> "links to itself";
      default ->
          failed.getReason() == null ? "cannot be used" : failed.getReason() + remedy(failed.getReason());
    };
  }

  /** What to do about what the system says, where that is the same for every file. */
  private static String remedy(String reason) {
    return switch (reason) {
      case "No space left on device", "Disk quota exceeded" ->
          "; make room there, then give the command again";
      case "File too large" -> "; let files be larger (ulimit -f), then give the command again";
      default -> "";
    };
  }

  /** The failure with the name of its file, which Java does not say of a disk that is full. */
  public static IOException of(Path file, IOException failed) {
    return of(file, file, failed);
  }

  /**
   * The failure with the name of its file.
   *
   * @param target the file or folder that was to be made
   * @param aside its temporary name, which means nothing to a person
   */
  public static IOException of(Path target, Path aside, IOException failed) {
    if (!(failed instanceof FileSystemException system) || system.getFile() == null) {
      return withCause(new FileSystemException(target.toString(), null, failed.getMessage()), failed);
    }
    Path file = Path.of(system.getFile());
    if (aside.equals(target) || !file.startsWith(aside)) {
      return failed;
    }
    String own = target.resolve(aside.relativize(file)).toString();
    return withCause(failed instanceof AccessDeniedException
        ? new AccessDeniedException(own)
        : new FileSystemException(own, null,
            system.getReason() == null ? reason(system) : system.getReason()),
        failed);
  }

  /** The failure with the name of its file, where a library has wrapped it; any other exception as it is. */
  public static IOException of(Path target, Path aside, RuntimeException failed) {
    return of(target, aside, within(failed).orElseThrow(() -> failed));
  }

  /** What failed to be read or written, where a library has wrapped that into an exception of its own. */
  private static Optional<IOException> within(RuntimeException failed) {
    for (Throwable cause = failed.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException found) {
        return Optional.of(found);
      }
    }
    return Optional.empty();
  }

  private static FileSystemException withCause(FileSystemException named, IOException cause) {
    named.initCause(cause);
    return named;
  }
}
