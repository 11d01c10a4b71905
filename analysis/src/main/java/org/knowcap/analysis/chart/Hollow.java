package org.knowcap.analysis.chart;

import java.awt.Color;
import java.awt.Graphics2D;
import org.knowm.xchart.style.markers.Marker;

/** A marker with a white middle. */
final class Hollow extends Marker {
  private static final double INNER = 0.62;

  private final Marker form;

  Hollow(Marker form) {
    this.form = form;
  }

  @Override
  public void paint(Graphics2D graphics, double x, double y, int size) {
    Color colour = graphics.getColor();
    form.paint(graphics, x, y, size);
    graphics.setColor(Color.WHITE);
    form.paint(graphics, x, y, (int) Math.round(INNER * size));
    graphics.setColor(colour);
  }
}
