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

/** What the runs in the directory of a law's study have measured, and which diverged. */
public final class LawRuns {
  private final Optional<StudyFolder> folder;
  private final Map<RunSpec, RunState> read = new HashMap<>();

  /** Opens the directory, which need not exist. */
  public LawRuns(Path directory, LawSize size) {
    folder = StudyFolder.exists(directory) ? Optional.of(StudyFolder.open(directory)) : Optional.empty();
    folder.ifPresent(study -> StudyFolder.requireOwner(directory, study.study().name(), size.studyName()));
  }

  /** The result of a run, if it is done. */
  public Optional<RunResult> result(RunSpec run) {
    return state(run) instanceof RunState.Done(var measured)
        ? Optional.of(measured.result())
        : Optional.empty();
  }

  /** Whether the training of a run diverged: its learning rate stores less than any other. */
  public boolean diverged(RunSpec run) {
    return state(run) instanceof RunState.Failed failed && failed.diverged();
  }

  private RunState state(RunSpec run) {
    return read.computeIfAbsent(run,
        _ -> folder.map(study -> study.runFolder(run).state()).orElseGet(RunState.Pending::new));
  }

  /** R of a run, bits per parameter; negative infinity where it diverged, empty where it is not done. */
  Optional<Double> ratio(RunSpec run) {
    return diverged(run) ? Optional.of(Double.NEGATIVE_INFINITY) : result(run).map(RunResult::capacityRatio);
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
