package org.knowcap.generators.questions;

import static org.knowcap.generators.corpus.ItemLayout.convolve;
import static org.knowcap.generators.corpus.ItemLayout.plus;
import static org.knowcap.generators.corpus.ItemLayout.shift;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.Pools;

/**
 * Computes how long questions are and where their answers stand, from the lists of names and values: no question is written.
 */
final class QuestionLayout {
  private QuestionLayout() {}

  /**
   * The layout of the questions about a source's people, each question as often. Behind names stand only the answers of questions that
   * have the person's name.
   *
   * @param asked people whose questions are asked
   * @param more questions and texts beside them
   */
  static ItemLayout of(GeneratedSource<?> source, long asked, MoreQuestions more) {
    Pools pools = source.pools();
    double[] given = convolve(lengths(pools.first()), lengths(pools.middle()));
    List<Question> questions = new ArrayList<>(Question.of(source));
    if (more.twoHops()) {
      questions.add(Question.twoHops(pools));
    }
    double people = (double) asked * (questions.size() + (more.reversed() ? 1 : 0));
    double all = people + (more.twoHops() ? pools.employers().size() : 0);
    double share = asked / all;
    double[] lengths = {};
    if (more.reversed()) {
      lengths = plus(lengths, share, reversed(pools));
    }
    if (more.twoHops()) {
      Question told = Question.headOffice();
      for (Employer employer : pools.employers()) {
        int tokens = 1 + QuestionWriter
            .length(told.before() + " " + employer.name() + told.after() + " " + employer.city());
        lengths = plus(lengths, 1 / all, shift(new double[]{1}, tokens));
      }
    }
    Map<Integer, double[]> behindNames = new TreeMap<>();
    double answerTokens = 0;
    for (Question question : questions) {
      int name = 1 + QuestionWriter.length(question.before());
      // The last name is encoded with what stands right behind it.
      double[] rest = lengths(pools.last().stream().map(last -> last + question.after()).toList());
      double[] before = shift(convolve(given, rest), name);
      double[] answer = answer(source, question);
      double[] reached = reached(answer);
      lengths = plus(lengths, share, convolve(before, answer));
      behindNames.put(name,
          plus(behindNames.getOrDefault(name, new double[0]), share, convolve(before, reached)));
      answerTokens += share * Arrays.stream(reached).sum();
    }
    return new ItemLayout(lengths, behindNames, answerTokens);
  }

  private static double[] reversed(Pools pools) {
    int fixed = 1 + QuestionWriter.length(String.join(" ", QuestionWriter.BORN, "in", QuestionWriter.STUDIED,
        QuestionWriter.AT, QuestionWriter.WORKS, QuestionWriter.ANSWER));
    double[] lengths = shift(new double[]{1}, fixed);
    for (List<String> list : List.of(pools.months(), pools.days().stream().map(day -> day + ",").toList(),
        pools.years(), pools.birthCities().stream().map(city -> city + ",").toList(), pools.majors(),
        pools.universities(), pools.employers().stream().map(employer -> employer.name() + "?").toList(),
        pools.first(), pools.middle(), pools.last())) {
      lengths = convolve(lengths, lengths(list));
    }
    return lengths;
  }

  private static double[] answer(GeneratedSource<?> source, Question question) {
    if (source instanceof BioD strings) {
      return shift(new double[]{1}, strings.shape().chunks() * strings.shape().length());
    }
    double[] answer = {1};
    for (List<String> list : question.lists()) {
      answer = convolve(answer, lengths(list));
    }
    return answer;
  }

  /** The probability of each number of tokens of an entry. */
  private static double[] lengths(List<String> entries) {
    double[] lengths = {};
    for (String entry : entries) {
      lengths = plus(lengths, 1.0 / entries.size(), shift(new double[]{1}, QuestionWriter.length(entry)));
    }
    return lengths;
  }

  /** The probability that there is a token at each position. */
  private static double[] reached(double[] lengths) {
    double[] reached = new double[lengths.length - 1];
    double longer = 0;
    for (int position = reached.length - 1; position >= 0; position--) {
      longer += lengths[position + 1];
      reached[position] = longer;
    }
    return reached;
  }
}
