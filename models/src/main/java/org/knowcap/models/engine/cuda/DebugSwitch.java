package org.knowcap.models.engine.cuda;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Ways in which the engine can do without something, to find out what a fault comes from. */
public enum DebugSwitch {
  /** Launches are asked for one by one each time, not recorded as graphs; algorithms as with {@link #FIRST_HEURISTIC}, for nothing can be timed. */
  NO_GRAPH,
  /** GELU and its slope are kernels of ours, not ends of cuBLASLt's products. */
  NO_EPILOGUES,
  /** Attention runs without tensor cores. */
  PLAIN_ATTENTION,
  /** Products are done by the engine's own kernel, many times slower than cuBLASLt. */
  OWN_MATMUL,
  /** Of cuBLASLt's algorithms the one it names first, without timing any; nothing is kept on disk. */
  FIRST_HEURISTIC,
  /** Each part of a run's memory is an allocation of its own, so that compute-sanitizer sees writes beyond one; one run at a time. */
  PARTS_APART,
  /** KernelModule are compiled so that NVIDIA's tools can name lines of their source. */
  LINE_INFO;

  /** Environment variable that turns them on: their names in small letters, with commas. */
  public static final String SETTING = "KNOWCAP_CUDA_DEBUG";

  /** As it is written in {@link #SETTING}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Reads a list.
   *
   * @throws IllegalArgumentException where it names something else
   */
  public static Set<DebugSwitch> parse(String list) {
    Set<DebugSwitch> found = EnumSet.noneOf(DebugSwitch.class);
    Stream.of(list.split(","))
        .map(String::strip)
        .filter(word -> !word.isEmpty())
        .forEach(word -> found.add(Stream.of(values())
            .filter(each -> each.word().equals(word))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("there is no debug switch '" + word
                + "'; there are " + words(EnumSet.allOf(DebugSwitch.class))))));
    return found;
  }

  /** Their names, with commas. */
  public static String words(Set<DebugSwitch> switches) {
    return switches.stream().map(DebugSwitch::word).collect(Collectors.joining(","));
  }
}
