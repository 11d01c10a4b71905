package org.knowcap.experiments.watch;

import java.util.ArrayList;
import java.util.List;
import org.knowcap.experiments.run.RunFolder.Metric;

/** The loss over a run, in a limited number of points: of very many reports every second, every fourth, ... is kept, and the last. */
final class ThinnedCurve {
  static final int MOST_POINTS = 400;

  /** @param seconds of training up to this step */
  record Point(long step, double loss, double seconds) {}

  private final List<Point> kept = new ArrayList<>();
  private long reports;
  private long stride = 1;
  private boolean lastKept = true;
  private Point last = new Point(0, Double.NaN, 0);

  void add(Metric metric) {
    last = new Point(metric.step(), metric.loss(), metric.seconds());
    lastKept = reports % stride == 0;
    if (lastKept) {
      kept.add(last);
    }
    reports++;
    if (kept.size() >= MOST_POINTS) {
      List<Point> half = new ArrayList<>();
      for (int i = 0; i < kept.size(); i += 2) {
        half.add(kept.get(i));
      }
      kept.clear();
      kept.addAll(half);
      stride *= 2;
      lastKept = kept.getLast() == last;
    }
  }

  void clear() {
    kept.clear();
    reports = 0;
    stride = 1;
    lastKept = true;
  }

  List<Point> points() {
    List<Point> points = new ArrayList<>(kept);
    if (!lastKept) {
      points.add(last);
    }
    return points;
  }
}
