package org.knowcap.experiments.capacity;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.architecture.ModelSpec;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * A search's study file: a grid for each size and learning rate.
 *
 * @param model whose capacity is searched
 * @param exposures complete exposures of each person or string
 * @param engine as a study names it
 * @param corpus that is learnt
 */
public record CapacityStudy(ModelSpec model, long exposures, String engine, SizedCorpus corpus) {
  /** Whole texts of a window, at most: the paper's have about eight. */
  private static final int TEXTS = 4;
  /** About how many steps a training has; with 10,000 a small model was still learning. */
  private static final double STEPS = 50_000;
  private static final int LEAST_BATCH = 4;
  private static final int MOST_BATCH = 64;
  /** Parameters up to which the least of these batches is used; it grows with their square root. */
  private static final double SMALL = 50_000;
  /** Learning rate in the middle of the search at a width of 64; it falls with the square root of the width. */
  private static final double LEARNING_RATE = 0.003;
  private static final double WIDTH = 64;
  /** Number of exposures from which on a model holds about two bits per parameter instead of one. */
  private static final long MANY = 500;

  /**
   * The study of a model on facts about people.
   *
   * @throws IllegalArgumentException where no corpus suits it
   */
  public static CapacityStudy of(ModelSpec model, long exposures, String engine) {
    return new CapacityStudy(model, exposures, engine, dense(model, exposures));
  }

  /**
   * The study of a model on random strings, with the P that it has in {@link #of}.
   *
   * @throws IllegalArgumentException where no corpus suits it
   */
  public static CapacityStudy ofStrings(ModelSpec model, long exposures, String engine) {
    return new CapacityStudy(model, exposures, engine, StringCorpus.beside(dense(model, exposures), model));
  }

  private static DenseCorpus dense(ModelSpec model, long exposures) {
    // The learning rate is chosen one size below the expected peak.
    return DenseCorpus.of(model, expected(exposures) / Math.sqrt(2));
  }

  /** R^max at which R is expected to be largest: a little more than the model holds. */
  private static double expected(long exposures) {
    return exposures >= MANY ? 2 * Math.sqrt(2) : Math.sqrt(2);
  }

  /** The study's name: an output directory belongs to one search. */
  public String name() {
    return "capacity-" + model.name() + switch (corpus) {
      case DenseCorpus _ -> "";
      case StringCorpus _ -> "-strings";
    } + "-e" + exposures;
  }

  /**
   * The search.
   *
   * @param seeds to measure the peak with
   */
  public CapacitySearch search(int seeds) {
    double rate = LEARNING_RATE * Math.sqrt(WIDTH / model.width());
    return new CapacitySearch(corpus.people(), SizedCorpus.size(expected(exposures)),
        new BigDecimal(rate).round(new MathContext(2)).doubleValue(), seeds);
  }

  /**
   * The study file.
   *
   * @param longestText tokens of the corpus's longest text
   * @param parameters P
   * @param cells runs, in the order in which they shall begin
   */
  public byte[] yaml(int longestText, long parameters, List<Cell> cells) {
    Map<String, Object> study = new LinkedHashMap<>();
    study.put("name", name());
    study.put("corpus", corpus.settings());
    study.put("models", model.name());
    study.put("exposures", Map.of("complete", exposures));
    study.put("engine", engine);
    Map<String, Object> training = new LinkedHashMap<>();
    training.put("packing", "whole");
    study.put("training", training);
    record Setting(long people, double learningRate) {}
    Map<Setting, List<Long>> settings = new LinkedHashMap<>();
    cells.forEach(cell -> settings
        .computeIfAbsent(new Setting(cell.people(), cell.learningRate()), _ -> new ArrayList<>())
        .add(cell.seed()));
    List<Map<String, Object>> grids = new ArrayList<>();
    settings.forEach((setting, seeds) -> {
      Map<String, Object> grid = new LinkedHashMap<>();
      grid.put("corpus", Map.of(corpus.sizeKey(), setting.people));
      Batch batch = Batch.of(setting.people * exposures / STEPS, batchSize(parameters));
      Map<String, Object> own = new LinkedHashMap<>();
      own.put("learning_rate", setting.learningRate);
      own.put("batch_size", batch.windows);
      own.put("context_length", batch.texts * longestText);
      grid.put("training", own);
      grid.put("seeds", seeds.stream().sorted().toList());
      grids.add(grid);
    });
    study.put("grids", grids);
    return new YAMLMapper().writeValueAsBytes(study);
  }

  /** What a step has: windows, and whole texts in each of them. */
  private record Batch(int windows, int texts) {
    /**
     * The batch whose number of texts is nearest to the wanted one, as a ratio. Several windows have three or four texts
     * each, so that they differ little from one size of corpus to the next.
     */
    static Batch of(double wanted, int most) {
      return Stream
          .concat(IntStream.rangeClosed(1, TEXTS).mapToObj(texts -> new Batch(1, texts)),
              IntStream.rangeClosed(2, most)
                  .boxed()
                  .flatMap(windows -> Stream.of(new Batch(windows, TEXTS), new Batch(windows, TEXTS - 1))))
          .min(Comparator.comparingDouble(batch -> Math.abs(Math.log(batch.windows * batch.texts / wanted))))
          .orElseThrow();
    }
  }

  /** Windows of a step, at most. */
  private static int batchSize(double parameters) {
    double batch = LEAST_BATCH * Math.sqrt(Math.max(1, parameters / SMALL));
    return (int) Math.min(MOST_BATCH, Math.pow(2, Math.round(Math.log(batch) / Math.log(2))));
  }

  /** The cell of a run. */
  public static Cell cell(RunSpec run) {
    return new Cell(run.people(), run.training().learningRate(), run.seeds().corpusSeed());
  }

  /** The cell of a row of results. */
  public static Cell cell(RunResult run) {
    return new Cell(run.people(), run.learningRate(), run.seeds().corpusSeed());
  }
}
