package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Corpus;
import tools.jackson.databind.JsonNode;

/**
 * Everything that is needed to make a corpus again without its study file.
 *
 * @param corpus as the study describes it
 * @param directory that the paths in it start from
 * @param choice which of the corpora that the study describes, from 0
 * @param seed of the corpus
 * @param order seed of the order of its people, and of their texts
 */
public record CorpusRecipe(JsonNode corpus, Path directory, int choice, long seed, long order) {
  private static final String CORPUS = "corpus";
  private static final String DIRECTORY = "directory";
  private static final String CHOICE = "choice";
  private static final String SEED = "seed";
  private static final String ORDER = "order_seed";

  /** For a corpus of a study that has been read. */
  public static CorpusRecipe of(Path study, int choice, long seed, long order) {
    return new CorpusRecipe(StudyReader.corpusNode(study),
        study.toAbsolutePath().normalize().resolveSibling(""), choice, seed, order);
  }

  /**
   * Undoes {@link #toMap}.
   *
   * @param file that it is from, for messages
   * @throws UserException if it is none
   */
  public static CorpusRecipe of(Path file, JsonNode map) {
    Fields fields = new Fields(file, "recipe", map);
    fields.mapping(CORPUS);
    String directory = fields.text(DIRECTORY);
    int choice = (int) fields.integer(CHOICE, 0, Integer.MAX_VALUE);
    long seed = fields.integer(SEED, 0, Long.MAX_VALUE);
    // Exports of earlier versions had one seed for both.
    long order = fields.integer(ORDER, 0, Long.MAX_VALUE, seed);
    fields.requireNoOthers();
    return new CorpusRecipe(map.path(CORPUS), Path.of(directory), choice, seed, order);
  }

  /** The recipe as a manifest holds it. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(CORPUS, corpus);
    map.put(DIRECTORY, directory.toString());
    map.put(CHOICE, choice);
    map.put(SEED, seed);
    map.put(ORDER, order);
    return map;
  }

  /**
   * Makes the corpus, if nothing that it is made of has changed.
   *
   * @param file that the recipe is from, for messages
   * @throws UserException if it cannot be made
   */
  public Corpus corpus(Path file) {
    List<Swept<CorpusSpec>> corpora = new CorpusReader(file, directory::resolve)
        .corpora(new Fields(file, "recipe.corpus", corpus));
    if (choice >= corpora.size()) {
      throw UserException
          .usage(file + ": 'recipe.choice' must be 0.." + (corpora.size() - 1) + ", found " + choice);
    }
    return Fields.checked(file, "recipe.corpus", () -> corpora.get(choice).value().corpus(seed, order));
  }
}
