package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.knowcap.generators.export.CorpusExport;

/** Shows the progress of an export: a bar on a terminal, and a line now and then elsewhere. */
final class FileProgress implements CorpusExport.Progress, AutoCloseable {
  private static final long BETWEEN_LINES = 15_000_000_000L;

  private final PrintWriter out;
  private final Optional<ProgressBar> bar;
  private long lastLine = System.nanoTime();

  FileProgress(PrintWriter out) {
    this.out = out;
    bar = System.console() != null && System.console().isTerminal()
        ? Optional.of(new ProgressBarBuilder().setTaskName("files")
            .setInitialMax(1)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(500)
            .clearDisplayOnFinish()
            .build())
        : Optional.empty();
  }

  @Override
  public void files(int done, int all) {
    bar.ifPresent(b -> b.maxHint(all).stepTo(done));
    if (bar.isEmpty() && System.nanoTime() - lastLine >= BETWEEN_LINES) {
      lastLine = System.nanoTime();
      out.println(done + " of " + all + " files");
      out.flush();
    }
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
