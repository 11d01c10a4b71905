package org.knowcap.analysis.chart;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Makes an SVG document of the output of VectorGraphics2D. The document is small, has equal bytes every time, and
 * can be put into a page.
 */
final class SvgDocument {
  private static final Pattern PROLOGUE = Pattern.compile("^.*?<svg[^>]*>", Pattern.DOTALL);
  private static final Pattern LONG_NUMBER = Pattern.compile("-?\\d+\\.\\d{2,}");
  private static final Pattern CLIP = Pattern.compile("clip-?\\d+");

  private SvgDocument() {}

  /**
   * @param name of the chart, unlike any other's on the same page
   * @param svg as written: with a DOCTYPE, six decimals, and clip names that change from run to run
   * @param title and {@code description} are read out to readers who cannot see the chart
   */
  static String finished(String name, String svg, int width, int height, String title, String description) {
    String root = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " + width + " "
        + height + "\" width=\"" + width / 2 + "\" height=\"" + height / 2 + "\">\n  <title>" + escaped(title)
        + "</title>\n  <desc>" + escaped(description) + "</desc>";
    String body = PROLOGUE.matcher(svg).replaceFirst("");
    body = LONG_NUMBER.matcher(body).replaceAll(match -> oneDecimal(match.group()));
    Map<String, String> clips = new LinkedHashMap<>();
    body = CLIP.matcher(body)
        .replaceAll(match -> clips.computeIfAbsent(match.group(), _ -> name + "-clip-" + clips.size()));
    return root + body.stripTrailing() + "\n";
  }

  /** A tenth of a pixel is a twentieth of one as shown. */
  private static String oneDecimal(String number) {
    return String.format(Locale.ROOT, "%.1f", Double.parseDouble(number)).replaceFirst("\\.0$", "");
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
