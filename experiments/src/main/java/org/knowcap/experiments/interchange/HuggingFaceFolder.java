package org.knowcap.experiments.interchange;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.tokens.TokenizerFiles;
import org.knowcap.generators.tokens.Vocabulary;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.checkpoint.ParameterIdentity;
import org.knowcap.models.engine.Session;
import org.knowcap.models.interchange.HuggingFaceModel;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.MergedModel;

/**
 * A folder from which transformers loads a model and its tokenizer. Its subfolder {@code knowcap/} is laid out like
 * a study's directory and says what the model was trained on: the study file with its lists, and the folder of the
 * run.
 */
public final class HuggingFaceFolder {
  /** Name of the subfolder with the study. */
  private static final String STUDY = "knowcap";

  /** Name of the optimiser for weights that come without an optimiser's state. */
  private static final String NO_OPTIMISER = "none";

  private HuggingFaceFolder() {}

  /**
   * Writes a run.
   *
   * @param folder new or empty
   * @param check what to add for comparing with transformers
   * @param pad whether the model has a row for each of the tokenizer's tokens, not only for the corpus's
   * @return the {@code model_type}
   * @throws UserException where transformers has no class for the model, or the folder is not empty
   */
  public static String write(TrainedRun run, Path folder, Optional<LossCheck> check, boolean pad)
      throws IOException {
    Vocabulary vocabulary = run.corpus().vocabulary();
    int context = run.spec().training().contextLength();
    TokenizerFiles tokenizer = new TokenizerFiles(vocabulary);
    HuggingFaceModel exact = form(run.architecture(), vocabulary);
    HuggingFaceModel model = pad ? exact.padded(tokenizer.size()) : exact;
    NewFolder.write(folder, to -> {
      Files.writeString(to.resolve(HuggingFaceModel.CONFIG), model.config(vocabulary.eos(), context));
      Files.writeString(to.resolve(HuggingFaceModel.GENERATION_CONFIG),
          model.generationConfig(vocabulary.eos()));
      model.weights(run.parameters(), Map.of("knowcap_run", run.spec().name()))
          .write(to.resolve(HuggingFaceModel.WEIGHTS));
      Files.writeString(to.resolve(TokenizerFiles.TOKENIZER), tokenizer.tokenizer());
      Files.writeString(to.resolve(TokenizerFiles.CONFIG), tokenizer.config(context));
      run.study().copyStudy(to.resolve(STUDY));
      StudyFolder.open(to.resolve(STUDY)).runFolder(run.spec()).writeSpec(run.spec());
      if (check.isPresent()) {
        check.get().write(to.resolve(STUDY));
      }
    });
    return model.type();
  }

  private static HuggingFaceModel form(ModelSpec model, Vocabulary vocabulary) {
    try {
      return HuggingFaceModel.of(model, vocabulary.size());
    } catch (IllegalArgumentException e) {
      throw UserException.usage(e.getMessage());
    }
  }

  /**
   * The result of an import.
   *
   * @param run folder of the run
   * @param spec of the run
   * @param vocabularyChecked whether the folder had a tokenizer to compare with the corpus's vocabulary
   * @param padding rows of the embedding that no token of the corpus has, which were left out
   */
  public record Imported(Path run, RunSpec spec, boolean vocabularyChecked, int padding) {}

