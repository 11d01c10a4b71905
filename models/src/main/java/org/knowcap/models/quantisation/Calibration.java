package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/**
 * Texts on which a model is run to see what its matrices are multiplied by.
 *
 * @param program scores one batch
 * @param session of that program
 * @param batches of texts
 */
public record Calibration(Program program, InspectableSession session, List<Batch> batches) {
  /**
   * One batch for the program.
   *
   * @param tokens [R]
   * @param lengths of each window's text, in tokens; what follows it is filler and does not count
   */
  public record Batch(int[] tokens, int[] lengths) {}

  public Calibration {
    batches = List.copyOf(batches);
  }

  /** What a matrix is multiplied by in a model of these parameters, [P]. */
  Inputs inputs(WeightMatrix matrix, float[] parameters) {
    return reader -> {
      session.load(Map.of(Session.PARAMETERS, parameters));
      for (Batch batch : batches) {
        float[] rows = session.input(batch.tokens, matrix.operation(), matrix.x());
        for (int row = 0; row < matrix.x().rows(); row++) {
          if (row % program.length() < batch.lengths[row / program.length()]) {
            reader.accept(Arrays.copyOfRange(rows, row * matrix.inputs(), (row + 1) * matrix.inputs()));
          }
        }
      }
    };
  }
}
