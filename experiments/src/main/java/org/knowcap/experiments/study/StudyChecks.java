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
    if (!(made.bits().totalBits() > 0)) {
      throw UserException.usage(file + ": '" + key + "': there is nothing to know in " + made.name()
          + ": only one corpus is possible; give it fewer people or a larger diversity");
    }
  }

  private void checkRun(RunSpec run, Corpus made) {
    TrainingSettings training = run.training();
    checkLength(run.corpusSpec(), made, training.contextLength());
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

  /**
   * Refuses texts longer than the context. A text is measured whole, so the model would meet positions and distances that
   * it never met in training.
   */
  private void checkLength(CorpusSpec corpus, Corpus made, int contextLength) {
    switch (corpus) {
      case CorpusSpec.BioSSpec _,CorpusSpec.BioSSimpleSpec _ -> {
        // About 70 tokens, whatever the study says.
      }
      case CorpusSpec.MixtureSpec mixture ->
          checkLength(mixture.ingredients().getFirst().source(), made.sources().getFirst(), contextLength);
      case CorpusSpec.RevisedSpec revised ->
          checkLength(revised.of(), made.sources().getFirst(), contextLength);
      case CorpusSpec.BioDSpec _,CorpusSpec.BioRSpec _ -> {
        if (made.longestItem() > contextLength) {
          throw UserException.usage(file + ": 'training.context_length' is " + contextLength
              + ", but a text of " + made.name() + " has up to " + made.longestItem()
              + " tokens: it is measured whole, and would never be seen "
              + "whole; give training a longer context, or shorten the texts");
        }
      }
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
