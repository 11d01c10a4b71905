package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.stream.Stream;
import java.util.function.Supplier;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.quantisation.StraightThrough;
import org.knowcap.models.program.Program;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.training.Schedule;

/**
 * Checks that need a study's corpora: whether the corpora can be made, and whether every run fits its corpus. It
 * builds one corpus for all seeds, and checks one run of those that differ only in seeds, but still takes time, so only
 * commands that use the corpora ask for it.
 */
public final class StudyChecks {
  private static final long MOST_STEPS = 1_000_000_000_000L;
  /** Of a name in a folder, on the file systems in use. */
  private static final int MOST_NAME_BYTES = 255;

  private final Path file;
  private final CountedCorpora corpora;

  private StudyChecks(Path file, CountedCorpora corpora) {
    this.file = file;
    this.corpora = corpora;
  }

  /** The people of a run, and what training shows of them. */
  private record OfSeed(CorpusSpec spec, long seed) {}

  /** What the cautions of a run depend on. */
  private record Cautioned(CorpusSpec spec, Windows windows) {}

  /**
   * Refuses a study if one of its runs would fail because of its input.
   *
   * @param file that the study was read from, for messages
   * @return the study, with remarks on what is allowed but may not be meant
   * @throws UserException naming the key, the value found, and what is allowed
   */
  public static Study check(Path file, Study study) {
    return check(file, study, new CountedCorpora());
  }

  /**
   * The same.
   *
   * @param corpora that are built for it, for the caller's own use afterwards
   */
  public static Study check(Path file, Study study, CountedCorpora corpora) {
    return study.remarked(new StudyChecks(file, corpora).remarks(study));
  }

  /**
   * Refuses corpora that cannot be made.
   *
   * @param file that they were read from, for messages
   * @throws UserException naming the key, the value found, and what is allowed
   */
  static void checkCorpora(Path file, List<CorpusSpec> corpora) {
    new StudyChecks(file, new CountedCorpora()).check(corpora);
  }

  private void check(List<CorpusSpec> specs) {
    specs.forEach(corpus -> checkCorpus("corpus", corpus));
  }

  private List<String> remarks(Study study) {
    check(study.corpora());
    LongWarmups warmups = new LongWarmups();
    SequencedSet<String> cautions = new LinkedHashSet<>();
    Map<RunSpec, Schedule> checked = new HashMap<>();
    Set<Cautioned> seen = new HashSet<>();
    Set<OfSeed> chosen = new HashSet<>();
    for (RunSpec run : study.runs()) {
      checkName(run);
      if (run.corpusSpec() instanceof CorpusSpec.ExposedSpec exposed
          && chosen.add(new OfSeed(exposed, run.seeds().corpusSeed()))) {
        checkLosses(exposed, run.seeds().corpusSeed());
      }
      RunSpec cell = run.cell();
      if (!checked.containsKey(cell)) {
        Corpus made = checked("exposures", () -> corpora.of(run));
        checked.put(cell, checkRun(run, made));
        if (seen.add(new Cautioned(run.corpusSpec(), run.training().windows()))) {
          cautions.addAll(Cautions.of(run, made));
        }
      }
      warmups.add(run, checked.get(cell));
    }
    return Stream.concat(warmups.remarks().stream(), cautions.stream()).toList();
  }

  /** The runs of a study that spend much of their time on the warm-up. */
  private static final class LongWarmups {
    private static final double MUCH = 0.2;

    private int runs;
    private String longest = "";
    private double largest = MUCH;

    void add(RunSpec run, Schedule schedule) {
      long steps = schedule.steps() - schedule.tuningSteps();
      double part = (double) schedule.warmupSteps() / steps;
      if (part > MUCH) {
        runs++;
      }
      if (part > largest) {
        largest = part;
        longest = String.format(Locale.ROOT, "%,d of the %,d steps of %s", schedule.warmupSteps(), steps,
            run.name());
      }
    }

    List<String> remarks() {
      return runs == 0
          ? List.of()
          : List.of("warm-up takes more than 20 % of " + (runs == 1 ? "one run" : runs + " runs") + ": "
              + longest + (runs == 1 ? "" : ", the largest part")
              + "; a shorter 'warmup_steps' or a 'warmup_fraction' of at"
              + " most 0.2 leaves more to learn in");
    }
  }

  private void checkCorpus(String key, CorpusSpec spec) {
    String cause = switch (spec) {
      case CorpusSpec.MixtureSpec mixture -> {
        mixture.ingredients().forEach(each -> checkCorpus(key + ".sources.corpus", each.source()));
        yield key + ".sources";
      }
      case CorpusSpec.RevisedSpec revised -> {
        checkCorpus(key + ".of", revised.of());
        yield key;
      }
      case CorpusSpec.QuestionedSpec questioned -> {
        checkCorpus(key, questioned.of());
        yield key + ".questions";
      }
      case CorpusSpec.ExposedSpec exposed -> {
        checkCorpus(key, exposed.of());
        yield key + ".exposure";
      }
      case CorpusSpec.StringsSpec _ -> key + "." + CorpusSpec.StringsSpec.KIND;
      default -> key + ".people";
    };
    Corpus made = checked(cause, () -> corpora.of(spec));
    if (!(made.measured().bits().totalBits() > 0)) {
      throw UserException.usage(file + ": '" + key + "': there is nothing to know in " + made.name()
          + ": only one corpus is possible; give it fewer people or a larger diversity");
    }
  }

  /** People are chosen by what was measured of them, and of nobody else. */
  private void checkLosses(CorpusSpec.ExposedSpec exposed, long seed) {
    exposed.losses().ifPresent(file -> checked("corpus.exposure.pruned.losses", () -> {
      file.requireOf(exposed.of(), seed);
      return file;
    }));
  }

