package org.knowcap.experiments.bench.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.knowcap.analysis.law.LossLaw;
import org.knowcap.analysis.law.LossPoint;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.Benchmarks;
import org.knowcap.experiments.bench.CorpusSpeed;
import org.knowcap.experiments.bench.Effort;
import org.knowcap.experiments.bench.LawSpeed;
import org.openjdk.jmh.runner.RunnerException;

/** Times generators, beside how fast this machine copies memory, and fits. */
public final class JmhBenchmarks implements Benchmarks {
  private static final int FITS = 1000;
  private static final double NANOS = 1e9;

  @Override
  public CorpusSpeed.Table corpora(Effort effort, List<Integer> threads, Consumer<String> progress) {
    try {
      return times(effort, threads, progress);
    } catch (RunnerException e) {
      throw UserException.failure("the benchmark could not be run: " + e.getMessage());
    }
  }

  private static CorpusSpeed.Table times(Effort effort, List<Integer> threads, Consumer<String> progress)
      throws RunnerException {
    List<CorpusSpeed.Copy> copies = new ArrayList<>();
    List<CorpusSpeed> speeds = new ArrayList<>();
    for (int count : threads) {
      String on = count == 1 ? " on one core" : " on " + count + " cores";
      progress.accept("copying memory" + on);
      double copied = Measured.of(CopyBenchmark.class, count, effort).operationsPerSecond();
      copies.add(new CorpusSpeed.Copy(count, copied));
      for (BenchmarkedCorpus each : BenchmarkedCorpus.values()) {
        String name = each.corpus().name();
        progress.accept("windows of " + name + on);
        Measured windows = Measured.of(WindowBenchmark.class, count, effort, "corpus", each.name());
        double tokens = windows.operationsPerSecond();
        speeds.add(new CorpusSpeed(name, "windows", count, tokens, tokens * Integer.BYTES,
            tokens * Integer.BYTES / copied, windows.allocatedBytes() * WindowBenchmark.WINDOW));
      }
      String name = BenchmarkedCorpus.BIO_S.corpus().name();
      progress.accept("text of " + name + on);
      Measured texts = Measured.of(TextBenchmark.class, count, effort);
      double bytes = texts.perSecond("bytes");
      speeds.add(new CorpusSpeed(name, "text", count, texts.perSecond("tokens"), bytes, bytes / copied,
          texts.allocatedBytes()));
    }
    return new CorpusSpeed.Table(copies, speeds);
  }

  @Override
  public LawSpeed laws(Effort effort) {
    double perSecond;
    try {
      perSecond = Measured.of(LossLawBenchmark.class, 1, effort).operationsPerSecond();
    } catch (RunnerException e) {
      throw UserException.failure("the benchmark could not be run: " + e.getMessage());
    }
    List<LossPoint> points = LossLawBenchmark.points();
    LossLaw law = LossLaw.fit(points);
    long start = System.nanoTime();
    LossLaw.bootstrap(points, law, FITS, 1);
    return new LawSpeed(LossLawBenchmark.POINTS, 1000 / perSecond, FITS, (System.nanoTime() - start) / NANOS,
        Runtime.getRuntime().availableProcessors());
  }
}
