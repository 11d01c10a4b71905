package org.knowcap.analysis.chart;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.geom.Line2D;
import java.awt.geom.Point2D;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.knowm.xchart.internal.chartpart.Annotation;

/**
 * Draws the texts that XChart cannot draw: the title with captions under it, and the names of lines. The name of a
 * guide line is written into the line, at the place that is farthest from runs, other lines and other names.
 */
final class PlotLabels extends Annotation {
  private static final int TITLE_HEIGHT = 66;
  private static final int CAPTION_HEIGHT = 36;
  /** The ground of names: lines under a name stay visible, and its letters stay legible. */
  private static final Color PAPER = new Color(255, 255, 255, 200);
  private static final int END_HEIGHT = 27;
  private static final int END_DISTANCE = 20;
  private static final Color CAPTION_COLOUR = new Color(0x555555);
  /** Pixels between the points at which lines and names are sampled. */
  private static final int SPACING = 8;
  /**
   * A run counts as much as this number of points of a line, because readers miss a hidden run more than a piece of
   * a line.
   */
  private static final int RUN_WEIGHT = 20;
  /** Pixels from the middle of a name at which nothing crowds it. */
  private static final double CLEAR = 36;

  /** A straight line of the chart, in parameters and bits. */
  record Segment(double x0, double y0, double x1, double y1) {
    boolean isPoint() {
      return x0 == x1 && y0 == y1;
    }
  }

  /** A line with a name. */
  record Guide(String name, Color colour, Segment line) {}

  /** The name of a line, right of its end. */
  record End(String name, Color colour, double x, double y) {}

  private final String title;
  private final List<String> captions;
  private final List<Guide> guides;
  private final List<End> ends;
  private final List<Segment> runs;

  /**
   * @param ends names of the lines through the runs
   * @param runs what names must stay off: the lines through the runs, and runs alone as lines of no length
   */
  PlotLabels(String title, List<String> captions, List<Guide> guides, List<End> ends, List<Segment> runs) {
    super(false);
    this.title = title;
    this.captions = captions;
    this.guides = guides;
    this.ends = ends;
    this.runs = runs;
  }

  /** Pixels that the title and this number of captions take above the plot. */
  static int headHeight(int captions) {
    return TITLE_HEIGHT + CAPTION_HEIGHT * captions;
  }

  @Override
  public void paint(Graphics2D g) {
    paintHead(g);
    List<Point2D> taken = new ArrayList<>();
    for (Segment run : runs) {
      List<Point2D> points = points(screen(run));
      taken.addAll(run.isPoint() ? Collections.nCopies(RUN_WEIGHT, points.getFirst()) : points);
    }
    List<Placed> names = placedEnds(g);
    names.forEach(name -> taken.addAll(points(name.middle())));
    for (Guide guide : guides) {
      List<Point2D> otherLines = guides.stream()
          .filter(other -> other != guide)
          .flatMap(other -> points(screen(other.line())).stream())
          .toList();
      taken.addAll(paintName(g, guide, taken, otherLines));
    }
    names.forEach(name -> {
      g.setColor(PAPER);
      g.fill(new Rectangle2D.Double(name.x - 4, name.baseline - END_HEIGHT * 0.8, name.text.getAdvance() + 8,
          END_HEIGHT));
      g.setColor(name.end.colour());
      g.fill(name.text.getOutline(AffineTransform.getTranslateInstance(name.x, name.baseline)));
    });
    bounds = new Rectangle2D.Double();
  }

  /** The place of a line's name. */
  private record Placed(End end, TextLayout text, double x, double baseline) {
    Line2D middle() {
      double y = baseline - END_HEIGHT / 3.0;
      return new Line2D.Double(x, y, x + text.getAdvance(), y);
    }
  }

  /**
   * Puts the names beside the ends of their lines, from top to bottom; a name that would cover the one above is
   * moved down.
   */
  private List<Placed> placedEnds(Graphics2D g) {
    List<Placed> placed = new ArrayList<>();
    for (End end : ends.stream().sorted(Comparator.comparingDouble(End::y).reversed()).toList()) {
      TextLayout text = new TextLayout(end.name(), styler.getAnnotationTextFont(), g.getFontRenderContext());
      double x = chart.getScreenXFromChart(end.x()) + END_DISTANCE;
      double baseline = chart.getScreenYFromChart(end.y()) + END_HEIGHT / 3.0;
      for (Placed above : placed) {
        boolean beside = x < above.x + above.text.getAdvance() && above.x < x + text.getAdvance();
        if (beside && Math.abs(baseline - above.baseline) < END_HEIGHT) {
          baseline = above.baseline + END_HEIGHT;
        }
      }
      placed.add(new Placed(end, text, x, baseline));
    }
    return placed;
  }

