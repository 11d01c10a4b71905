package org.knowcap.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
  @TempDir
  Path temp;

  @Test
  void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path target = temp.resolve("folder/file");
    WholeFile.write(target, out -> out.write("abc".getBytes(StandardCharsets.UTF_8)));
    IOException failure = assertThrows(IOException.class, () -> WholeFile.write(target, out -> {
      out.write("half of".getBytes(StandardCharsets.UTF_8));
      throw new IOException("the disk is full");
    }));
    assertEquals(target + ": the disk is full", failure.getMessage());
    assertEquals("abc", Files.readString(target));
    try (Stream<Path> files = Files.list(target.getParent())) {
      assertEquals(List.of(target), files.toList());
    }
  }

  /** Writers of tables and charts make exceptions of their own of a full disk. */
  @Test
  void aFailureThatALibraryWrapsIsAFailureToWrite() throws IOException {
    Path target = temp.resolve("file");
    IOException failure = assertThrows(IOException.class, () -> WholeFile.write(target, out -> {
      throw new IllegalStateException("flushing",
          new UncheckedIOException(new IOException("the disk is full")));
    }));
    assertEquals(target + ": the disk is full", FileFailure.describe(failure));
    IllegalStateException fault = new IllegalStateException("a fault");
    assertEquals(fault, assertThrows(IllegalStateException.class, () -> WholeFile.write(target, out -> {
      throw fault;
    })));
  }

  @Test
  void aNameOfTheCallersIsOverwritten() throws IOException {
    Path target = temp.resolve("file");
    Path aside = Files.writeString(temp.resolve(".tmp-file"), "left by a killed process, and longer");
    WholeFile.make(target, aside, file -> Files.writeString(file, "abc"));
    assertEquals("abc", Files.readString(target));
    try (Stream<Path> files = Files.list(temp)) {
      assertEquals(List.of(target), files.toList());
    }
  }

  /** The checksum of "abc" is that of FIPS 180-4's example. */
  @Test
  void checksumsAreThoseOfTheStandard() throws IOException {
    String expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertEquals(expected, Sha256.of("abc"));
    Path file = Files.writeString(temp.resolve("file"), "abc");
    assertEquals(expected, Sha256.of(file));
  }
}
