package org.knowcap.models.training;

import java.util.BitSet;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Largest absolute components of the tokens' embeddings. Optimisers that use only the sign of a step (Lion, Tiger)
 * move a rare token's row by whole steps long after the token occurred, because a small momentum still has a sign.
 * The row then outgrows the others.
 *
 * @param rare largest absolute component in the rows of rare tokens
 * @param all largest absolute component in all rows
 */
public record EmbeddingOutliers(double rare, double all) {
  /** Reads a session's embedding. */
  static EmbeddingOutliers of(Program program, Session session, BitSet rareTokens) {
    Parameter table = table(program);
    float[] rows = session.parameter(table);
    int width = table.tensor().columns();
    float rare = 0;
    float all = 0;
    for (int token = 0; token < program.vocabulary(); token++) {
      float largest = 0;
      for (int i = token * width; i < (token + 1) * width; i++) {
        largest = Math.max(largest, Math.abs(rows[i]));
      }
      all = Math.max(all, largest);
      rare = rareTokens.get(token) ? Math.max(rare, largest) : rare;
    }
    return new EmbeddingOutliers(rare, all);
  }

  private static Parameter table(Program program) {
    for (ForwardOperation operation : program.forward()) {
      if (operation instanceof Embedding embedding && embedding.tokens().equals(program.tokens())) {
        return program.parameter(embedding.table());
      }
    }
    throw new IllegalArgumentException("a program of a language model has an embedding of its tokens");
  }
}
