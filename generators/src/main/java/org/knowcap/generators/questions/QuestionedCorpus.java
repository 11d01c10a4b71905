package org.knowcap.generators.questions;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.people.GeneratedSource;

/**
 * Biographies of all people and questions about some of them, mixed or afterwards. Each window is cut from one or the other.
 * Exposures are those of the biographies.
 */
public final class QuestionedCorpus implements Corpus {
  private final GeneratedSource<?> source;
  private final double share;
  private final Timing timing;
  private final double exposures;
  /** Of one vocabulary, and about the same strangers; what its windows are does not matter. */
  private final Mixture mixture;
  private final TrainingStream stream;
  private final QuestionWriter questions;

  /**
   * @param source the biographies
   * @param share  of the people, those about whom there are questions
   * @param timing when training asks them
   * @throws IllegalArgumentException if the share leaves nobody with questions, or nobody without, or there are no questions
   *                                  about such people
   */
  public QuestionedCorpus(GeneratedSource<?> source, double share, Timing timing) {
    this(source, share, timing, 1);
  }

  /** @param exposures of each biography: where questions come after all of them, they begin then */
  private QuestionedCorpus(GeneratedSource<?> source, double share, Timing timing, double exposures) {
    this.source = source;
    this.share = share;
    this.timing = timing;
    this.exposures = exposures;
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException(
          "the share of people with questions must lie between 0 and 1, found " + share);
    }
    long asked = Math.round(share * source.people());
    if (asked < 1) {
      throw new IllegalArgumentException("a share of " + share + " of " + source.people()
          + " people is nobody: there would be no question in training; give a larger share");
    }
    if (asked >= source.people()) {
      throw new IllegalArgumentException("a share of " + share + " of " + source.people()
          + " people leaves nobody to ask about after training; give a smaller share");
    }
    mixture = new Mixture(source.order(), List.of(new Mixture.Ingredient(source, 0.5, ""),
        new Mixture.Ingredient(new QuestionSource(source, asked), 0.5, "")));
    stream = new QuestionedStream(mixture.stream().sources(), timing, source.order(), exposures);
    questions = new QuestionWriter(source, asked, mixture.vocabulary());
  }

  @Override
  public Source measured() {
    return mixture.measured();
  }

  @Override
  public TrainingStream stream() {
    return stream;
  }

  @Override
  public Corpus forExposures(double exposures) {
    return switch (timing) {
      case Timing.Mixed _ -> this;
      case Timing.Afterwards _ -> new QuestionedCorpus(source, share, timing, exposures);
    };
  }

  @Override
  public Optional<Source> strangers(long most) {
    return mixture.strangers(most);
  }

  @Override
  public Optional<Questions> questions() {
    return Optional.of(questions);
  }

  @Override
  public String name() {
    return source.name() + " with questions about " + questions.asked() + timing.words();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "questioned");
    parameters.put("of", source.parameters());
    parameters.put("share", share);
    parameters.putAll(timing.parameters());
    if (timing instanceof Timing.Afterwards) {
      parameters.put("after_exposures", exposures);
    }
    return parameters;
  }
}
