package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a study file: every key is of a known name, type and range. The corpora are not built, so that the answer takes
 * milliseconds; {@link StudyChecks} finds faults that only the built corpora show.
 */
public final class StudyReader {
  /** Name of the engine setting that leaves the choice to the machine. */
  public static final String AUTO = "auto";

  private static final String GRIDS = "grids";

  private final Path file;
  private final Function<String, Path> paths;

  private StudyReader(Path file, Function<String, Path> paths) {
    this.file = file;
    this.paths = paths;
  }

  /**
   * Reads a study; the directories and files it names are relative to its own.
   *
   * @throws UserException where the file is unreadable, or a key is unknown, missing, or of a wrong type or value
   */
  public static Study read(Path file) {
    return read(file, file::resolveSibling);
  }

  /**
   * Reads a study whose directories and files have been copied elsewhere.
   *
   * @param paths where each copy is, by its name in the study
   * @throws UserException where the file is unreadable, or a key is unknown, missing, or of a wrong type or value
   */
  public static Study read(Path file, Function<String, Path> paths) {
    return new StudyReader(file, paths).study();
  }

  /**
   * Reads only a study's name.
   *
   * @throws UserException where the file is unreadable, or its name is missing or wrong
   */
  public static String name(Path file) {
    StudyReader reader = new StudyReader(file, file::resolveSibling);
    return reader.name(new Fields(file, "", reader.tree()));
  }

  /**
   * Reads the rewriting settings of a bioR study, whose texts need not exist yet. Only the study's corpus is read.
   *
   * @return one for each choice from the lists
   * @throws UserException where the file is unreadable, or its corpus is not a bioR
   */
  public static List<RewritingSpec> rewritings(Path file) {
    StudyReader reader = new StudyReader(file, file::resolveSibling);
    Fields corpus = reader.oneGrid().mapping("corpus");
    return CorpusReader.choices(corpus).stream().map(each -> reader.rewriting(each.value())).toList();
  }

  private RewritingSpec rewriting(Fields corpus) {
    String kind = corpus.text("kind");
    if (!kind.equals("bioR")) {
      throw corpus.wrongText("kind", "bioR", kind);
    }
    RewritingSpec rewriting = new CorpusReader(file, paths).rewriting(corpus);
    corpus.requireNoOthers();
    return rewriting;
  }

  /**
   * Reads only a study's corpora, seeds and (first) windows; its models and training may be wrong.
   *
   * @throws UserException where the file is unreadable, or one of these is missing, of a wrong type or out of range,
   *     or a corpus cannot be made
   */
  public static StudyCorpora corpora(Path file) {
    StudyReader reader = new StudyReader(file, file::resolveSibling);
    Fields top = reader.oneGrid();
    List<CorpusSpec> corpora = new CorpusReader(file, reader.paths).corpora(top.mapping("corpus"))
        .stream()
        .map(Swept::value)
        .toList();
    List<Seeds> seeds = SeedsReader.read(top, new ArrayList<>());
    Fields training = TrainingReader.choices(top.mapping("training")).getFirst().value();
    Windows windows = new Windows(TrainingReader.contextLength(training, 1),
        TrainingReader.packing(training));
    StudyChecks.checkCorpora(file, corpora);
    return new StudyCorpora(corpora, seeds, windows);
  }

  /**
   * Reads how many people a study measures, whatever its models and training are.
   *
   * @throws UserException where the file is unreadable or the number is of a wrong type or out of range
   */
  public static long measuredPeople(Path file) {
    return measuredPeople(new Fields(file, "", new StudyReader(file, file::resolveSibling).tree()));
  }

  private static long measuredPeople(Fields top) {
    return measurement(top).people();
  }

  private static MeasurementSettings measurement(Fields top) {
    Fields measurement = top.mapping("measurement");
    MeasurementSettings settings = new MeasurementSettings(
        measurement.integer("people", 2, CorpusReader.MOST_PEOPLE, 2000),
        measurement.choice("along", MeasurementSettings.Along.class, MeasurementSettings.Along.END));
    measurement.requireNoOthers();
    return settings;
  }

  /** The mapping under 'corpus' of a study file, as it is written. */
  static JsonNode corpusNode(Path file) {
    return new StudyReader(file, file::resolveSibling).tree().path("corpus");
  }

  /** The keys of a study that has one corpus section. */
  private Fields oneGrid() {
    Fields top = new Fields(file, "", tree());
    if (top.has(GRIDS)) {
      throw UserException.usage(file + ": 'grids' may have several corpora, and a corpus is made of one;"
          + " give a file with 'corpus' alone");
    }
    return top;
  }

  private JsonNode tree() {
    return YamlFile.read(file, "study");
  }

  private Study study() {
    Fields top = new Fields(file, "", tree());
    String name = name(top);
    List<String> remarks = new ArrayList<>();
    // A run of several grids is one run, whatever lists they are from: it has the name that the first gives it.
    Map<RunSpec, RunSpec> runs = new LinkedHashMap<>();
    grids(top).stream()
        .flatMap(keys -> grid(keys, remarks).runs().stream())
        .forEach(run -> runs.putIfAbsent(run.withoutSetting(), run));
    return new Study(name, List.copyOf(runs.values()), remarks.stream().distinct().toList());
  }

