package org.knowcap.generators.questions;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.mixture.Mixture;

/**
 * Windows of biographies and of questions about some of the people. Exposures are those of the biographies.
 */
final class QuestionedStream implements TrainingStream {
  private final List<Source> sources;
  private final Timing timing;
  private final long order;
  private final double exposures;
  /** Which windows are cut from which source: every window asks, and finding out takes milliseconds. */
  private final Map<Windows, Order> orders = new ConcurrentHashMap<>();

  /** The source of each window: 0 for biographies, 1 for questions. */
  private interface Order {
    int sourceOf(long window);
  }

  /**
   * @param sources   the biographies and the questions, in one vocabulary
   * @param timing    when questions occur
   * @param order     seed of the order of the windows
   * @param exposures of each biography, where questions come after them
   */
  QuestionedStream(List<Source> sources, Timing timing, long order, double exposures) {
    this.sources = List.copyOf(sources);
    this.timing = timing;
    this.order = order;
    this.exposures = exposures;
  }

  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public int sourceOf(long window, Windows windows) {
    Order known = orders.get(windows);
    if (known == null) {
      known = order(windows);
      orders.put(windows, known);
    }
    return known.sourceOf(window);
  }

  private Order order(Windows windows) {
    return switch (timing) {
      case Timing.Mixed _ -> {
        double part = questions().windows(asked(exposures), windows) / windows(exposures, windows);
        TrainingStream mixed = new Mixture(order,
            List.of(new Mixture.Ingredient(sources.getFirst(), 1 - part, ""),
                new Mixture.Ingredient(sources.getLast(), part, "")))
            .stream();
        yield window -> mixed.sourceOf(window, windows);
      }
      case Timing.Afterwards _ -> {
        long first = (long) Math.ceil(texts().windows(exposures, windows));
        yield window -> window < first ? 0 : 1;
      }
    };
  }

  private TrainingStream texts() {
    return sources.getFirst().stream();
  }

  private TrainingStream questions() {
    return sources.getLast().stream();
  }

  /** How often each question occurs. */
  private double asked(double exposures) {
    return switch (timing) {
      case Timing.Mixed mixed -> mixed.perExposure() * exposures;
      case Timing.Afterwards afterwards -> afterwards.exposures();
    };
  }

  @Override
  public Source counted() {
    return sources.getFirst();
  }

  @Override
  public double windows(double exposures, Windows windows) {
    return texts().windows(exposures, windows) + questions().windows(asked(exposures), windows);
  }

  @Override
  public double tuningWindows(Windows windows) {
    return switch (timing) {
      case Timing.Mixed _ -> 0;
      case Timing.Afterwards afterwards -> questions().windows(afterwards.exposures(), windows);
    };
  }

  @Override
  public double tokens(double exposures) {
    return texts().tokens(exposures) + questions().tokens(asked(exposures));
  }

  @Override
  public double items(int source, double exposures) {
    return source == 0 ? texts().items(0, exposures) : questions().items(0, asked(exposures));
  }
}
