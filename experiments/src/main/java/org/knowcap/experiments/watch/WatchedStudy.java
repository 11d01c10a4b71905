package org.knowcap.experiments.watch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.CorpusSpec;
import org.knowcap.experiments.study.Exposures;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.TrainingSettings;

/**
 * A study as its files say it is. Files are read when someone asks, at most once a second, and each only if it has changed; looks that
 * take long come less often, so that they take a twentieth of a processor at most.
 */
public final class WatchedStudy {
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(900);
  private static final int PAUSE = 20;

  /** What the number of a run's steps depends on. */
  private record StepsKey(CorpusSpec corpus, Exposures exposures, Seeds seeds, TrainingSettings training) {}

  private final Path directory;
  private final ExecutorService background = Executors
      .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("steps").factory());
  private final Map<StepsKey, CompletableFuture<OptionalLong>> steps = new HashMap<>();
  private StudyFolder study;
  private List<WatchedRun> runs;
  private LawCharts charts;
  private FileTime specModified;
  private Optional<String> problem = Optional.empty();
  /** Begins with the time: a page of an earlier watch has an older version, and gets everything. */
  private long version = System.currentTimeMillis();
  private long changedAll;
  private Instant nextLook = Instant.MIN;

  /**
   * Opens a study.
   *
   * @throws UserException where the directory holds none
   */
  public WatchedStudy(Path directory) throws IOException {
    this.directory = directory.toAbsolutePath().normalize();
    study = StudyFolder.open(directory);
    specModified = modified();
    runs = watched(Map.of());
    charts = new LawCharts(study.study().name());
    changedAll = version;
  }

  private FileTime modified() throws IOException {
    return Files.readAttributes(directory.resolve("study.yaml"), BasicFileAttributes.class)
        .lastModifiedTime();
  }

  private List<WatchedRun> watched(Map<String, WatchedRun> known) {
    return study.study().runs().parallelStream().map(spec -> {
      WatchedRun run = new WatchedRun(spec, study.runFolder(spec));
      return known.getOrDefault(run.name(), run);
    }).toList();
  }

  /** Name of the study. */
  public synchronized String name() {
    return study.study().name();
  }

  /** What has changed since a version; everything, where the version is of another watch. */
  synchronized StudyView view(long since) {
    look();
    TimeLeft left = TimeLeft.of(runs);
    boolean anew = since < changedAll || since > version;
    List<RunView> changed = new ArrayList<>();
    Map<String, Long> counts = new TreeMap<>();
    double tokensPerSecond = 0;
    for (int i = 0; i < runs.size(); i++) {
      WatchedRun run = runs.get(i);
      counts.merge(RunView.word(run.state()), 1L, Long::sum);
      if (run.state() instanceof RunState.Running) {
        tokensPerSecond += run.last().map(Metric::tokensPerSecond).orElse(0.0);
      }
      if (anew || run.version() > since) {
        changed.add(RunView.of(i, run));
      }
    }
    LawCharts.Drawn drawn = charts.drawn();
    return new StudyView(version, anew, name(), directory.toString(), problem, runs.size(), counts,
        left.partDone(), tokensPerSecond, left.seconds(), changed,
        drawn.captions()
            .entrySet()
            .stream()
            .map(chart -> new StudyView.ChartView(chart.getKey(), chart.getValue()))
            .toList(),
        drawn.version(), drawn.sentences());
  }

  /**
   * Curves of runs.
   *
   * @param indices of runs in the study; those that it does not have are left out
   */
  synchronized List<StudyView.CurveView> curves(List<Integer> indices) {
    return indices.stream().filter(index -> index >= 0 && index < runs.size()).map(index -> {
      WatchedRun run = runs.get(index);
      List<ThinnedCurve.Point> points = run.curve();
      return new StudyView.CurveView(index, run.version(),
          points.stream().map(ThinnedCurve.Point::step).toList(),
          points.stream().map(ThinnedCurve.Point::loss).toList(),
          points.stream().map(ThinnedCurve.Point::seconds).toList());
    }).toList();
  }

  /** A chart of the results so far. */
  synchronized Optional<String> chart(String file) {
    return charts.svg(file);
  }

  private void look() {
    Instant now = Instant.now();
    if (now.isBefore(nextLook)) {
      return;
    }
    long next = version + 1;
    lookAtStudy(next);
    runs.parallelStream().forEach(run -> run.look(now, next));
    runs.forEach(run -> lookForSteps(run, next));
    if (runs.stream().anyMatch(run -> run.version() == next) || changedAll == next) {
      version = next;
    }
    charts.offer(results(), now, version);
    Instant end = Instant.now();
    Duration pause = Duration.between(now, end).multipliedBy(PAUSE);
    nextLook = end.plus(pause.compareTo(BETWEEN_LOOKS) > 0 ? pause : BETWEEN_LOOKS);
  }

  /** Reads the study file if it has changed: grids may be added to a study. */
  private void lookAtStudy(long next) {
    try {
      FileTime modified = modified();
      if (!modified.equals(specModified)) {
        study = StudyFolder.open(directory);
        specModified = modified;
        runs = watched(runs.stream().collect(Collectors.toMap(WatchedRun::name, Function.identity())));
        charts = new LawCharts(study.study().name());
        changedAll = next;
      }
      problem = Optional.empty();
    } catch (UserException e) {
      problem = Optional.of(e.getMessage());
    } catch (IOException e) {
      problem = Optional.of(UserException.describe(e));
    }
  }

  /** Counts the steps of a run that has begun, in the background: that takes its corpus. */
  private void lookForSteps(WatchedRun run, long next) {
    if (run.steps().isEmpty() && run.last().isPresent()) {
      RunSpec spec = run.spec();
      CompletableFuture<OptionalLong> count = steps.computeIfAbsent(
          new StepsKey(spec.corpusSpec(), spec.exposures(), spec.seeds(), spec.training()),
          _ -> CompletableFuture.supplyAsync(() -> OptionalLong.of(spec.steps(spec.corpus())), background)
              .exceptionally(_ -> OptionalLong.empty()));
      count.getNow(OptionalLong.empty()).ifPresent(known -> run.knowSteps(known, next));
    }
  }

  private List<RunResult> results() {
    List<RunResult> results = new ArrayList<>();
    for (WatchedRun run : runs) {
      if (run.state() instanceof RunState.Done(var measured)) {
        results.add(measured.result());
      }
    }
    return results;
  }
}
