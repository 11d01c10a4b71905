package org.knowcap.analysis.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.knowcap.analysis.chart.CorpusCharts;
import org.knowcap.analysis.chart.CorpusCharts.Drawing;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Mark;
import org.knowcap.analysis.corpus.CorpusDescription.PartBits;
import org.knowcap.analysis.corpus.CorpusDescription.Passage;
import org.knowcap.analysis.corpus.CorpusDescription.Source;
import org.knowcap.analysis.units.Units;
import org.knowcap.files.WholeFile;

/** The description of a corpus as one self-contained page. */
public record CorpusPage(CorpusDescription corpus) {
  /** Colours of attributes; with more attributes than colours, colours repeat. */
  private static final List<String> COLOURS = List.of("#0072B2", "#D55E00", "#009E73", "#C266A0", "#B58900",
      "#56B4E9", "#8A8A8A", "#6A4FA3");

  private static final String STYLE = """
      .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(34rem, 100%), 1fr));
        gap: 1rem; align-items: start; }
      .charts figure { margin: 0; }
      .text { max-width: 60rem; line-height: 2.1; margin: 0; }
      .legend { margin: .25rem 0 1.75rem; }
      mark { color: inherit; padding: .1em .25em; border-radius: 4px; border-bottom: 2px solid var(--hue);
        background: color-mix(in srgb, var(--hue) 22%, transparent); }
      mark.implied { border-bottom-style: dashed; background: none; }
      mark.first_chunk { background: color-mix(in srgb, var(--hue) 45%, transparent); }
      """;

  /**
   * Writes {@code description.html} into {@code folder}, and the charts beside it for use elsewhere.
   *
   * @throws IOException if they cannot be written
   */
  public void write(Path folder) throws IOException {
    CorpusCharts.of(corpus).write(folder);
    String html = html();
    WholeFile.write(folder.resolve("description.html"),
        out -> out.write(html.getBytes(StandardCharsets.UTF_8)));
  }

  /** The page. */
  public String html() {
    StringBuilder page = new StringBuilder(Html.head(corpus.name(), STYLE));
    page.append("<ul>\n");
    corpus.findings().forEach(finding -> page.append("<li>").append(Html.escaped(finding)).append("</li>\n"));
    page.append("</ul>\n<h2>Sources and bits</h2>\n");
    appendSources(page);
    page.append("<h2>Texts</h2>\n");
    corpus.sources().forEach(source -> appendSample(page, source));
    page.append(
        "<p class=\"note\">Strong colour: a value's first chunk. Dashed: follows from what the text said ")
        .append("before, and counts as nothing.</p>\n<h2>Charts</h2>\n<div class=\"charts\">\n");
    for (Drawing drawing : CorpusCharts.of(corpus).drawings()) {
      page.append("<figure>\n")
          .append(Html.chart(drawing.svg()))
          .append("<figcaption>")
          .append(Html.escaped(drawing.title()))
          .append(": <a href=\"")
          .append(drawing.name())
          .append(".svg\">SVG</a>, <a href=\"")
          .append(drawing.name())
          .append(".png\">PNG</a></figcaption>\n")
          .append("</figure>\n");
    }
    return page.append("</div>\n</body>\n</html>\n").toString();
  }

  private void appendSources(StringBuilder page) {
    page.append("<div class=\"wide\">\n<table>\n<thead><tr><th>Source</th><th class=\"number\">Share</th>")
        .append("<th class=\"number\">People</th><th class=\"number\">Tokens of a text</th><th>Bits</th>")
        .append("<th class=\"number\">All bits</th></tr></thead>\n<tbody>\n");
    for (Source source : corpus.sources()) {
      page.append("<tr><td>").append(Html.escaped(source.name())).append("</td>");
      for (String number : List.of(Units.percent(source.share()), Units.count(source.people()),
          String.format(Locale.ROOT, "%.1f", source.meanTokens()))) {
        page.append("<td class=\"number\">").append(number).append("</td>");
      }
      page.append("<td>")
          .append(String.join(", ", source.bits().stream().map(CorpusPage::described).toList()))
          .append("</td><td class=\"number\">")
          .append(Units.bits(source.totalBits()))
          .append("</td></tr>\n");
    }
    page.append("</tbody>\n</table>\n</div>\n");
    if (corpus.sources().size() > 1) {
      page.append("<p class=\"note\">What is studied is the first source: its bits are counted.</p>\n");
    }
  }

  private static String described(PartBits part) {
    return Html.escaped(part.part()) + " " + Units.bits(part.bits());
  }

  private static void appendSample(StringBuilder page, Source source) {
    List<String> attributes = source.attributes();
    page.append("<p class=\"note\">").append(Html.escaped(source.name())).append(":</p>\n<p class=\"text\">");
    for (Passage passage : source.sample()) {
      String text = Html.escaped(passage.text());
      if (passage.mark() == Mark.NONE) {
        page.append(text);
      } else {
        int colour = attributes.indexOf(passage.attribute()) % COLOURS.size();
        page.append("<mark class=\"")
            .append(passage.mark().name().toLowerCase(Locale.ROOT))
            .append("\" style=\"--hue: ")
            .append(COLOURS.get(colour))
            .append("\" title=\"")
            .append(Html.escaped(passage.attribute()))
            .append("\">")
            .append(text)
            .append("</mark>");
      }
    }
    page.append("</p>\n<p class=\"note legend\">");
    for (String attribute : attributes) {
      page.append("<mark style=\"--hue: ")
          .append(COLOURS.get(attributes.indexOf(attribute) % COLOURS.size()))
          .append("\">")
          .append(Html.escaped(attribute))
          .append("</mark> ");
    }
    page.append("</p>\n");
  }
}
