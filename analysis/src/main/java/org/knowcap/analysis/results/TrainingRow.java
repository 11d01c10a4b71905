package org.knowcap.analysis.results;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A row of {@code along.csv}: what a run's model held at a step of its training.
 *
 * @param run name of the run
 * @param corpus name of the corpus
 * @param people N
 * @param model short name
 * @param parameters P
 * @param seeds of corpus, weights and order
 * @param setting what the lists of its study chose
 * @param step of the training, after which it was measured
 * @param exposures of each person up to this step, by tokens
 * @param learningRate of the step
 * @param lossNats training loss of the step, nats a token
 * @param point what was measured
 * @param capacityRatio stored bits over P
 * @param saturation stored bits over the bits of the corpus
 */
public record TrainingRow(String run, String corpus, long people, String model, long parameters, Seeds seeds,
    Optional<String> setting, long step, double exposures, double learningRate, double lossNats,
    TrainingPoint point, double capacityRatio, double saturation) {

  /**
   * Of a run with this result.
   *
   * @param step of the run's {@code result.steps()}
   */
  public static TrainingRow of(RunResult result, long step, double learningRate, double lossNats,
      TrainingPoint point) {
    return new TrainingRow(result.run(), result.corpus(), result.people(), result.model(),
        result.parameters(), result.seeds(), result.setting(), step,
        (double) result.exposures() * step / result.steps(), learningRate, lossNats, point,
        point.storedBits() / result.parameters(), point.storedBits() / result.totalBits());
  }

  /**
   * Writes rows as CSV; every number reads back as the same number.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public static void writeCsv(Path file, List<TrainingRow> rows) throws IOException {
    ResultsTable.writeCsv(file, TrainingRow.class, rows);
  }
}
