package org.knowcap.generators.corpus;

import java.util.List;

/** The training stream of a source by itself: its items, end to end. */
record SingleStream(Source source) implements TrainingStream {
  @Override
  public List<Source> sources() {
    return List.of(source);
  }

  @Override
  public int sourceOf(long window, int contextLength) {
    return 0;
  }

  @Override
  public double tokens(long exposures) {
    return items(0, exposures) * source.meanItemTokens();
  }

  @Override
  public double items(int source, long exposures) {
    return (double) this.source.people() * exposures;
  }
}