  /**
   * Makes a study with one run, whose weights are those of a folder.
   *
   * @param study the study's file; needed if the folder does not hold it
   * @param name of the run, where several of the study have such a model
   * @param out directory of the study to make, new or empty
   * @throws UserException if the folder has no study and none is given, or if it is not clear which run the weights
   *        belong to
   * @throws CheckpointException where a file is missing, damaged, or of another model or vocabulary
   */
  public static Imported read(Path folder, Optional<Path> study, Optional<String> name, Path out)
      throws IOException {
    List<Imported> made = new ArrayList<>();
    NewFolder.write(out, to -> {
      StudyFolder target = study.isPresent() ? StudyFolder.create(to, study.get()) : embedded(folder, to);
      RunSpec spec = name.isPresent()
          ? named(target.study(), name.get())
          : choose(folder, study.isPresent() ? target.study().runs() : List.of(embeddedRun(folder, target)));
      Corpus corpus = spec.corpus();
      Vocabulary vocabulary = corpus.vocabulary();
      HuggingFaceModel model = form(folder, spec, corpus);
      float[] parameters = MergedModel.underNewAdapters(spec.model(), RunSpec.ids(corpus),
          model.parameters(folder), spec.weightsSeed());
      boolean checked = requireVocabulary(folder.resolve(TokenizerFiles.TOKENIZER), vocabulary);
      target.runFolder(spec).writeSpec(spec);
      ParameterIdentity identity = spec.identity(corpus);
      Checkpoint.Head head = new Checkpoint.Head(TrainedRun.IMPORTED, 0, 0, new long[0],
          new ParameterIdentity(identity.model(), identity.vocabulary(), NO_OPTIMISER), "");
      new Checkpoint(head, Map.of(Session.PARAMETERS, parameters)).write(target.runFolder(spec).checkpoint(),
          Program.scoring(spec.model(), RunSpec.ids(corpus), 1, 1));
      made.add(new Imported(out.resolve(to.relativize(target.runFolder(spec).path()).toString()), spec,
          checked, model.padding()));
    });
    return made.getFirst();
  }

  /** The form of a run's model in a folder, to whose weights an export has added any adapters. */
  private static HuggingFaceModel form(Path folder, RunSpec run, Corpus corpus) throws IOException {
    return HuggingFaceModel.in(folder, MergedModel.architecture(run.model()), corpus.vocabulary().size(),
        Math.max(run.training().contextLength(), corpus.longestItem()));
  }

  private static StudyFolder embedded(Path folder, Path to) throws IOException {
    Path study = folder.resolve(STUDY);
    if (!Files.isDirectory(study)) {
      throw UserException.usage(folder + " does not say what it was trained on (no folder " + STUDY
          + " in it, as 'knowcap export' writes); give the study with --study");
    }
    StudyFolder.open(study).copyStudy(to);
    return StudyFolder.open(to);
  }

  private static RunSpec embeddedRun(Path folder, StudyFolder study) throws IOException {
    try (Stream<Path> runs = Files.list(folder.resolve(STUDY).resolve("runs"))) {
      return study.run(runs.findFirst().orElseThrow().getFileName().toString());
    }
  }

  private static RunSpec named(Study study, String name) {
    return study.runs()
        .stream()
        .filter(run -> run.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> UserException.usage("study " + study.name() + " has no run '" + name + "'; there are:"
                + study.runs().stream().map(run -> "\n  " + run.name()).collect(Collectors.joining())));
  }

  /** The one run whose model the folder holds. */
  private static RunSpec choose(Path folder, List<RunSpec> runs) throws IOException {
    List<RunSpec> exact = new ArrayList<>();
    List<RunSpec> padded = new ArrayList<>();
    List<CheckpointException> misfits = new ArrayList<>();
    for (RunSpec run : runs) {
      try {
        (form(folder, run, run.corpus()).padding() == 0 ? exact : padded).add(run);
      } catch (CheckpointException e) {
        misfits.add(e);
      }
    }
    List<RunSpec> fitting = exact.isEmpty() ? padded : exact;
    if (fitting.isEmpty()) {
      throw misfits.getFirst();
    }
    if (fitting.size() > 1) {
      throw UserException.usage(folder + " may be any of several runs of the study; choose one with --run:"
          + fitting.stream().map(run -> "\n  " + run.name()).collect(Collectors.joining()));
    }
    return fitting.getFirst();
  }

  private static boolean requireVocabulary(Path tokenizer, Vocabulary vocabulary) throws IOException {
    if (!Files.exists(tokenizer)) {
      return false;
    }
    try {
      Optional<String> difference = new TokenizerFiles(vocabulary).difference(Files.readString(tokenizer));
      if (difference.isPresent()) {
        throw new CheckpointException(tokenizer, difference.get());
      }
      return true;
    } catch (MalformedInputException e) {
      throw new CheckpointException(tokenizer, "damaged: it is not valid UTF-8");
    }
  }
}