  private String name(Fields top) {
    String name = top.text("name");
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
      throw UserException
          .usage(file + ": 'name' must be letters, digits, '.', '_' and '-', a letter or digit first, found '"
              + name + "'");
    }
    return name;
  }

  /** The keys of each grid: the file's own, or under 'grids' a list of mappings that change some of them. */
  private List<Fields> grids(Fields top) {
    if (!top.has(GRIDS)) {
      return List.of(top);
    }
    List<ObjectNode> changes = top.list(GRIDS, "a list of mappings, each of the keys in which a grid differs",
        node -> new Fields(file, GRIDS, node).keys());
    List<Fields> grids = new ArrayList<>();
    for (ObjectNode change : changes) {
      Fields grid = new Fields(file, GRIDS + "[" + grids.size() + "]", merged(top.keys(), change));
      for (String outside : List.of("name", GRIDS)) {
        if (change.has(outside)) {
          throw UserException.usage(file + ": '" + grid.path() + "' must not have the key '" + outside
              + "', which belongs at the top of the file");
        }
      }
      grids.add(grid);
    }
    return grids;
  }

  /**
   * The file's keys, replaced by those of one grid. Mappings are merged key by key, except that a corpus of another
   * kind replaces the file's.
   */
  private static ObjectNode merged(ObjectNode top, ObjectNode change) {
    ObjectNode merged = top.deepCopy();
    merged.remove(List.of("name", GRIDS));
    for (String key : change.propertyNames()) {
      JsonNode value = change.path(key);
      if (value.isObject() && merged.path(key).isObject() && !value.has("kind")) {
        merged.set(key, ((ObjectNode) merged.path(key)).setAll((ObjectNode) value));
      } else {
        merged.set(key, value);
      }
    }
    return merged;
  }

  private Grid grid(Fields keys, List<String> remarks) {
    List<Swept<CorpusSpec>> corpora = new CorpusReader(file, paths).corpora(keys.mapping("corpus"));
    List<JsonNode> modelNodes = keys.list("models",
        "a name such as gpt2-2-4, a mapping with 'name', or with 'family' and 'parameters' or 'layers', or a list of them",
        node -> node);
    List<Exposures> exposures = exposures(keys);
    List<Seeds> seeds = SeedsReader.read(keys, remarks);
    String engine = keys.text("engine", AUTO);
    if (!engine.equals(AUTO)) {
      checked("engine", () -> Engines.known(engine));
    }
    List<Swept<TrainingSettings>> trainings = new TrainingReader(file, paths)
        .trainings(keys.mapping("training"));
    MeasurementSettings measurement = measurement(keys);
    keys.requireNoOthers();
    trainings.stream()
        .flatMap(training -> training.value().initialisation().stream())
        .forEach(start -> remarks.add(start.remark()));
    ModelReader reader = new ModelReader(file, () -> vocabulary(corpora.getFirst().value(), seeds.getFirst()),
        remarks);
    List<ModelSpec> models = modelNodes.stream().flatMap(node -> reader.models(node).stream()).toList();
    if (Set.copyOf(models).size() < models.size()) {
      throw UserException.usage(
          file + ": 'models' must hold none twice, found " + models.stream().map(ModelSpec::name).toList());
    }
    trainings.forEach(training -> {
      requireGradients(training.value(), models);
      requireMatrices(training.value(), models);
    });
    return new Grid(corpora, models, exposures, seeds, engine, trainings, measurement);
  }

  /**
   * Refuses optimisers that forget a gradient's size for models with gradients that are only rounding errors: such
   * gradients then make full steps. Adafactor divides by the size, Lion and Tiger take the sign.
   */
  private void requireGradients(TrainingSettings training, List<ModelSpec> models) {
    if (training.optimiser().forgetsSize()) {
      models.stream().filter(ModelSpec::hasKeyBiasWithoutGradient).findFirst().ifPresent(model -> {
        String optimiser = training.optimiser().getClass().getSimpleName().toLowerCase(Locale.ROOT);
        throw UserException.usage(file + ": 'training.optimiser' is " + optimiser + ", but " + model.name()
            + " has biases of keys that have no gradient but rounding, which " + optimiser
            + " makes into steps of full size; give the model 'biases: false' ("
            + model.with(ModelOption.BIASES, false).name() + "), or another optimiser");
      });
    }
  }

  /** Refuses Muon for models that have vectors where it expects matrices. The smallest program shows it. */
  private void requireMatrices(TrainingSettings training, List<ModelSpec> models) {
    if (training.optimiser() instanceof Optimiser.Muon muon) {
      for (ModelSpec model : models) {
        try {
          Program.training(model, new TokenIds(2, 0), 1, 1, muon);
        } catch (IllegalArgumentException e) {
          throw UserException
              .usage(file + ": 'training.optimiser' is muon, but in " + model.name() + " " + e.getMessage());
        }
      }
    }
  }

  /** Numbers, or mappings of the key 'complete' to numbers. */
  private List<Exposures> exposures(Fields top) {
    String what = "a whole number from 1 to " + CorpusReader.MOST_EXPOSURES
        + ", {complete: such a number}, or a list";
    List<Exposures> all = top.list("exposures", what, node -> node).stream().flatMap(node -> {
      if (!node.isObject()) {
        return Stream.of(Exposures.of(top.integer("exposures", node, 1, CorpusReader.MOST_EXPOSURES)));
      }
      Fields mapping = new Fields(file, "exposures", node);
      List<Long> counts = mapping.integers(Exposures.COMPLETE, 1, CorpusReader.MOST_EXPOSURES);
      mapping.requireNoOthers();
      return counts.stream().map(count -> new Exposures(count, true));
    }).toList();
    if (Set.copyOf(all).size() < all.size()) {
      throw UserException.usage(file + ": 'exposures' must hold none twice");
    }
    return all;
  }

  private int vocabulary(CorpusSpec corpus, Seeds seeds) {
    return checked("corpus", () -> corpus.corpus(seeds.corpusSeed(), seeds.orderSeed())).vocabulary().size();
  }

  private <T> T checked(String key, Supplier<T> constructor) {
    return Fields.checked(file, key, constructor);
  }
}
