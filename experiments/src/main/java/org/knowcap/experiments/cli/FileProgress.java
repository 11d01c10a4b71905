package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import org.knowcap.generators.export.CorpusExport;

/** Shows the progress of an export: a line that is written over on a terminal, and a line a minute elsewhere. */
final class FileProgress implements CorpusExport.Progress, AutoCloseable {
  private static final long BETWEEN_LINES = 60_000_000_000L;

  private final PrintWriter out;
  private final Optional<StatusLine> line = StatusLine.ofProcess();
  private long lastLine = System.nanoTime();

  FileProgress(PrintWriter out) {
    this.out = out;
  }

  @Override
  public void files(int done, int all) {
    String said = done + " of " + all + " files";
    line.ifPresent(each -> each.show((double) done / all, List.of(said)));
    if (line.isEmpty() && System.nanoTime() - lastLine >= BETWEEN_LINES) {
      lastLine = System.nanoTime();
      out.println(said);
      out.flush();
    }
  }

  @Override
  public void close() {
    line.ifPresent(StatusLine::close);
  }
}
