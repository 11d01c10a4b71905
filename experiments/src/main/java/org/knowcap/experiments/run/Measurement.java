package org.knowcap.experiments.run;

import java.util.Arrays;
import java.util.Map;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Probe;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.spec.ModelSpec;

/**
 * Takes the losses of people's names and values (paper, section 2): each person alone, as EOS and one biography with
 * the name first and the employer before its city, in fp32. A loss is the sum over the knowledge tokens, in nats;
 * template tokens do not count.
 *
 * @param names p1 of each person measured
 * @param values p2 of each person measured: birth date, birth city, university, major, employer, gender
 */
public record Measurement(double[] names, double[] values) {
  /** People scored at once. */
  private static final int WINDOWS = 16;
  /** Keeps the choice of people and the rendering apart from everything else that is drawn from the seed. */
  private static final long STREAM = 0x6d656173757265L;

  /** Anything that gives each token's loss: a session, or a stand-in of known losses. */
  public interface Scorer {
    /**
     * @param tokens [windows * length]
     * @param targets [windows * length]
     * @param losses -ln p of each target, in nats
     */
    void losses(int[] tokens, int[] targets, float[] losses);
  }

  /** Measures a trained model on up to {@code most} people. */
  static Measurement of(Engine engine, ModelSpec model, float[] parameters, Corpus corpus, long most) {
    int length = corpus.longestItem() - 1;
    Program program = Program.scoring(model, corpus.vocabulary().size(), WINDOWS, length);
    try (Session session = engine.compile(program)) {
      session.load(Map.of(Session.PARAMETERS, parameters));
      return of(corpus, most, session::losses);
    }
  }

  /**
   * Measures all people, or {@code most} of them drawn by the corpus's seed.
   *
   * @param scorer of batches of 16 windows, each as long as the corpus's longest item less one token
   */
  public static Measurement of(Corpus corpus, long most, Scorer scorer) {
    int length = corpus.longestItem() - 1;
    int people = (int) Math.min(most, corpus.people());
    CounterRandom random = new CounterRandom(corpus.seed()).child(STREAM);
    KeyedPermutation chosen = new KeyedPermutation(random, corpus.people());
    double[] names = new double[people];
    double[] values = new double[people];
    int[] tokens = new int[WINDOWS * length];
    int[] targets = new int[WINDOWS * length];
    float[] losses = new float[WINDOWS * length];
    for (int first = 0; first < people; first += WINDOWS) {
      int count = Math.min(WINDOWS, people - first);
      Probe[] probes = new Probe[count];
      Arrays.fill(tokens, corpus.vocabulary().eos());
      Arrays.fill(targets, corpus.vocabulary().eos());
      for (int row = 0; row < count; row++) {
        long person = chosen.apply(0, first + row);
        probes[row] = corpus.probe(person, random.bits(person));
        int[] item = probes[row].tokens();
        System.arraycopy(item, 0, tokens, row * length, item.length - 1);
        System.arraycopy(item, 1, targets, row * length, item.length - 1);
      }
      scorer.losses(tokens, targets, losses);
      for (int row = 0; row < count; row++) {
        for (Span span : probes[row].spans()) {
          double loss = 0;
          for (int token = span.start(); token < span.end(); token++) {
            loss += losses[row * length + token - 1];
          }
          switch (span.part()) {
            case NAME -> names[first + row] += loss;
            case VALUE -> values[first + row] += loss;
            case FIRST_CHUNK, IMPLIED -> {
            }
          }
        }
      }
    }
    return new Measurement(names, values);
  }

  /** Each person's loss over names and values, nats. */
  double[] sums() {
    double[] sums = names.clone();
    for (int i = 0; i < sums.length; i++) {
      sums[i] += values[i];
    }
    return sums;
  }
}
