package org.knowcap.experiments.runner;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The GPUs that this process may use, by the names that {@code CUDA_VISIBLE_DEVICES} takes. */
public final class Gpus {
  static final String VISIBLE = "CUDA_VISIBLE_DEVICES";
  private static final Pattern UUID = Pattern.compile("\\(UUID: (GPU-[^)]+)\\)");

  private Gpus() {}

  /**
   * The GPUs that {@code CUDA_VISIBLE_DEVICES} lists, or, where it is not set, those that {@code nvidia-smi} lists; none
   * where that program is missing.
   *
   * @param environment of this process
   */
  public static List<String> visible(Map<String, String> environment) throws InterruptedException {
    if (environment.containsKey(VISIBLE)) {
      // CUDA itself ignores what follows a name that it does not know, such as -1.
      return Stream.of(environment.get(VISIBLE).split(","))
          .map(String::strip)
          .takeWhile(gpu -> gpu.matches("[0-9]+|(GPU|MIG)-.+"))
          .toList();
    }
    try {
      // By UUID: CUDA and nvidia-smi number GPUs in different orders.
      return UUID.matcher(Program.run("nvidia-smi", "-L").output())
          .results()
          .map(found -> found.group(1))
          .toList();
    } catch (IOException noDriver) {
      return List.of();
    }
  }
}
