package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.generators.corpus.Corpus;

/**
 * Checks that two measurements of one model, on different people in different texts, differ by no more than the
 * standard errors say.
 *
 * @param corpus of the model
 * @param measuring it
 */
record RepeatCheck(Supplied<Corpus> corpus, Measuring measuring, long seed) implements Check {
  private static final int PAIRS = 12;
  /** The mean square of twelve standard normal numbers is larger once in ten thousand times. */
  private static final double MOST = 3.3;
  private static final double SAMPLE = 0.3;

  /** Measures one model. */
  interface Measuring {
    Measurement measure(Corpus corpus, long most) throws IOException, InterruptedException;
  }

  /** A value that may have to be made first. */
  interface Supplied<T> {
    T get() throws IOException;
  }

  @Override
  public String name() {
    return "repeat";
  }

  @Override
  public String about() {
    return "a model that is measured twice, on other people in other texts, differs by no more than the error says";
  }

  @Override
  public List<Finding> findings() throws IOException, InterruptedException {
    Corpus made = corpus.get();
    long most = Math.max(2, (long) (SAMPLE * made.measured().people()));
    List<Capacity> all = new ArrayList<>();
    for (int i = 0; i < 2 * PAIRS; i++) {
      all.add(measuring.measure(new WatchedCorpus(made, seed + i), most).capacity(1));
    }
    double squares = 0;
    for (int i = 0; i < all.size(); i += 2) {
      Capacity one = all.get(i);
      Capacity other = all.get(i + 1);
      double error = Math.hypot(one.storedBitsStandardError(), other.storedBitsStandardError());
      squares += Math.pow((one.storedBits() - other.storedBits()) / error, 2) / PAIRS;
    }
    return List.of(Finding.of(name(), made.name() + ", " + most + " people each time",
        "mean square of " + PAIRS + " differences, in errors, " + String.format(Locale.ROOT, "%.2f", squares),
        "at most " + MOST, squares <= MOST));
  }
}
