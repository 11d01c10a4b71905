package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.bior.rewriting.Rewriting;

/** Shows the progress of rewriting: a bar on a terminal, and a line every 15 seconds elsewhere. */
final class RewritingProgress implements Rewriting.Listener, AutoCloseable {
  private static final long BETWEEN_LINES = 15_000_000_000L;

  private final PrintWriter out;
  private final long prompts;
  private final Optional<ProgressBar> bar;
  private long lastLine = System.nanoTime();

  RewritingProgress(PrintWriter out, long prompts) {
    this.out = out;
    this.prompts = prompts;
    bar = System.console() != null && System.console().isTerminal()
        ? Optional.of(new ProgressBarBuilder().setTaskName("texts")
            .setInitialMax(prompts)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(500)
            .clearDisplayOnFinish()
            .build())
        : Optional.empty();
  }

  @Override
  public void progressed(long done, Rewriting.Tally tally) {
    String asked = Units.count(tally.again().values().stream().mapToLong(Long::longValue).sum())
        + " asked again, " + Units.count(tally.lostPrompts()) + " given up";
    bar.ifPresent(b -> b.stepTo(done).setExtraMessage(asked));
    if (bar.isEmpty() && System.nanoTime() - lastLine >= BETWEEN_LINES) {
      lastLine = System.nanoTime();
      out.println(Units.count(done) + " of " + Units.count(prompts) + " texts, " + asked);
      out.flush();
    }
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
