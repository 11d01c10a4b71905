package org.knowcap.experiments.run;

import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.TrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.training.MergedModel;

/**
 * A run's weights, with the run and the corpus that they belong to.
 *
 * @param study the directory that the run is in
 * @param spec of the run
 * @param corpus that it learnt
 * @param step finished steps; 0 where the weights were imported
 * @param architecture of the weights: the run's model, but without adapters, which are merged
 * @param parameters flat; rounded, if the training rounds them
 */
public record TrainedRun(StudyFolder study, RunSpec spec, Corpus corpus, long step, ModelSpec architecture,
    float[] parameters) {
  /** Stands for a run's fingerprint in the checkpoint of weights that were trained elsewhere. */
  public static final String IMPORTED = "imported";

  /**
   * Reads a run's checkpoint.
   *
   * @param path of the run's folder, or of a study's directory in which exactly one run has a checkpoint
   * @throws UserException where there is no such run, or it has no checkpoint
   * @throws CheckpointException where that is damaged, of another model, or not all finite numbers
   */
  public static TrainedRun open(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    return StudyFolder.exists(absolute)
        ? read(StudyFolder.open(path), onlyRun(path))
        : read(StudyFolder.ofRun(path), absolute.getFileName().toString());
  }

  private static String onlyRun(Path study) throws IOException {
    Path runs = study.resolve("runs");
    List<String> trained = List.of();
    if (Files.isDirectory(runs)) {
      try (var folders = Files.list(runs)) {
        trained = folders.filter(run -> Files.exists(new RunFolder(run).checkpoint()))
            .map(run -> run.getFileName().toString())
            .sorted()
            .toList();
      }
    }
    if (trained.size() != 1) {
      throw UserException.usage(trained.isEmpty()
          ? study + " has no run with a checkpoint"
          : study + " has several runs; give one of them:"
              + trained.stream().map(run -> "\n  " + runs.resolve(run)).collect(Collectors.joining()));
    }
    return trained.getFirst();
  }

  private static TrainedRun read(StudyFolder study, String name) throws IOException {
    RunSpec spec = study.run(name);
    Path file = study.runFolder(name).checkpoint();
    if (!Files.exists(file)) {
      throw UserException.usage(file + ": no such file; the run has not begun");
    }
    Corpus corpus = spec.corpus();
    Program program = Program.scoring(spec.model(), RunSpec.ids(corpus), 1, 1);
    Checkpoint checkpoint = Checkpoint.read(file, program);
    String fingerprint = checkpoint.head().fingerprint();
    if (!fingerprint.equals(spec.fingerprint()) && !fingerprint.equals(IMPORTED)) {
      throw UserException.failure(file + " belongs to another run (fingerprint " + fingerprint
          + ", this run's is " + spec.fingerprint() + ")");
    }
    float[] parameters = checkpoint.state().get(Session.PARAMETERS);
    for (Parameter parameter : program.parameters()) {
      for (int i = 0; i < parameter.tensor().size(); i++) {
        float value = parameters[(int) parameter.offset() + i];
        if (!Float.isFinite(value)) {
          throw new CheckpointException(file,
              "element " + i + " of tensor '" + parameter.tensor().name() + "' is " + value);
        }
      }
    }
    // What was exported is rounded already.
    Optional<QuantisedModel> rounded = fingerprint.equals(IMPORTED)
        ? Optional.empty()
        : spec.rounded(corpus, parameters, file);
    MergedModel merged = MergedModel.of(spec.model(), RunSpec.ids(corpus),
        rounded.map(QuantisedModel::parameters).orElse(parameters));
    return new TrainedRun(study, spec, corpus, checkpoint.head().step(), merged.model(), merged.parameters());
  }

  /**
   * The run's model, ready for the measurement that a run makes at its end.
   *
   * @param threads that the engine may use
   */
  public TrainedModel model(int threads) {
    return TrainedModel.load(Run.engine(spec), threads, architecture, parameters, corpus, file());
  }

  /** The checkpoint. */
  public Path file() {
    return study.runFolder(spec).checkpoint();
  }

  /**
   * Refuses a model whose losses are no numbers, before anything else is asked of it.
   *
   * @param most how many people's texts it is tried on
   * @throws UserException which names the checkpoint
   */
  public void requireLosses(long most) {
    try (TrainedModel model = model(1)) {
      Measurement.of(model, most);
    }
  }

  /** Whether all steps of the run are done; imported weights count as finished. */
  public boolean finished() {
    return step == 0 || step == spec.steps(corpus);
  }
}
