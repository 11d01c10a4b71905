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
 * Biographies of all people, mixed with questions about some of them. Windows are cut from one or the other. Exposures are
 * those of the biographies.
 */
public final class QuestionedCorpus implements Corpus {
  private final GeneratedSource<?> source;
  private final double share;
  private final double perExposure;
  private final Mixture mixture;
  private final QuestionWriter questions;

  /**
   * @param source      the biographies
   * @param share       of the people, those about whom there are questions
   * @param perExposure how often each question occurs, for each exposure of a biography
   * @throws IllegalArgumentException if the share leaves nobody with questions, or nobody without, or there are no questions
   *                                  about such people
   */
  public QuestionedCorpus(GeneratedSource<?> source, double share, double perExposure) {
    this.source = source;
    this.share = share;
    this.perExposure = perExposure;
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException(
          "the share of people with questions must lie between 0 and 1, found " + share);
    }
    if (!(perExposure > 0 && perExposure <= 1000)) {
      throw new IllegalArgumentException(
          "questions per exposure must be above 0 and at most 1000, found " + perExposure);
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
    QuestionSource asking = new QuestionSource(source, asked);
    double ofQuestions = asking.people() * asking.meanItemTokens() * perExposure;
    double ofTexts = source.people() * source.meanItemTokens();
    double part = ofQuestions / (ofQuestions + ofTexts);
    mixture = new Mixture(source.order(),
        List.of(new Mixture.Ingredient(source, 1 - part, ""), new Mixture.Ingredient(asking, part, "")));
    questions = new QuestionWriter(source, asked, mixture.vocabulary());
  }

  @Override
  public Source measured() {
    return mixture.measured();
  }

  @Override
  public TrainingStream stream() {
    return mixture.stream();
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
    return source.name() + " with questions about " + questions.asked();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "questioned");
    parameters.put("of", source.parameters());
    parameters.put("share", share);
    parameters.put("per_exposure", perExposure);
    return parameters;
  }
}
