package org.knowcap.generators.corpus;

import java.util.List;

/**
 * The windows that a model trains on. Each window is cut from one source, and begins where that source's
 * previous window ended.
 */
public interface TrainingStream {

  /** The sources that windows are cut from. */
  List<Source> sources();

  /**
   * The index in {@link #sources()} of the source that a window is cut from.
   *
   * @param window  number of the window, from 0
   * @param windows how they are made
   */
  int sourceOf(long window, Windows windows);

  /** The source whose people's exposures count. */
  Source counted();

  /**
   * The expected number of windows of the whole stream.
   *
   * @param exposures how often each person whose exposures count occurs
   * @param windows   how they are made
   * @throws IllegalArgumentException if items are not to be cut and may be longer than a window
   */
  double windows(double exposures, Windows windows);

  /**
   * How many of these windows, the last ones, are another training on what was trained before: the learning rate begins
   * anew. None of most streams.
   *
   * @param windows how they are made
   */
  default double tuningWindows(Windows windows) {
    return 0;
  }

  /**
   * The expected number of tokens of the whole stream, without those that fill up windows.
   *
   * @param exposures how often each person whose exposures count occurs
   */
  double tokens(double exposures);

  /**
   * The expected number of items that the whole stream takes from one source.
   *
   * @param source    index in {@link #sources()}
   * @param exposures how often each person whose exposures count occurs
   */
  double items(int source, double exposures);
}
