package org.knowcap.models.engine.cuda;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Switches that make the engine avoid a feature, to find the cause of a fault. */
public enum DebugSwitch {
  /**
   * Kernels are launched one by one, not recorded as graphs; algorithms are chosen as with {@link #FIRST_HEURISTIC},
   * because nothing can be timed.
   */
  NO_GRAPH,
  /** GELU and its derivative are kernels of the engine, not epilogues of cuBLASLt's matmuls. */
  NO_EPILOGUES,
  /** Attention runs without tensor cores. */
  PLAIN_ATTENTION,
  /** The engine's own kernel computes matmuls; it is many times slower than cuBLASLt. */
  OWN_MATMUL,
  /** The engine uses the first algorithm that cuBLASLt proposes, times none, and keeps nothing on disk. */
  FIRST_HEURISTIC,
  /**
   * Each part of a run's memory is an allocation of its own, so that compute-sanitizer sees writes beyond its end;
   * one run at a time.
   */
  PARTS_APART,
  /** Kernels are compiled so that NVIDIA's tools can name lines of their source. */
  LINE_INFO;

  /** Environment variable that turns them on: their names in small letters, with commas. */
  public static final String SETTING = "KNOWCAP_CUDA_DEBUG";

  /** The word for this switch in {@link #SETTING}. */
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
