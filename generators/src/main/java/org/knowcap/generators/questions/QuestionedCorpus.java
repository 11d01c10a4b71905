package org.knowcap.generators.questions;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.pools.Employer;

/**
 * Biographies of all people and questions about some of them, mixed or afterwards. Each window is cut from one or the other.
 * Exposures are those of the biographies.
 */
public final class QuestionedCorpus implements Corpus {
  /** The most people whom training never shows that are asked. */
  private static final long STRANGERS = 200;

  private final GeneratedSource<?> source;
  private final double share;
  private final Timing timing;
  private final MoreQuestions more;
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
    this(source, share, timing, MoreQuestions.NONE);
  }

  /**
   * @param more questions beside those about single values
   * @throws IllegalArgumentException as above, or if there are no such questions about such people
   */
  public QuestionedCorpus(GeneratedSource<?> source, double share, Timing timing, MoreQuestions more) {
    this(source, share, timing, more, 1);
  }

  /** @param exposures of each biography: where questions come after all of them, they begin then */
  private QuestionedCorpus(GeneratedSource<?> of, double share, Timing timing, MoreQuestions more,
      double exposures) {
    if (!more.equals(MoreQuestions.NONE) && !(of instanceof BioS)) {
      throw new IllegalArgumentException(
          "two hops and reversed questions are about the people of bioS, found " + of.name());
    }
    source = more.twoHops() && of instanceof BioS told ? told.withoutEmployerCity() : of;
    this.more = more;
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
        new Mixture.Ingredient(new QuestionSource(source, asked, more), 0.5, "")));
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
      case Timing.Afterwards _ -> new QuestionedCorpus(source, share, timing, more, exposures);
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
    return source.name() + " with questions about " + questions.asked() + timing.words() + more.words();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "questioned");
    parameters.put("of", source.parameters());
    parameters.put("share", share);
    parameters.putAll(timing.parameters());
    more.describe(parameters);
    if (timing instanceof Timing.Afterwards) {
      parameters.put("after_exposures", exposures);
    }
    return parameters;
  }

  /**
   * Two hops and reversed questions, each about people whom training did not ask, people whom it asked, and people whom it never
   * showed; and the cities of employers.
   */
  @Override
  public List<SideMeasurement> sideMeasurements() {
    List<SideMeasurement> measurements = new ArrayList<>();
    if (more.twoHops()) {
      List<String> cities = source.pools().employers().stream().map(Employer::city).toList();
      addAll(measurements, "two hops", Attribute.EMPLOYER_CITY, Logarithms.entropy(cities),
          questions::twoHops);
      measurements.add(measurement("employers' cities", Attribute.EMPLOYER_CITY, Logarithms.entropy(cities),
          cities.size(), employer -> questions.headOffice((int) employer)));
    }
    if (more.reversed()) {
      addAll(measurements, "reversed", Attribute.NAME, Logarithms.log2(source.pools().sizes().names()),
          questions::reversed);
    }
    return List.copyOf(measurements);
  }

  private void addAll(List<SideMeasurement> measurements, String name, Attribute attribute, double bits,
      Function<Map<Attribute, String>, AnnotatedItem> item) {
    long asked = questions.asked();
    measurements.add(measurement(name + ", not asked", attribute, bits, source.people() - asked,
        person -> item.apply(source.values(asked + person))));
    measurements.add(
        measurement(name + ", asked", attribute, bits, asked, person -> item.apply(source.values(person))));
    strangers(STRANGERS).filter(others -> others.people() > 1)
        .ifPresent(others -> measurements.add(measurement(name + ", never seen", attribute, bits,
            others.people(), person -> item.apply(others.values(person)))));
  }

  private SideMeasurement measurement(String name, Attribute attribute, double bits, long people,
      LongFunction<AnnotatedItem> item) {
    return new SideMeasurement(name, new AskedPeople(mixture.measured(), people, item, longestItem()),
        Set.of(attribute), bits);
  }
}
