package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntSupplier;

/**
 * The last line of a terminal, which says how far some work is: it is written over again and again, and is always shorter than the
 * terminal is wide, so that it never wraps. Other lines go above it: {@link #clear} comes before each.
 */
final class StatusLine implements AutoCloseable {
  private static final long BETWEEN_LINES = 500_000_000L;
  private static final long BETWEEN_WIDTHS = 2_000_000_000L;
  private static final int MOST_BAR = 20;
  private static final int LEAST_BAR = 5;
  private static final int USUAL_COLUMNS = 80;

  private final PrintStream terminal;
  private final IntSupplier width;
  private long shown = System.nanoTime() - BETWEEN_LINES;
  private long widthSeen = System.nanoTime() - BETWEEN_WIDTHS;
  private int columns = USUAL_COLUMNS;

  StatusLine(PrintStream terminal, IntSupplier width) {
    this.terminal = terminal;
    this.width = width;
  }

  /** That of this process; empty where nobody watches, or the terminal cannot write over a line. */
  static Optional<StatusLine> ofProcess() {
    return System.console() != null && System.console().isTerminal() && !"dumb".equals(System.getenv("TERM"))
        ? Optional.of(new StatusLine(System.err, StatusLine::terminalColumns))
        : Optional.empty();
  }

  /** Columns of the terminal that standard input is: stty asks the system, whatever kind it is. */
  private static int terminalColumns() {
    try {
      Process stty = new ProcessBuilder("stty", "size").redirectInput(ProcessBuilder.Redirect.INHERIT)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start();
      String[] size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip()
          .split(" ");
      return size.length == 2 && size[1].matches("[1-9]\\d{0,4}") ? Integer.parseInt(size[1]) : USUAL_COLUMNS;
    } catch (IOException noStty) {
      return USUAL_COLUMNS;
    }
  }

  /**
   * Shows how far the work is, twice a second at most.
   *
   * @param part of the work that is done, from 0 to 1
   * @param facts in the order of their importance; those that have no room are left out
   */
  void show(double part, List<String> facts) {
    long now = System.nanoTime();
    if (now - shown < BETWEEN_LINES) {
      return;
    }
    shown = now;
    if (now - widthSeen >= BETWEEN_WIDTHS) {
      columns = width.getAsInt();
      widthSeen = now;
    }
    terminal.print("\r" + text(part, facts, columns) + "\u001b[K");
    terminal.flush();
  }

  /** The line for a terminal of so many columns; shorter than that, as some wrap behind a full line. */
  static String text(double part, List<String> facts, int columns) {
    int room = columns - 1;
    String percent = String.format(Locale.ROOT, "%5.1f %%", 100 * part);
    if (percent.length() > room) {
      return "";
    }
    StringBuilder said = new StringBuilder();
    for (String fact : facts) {
      String next = (said.isEmpty() ? "  " : ", ") + fact;
      if (percent.length() + said.length() + next.length() > room) {
        break;
      }
      said.append(next);
    }
    int bar = Math.min(MOST_BAR, room - percent.length() - said.length() - 3);
    if (bar < LEAST_BAR) {
      return percent + said;
    }
    int full = (int) Math.round(Math.clamp(part, 0, 1) * bar);
    return percent + " [" + "#".repeat(full) + "-".repeat(bar - full) + "]" + said;
  }

  /** Makes room for another line. */
  void clear() {
    terminal.print("\r\u001b[K");
    terminal.flush();
    // The next news draws it again at once.
    shown = System.nanoTime() - BETWEEN_LINES;
  }

  @Override
  public void close() {
    clear();
  }
}
