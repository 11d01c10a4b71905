package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.util.List;

/** A property that the instrument must have. */
public interface Check {
  /** One word, for {@code --only}. */
  String name();

  /** What it checks, in a sentence. */
  String about();

  /** Finds out whether the instrument has the property. */
  List<Finding> findings() throws IOException, InterruptedException;
}
