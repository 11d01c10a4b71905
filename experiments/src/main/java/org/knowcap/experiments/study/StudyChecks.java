package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;

/**
 * Checks what can be known only from a study's corpora: whether they can be made, and whether every run fits its own. It
 * builds the corpora, which takes time: only what is about to run them asks for it.
 */
public final class StudyChecks {
  private final Path file;

  private StudyChecks(Path file) {
    this.file = file;
  }

  /** The corpus of a run but for its exposures, training and model. */
  private record Key(CorpusSpec spec, long seed) {}

  /**
   * Refuses a study of which a run would fail for its input.
   *
   * @param file that the study was read from, for messages
   * @throws UserException naming the key, the value found, and what is allowed
   */
  public static void check(Path file, Study study) {
    new StudyChecks(file).check(study);
  }

  private void check(Study study) {
    study.corpora().forEach(corpus -> checkCorpus("corpus", corpus));
    Map<Key, Corpus> corpora = new HashMap<>();
    for (RunSpec run : study.runs()) {
      checkRun(run, corpora.computeIfAbsent(new Key(run.corpusSpec(), run.seed()), _ -> run.corpus()));
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
      default -> key + ".people";
    };
    Corpus made = checked(cause, () -> spec.corpus(0));
    if (!(made.measured().bits().totalBits() > 0)) {
      throw UserException.usage(file + ": '" + key + "': there is nothing to know in " + made.name()
          + ": only one corpus is possible; give it fewer people or a larger diversity");
    }
  }

  private void checkRun(RunSpec run, Corpus made) {
    TrainingSettings training = run.training();
    checked("training.context_length", () -> {
      made.checkContextLength(training.contextLength());
      return made;
    });
    checkPositions(run.model(), made, training.contextLength());
    checked("training.warmup_steps", () -> run.schedule(made));
    training.initialisation().ifPresent(start -> checked("training.start", () -> {
      start.require(run.name(), run.identity(made), run.denseIdentity(made));
      return start;
    }));
    long parameters = run.model().parameters(made.vocabulary().size()).total();
    if (parameters > Integer.MAX_VALUE) {
      throw UserException
          .usage(file + ": 'models': " + run.model().name() + " with head width " + run.model().headWidth()
              + " has " + parameters + " parameters; at most " + Integer.MAX_VALUE + " can be trained");
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