  /** Names have one byte a character. */
  private void checkName(RunSpec run) {
    if (run.nameLength() > MOST_NAME_BYTES) {
      throw UserException.usage(file + ": a run's folder would have a name of " + run.nameLength()
          + " bytes, of which systems take " + MOST_NAME_BYTES + ": " + run.name()
          + "; give the model fewer options, or shorter numbers");
    }
  }

  /** @return the run's learning rates */
  private Schedule checkRun(RunSpec run, Corpus made) {
    TrainingSettings training = run.training();
    checked("training.context_length", () -> {
      made.checkContextLength(training.contextLength());
      return made;
    });
    if (training.packing() == Packing.WHOLE && made.longestItem() > training.contextLength()) {
      throw UserException.usage(file + ": 'training.context_length' is " + training.contextLength()
          + ", but a text of " + made.name() + " may have " + made.longestItem()
          + " tokens; with 'packing: whole' no text is cut, so a window must hold the longest");
    }
    if (run.corpusSpec() instanceof CorpusSpec.StringsSpec && training.packing() == Packing.STREAM
        && training.contextLength() % made.longestItem() != 0) {
      throw UserException.usage(file + ": 'training.context_length' is " + training.contextLength()
          + ", but windows must not cut strings, and a string of " + made.name() + " has "
          + made.longestItem() + " tokens with its end of text; give a multiple of " + made.longestItem()
          + ", or 'packing: whole'");
    }
    if (run.corpusSpec() instanceof CorpusSpec.RevisedSpec revised && revised.before() == 0
        && training.initialisation().isEmpty()) {
      throw UserException.usage(file + ": 'corpus.before' is 0, so that training begins with the change: give"
          + " 'training.start' a run that has learnt the people, or 'before' at least 1");
    }
    checked("exposures", () -> run.exposureCounts(made));
    checkPositions(run.model(), made, training.contextLength());
    long steps = run.steps(made);
    if (steps > MOST_STEPS) {
      throw UserException.usage(file + ": 'exposures': " + run.name() + " would take " + steps
          + " steps, more than can be trained; give fewer exposures or, of a mixture, larger shares");
    }
    if (training.tuningLearningRate().isPresent() && !(made.stream().tuningWindows(training.windows()) > 0)) {
      throw UserException.usage(file + ": 'training.tuning_learning_rate' is for a tuning on questions, but "
          + made.name() + " has none; leave it out, or give 'corpus.questions.tuning_exposures'");
    }
    Schedule schedule = checked("training.warmup_steps", () -> run.schedule(made));
    if (run.model().lowRank().isPresent()) {
      checkAdapters(run);
    }
    training.initialisation().ifPresent(start -> checked("training.start", () -> {
      start.require(run.name(), run.identity(made), run.originIdentity(made));
      return start;
    }));
    checkMasterWeights(run);
    training.weights().ifPresent(how -> checked("training.weights", () -> {
      if (!run.engine().equals(StudyReader.AUTO) && !Engines.known(run.engine()).roundsWeights()) {
        throw EngineUnavailableException.exactWeightsOnly(run.engine());
      }
      return new StraightThrough(how).matrices(Program.scoring(run.model(), RunSpec.ids(made), 1, 1));
    }));
    long parameters = run.model().parameters(made.vocabulary().size()).stored();
    if (parameters > Integer.MAX_VALUE) {
      throw UserException
          .usage(file + ": 'models': " + run.model().name() + " with head width " + run.model().headWidth()
              + " has " + parameters + " parameters; at most " + Integer.MAX_VALUE + " can be trained");
    }
    return schedule;
  }

  private void checkMasterWeights(RunSpec run) {
    MasterWeights type = run.training().updateRule().masterWeights();
    if (type == MasterWeights.FP32) {
      return;
    }
    checked("training.master_weights", () -> {
      if (!run.engine().equals(StudyReader.AUTO) && !Engines.known(run.engine()).roundsWeights()) {
        throw EngineUnavailableException.fp32ParametersOnly(run.engine(), type);
      }
      return type;
    });
    if (run.training().weights().isPresent()) {
      throw UserException.usage(
          file + ": 'training.weights' and 'training.master_weights: " + type.name().toLowerCase(Locale.ROOT)
              + "' cannot be combined: few-bit weights are rounded from exact ones; leave out one of them");
    }
  }

  /** Adapters change weights that another run has learnt, and that stay as they are. */
  private void checkAdapters(RunSpec run) {
    if (run.training().initialisation().isEmpty()) {
      throw UserException.usage(file + ": 'models': " + run.model().name()
          + " has adapters, which change the frozen weights of another run; give that run in"
          + " 'training.start: {run: FOLDER}'");
    }
    if (run.training().weights().isPresent()) {
      throw UserException.usage(file + ": 'training.weights' rounds weights that are trained, but those of "
          + run.model().name() + " are frozen; leave it out, or leave the adapters out");
    }
  }

  /** There must be a learned position for every token of the context, trained for every token of a measured text. */
  private void checkPositions(ModelSpec model, Corpus made, int contextLength) {
    checked("models: " + model.name(), () -> {
      model.positions().checkWindow(contextLength);
      return model;
    });
    int measured = made.longestItem() - 1;
    if (model.positions() instanceof Positions.Learned && measured > contextLength) {
      throw UserException.usage(file + ": 'training.context_length' is " + contextLength + ", but "
          + made.name() + " is measured over up to " + measured + " tokens, and " + model.name()
          + " would have learnt nothing of the positions beyond; give training a longer context");
    }
  }

  private <T> T checked(String key, Supplier<T> constructor) {
    return Fields.checked(file, key, constructor);
  }
}
