package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.experiments.UserException;
import org.knowcap.files.Sha256;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.models.checkpoint.ParameterIdentity;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.Schedule;
import org.knowcap.models.training.Initialisation;

/**
 * Everything that determines one run of a study's grid.
 *
 * @param corpusSpec settings of the corpus without its seeds
 * @param model its architecture
 * @param exposures how often each person occurs in training
 * @param seeds of the corpus, the initial parameters and the order of the data
 * @param training how it is trained
 * @param measurement what is measured of it, and when
 * @param engine name in the study; "auto" is the preferred engine of the machine
 * @param setting what the lists of its study chose for it, such as "lr0.003"; only the run's name has it
 */
public record RunSpec(CorpusSpec corpusSpec, ModelSpec model, Exposures exposures, Seeds seeds,
    TrainingSettings training, MeasurementSettings measurement, String engine, String setting) {
  /** Version of the format of {@code run.json}. */
  private static final int FORMAT = 2;

  /** Hexadecimal digits of the fingerprint at the end of a name. */
  private static final int HASH_DIGITS = 8;
  private static final String OWN = "own";
  private static final String HASH = "hash";
  /** Corpus, model, exposures and seeds; what lists chose; the hash. */
  private static final Pattern NAME = Pattern
      .compile("(?<own>[^_]+_[^_]+_[^_]+_[^_]+?)(_.*)?-(?<hash>[0-9a-f]{" + HASH_DIGITS + "})");

  /** Name of the run and of its folder: readable, and unique by a hash of all settings. */
  public String name() {
    return readable() + (setting.isEmpty() ? "" : "_" + setting) + "-" + hash();
  }

  /** The beginning of the name, which does not depend on what else is in the study. */
  private String readable() {
    return corpusSpec.name() + "_" + model.name() + "_" + exposures.label() + "_" + seeds.label();
  }

  /** The end of the name, by which a run is known whatever the lists of its study are. */
  private String hash() {
    return fingerprint().substring(0, HASH_DIGITS);
  }

  /** Length of the name, which is known without the hash. */
  int nameLength() {
    return readable().length() + (setting.isEmpty() ? 0 : 1 + setting.length()) + 1 + HASH_DIGITS;
  }

  /** Whether a name is this run's, also the name that it had while the lists of its study chose other things. */
  public boolean isNamed(String other) {
    return other.startsWith(readable()) && sameRun(other, readable() + "-" + hash());
  }

  /**
   * Whether two names are of one run. What the lists of a study choose is in a name between the run's own parts and its
   * hash: a list that is added to a study later changes the names of runs that were there before.
   */
  public static boolean sameRun(String one, String other) {
    Matcher first = NAME.matcher(one);
    Matcher second = NAME.matcher(other);
    return one.equals(other) || first.matches() && second.matches()
        && first.group(OWN).equals(second.group(OWN)) && first.group(HASH).equals(second.group(HASH));
  }

  /** The hash in a run's name; empty where a text is no run's name. */
  public static String hash(String name) {
    Matcher parts = NAME.matcher(name);
    return parts.matches() ? parts.group(HASH) : "";
  }

  /** This run, with the name that it would have without lists. */
  RunSpec withoutSetting() {
    return new RunSpec(corpusSpec, model, exposures, seeds, training, measurement, engine, "");
  }

  /** Number of people who are measured; all people if there are fewer. */
  public long measuredPeople() {
    return measurement.people();
  }

  /** What all runs have in common that differ from this one only in their seeds; it is one of them, without lists. */
  public RunSpec cell() {
    return new RunSpec(corpusSpec, model, exposures, Seeds.all(0), training, measurement, engine, "");
  }

  /** N. */
  public long people() {
    return corpusSpec.people();
  }

  /** Tokens times parameters: what the training takes, exact enough to compare runs of a study. */
  public double cost() {
    return (double) people() * exposures.count() * model.loops() * model.parameters(1000).stored();
  }

  /**
   * The content of {@code run.json}, in this order: the version of its format, then everything that determines the
   * run.
   */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("format", FORMAT);
    settings.put("corpus", corpusSpec.settings());
    settings.put("model", modelSettings(model));
    settings.put("exposures", exposures.setting());
    Map<String, Object> drawn = new LinkedHashMap<>();
    drawn.put("corpus", seeds.corpusSeed());
    drawn.put("weights", seeds.weightsSeed());
    drawn.put("order", seeds.orderSeed());
    settings.put("seeds", drawn);
    settings.put("training", training.settings());
    settings.put("measured_people", measurement.people());
    if (measurement.along() != MeasurementSettings.Along.END) {
      // Only then: runs of earlier versions keep their names.
      settings.put("measured_along", measurement.along().name().toLowerCase(Locale.ROOT));
    }
    settings.put("engine", engine);
    return settings;
  }

  private static Map<String, Object> modelSettings(ModelSpec model) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("family", model.family().prefix());
    settings.put("layers", model.layers());
    settings.put("heads", model.heads());
    ModelOption.ALL.forEach(option -> option.setting().accept(model, settings));
    settings.put("causal", model.causal());
    return settings;
  }

  /** SHA-256 of the settings as JSON, in hexadecimal. */
  public String fingerprint() {
    return Sha256.of(Json.MAPPER.writeValueAsString(settings()));
  }

  /** The corpus. With equal seeds and lists, a smaller corpus has the first people of a larger one. */
  public Corpus corpus() {
    return withExposures(corpusSpec.corpus(seeds.corpusSeed(), seeds.orderSeed()));
  }

  /** A corpus of the run's settings, for the run's number of exposures. */
  Corpus withExposures(Corpus made) {
    return made.forExposures(counted(made));
  }

  /** The training program for a corpus. */
  public Program program(Corpus corpus) {
    return Program.training(model, ids(corpus), training.batchSize(), training.contextLength(),
        training.updateRule());
  }

  /**
   * The model that a run's weights make: the rounded one, if training rounds weights. Absent where it does not.
   *
   * @param parameters that the optimiser has changed, [P]
   * @param origin of the parameters, such as their file
   * @throws UserException where they are too large for the format of the rounded ones, naming the origin
   */
  public Optional<QuantisedModel> rounded(Corpus corpus, float[] parameters, Path origin) {
    try {
      return training.weights()
          .map(how -> QuantisedModel.of(Program.scoring(model, ids(corpus), 1, 1), parameters, how));
    } catch (IllegalArgumentException e) {
      throw UserException.failure(origin + ": the weights cannot be rounded: " + e.getMessage());
    }
  }

  /** The ids of a corpus's tokens; each item begins with the end-of-text token. */
  public static TokenIds ids(Corpus corpus) {
    return new TokenIds(corpus.vocabulary().size(), corpus.vocabulary().eos());
  }

  /** The source of the initial parameters. */
  public Initialisation initialisation(Corpus corpus) {
    return training.initialisation()
        .map(start -> !model.equals(model.origin()) && start.isOf(originIdentity(corpus))
            ? start.grown(Program.scoring(model.origin(), ids(corpus), 1, training.contextLength()),
                weightsSeed())
            : start.from())
        .orElse(new Initialisation.Drawn(weightsSeed()));
  }

  /**
   * The seed that the initial parameters are drawn from. It depends on the model: otherwise two families would begin
   * with equal embeddings and equal first matrices, and runs of one seed would not be independent. Runs of one model
   * and one seed begin with equal parameters, whatever their N and exposures.
   */
  public long weightsSeed() {
    String key = seeds.weightsSeed() + " " + Json.MAPPER.writeValueAsString(modelSettings(model));
    return Long.parseUnsignedLong(Sha256.of(key).substring(0, 16), 16);
  }

  /**
   * The identity of the run's parameters; runs of equal models and vocabularies can start from each other's
   * parameters.
   */
  public ParameterIdentity identity(Corpus corpus) {
    return identity(model, corpus);
  }

  /**
   * The identity of the parameters of the model without experts and adapters, from which one with them can start; the
   * run's own identity if it has neither.
   */
  public ParameterIdentity originIdentity(Corpus corpus) {
    return identity(model.origin(), corpus);
  }

  private ParameterIdentity identity(ModelSpec spec, Corpus corpus) {
    return new ParameterIdentity(Json.MAPPER.writeValueAsString(modelSettings(spec)),
        corpus.vocabulary().digest(), training.optimiserName());
  }

  /**
   * How often training shows each person: what the study asks for, by both conventions.
   *
   * @throws IllegalArgumentException where complete exposures are asked for and no window holds a whole text
   */
  public ExposureCounts exposureCounts(Corpus corpus) {
    ItemLayout layout = corpus.stream().counted().layout();
    double complete = layout.complete(training.windows());
    if (exposures.complete() && !(complete > 0)) {
      throw new IllegalArgumentException("no text of " + corpus.name() + " lies in a window of "
          + training.contextLength() + " tokens, so no exposure is complete; give training a longer context");
    }
    double counted = exposures.complete() ? exposures.count() / complete : exposures.count();
    return new ExposureCounts(counted, counted * complete, layout.behindName(training.windows()));
  }

  /**
   * The number of steps that show each person as often as the study asks for: the expected number of windows that
   * the texts fill, divided by the windows of a step, rounded up.
   */
  public long steps(Corpus corpus) {
    return (long) Math.ceil(windows(corpus) / training.effectiveBatchSize());
  }

  private double windows(Corpus corpus) {
    return corpus.stream().windows(counted(corpus), training.windows());
  }

  /** Number of exposures, counted by tokens. */
  private double counted(Corpus corpus) {
    return exposures.complete() ? exposureCounts(corpus).exposures() : exposures.count();
  }

  /**
   * Learning rates over the run.
   *
   * @throws IllegalArgumentException where the warm-up is no shorter than the run, or its first phase
   */
  public Schedule schedule(Corpus corpus) {
    long steps = steps(corpus);
    // A step that has windows of both phases belongs to the first.
    double first = windows(corpus) - corpus.stream().tuningWindows(training.windows());
    long before = (long) Math.ceil(first / training.effectiveBatchSize());
    long warmup = training.warmup().steps(before);
    if (warmup >= before) {
      throw new IllegalArgumentException("found " + warmup + ", but run " + name() + " has only " + before
          + " steps" + (before < steps ? " before its tuning" : "")
          + "; give it more exposures, smaller batches, a shorter warm-up, or 'warmup_fraction' in its place");
    }
    return new Schedule(warmup, steps, training.learningRate(), training.finalLearningRateFraction(),
        training.learningRateShape(), steps - before,
        training.tuningLearningRate().orElse(training.learningRate()));
  }
}
