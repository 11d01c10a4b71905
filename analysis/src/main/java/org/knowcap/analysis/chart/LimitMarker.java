package org.knowcap.analysis.chart;

import java.awt.Color;
import java.awt.Graphics2D;
import java.util.List;
import org.knowcap.analysis.results.Limit;
import org.knowm.xchart.style.markers.Marker;

/** A marker that shows what limits a run: hollow for the corpus, with a white dot where it was still learning, else full. */
final class LimitMarker extends Marker {
  /** In the order in which the first names a series. */
  static final List<Limit> FULL_FIRST = List.of(Limit.MODEL, Limit.UNDECIDED, Limit.LEARNING, Limit.CORPUS);
  private static final double HOLLOW = 0.62;
  private static final double DOT = 0.3;

  private final Marker form;
  private final Limit limit;

  LimitMarker(Marker form, Limit limit) {
    this.form = form;
    this.limit = limit;
  }

  @Override
  public void paint(Graphics2D graphics, double x, double y, int size) {
    form.paint(graphics, x, y, size);
    double inner = switch (limit) {
      case CORPUS -> HOLLOW;
      case LEARNING -> DOT;
      case MODEL, UNDECIDED -> 0;
    };
    if (inner > 0) {
      Color colour = graphics.getColor();
      graphics.setColor(Color.WHITE);
      form.paint(graphics, x, y, (int) Math.round(inner * size));
      graphics.setColor(colour);
    }
  }
}
