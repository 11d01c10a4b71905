package org.knowcap.experiments.interchange;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.generators.tokens.TokenizerFiles;
import org.knowcap.generators.tokens.Vocabulary;
import org.knowcap.models.interchange.GgufModel;
import org.knowcap.models.interchange.GgufType;

/** A folder with a GGUF file, which llama.cpp and what is built on it load: model and tokenizer in one. */
public final class GgufFolder {
  /** Name of the file. */
  public static final String MODEL = "model.gguf";

  /**
   * What was written.
   *
   * @param architecture llama.cpp's name for it
   * @param halves matrices that are in half precision because the type's blocks do not fit into their rows
   */
  public record Written(String architecture, List<String> halves) {}

  private GgufFolder() {}

  /**
   * Writes a run.
   *
   * @param folder new or empty
   * @param check takes the losses, for comparing, of the run with the weights that the file keeps
   * @throws UserException where llama.cpp has no architecture for the model, the type does not fit, or the folder is not
   *     empty
   */
  public static Written write(TrainedRun run, Path folder, GgufType type,
      Optional<Function<TrainedRun, LossCheck>> check) throws IOException {
    Vocabulary vocabulary = run.corpus().vocabulary();
    TokenizerFiles tokenizer = new TokenizerFiles(vocabulary);
    GgufModel model = UserException.judged(() -> GgufModel.of(run.architecture(), type, vocabulary.size()));
    float[] kept = kept(run, model);
    Set<Integer> added = IntStream.range(vocabulary.eos() + 1, vocabulary.size())
        .boxed()
        .collect(Collectors.toSet());
    NewFolder.write(folder, to -> {
      try (OutputStream out = Files.newOutputStream(to.resolve(MODEL))) {
        model.write(out, run.parameters(), run.spec().name(), run.spec().training().contextLength(),
            new GgufModel.Tokens(tokenizer.texts(), tokenizer.merges(), vocabulary.eos(), added));
      }
      if (check.isPresent()) {
        TrainedRun asKept = new TrainedRun(run.study(), run.spec(), run.corpus(), run.step(),
            run.architecture(), kept);
        check.get().apply(asKept).write(to);
      }
    });
    return new Written(model.architecture(), model.halves());
  }

  private static float[] kept(TrainedRun run, GgufModel model) {
    try {
      return model.kept(run.parameters());
    } catch (IllegalArgumentException e) {
      throw UserException.failure(run.file() + ": " + e.getMessage() + "; --type F32 keeps them as they are");
    }
  }
}
