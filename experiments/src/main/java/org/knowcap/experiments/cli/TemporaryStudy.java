package org.knowcap.experiments.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.knowcap.files.Folders;

/** A study file that a command makes for its own use. */
final class TemporaryStudy {
  private TemporaryStudy() {}

  /** What is done with the file. */
  interface Use<T> {
    T of(Path file) throws IOException, InterruptedException;
  }

  /** Writes the study file, uses it and deletes it. */
  static <T> T with(byte[] yaml, Use<T> use) throws IOException, InterruptedException {
    Path temporary = Files.createTempDirectory("knowcap");
    try {
      return use.of(Files.write(temporary.resolve("study.yaml"), yaml));
    } finally {
      Folders.delete(temporary);
    }
  }
}
