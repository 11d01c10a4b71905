package org.knowcap.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileFailureTest {
  @TempDir
  private Path folder;

  @Test
  void saysWhatJavaSaysInTheNameOfAnException() throws IOException {
    Path missing = folder.resolve("missing");
    assertEquals(missing + ": no such file or directory",
        FileFailure.describe(assertThrows(IOException.class, () -> Files.readAllBytes(missing))));
    Path file = Files.writeString(folder.resolve("file"), "");
    assertEquals(file + ": is there already",
        FileFailure.describe(assertThrows(IOException.class, () -> Files.createFile(file))));
    assertEquals(file + ": is no directory",
        FileFailure.describe(assertThrows(IOException.class, () -> Files.list(file))));
    assertEquals(folder + ": is not empty",
        FileFailure.describe(assertThrows(IOException.class, () -> Files.delete(folder))));
    assertEquals("x: cannot be used", FileFailure.describe(new FileSystemException("x")));
    assertEquals("x: Input/output error",
        FileFailure.describe(new FileSystemException("x", null, "Input/output error")));
    assertEquals("x: No space left on device; make room there, then give the command again",
        FileFailure.describe(new FileSystemException("x", null, "No space left on device")));
    assertEquals("cut short", FileFailure.describe(new IOException("cut short")));
  }
}