  private void paintHead(Graphics2D g) {
    g.setColor(styler.getChartFontColor());
    // The smallest y of the screen is the top of the plot.
    double baseline = getYAxisScreenValueForMin() - CAPTION_HEIGHT * captions.size() - 18;
    paintCentred(g, title, styler.getChartTitleFont(), baseline);
    g.setColor(CAPTION_COLOUR);
    for (String caption : captions) {
      baseline += CAPTION_HEIGHT;
      paintCentred(g, caption, styler.getLegendFont(), baseline);
    }
  }

  private void paintCentred(Graphics2D g, String words, Font font, double baseline) {
    double middle = (getXAxisScreenValueForMin() + getXAxisScreenValueForMax()) / 2.0;
    TextLayout text = new TextLayout(words, font, g.getFontRenderContext());
    // What is too long for the chart is written smaller.
    float room = 2 * (float) Math.min(middle, chart.getWidth() - middle) - 20;
    if (text.getAdvance() > room) {
      text = new TextLayout(words, font.deriveFont(font.getSize() * room / text.getAdvance()),
          g.getFontRenderContext());
    }
    g.fill(text.getOutline(AffineTransform.getTranslateInstance(middle - text.getAdvance() / 2, baseline)));
  }

  /** Returns the points of the screen that the name then covers. */
  private List<Point2D> paintName(Graphics2D g, Guide guide, List<Point2D> taken, List<Point2D> otherLines) {
    Font font = styler.getAnnotationTextFont();
    TextLayout text = new TextLayout(guide.name(), font, g.getFontRenderContext());
    Line2D line = screen(guide.line());
    double length = line.getP1().distance(line.getP2());
    double half = text.getAdvance() / 2 + 10;

    List<Point2D> takenNear = near(line, taken);
    List<Point2D> othersNear = near(line, otherLines);
    double bestScore = Double.NEGATIVE_INFINITY;
    Line2D place = line;
    for (double at = half + 2 * SPACING; at < length - half - 2 * SPACING; at += SPACING) {
      Line2D here = new Line2D.Double(along(line, (at - half) / length), along(line, (at + half) / length));
      // Off the runs first, then off the other lines, then near an end, where eyes look for a line's name.
      double score = -10 * crowding(here, takenNear) - crowding(here, othersNear)
          - 8 * Math.min(at, length - at) / length;
      if (score > bestScore) {
        bestScore = score;
        place = here;
      }
    }

    Point2D middle = along(place, 0.5);
    AffineTransform turn = AffineTransform.getTranslateInstance(middle.getX(), middle.getY());
    turn.rotate(line.getX2() - line.getX1(), line.getY2() - line.getY1());
    g.setColor(styler.getPlotBackgroundColor());
    g.fill(turn.createTransformedShape(new Rectangle2D.Double(-half, -13, 2 * half, 26)));
    g.setColor(guide.colour().darker());
    turn.translate(-text.getAdvance() / 2, font.getSize() * 0.36);
    g.fill(text.getOutline(turn));
    return points(place);
  }

  /** The points that a name somewhere on the line may hide in part. */
  private static List<Point2D> near(Line2D line, List<Point2D> points) {
    return points.stream().filter(point -> line.ptSegDist(point) < CLEAR + 1).toList();
  }

  /** The number of points that the name would hide; points close to it count in part. */
  private static double crowding(Line2D name, List<Point2D> points) {
    return points.stream().mapToDouble(point -> Math.max(0, 1 - name.ptSegDist(point) / CLEAR)).sum();
  }

  private static List<Point2D> points(Line2D line) {
    int steps = (int) (line.getP1().distance(line.getP2()) / SPACING) + 1;
    List<Point2D> points = new ArrayList<>();
    for (int i = 0; i <= steps; i++) {
      points.add(along(line, (double) i / steps));
    }
    return points;
  }

  private static Point2D along(Line2D line, double part) {
    return new Point2D.Double(line.getX1() + part * (line.getX2() - line.getX1()),
        line.getY1() + part * (line.getY2() - line.getY1()));
  }

  private Line2D screen(Segment line) {
    return new Line2D.Double(chart.getScreenXFromChart(line.x0()), chart.getScreenYFromChart(line.y0()),
        chart.getScreenXFromChart(line.x1()), chart.getScreenYFromChart(line.y1()));
  }
}
