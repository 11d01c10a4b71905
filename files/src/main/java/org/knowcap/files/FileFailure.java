package org.knowcap.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Failures to read or write, in words. */
public final class FileFailure {
  private FileFailure() {}

  /** A failure as a person reads it: the file first, then why. Java says the reason in an exception's name. */
  public static String describe(IOException failed) {
    if (failed instanceof FileSystemException system) {
      return system.getFile() + ": " + switch (system) {
        case AccessDeniedException _ -> "no permission";
        case NoSuchFileException _ -> "no such file or directory";
        case FileAlreadyExistsException _ -> "is there already";
        case NotDirectoryException _ -> "is no directory";
        case DirectoryNotEmptyException _ -> "is not empty";
        case FileSystemLoopException _ -> "links to itself";
        default -> system.getReason() == null ? "cannot be used" : system.getReason();
      };
    }
    return failed.getMessage() == null ? "reading or writing failed without a reason" : failed.getMessage();
  }
}
