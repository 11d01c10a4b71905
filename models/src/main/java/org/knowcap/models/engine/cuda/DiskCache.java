package org.knowcap.models.engine.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Supplier;

/** Keeps on disk what takes long to make and is the same each time: compiled kernels, algorithms of products. */
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
    Path file = folder.resolve(hash(key));
    try {
      if (Files.exists(file)) {
        return Files.readAllBytes(file);
      }
    } catch (IOException e) {
      // It is made again.
    }
    byte[] content = maker.get();
    try {
      Files.createDirectories(folder);
      Path aside = Files.createTempFile(folder, "new", ".part");
      Files.write(aside, content);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      // A folder that cannot be written to costs time, no more.
    }
    return content;
  }

  private static String hash(String key) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
