package org.knowcap.generators.bios;

import static org.knowcap.generators.corpus.ItemLayout.convolve;
import static org.knowcap.generators.corpus.ItemLayout.plus;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.bios.BiographyWriter.Pool;
import org.knowcap.generators.bios.BiographyWriter.Sentence;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.tokens.Pieces;

/** Computes how long biographies are and where they have values, from the lists: no text is written. */
final class BiographyLayout {
  private static final double[] NOTHING = {1};

  /**
   * A sentence behind one kind of subject.
   *
   * @param lengths probability of each number of tokens
   * @param values  expected number of tokens of the sentence's value at each position in it
   * @param gender  the same of the subject
   */
  private record Told(double[] lengths, double[] values, double[] gender) {}

  private final Pieces pieces;
  private final Sentence employer;
  private final Sentence employerCity;

  BiographyLayout(Pieces pieces, Sentence employer, Sentence employerCity) {
    this.pieces = pieces;
    this.employer = employer;
    this.employerCity = employerCity;
  }

  /**
   * The layout of texts whose order is drawn from {@code orders}, each as likely.
   *
   * @param given    lengths of first and middle name together
   * @param lasts    number of last names
   * @param pronouns number of pronouns
   */
  ItemLayout of(Sentence[][] orders, double[] given, int lasts, int pronouns) {
    List<Sentence> sentences = List.of(orders[0]);
    Map<Sentence, Told> named = new HashMap<>();
    Map<Sentence, Told> pronounced = new HashMap<>();
    for (Sentence sentence : sentences) {
      named.put(sentence, told(sentence, sentence.named(), lasts, given));
      pronounced.put(sentence, told(sentence, sentence.pronounced(), pronouns, NOTHING));
    }
    // For each set of sentences, as bits: how often it is told first, and by which sentence it is followed how often.
    int all = 1 << sentences.size();
    double[][] follows = new double[all][sentences.size()];
    for (Sentence[] order : orders) {
      int before = 0;
      for (Sentence sentence : order) {
        int next = sentences.indexOf(sentence);
        follows[before][next] += 1.0 / orders.length;
        before |= 1 << next;
      }
    }
    // The distribution of the tokens of each set of sentences, times the probability that it is told first.
    double[][] lengths = new double[all][0];
    lengths[0] = new double[]{0, 1};
    double[] values = new double[0];
    for (int before = 0; before < all - 1; before++) {
      double here = sum(follows[before]);
      for (int next = 0; next < sentences.size(); next++) {
        if (follows[before][next] > 0) {
          Sentence sentence = sentences.get(next);
          Told told = (before == 0 ? named : pronounced).get(sentence);
          double share = follows[before][next] / here;
          boolean implied = sentence == employerCity && (before >> sentences.indexOf(employer) & 1) == 1;
          if (!implied) {
            values = plus(values, share, convolve(lengths[before], told.values));
          }
          if (Integer.bitCount(before) == 1) {
            values = plus(values, share, convolve(lengths[before], told.gender));
          }
          int after = before | 1 << next;
          lengths[after] = plus(lengths[after], share, convolve(lengths[before], told.lengths));
        }
      }
    }
    return new ItemLayout(lengths[all - 1], Map.of(1, values), sum(values));
  }

  private static double sum(double[] numbers) {
    double sum = 0;
    for (double number : numbers) {
      sum += number;
    }
    return sum;
  }

  /**
   * @param seams    of subjects and prefixes
   * @param subjects how many there are
   * @param front    lengths of what comes before the subject
   */
  private Told told(Sentence sentence, Pieces.Seams seams, int subjects, double[] front) {
    int templates = sentence.prefixes().size();
    double[] lengths = new double[0];
    double[] values = new double[0];
    double[] gender = new double[0];
    for (int template = 0; template < templates; template++) {
      double each = 1.0 / templates;
      double[] head = new double[0];
      for (int subject = 0; subject < subjects; subject++) {
        head = plus(head, 1.0 / subjects, only(pieces.length(seams, subject, template)));
        gender = plus(gender, each / subjects, range(0, pieces.leftTokens(seams, subject, template)));
      }
      double[] before = convolve(front, head);
      Pool[] pools = sentence.values();
      for (int part = 0; part < pools.length - 1; part++) {
        double[] entry = pieces.lengths(pools[part].pieces());
        double[] told = new double[0];
        for (int length = 0; length < entry.length; length++) {
          told = plus(told, entry[length], range(pools[part].lead(), length));
        }
        values = plus(values, each, convolve(before, told));
        before = convolve(before, entry);
      }
      Pool last = pools[pools.length - 1];
      double[] told = new double[0];
      double[] rest = new double[0];
      for (int entry = 0; entry < last.pieces().size(); entry++) {
        double share = 1.0 / last.pieces().size();
        told = plus(told, share, range(last.lead(), pieces.leftTokens(sentence.endings(), entry, template)));
        rest = plus(rest, share, only(pieces.length(sentence.endings(), entry, template)));
      }
      values = plus(values, each, convolve(before, told));
      lengths = plus(lengths, each, convolve(before, rest));
    }
    return new Told(lengths, values, gender);
  }

  private static double[] only(int length) {
    double[] one = new double[length + 1];
    one[length] = 1;
    return one;
  }

  /** One token at each position from {@code from} to before {@code to}. */
  private static double[] range(int from, int to) {
    double[] range = new double[Math.max(0, to)];
    for (int at = from; at < to; at++) {
      range[at] = 1;
    }
    return range;
  }
}
