package org.knowcap.experiments.tensorboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;

/**
 * A folder of event files for TensorBoard, with a folder for each run of a study that has reported. It is made from the runs' files, while
 * they train or after, wherever they train. One process at a time may write it.
 */
public final class TensorBoardFolder implements AutoCloseable {
  /** What a run's files were when its events were written last. */
  private record Seen(long size, long modified, boolean finished) {}

  private record Run(String name, RunFolder folder) {}

  private record Reports(Seen seen, List<Metric> metrics, Optional<RunResult> result) {}

  private final Path folder;
  private final FolderLock lock;
  private final List<Run> runs;
  private final Map<String, Seen> seen = new HashMap<>();

  private TensorBoardFolder(Path folder, FolderLock lock, List<Run> runs) {
    this.folder = folder;
    this.lock = lock;
    this.runs = runs;
  }

  /** The folder of a study's own. */
  public static Path of(StudyFolder study) {
    return study.path().resolve("tensorboard");
  }

  /**
   * Takes a folder to write a study's event files in.
   *
   * @throws UserException where another process writes it
   */
  public static TensorBoardFolder open(StudyFolder study, Path folder) throws IOException {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw UserException.usage(folder + " is a file; give a directory with --out");
    }
    FolderLock lock = FolderLock.take(folder)
        .orElseThrow(() -> UserException.failure(folder
            + " is being written by another process ('tensorboard --follow', or 'run --tensorboard')"));
    return new TensorBoardFolder(folder, lock,
        study.study()
            .runs()
            .stream()
            .map(RunSpec::name)
            .map(name -> new Run(name, study.runFolder(name)))
            .toList());
  }

  /** Where the files are. */
  public Path path() {
    return folder;
  }

  /**
   * What an update has found.
   *
   * @param written number of runs whose events were written
   * @param reported number of runs that have reported anything
   * @param finished whether every run is over
   * @param problems what is wrong with runs whose events are not written, a sentence each
   */
  public record Updated(int written, int reported, boolean finished, List<String> problems) {}

  /** Writes what the runs have reported since the last update; looks at the attributes of all other runs' files only. */
  public Updated update() throws IOException {
    int written = 0;
    boolean finished = true;
    List<String> problems = new ArrayList<>();
    for (Run run : runs) {
      boolean over = run.folder.finished();
      finished &= over;
      Optional<Reports> reports = Optional.empty();
      try {
        reports = news(run, over);
      } catch (UserException e) {
        problems.add(e.getMessage());
      } catch (IOException e) {
        problems.add(run.folder.path() + " cannot be used (" + UserException.describe(e) + ")");
      }
      if (reports.isPresent()) {
        written += write(run, reports.get()) ? 1 : 0;
      }
    }
    return new Updated(written, seen.size(), finished, problems);
  }

  /** Reads what a run has reported, if its files are others than they were; empty where they are not, or there is nothing yet. */
  private Optional<Reports> news(Run run, boolean over) throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(run.folder.metrics(), BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    Seen now = new Seen(attributes.size(), attributes.lastModifiedTime().toMillis(), over);
    if (now.equals(seen.get(run.name))) {
      return Optional.empty();
    }
    List<Metric> metrics = run.folder.readMetrics();
    Optional<RunResult> result = over && run.folder.state() instanceof RunState.Done(var measured)
        ? Optional.of(measured.result())
        : Optional.empty();
    return metrics.isEmpty() ? Optional.empty() : Optional.of(new Reports(now, metrics, result));
  }

  private boolean write(Run run, Reports reports) throws IOException {
    boolean written = new EventFiles(folder.resolve(run.name)).update(reports.metrics, reports.result,
        reports.seen.modified / 1e3);
    seen.put(run.name, reports.seen);
    return written;
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
