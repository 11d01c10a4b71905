package org.knowcap.experiments.watch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.MetricsTail;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.study.RunSpec;

/**
 * One run, looked at again and again. A look at a run that is over costs the attributes of its folder; at one that trains, the lines that
 * its metrics.jsonl has got since. Not for several threads.
 */
final class WatchedRun {
  /** A run whose reports came within this time is being trained, whoever holds its lock. */
  private static final Duration BUSY = Duration.ofSeconds(30);
  /** Time between two looks at a run's lock: a look takes it for a moment. */
  private static final Duration BETWEEN_LOCKS = Duration.ofSeconds(15);
  /** A folder that was changed more recently may change again without another time of change: clocks of file systems are coarse. */
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private final String name;
  private final String model;
  private final double cost;
  private final RunSpec spec;
  private final RunFolder folder;
  private final MetricsTail tail;
  private final ThinnedCurve curve = new ThinnedCurve();
  private RunState state = new RunState.Pending();
  private Optional<Metric> last = Optional.empty();
  private Optional<String> problem = Optional.empty();
  private OptionalLong steps = OptionalLong.empty();
  private FileTime folderModified = FileTime.fromMillis(0);
  private boolean settled;
  private Instant grew = Instant.MIN;
  private Instant lockSeen = Instant.MIN;
  private boolean taken;
  private boolean seen;
  private long version;

  WatchedRun(RunSpec spec, RunFolder folder) {
    this.name = spec.name();
    this.model = spec.model().name();
    this.cost = spec.cost();
    this.spec = spec;
    this.folder = folder;
    tail = folder.metricsTail();
  }

  String name() {
    return name;
  }

  /** Name of its model. */
  String model() {
    return model;
  }

  /** What its training takes, in the unit of {@link RunSpec#cost}. */
  double cost() {
    return cost;
  }

  RunSpec spec() {
    return spec;
  }

  RunState state() {
    return state;
  }

  /** The last report; empty of a run with a result unless its curve was asked for. */
  Optional<Metric> last() {
    return last;
  }

  /** What is wrong with its reports. */
  Optional<String> problem() {
    return problem;
  }

  /** Number of steps of the whole run, where it is known. */
  OptionalLong steps() {
    return steps;
  }

  /** Version of the study's view in which this run changed last. */
  long version() {
    return version;
  }

  /** Takes the number of its steps, once that is known. */
  void knowSteps(long count, long next) {
    if (steps.isEmpty()) {
      steps = OptionalLong.of(count);
      version = next;
    }
  }

  /** Whether nothing more is expected of it, unless someone starts it again. */
  private boolean over() {
    return switch (state) {
      case RunState.Done _,RunState.Failed _,RunState.Damaged _ -> true;
      case RunState.Pending _,RunState.Running _,RunState.Interrupted _ -> false;
    };
  }

  /**
   * Looks at its files.
   *
   * @param next version, which the run gets if anything has changed
   */
  void look(Instant now, long next) {
    RunState before = state;
    boolean news = false;
    try {
      news = read(now);
    } catch (UserException e) {
      state = new RunState.Damaged(e.getMessage());
    } catch (IOException e) {
      state = new RunState.Damaged(folder.path() + " cannot be used (" + UserException.describe(e) + ")");
    }
    if (news || !seen || !state.equals(before)) {
      version = next;
    }
    seen = true;
  }

  /** @return whether it has reported something since the last look */
  private boolean read(Instant now) throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(folder.path(), BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      state = new RunState.Pending();
      return readReports();
    }
    FileTime modified = attributes.lastModifiedTime();
    if (over() && settled && modified.equals(folderModified)) {
      return false;
    }
    boolean changed = !modified.equals(folderModified);
    folderModified = modified;
    settled = modified.toInstant().plus(SETTLED).isBefore(now);
    if (!attributes.isDirectory() || folder.finished()) {
      // Not read again where nothing can have changed but a clock's tick.
      if (changed || !over() || !settled) {
        state = folder.state();
      }
      // The curve of a run with a result is read when someone asks for it.
      return attributes.isDirectory() && !(state instanceof RunState.Done) && readReports();
    }
    boolean first = last.isEmpty();
    boolean news = readReports();
    if (news && seen && !first) {
      grew = now;
    }
    if (!folder.begun()) {
      state = new RunState.Pending();
      return news;
    }
    RunState.Progressed progress = last.map(metric -> new RunState.Progressed(metric.step(), metric.loss()))
        .orElse(new RunState.Progressed(0, Double.NaN));
    state = isTrained(now) ? new RunState.Running(progress) : new RunState.Interrupted(progress);
    return news;
  }

  private boolean isTrained(Instant now) throws IOException {
    if (grew.isAfter(now.minus(BUSY))) {
      return true;
    }
    if (lockSeen.isBefore(now.minus(BETWEEN_LOCKS))) {
      taken = folder.taken();
      lockSeen = now;
    }
    return taken;
  }

  private boolean readReports() throws IOException {
    MetricsTail.News news = tail.read();
    if (news.anew()) {
      last = Optional.empty();
      problem = Optional.empty();
      curve.clear();
    }
    for (Metric metric : news.metrics()) {
      curve.add(metric);
      last = Optional.of(metric);
    }
    if (!news.problems().isEmpty()) {
      problem = Optional.of(news.problems().getLast());
    }
    return news.any();
  }

  /** The curve of its loss; of a run with a result it is read now. */
  List<ThinnedCurve.Point> curve() {
    if (state instanceof RunState.Done) {
      try {
        readReports();
      } catch (IOException e) {
        problem = Optional.of(UserException.describe(e));
      }
    }
    return curve.points();
  }
}
