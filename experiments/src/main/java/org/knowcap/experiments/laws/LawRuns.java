package org.knowcap.experiments.laws;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.quantisation.Quantiser;

/**
 * What the runs in the directory of a law's study have measured, and which diverged; and rows of tables of earlier runs. A run's
 * name holds a hash of all its settings, so a row of that name is of the very run.
 */
public final class LawRuns {
  private final Optional<StudyFolder> folder;
  private final Map<RunSpec, RunState> read = new HashMap<>();
  private final Map<String, RunResult> rows;

  /**
   * Opens the directory, which need not exist.
   *
   * @param rows of earlier runs and of their rounded models, by the names in the rows
   */
  public LawRuns(Path directory, LawSize size, Map<String, RunResult> rows) {
    this.rows = Map.copyOf(rows);
    folder = StudyFolder.exists(directory) ? Optional.of(StudyFolder.open(directory)) : Optional.empty();
    folder.ifPresent(study -> StudyFolder.requireOwner(directory, study.study().name(), size.studyName()));
  }

  /** The result of a run, if it is done here or has a row. */
  public Optional<RunResult> result(RunSpec run) {
    return state(run) instanceof RunState.Done(var measured)
        ? Optional.of(measured.result())
        : Optional.ofNullable(rows.get(run.name()));
  }

  /** Whether a run is done, or has diverged, in the directory. */
  boolean here(RunSpec run) {
    return state(run).figure(RunResult::capacityRatio).isPresent();
  }

  private RunState state(RunSpec run) {
    return read.computeIfAbsent(run,
        _ -> folder.map(study -> study.runFolder(run).state()).orElseGet(RunState.Pending::new));
  }

  /** R of a run, bits per parameter; negative infinity if its loss diverged, empty if it is not done and has no row. */
  OptionalDouble ratio(RunSpec run) {
    OptionalDouble trained = state(run).figure(RunResult::capacityRatio);
    return trained.isPresent()
        ? trained
        : Stream.ofNullable(rows.get(run.name())).mapToDouble(RunResult::capacityRatio).findFirst();
  }

  /** Whether the loss of a run diverged. */
  boolean diverged(RunSpec run) {
    return ratio(run).equals(OptionalDouble.of(Double.NEGATIVE_INFINITY));
  }

  /** The result of a run's model rounded, if it was here or has a row. */
  public Optional<RunResult> rounded(RunSpec run, Quantiser quantiser) {
    return folder.map(study -> study.runFolder(run))
        .filter(RunFolder::finished)
        .flatMap(runFolder -> runFolder.quantisation(quantiser.label()))
        .map(measured -> measured.result().run())
        .or(() -> Optional.ofNullable(rows.get(run.name() + "/" + quantiser.label())));
  }

  /** Folder of a run. */
  public Path path(RunSpec run) {
    return folder.orElseThrow().runFolder(run).path();
  }
}
