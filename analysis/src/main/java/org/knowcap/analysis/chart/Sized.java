package org.knowcap.analysis.chart;

import java.awt.Graphics2D;
import org.knowm.xchart.style.markers.Marker;

/** A marker drawn smaller. */
final class Sized extends Marker {
  private final Marker form;
  private final double part;

  Sized(Marker form, double part) {
    this.form = form;
    this.part = part;
  }

  @Override
  public void paint(Graphics2D graphics, double x, double y, int size) {
    form.paint(graphics, x, y, (int) Math.round(part * size));
  }
}
