package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * Texts on which a model is run to record the inputs of its matrices.
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
   * @param lengths of each window's text, in tokens; tokens after it are filler and do not count
   */
  public record Batch(int[] tokens, int[] lengths) {}

  public Calibration {
    batches = List.copyOf(batches);
  }

  /** The tensors that an operation reads in a model with these parameters, [P], for each batch. */
  List<Map<Tensor, float[]>> run(ForwardOperation operation, float[] parameters) {
    session.load(Map.of(Session.PARAMETERS, parameters));
    return batches.stream().map(batch -> session.inputs(batch.tokens, operation)).toList();
  }

  /**
   * The inputs of a matrix, without the rows of filler.
   *
   * @param read the tensors that its operation reads, as {@link #run} gives them
   */
  Inputs inputs(WeightMatrix matrix, List<Map<Tensor, float[]>> read) {
    return reader -> {
      for (int batch = 0; batch < batches.size(); batch++) {
        float[] rows = read.get(batch).get(matrix.x());
        int[] tokens = matrix.tokens(read.get(batch));
        for (int row = matrix.firstRow(read.get(batch)), i = 0; i < tokens.length; i++, row++) {
          if (tokens[i] % program.length() < batches.get(batch).lengths[tokens[i] / program.length()]) {
            reader.accept(Arrays.copyOfRange(rows, row * matrix.inputs(), (row + 1) * matrix.inputs()));
          }
        }
      }
    };
  }
}
