package org.knowcap.generators.corpus;

import java.util.List;

/** The training stream of a source by itself: its items, end to end. */
record SingleStream(Source source) implements TrainingStream {
  @Override
  public List<Source> sources() {
    return List.of(source);
  }

  @Override
  public int sourceOf(long window, Windows windows) {
    return 0;
  }

  @Override
  public Source counted() {
    return source;
  }

  @Override
  public double windows(double exposures, Windows windows) {
    return windows.packing() == Packing.STREAM
        ? tokens(exposures) / windows.length()
        : items(0, exposures) / source.layout().itemsPerWindow(windows);
  }

  @Override
  public double tokens(double exposures) {
    return items(0, exposures) * source.meanItemTokens();
  }

  @Override
  public double items(int source, double exposures) {
    return (double) this.source.people() * exposures;
  }
}
