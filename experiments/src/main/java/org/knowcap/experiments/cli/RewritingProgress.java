package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.bior.rewriting.Rewriting;

/** Shows the progress of rewriting: a line that is written over on a terminal, and a line a minute elsewhere. */
final class RewritingProgress implements Rewriting.Listener, AutoCloseable {
  private static final long BETWEEN_LINES = 60_000_000_000L;

  private final PrintWriter out;
  private final long prompts;
  private final Optional<StatusLine> line = StatusLine.ofProcess();
  private long lastLine = System.nanoTime();

  RewritingProgress(PrintWriter out, long prompts) {
    this.out = out;
    this.prompts = prompts;
  }

  @Override
  public void progressed(long done, Rewriting.Tally tally) {
    String asked = Units.count(tally.again().values().stream().mapToLong(Long::longValue).sum())
        + " asked again, " + Units.count(tally.lostPrompts()) + " given up";
    String texts = Units.count(done) + " of " + Units.count(prompts) + " texts";
    line.ifPresent(each -> each.show((double) done / prompts, List.of(texts, asked)));
    if (line.isEmpty() && System.nanoTime() - lastLine >= BETWEEN_LINES) {
      lastLine = System.nanoTime();
      out.println(texts + ", " + asked);
      out.flush();
    }
  }

  @Override
  public void close() {
    line.ifPresent(StatusLine::close);
  }
}
