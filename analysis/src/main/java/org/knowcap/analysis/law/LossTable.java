package org.knowcap.analysis.law;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.results.ResultsTable;

/** Tables of losses from elsewhere: CSV with the columns parameters, tokens and loss, and perhaps run. */
public final class LossTable {
  private static final List<String> COLUMNS = List.of("parameters", "tokens", "loss");
  private static final String RUN = "run";

  private LossTable() {}

  /** Whether the file's first line names these columns: a table of results does not have "loss". */
  public static boolean hasColumns(Path file) throws IOException {
    return header(lines(file)).containsAll(COLUMNS);
  }

  /**
   * Reads the points; rows of one run are one cluster, and without that column each row is a run.
   *
   * @throws LawException if a cell is not a number above 0
   */
  public static List<LossPoint> read(Path file) throws IOException {
    List<String> lines = lines(file);
    List<String> header = header(lines);
    List<LossPoint> points = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      String place = file + ", line " + (i + 1);
      if (!lines.get(i).isBlank()) {
        String[] cells = lines.get(i).split(",", -1);
        if (cells.length != header.size()) {
          throw new LawException(
              place + " has " + cells.length + " cells; the first line has " + header.size());
        }
        String run = header.contains(RUN) ? cells[header.indexOf(RUN)].strip() : place;
        points.add(point(cells, header, run, place));
      }
    }
    return points;
  }

  private static LossPoint point(String[] cells, List<String> header, String run, String place) {
    double[] numbers = new double[COLUMNS.size()];
    for (int i = 0; i < numbers.length; i++) {
      String cell = cells[header.indexOf(COLUMNS.get(i))].strip();
      try {
        numbers[i] = ResultsTable.number(cell);
      } catch (NumberFormatException e) {
        throw new LawException(
            place + ", column " + COLUMNS.get(i) + ": found \"" + cell + "\"; it must be a number");
      }
    }
    try {
      return new LossPoint(numbers[0], numbers[1], numbers[2], run);
    } catch (LawException e) {
      throw new LawException(place + ": " + e.getMessage());
    }
  }

  private static List<String> lines(Path file) throws IOException {
    try {
      return Files.readAllLines(file);
    } catch (MalformedInputException e) {
      throw new LawException(file + ": not a table: it is not valid UTF-8");
    }
  }

  private static List<String> header(List<String> lines) {
    return lines.isEmpty()
        ? List.of()
        : List.of(lines.getFirst().split(",", -1)).stream().map(String::strip).toList();
  }
}
