package org.knowcap.experiments.run;

import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.models.training.Batch;
import org.knowcap.models.training.BatchSource;

/** Batches cut from a corpus's stream; the position is the stream's cursor. */
public record CorpusBatches(Corpus corpus, int batchSize, Windows windows) implements BatchSource.Factory {
  @Override
  public BatchSource start() {
    return from(Cursor.START);
  }

  @Override
  public BatchSource resume(long[] position) {
    return from(Cursor.ofNumbers(position));
  }

  private BatchSource from(Cursor start) {
    WindowReader reader = new WindowReader(corpus, windows, start);
    int contextLength = windows.length();
    return () -> {
      int[] tokens = new int[batchSize * contextLength];
      int[] targets = new int[batchSize * contextLength];
      for (int row = 0; row < batchSize; row++) {
        reader.read(tokens, targets, row * contextLength);
      }
      return new Batch(tokens, targets, reader.cursor().toNumbers());
    };
  }
}
