package org.knowcap.experiments.laws;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.quantisation.Quantiser;

/** What the runs in the directory of a law's study have measured, and which failed. */
public final class LawRuns {
  private final Optional<StudyFolder> folder;
  private final Map<RunSpec, Optional<RunResult>> read = new HashMap<>();
  private final Map<RunSpec, Double> lost;

  /**
   * Opens the directory, which need not exist.
   *
   * @param lost runs that failed while a learning rate was chosen: such a rate stores less than any other
   */
  public LawRuns(Path directory, LawSize size, Iterable<RunSpec> lost) {
    folder = StudyFolder.exists(directory) ? Optional.of(StudyFolder.open(directory)) : Optional.empty();
    folder.ifPresent(study -> StudyFolder.requireOwner(directory, study.study().name(), size.studyName()));
    this.lost = new HashMap<>();
    lost.forEach(run -> this.lost.put(run, Double.NEGATIVE_INFINITY));
  }

  /** The result of a run, if it is done. */
  public Optional<RunResult> result(RunSpec run) {
    return read.computeIfAbsent(run,
        _ -> folder.flatMap(study -> study.runFolder(run).state() instanceof RunState.Done(var measured)
            ? Optional.of(measured.result())
            : Optional.empty()));
  }

  /** R of a run, bits per parameter; negative infinity where it failed, empty where it is not done. */
  Optional<Double> ratio(RunSpec run) {
    return lost.containsKey(run) ? Optional.of(lost.get(run)) : result(run).map(RunResult::capacityRatio);
  }

  /** The result of a run's model rounded, if it was. */
  public Optional<RunResult> rounded(RunSpec run, Quantiser quantiser) {
    return folder.map(study -> study.runFolder(run))
        .filter(RunFolder::finished)
        .flatMap(runFolder -> runFolder.quantisation(quantiser.label()))
        .map(measured -> measured.result().run());
  }

  /** Folder of a run. */
  public Path path(RunSpec run) {
    return folder.orElseThrow().runFolder(run).path();
  }
}
