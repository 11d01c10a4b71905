package org.knowcap.experiments.interchange;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.tokens.TokenizerFiles;
import org.knowcap.generators.tokens.Vocabulary;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.interchange.samediff.SameDiffGraph;

/** A folder with a model's graph, and with tokenizer.json, which says which token has which number. */
public final class SameDiffFolder {
  /** Name of the graph's file. */
  public static final String GRAPH = "model.fb";

  private SameDiffFolder() {}

  /**
   * Writes a run, for windows of the context length that it was trained with.
   *
   * @param folder new or empty
   * @throws UserException where the folder is not empty, or SameDiff cannot compute the model
   */
  public static void write(TrainedRun run, Path folder) throws IOException {
    ModelSpec model = UserException.judged(() -> SameDiffGraph.checked(run.architecture()));
    Vocabulary vocabulary = run.corpus().vocabulary();
    NewFolder.write(folder, to -> {
      SameDiffGraph.write(to.resolve(GRAPH), model, RunSpec.ids(run.corpus()),
          run.spec().training().contextLength(), run.parameters());
      Files.writeString(to.resolve(TokenizerFiles.TOKENIZER), new TokenizerFiles(vocabulary).tokenizer());
    });
  }
}
