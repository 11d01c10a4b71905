package org.knowcap.models.engine.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.knowcap.files.Sha256;
import org.knowcap.files.WholeFile;

/** Keeps on disk what takes long to make and does not change: compiled kernels, and algorithms of matmuls. */
record DiskCache(Path folder) {
  /** In the user's folder for such things. */
  static DiskCache ofUser() {
    String caches = System.getenv("XDG_CACHE_HOME");
    Path root = caches == null || caches.isBlank()
        ? Path.of(System.getProperty("user.home"), ".cache")
        : Path.of(caches);
    return new DiskCache(root.resolve("knowcap").resolve("cuda"));
  }

  /**
   * What was kept under a key, or what is made now and kept.
   *
   * @param key everything that the content depends on
   */
  byte[] get(String key, Supplier<byte[]> maker) {
    Path file = folder.resolve(Sha256.of(key));
    try {
      if (Files.exists(file)) {
        return Files.readAllBytes(file);
      }
    } catch (IOException e) {
      // It is made again.
    }
    byte[] content = maker.get();
    try {
      WholeFile.write(file, out -> out.write(content));
    } catch (IOException e) {
      // A folder that cannot be written to costs time, no more.
    }
    return content;
  }
}
