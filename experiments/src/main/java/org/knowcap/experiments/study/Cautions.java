package org.knowcap.experiments.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Packing;

/**
 * Warnings that readers need before they use the numbers of a run: where the paper's formulas say less than they
 * seem to.
 */
public final class Cautions {
  /** Windows with fewer texts than this cut a large share of the texts. */
  private static final int TEXTS = 4;
  /** Above this share of all names, the paper's count of their bits is far from the exact one. */
  private static final double MANY_NAMES = 0.1;
  /** The largest share of all possible strings that bioD's diversity or random strings may use without a warning. */
  private static final double DENSE = 0.1;

  private Cautions() {}

  /** Sentences about a run; none if there is nothing to say. They are alike for runs of one corpus and one window. */
  public static List<String> of(RunSpec run, Corpus corpus) {
    List<String> cautions = new ArrayList<>();
    if (run.corpusSpec() instanceof CorpusSpec.StringsSpec strings) {
      strings(corpus, strings, cautions);
      return List.copyOf(cautions);
    }
    windows(run, corpus, cautions);
    CorpusSpec.SourceSpec measured = measured(run.corpusSpec());
    long people = measured.people();
    names(corpus, people, cautions);
    if (measured instanceof CorpusSpec.BioDSpec strings) {
      diversity(corpus, people, strings.shape(), cautions);
    }
    values(corpus, cautions);
    if (run.corpusSpec() instanceof CorpusSpec.ExposedSpec exposed
        && !(exposed.exposure() instanceof Exposure.Spaced)) {
      cautions.add("people of " + corpus.name()
          + " have unequal exposures: a model that knows them all expects the frequent"
          + " names, so that the bits of names are understated, and saturation stays below 1");
    }
    return List.copyOf(cautions);
  }

  /** The corpus whose people are measured. */
  private static CorpusSpec.SourceSpec measured(CorpusSpec spec) {
    return switch (spec) {
      case CorpusSpec.MixtureSpec mixture -> mixture.ingredients().getFirst().source();
      case CorpusSpec.RevisedSpec revised -> revised.of();
      case CorpusSpec.QuestionedSpec questioned -> questioned.of();
      case CorpusSpec.ExposedSpec exposed -> exposed.of();
      case CorpusSpec.SourceSpec source -> source;
    };
  }

  private static void strings(Corpus corpus, CorpusSpec.StringsSpec spec, List<String> cautions) {
    if (Logarithms.log2(spec.people()) > spec.shape().bits() + Logarithms.log2(DENSE)) {
      cautions.add(String.format(Locale.ROOT,
          "%s has more than a tenth of the V^S = %.0f possible strings: some occur twice, and strings that count as never seen"
              + " may have been seen; give longer strings or a larger alphabet",
          corpus.name(), Math.pow(2, spec.shape().bits())));
    }
  }

  private static void windows(RunSpec run, Corpus corpus, List<String> cautions) {
    double mean = corpus.stream().counted().meanItemTokens();
    int length = run.training().contextLength();
    if (run.training().packing() == Packing.STREAM && length < TEXTS * mean) {
      ItemLayout layout = corpus.stream().counted().layout();
      cautions.add(String.format(Locale.ROOT,
          "windows of %d tokens are shorter than four texts of %s (%.0f tokens each): %.1f %% of the texts are cut, and"
              + " %.1f %% of the value tokens are trained without the whole name before them; a longer 'context_length' or"
              + " 'packing: whole' avoids it",
          length, corpus.name(), mean, 100 * (1 - layout.complete(run.training().windows())),
          100 * (1 - layout.behindName(run.training().windows()))));
    }
  }

  /** What a table alone tells: whether its corpora have too many of the possible names for the paper's count. */
  public static List<String> ofTable(List<RunResult> runs) {
    return runs.stream()
        .filter(run -> run.bits().nameTotalBits().isPresent() && run.nameExactBits().isPresent())
        .flatMap(run -> names(run.corpus(), run.people(), run.bits().nameTotalBits().getAsDouble(),
            run.nameExactBits().getAsDouble()).stream())
        .distinct()
        .toList();
  }

  private static void names(Corpus corpus, long people, List<String> cautions) {
    KnowledgePart part = corpus.measured().bits().part(KnowledgeKind.NAME.partName());
    names(corpus.name(), people, part.totalBits(), part.entropyBits()).ifPresent(cautions::add);
  }

  /** @param bits of the names by the paper's formula, N log2(N0 / N), which gives N0 */
  private static Optional<String> names(String corpus, long people, double bits, double exactBits) {
    long names = Math.round(people * Math.pow(2, bits / people));
    if (people == names) {
      return Optional.of(corpus + " has all " + names
          + " possible names: there are 0 bits to know of names, and nothing can be said about them");
    }
    return people > MANY_NAMES * names
        ? Optional.of(String.format(Locale.ROOT,
            "%s has more than a tenth of the %d possible names: the paper's N log2(N0/N) counts %.0f bits of names, the set of"
                + " names has log2 C(N0, N) = %.0f",
            corpus, names, bits, exactBits))
        : Optional.empty();
  }

  private static void values(Corpus corpus, List<String> cautions) {
    if (!(corpus.measured().bits().part(KnowledgeKind.VALUE.partName()).totalBits() > 0)) {
      cautions.add(corpus.name()
          + " has only one possibility for each value: there are 0 bits to know of values, and"
          + " recalled, generated and extractable say nothing, as a model has them right of people whom it never saw");
    }
  }

  private static void diversity(Corpus corpus, long people, BioDShape shape, List<String> cautions) {
    double strings = shape.length() * Logarithms.log2(shape.alphabet());
    double set = Logarithms.log2(shape.diversity());
    if (strings - set < 1e-9) {
      cautions.add(corpus.name() + " uses all T^L = D = " + shape.diversity()
          + " strings: there are 0 bits to know of diversity, and what a model loses on a value's first string is still"
          + " subtracted as if there were");
    } else if (strings + Logarithms.log2(DENSE) < set) {
      cautions.add(String.format(Locale.ROOT,
          "%s uses D = %d of only T^L = %.0f strings: the theorem's bound supposes that D is far below T^L",
          corpus.name(), shape.diversity(), Math.pow(2, strings)));
    }
    double least = shape.diversity() * Logarithms.log2(people);
    if (people < least) {
      cautions.add(String.format(Locale.ROOT,
          "%s has fewer people than D log2 N = %.0f, which the theorem supposes: its bound, and so R, says little here",
          corpus.name(), least));
    }
  }
}
