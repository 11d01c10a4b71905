package org.knowcap.analysis.results;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.knowcap.analysis.capacity.Knowledge;

/**
 * A row of {@code parts.csv}: one part of what a run's corpus holds, or one measurement beside these parts, such as the new values of
 * people whose values changed.
 *
 * @param run name of the run
 * @param corpus name of the corpus
 * @param people N
 * @param exposures of each person
 * @param model short name
 * @param parameters P
 * @param seeds of corpus, weights and order
 * @param setting what the lists of its study chose
 * @param part name of the part, such as "values" or "new values"
 * @param items number of items that the loss is a mean over, such as people
 * @param totalBits the most bits of it that a model can store
 * @param storedBits of them; below 0 for a model that is worse than a uniform guess
 * @param storedBitsStandardError bits
 * @param lossNats of an item, mean over the measured people, nats
 * @param recalled share of people of whom all that is asked is recalled; absent for the parts of the corpus itself
 */
public record PartRow(String run, String corpus, long people, long exposures, String model, long parameters,
    Seeds seeds, Optional<String> setting, String part, double items, double totalBits, double storedBits,
    double storedBitsStandardError, double lossNats, OptionalDouble recalled) {

  /** Of a run with this result. */
  public static PartRow of(RunResult run, Knowledge part, OptionalDouble recalled) {
    return new PartRow(run.run(), run.corpus(), run.people(), run.exposures(), run.model(), run.parameters(),
        run.seeds(), run.setting(), part.name(), part.count(), part.totalBits(), part.storedBits(),
        part.storedBitsStandardError(), part.lossNats(), recalled);
  }

  /**
   * Writes rows as CSV; every number reads back as the same number.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public static void writeCsv(Path file, List<PartRow> rows) throws IOException {
    ResultsTable.writeCsv(file, PartRow.class, rows);
  }
}
