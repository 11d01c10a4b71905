package org.knowcap.experiments.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;

/**
 * Another library that trains the shapes of {@link TrainingShape}, to compare speeds. It runs in a process of its
 * own, without Knowcap's threads and without the settings that Knowcap's native libraries need.
 */
public enum Peer {
  /** PyTorch through DJL, only in builds with the profile 'benchmarks', and always in fp32. */
  DJL {
    @Override
    void requirePresent() {
      if (Peer.class.getResource("djl/DjlPeer.class") == null) {
        throw UserException.usage(
            "--peer djl is not in this build; set KNOWCAP_PROFILES=benchmarks in the environment, and start again");
      }
    }

    @Override
    List<String> command(Path folder) {
      return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "--enable-native-access=ALL-UNNAMED", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp",
          System.getProperty("java.class.path"), "org.knowcap.experiments.bench.djl.DjlPeer",
          folder.toString());
    }
  },
  /** The PyTorch of the {@code python3} on the path. */
  TORCH {
    @Override
    void requirePresent() {
      // Its script says what is missing.
    }

    @Override
    List<String> command(Path folder) throws IOException {
      for (String script : List.of("peer_torch_cpu.py", "peer_torch.py")) {
        try (InputStream text = Peer.class.getResourceAsStream(script)) {
          Files.copy(text, folder.resolve(script));
        }
      }
      return List.of("python3", folder.resolve("peer_torch_cpu.py").toString(), folder.toString());
    }
  };

  /**
   * Environment variables that would change a native library's threads or memory; they come from the launcher or
   * from its caller.
   */
  private static final Predicate<String> TUNING = name -> Stream
      .of("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "MALLOC_")
      .anyMatch(name::startsWith);
  /** Settings without which PyTorch asks the system for the memory of every large tensor again. */
  private static final Map<String, String> GLIBC_KEEPS_MEMORY = Map.of("MALLOC_MMAP_THRESHOLD_", "4294967296",
      "MALLOC_TRIM_THRESHOLD_", "17179869184", "MALLOC_TOP_PAD_", "268435456");

  /**
   * The peer of this name on the command line.
   *
   * @throws UserException where there is none in this build
   */
  public static Peer named(String name) {
    Peer named = Arrays.stream(values())
        .filter(peer -> peer.label().equals(name))
        .findFirst()
        .orElseThrow(() -> UserException.usage("--peer must be one of "
            + Arrays.stream(values()).map(Peer::label).collect(Collectors.joining(", ")) + "; found "
            + name));
    named.requirePresent();
    return named;
  }

  /** The name on the command line. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The command of its process, which reads a {@link PeerTask} from a folder. */
  abstract List<String> command(Path folder) throws IOException;

  /** Refuses where this build does not have it. */
  abstract void requirePresent();

  /** Makes an environment that of a plain run: it removes everything that sets a native library's threads or memory. */
  public static void withoutTuning(Map<String, String> environment) {
    environment.keySet().removeIf(TUNING);
  }

  /** Makes an environment that of a plain run, and adds settings that make peers on the CPU faster. */
  static void plain(Map<String, String> environment, int threads) {
    withoutTuning(environment);
    environment.putAll(GLIBC_KEEPS_MEMORY);
    environment.put("OMP_NUM_THREADS", Integer.toString(threads));
  }
}
