package org.knowcap.analysis.law;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.units.Units;

/**
 * The published points of figure 1 of arXiv 2404.05405: GPT2 of several sizes on bioS(N). Those after 1000 exposures
 * were read off the vectors of figure 1(a); those after 100 are a coarse reading of figure 1(b). The file's last
 * column says which.
 *
 * @param points in the order of the file
 */
public record PublishedCapacity(List<Point> points) {
  private static final String FILE = "published-capacity.csv";
  private static final double MEGA = 1e6;
  private static final double NEARLY_ALL = 0.98;
  /** Relative difference of parameters up to which two models count as of one size. */
  private static final double ONE_SIZE = 0.01;

  /**
   * A published point.
   *
   * @param model layers-heads, of heads 64 wide
   * @param parameters P
   * @param people N
   * @param exposures of each person
   * @param storedBits bits
   * @param source where it was read
   */
  public record Point(String model, long parameters, long people, long exposures, double storedBits,
      String source) {
    /** R, bits per parameter. */
    public double ratio() {
      return storedBits / parameters;
    }
  }

  /**
   * A measured cell with the published point of its size, corpus and exposures.
   *
   * @param cell measured
   * @param published beside it
   * @param factor stored bits over the published ones; the error of reading the figure is not in its interval
   * @param saturated whether one of the two stores over 98 % of the corpus, so that the factor shows the corpus
   */
  public record Match(Cell cell, Point published, Estimate factor, boolean saturated) {}

  /** The points of the file. */
  public static PublishedCapacity read() {
    try (BufferedReader lines = new BufferedReader(
        new InputStreamReader(PublishedCapacity.class.getResourceAsStream(FILE), StandardCharsets.UTF_8))) {
      List<Point> points = new ArrayList<>();
      lines.readLine();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] cells = line.split(",", 6);
        points.add(new Point(cells[0], Long.parseLong(cells[1]), Long.parseLong(cells[2]),
            Long.parseLong(cells[3]), MEGA * Double.parseDouble(cells[4]), cells[5].replace("\"", "")));
      }
      return new PublishedCapacity(List.copyOf(points));
    } catch (IOException e) {
      throw new UncheckedIOException("the published points could not be read", e);
    }
  }

  /** The measured cells of bioS that have a published point of their size, N and exposures. */
  public List<Match> matches(Cells cells) {
    List<Match> matches = new ArrayList<>();
    for (Cell cell : cells.cells()) {
      if (cell.corpusKind().equals("bioS") && cell.family().equals("gpt2")) {
        nearest(points.stream()
            .filter(point -> point.people() == cell.people() && point.exposures() == cell.exposures()
                && Math.abs(point.parameters() - cell.parameters()) <= ONE_SIZE * point.parameters())
            .toList(), cell)
            .ifPresent(point -> matches
                .add(new Match(cell, point, cell.storedBits().map(bits -> bits / point.storedBits()),
                    cell.limit() == Limit.CORPUS || point.storedBits() > NEARLY_ALL * cell.totalBits())));
      }
    }
    return List.copyOf(matches);
  }

  /** The point with the cell's layers and heads; otherwise the point with the nearest number of parameters. */
  private static Optional<Point> nearest(List<Point> alike, Cell cell) {
    String size = ModelName.of(cell.model()).size().orElse("");
    return alike.stream()
        .min(Comparator.<Point, Boolean>comparing(point -> !size.equals("-" + point.model()))
            .thenComparing(point -> Math.abs(point.parameters() - cell.parameters())));
  }

  /** One sentence on what a comparison with these cells compares. */
  public String scale(Cells cells) {
    int matched = matches(cells).size();
    return matched > 0
        ? matched + " of the " + cells.cells().size()
            + " cells have a published point of their size, N and exposures."
        : "None of the " + cells.cells().size()
            + " cells has a published point of its corpus, size, N and exposures: "
            + "the published ones are gpt2 of " + Units.brief(least()) + " to " + Units.brief(most())
            + " parameters on bioS(N) after 100 or 1000 exposures, these models have "
            + Units.brief(cells.cells().stream().mapToLong(Cell::parameters).min().orElseThrow()) + " to "
            + Units.brief(cells.cells().stream().mapToLong(Cell::parameters).max().orElseThrow())
            + ". What is compared is the law at another scale, not points.";
  }

  private long least() {
    return points.stream().mapToLong(Point::parameters).min().orElseThrow();
  }

  private long most() {
    return points.stream().mapToLong(Point::parameters).max().orElseThrow();
  }
}
