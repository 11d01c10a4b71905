package org.knowcap.experiments.bench.gpu;

import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The outcome of an item: a line of gpu.jsonl.
 *
 * @param item as {@link GpuItem#id} writes it
 * @param seconds that it took, with the start of its process
 * @param finished time of the end, as ISO 8601
 * @param commit of this build
 * @param card the GPU's name; empty where it is not known
 * @param debug switches that were on, with commas
 * @param error why there is no result
 * @param result one of the records of {@link GpuResult}; null without one
 */
public record GpuLine(String item, Status status, double seconds, String finished, String commit, String card,
    String debug, Optional<String> error, JsonNode result) {
  /** How an item ended. */
  public enum Status {
    OK,
    /** There is no result, and the error says why. */
    FAILED,
    /** Its process was ended after its time. */
    TIMEOUT,
    /** It was not begun: the budget had too little left. */
    SKIPPED
  }
}
