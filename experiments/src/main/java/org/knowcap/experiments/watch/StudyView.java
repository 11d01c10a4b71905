package org.knowcap.experiments.watch;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What the page asks for every second.
 *
 * @param version of the view; the page says it with its next request
 * @param anew whether the rows replace all that the page has
 * @param study its name
 * @param path its directory
 * @param problem why the study's files cannot be read any more
 * @param total number of runs
 * @param counts number of runs in each state
 * @param partDone part of the work, from 0 to 1
 * @param tokensPerSecond of all runs that are being trained, together
 * @param secondsLeft estimate for the whole study
 * @param runs those that have changed
 * @param charts drawn from the results so far
 * @param chartsVersion changes with them
 * @param sentences what the results say of the law
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
record StudyView(long version, boolean anew, String study, String path, Optional<String> problem, int total,
    Map<String, Long> counts, double partDone, double tokensPerSecond, OptionalDouble secondsLeft,
    List<RunView> runs, List<ChartView> charts, long chartsVersion, List<String> sentences) {
  /**
   * @param file name of the chart
   * @param caption HTML, as the report has it
   */
  record ChartView(String file, String caption) {}

  /**
   * The loss curve of a run: three lists of equal length.
   *
   * @param run its index in the study
   * @param version of the run's row that it belongs to
   */
  record CurveView(int run, long version, List<Long> steps, List<Double> losses, List<Double> seconds) {}
}
