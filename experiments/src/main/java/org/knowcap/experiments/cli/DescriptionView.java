package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Bin;
import org.knowcap.analysis.corpus.CorpusDescription.Mark;
import org.knowcap.analysis.corpus.CorpusDescription.PartBits;
import org.knowcap.analysis.corpus.CorpusDescription.Passage;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.analysis.corpus.CorpusDescription.Source;
import org.knowcap.analysis.units.Units;
import picocli.CommandLine.Help.Ansi.IStyle;
import picocli.CommandLine.Help.Ansi.Style;

/** Prints the description of a corpus: with colours on a terminal, and with brackets elsewhere. */
final class DescriptionView {
  private static final int MOST_BINS = 15;
  private static final int BAR = 40;
  private static final int LINE = 100;
  /** Numbers of terminal colours that are readable both on black and on white. */
  private static final List<String> COLOURS = List.of("33", "166", "35", "169", "136", "37", "99", "160");

  private final PrintWriter out;
  private final boolean colours;

  private DescriptionView(PrintWriter out, boolean colours) {
    this.out = out;
    this.colours = colours;
  }

  /** @param colours whether the reader shows them */
  static void print(CorpusDescription corpus, PrintWriter out, boolean colours) {
    new DescriptionView(out, colours).print(corpus);
  }

  private void print(CorpusDescription corpus) {
    out.println(bold(corpus.name()));
    corpus.findings().forEach(finding -> out.println("  " + finding));
    List<List<Bin>> histograms = corpus.histograms(MOST_BINS);
    for (int i = 0; i < histograms.size(); i++) {
      Source source = corpus.sources().get(i);
      if (histograms.size() > 1) {
        out.println();
        out.println(bold(source.name()) + ": " + Units.percent(source.share()) + " of the windows, "
            + Units.count(source.people()) + (source.bits().isEmpty() ? " questions" : " people")
            + (i == 0 ? "; this is what is studied" : ""));
      }
      print(source, histograms.get(i));
    }
    out.println();
    out.println(bold("Vocabulary used"));
    List<Reach> reach = corpus.vocabulary().reach();
    for (long tokens = 100; tokens < corpus.vocabulary().tokens(); tokens *= 10) {
      long within = tokens;
      Reach last = reach.stream().filter(each -> each.tokens() <= within).toList().getLast();
      double share = (double) last.ids() / corpus.vocabulary().size();
      out.printf(Locale.ROOT, "  by %5s tokens %8s  %s%n", Units.brief(last.tokens()), Units.percent(share),
          bar(share));
    }
  }

  private void print(Source source, List<Bin> histogram) {
    out.println();
    out.println(bold("Bits"));
    for (PartBits part : source.bits()) {
      double share = part.bits() / source.totalBits();
      out.printf(Locale.ROOT, "  %-10s %11s %8s  %s%n", part.part(), Units.bits(part.bits()),
          Units.percent(share), bar(share));
    }
    out.printf(Locale.ROOT, "  %-10s %11s%n", "all", Units.bits(source.totalBits()));
    out.println();
    out.printf(Locale.ROOT, "%s, %.1f in the mean (counted in %s texts)%n", bold("Tokens of a text"),
        source.meanTokens(), Units.count(source.texts()));
    double most = histogram.stream().mapToDouble(Bin::share).max().orElseThrow();
    for (Bin bin : histogram) {
      String range = bin.end() - bin.from() == 1 ? "" + bin.from() : bin.from() + ".." + (bin.end() - 1);
      out.printf(Locale.ROOT, "  %14s %8s  %s%n", range, Units.percent(bin.share()), bar(bin.share() / most));
    }
    out.println();
    out.println(bold("A text"));
    printSample(source);
  }

  /** Prints the sample text in lines that are broken between words. */
  private void printSample(Source source) {
    List<String> attributes = source.attributes();
    StringBuilder line = new StringBuilder();
    int width = 0;
    for (Passage passage : source.sample()) {
      String open = opening(passage, attributes);
      String close = closing(passage);
      String text = colours || passage.mark() == Mark.NONE
          ? passage.text()
          : "[" + passage.attribute() + remark(passage.mark()) + ": " + passage.text() + "]";
      for (String word : text.split("(?= )")) {
        if (word.startsWith(" ") && width + word.length() > LINE) {
          out.println("  " + line);
          line.setLength(0);
          width = 0;
        }
        String shown = width == 0 ? word.stripLeading() : word;
        line.append(open).append(shown).append(close);
        width += shown.length();
      }
    }
    out.println("  " + line);
    if (colours) {
      out.println();
      StringBuilder legend = new StringBuilder(" ");
      for (String attribute : attributes) {
        legend.append(' ')
            .append(colour(attribute, attributes).on())
            .append(attribute)
            .append(colour(attribute, attributes).off());
      }
      out.println(legend);
    }
  }

  private String opening(Passage passage, List<String> attributes) {
    if (!colours || passage.mark() == Mark.NONE) {
      return "";
    }
    return colour(passage.attribute(), attributes).on() + switch (passage.mark()) {
      case NONE, VALUE -> "";
      case NAME -> Style.bold.on();
      case FIRST_CHUNK -> Style.underline.on();
      case IMPLIED -> Style.faint.on();
    };
  }

  private static String remark(Mark mark) {
    return switch (mark) {
      case NONE, NAME, VALUE -> "";
      case FIRST_CHUNK -> " (first chunk)";
      case IMPLIED -> " (implied)";
    };
  }

  private String closing(Passage passage) {
    return colours && passage.mark() != Mark.NONE ? Style.reset.on() : "";
  }

  private static IStyle colour(String attribute, List<String> attributes) {
    return Style.fg(COLOURS.get(attributes.indexOf(attribute) % COLOURS.size()));
  }

  private String bold(String text) {
    return colours ? Style.bold.on() + text + Style.reset.on() : text;
  }

  private static String bar(double share) {
    return "#".repeat((int) Math.round(BAR * share));
  }
}
