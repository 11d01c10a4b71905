package org.knowcap.experiments.probe;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.probe.ProbeProgram;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.StateBuffer;

/**
 * Trains a linear classifier on a model's hidden states together with a low-rank update A B to the embedding. The
 * model itself does not change. The engine computes the gradients of classifier and embedding, and this class
 * updates the parameters.
 */
final class LowRankProbe implements AutoCloseable {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.98;
  private static final double EPSILON = 1e-6;

  private final ProbeProgram probe;
  private final Session session;
  private final float[] flat;
  private final float[] embedding;
  private final int vocabulary;
  private final int width;
  private final int rank;
  /** [V, r], [r, d], and the classifier. */
  private final Learnt a;
  private final Learnt b;
  private final Learnt classifier;

  /** Numbers that are learnt, with their moments. */
  private static final class Learnt {
    private final double[] values;
    private final double[] gradient;
    private final double[] first;
    private final double[] second;

    Learnt(int size) {
      values = new double[size];
      gradient = new double[size];
      first = new double[size];
      second = new double[size];
    }

    void step(double rate, long step) {
      double unbias1 = 1 / (1 - Math.pow(BETA1, step));
      double unbias2 = 1 / (1 - Math.pow(BETA2, step));
      for (int i = 0; i < values.length; i++) {
        first[i] = BETA1 * first[i] + (1 - BETA1) * gradient[i];
        second[i] = BETA2 * second[i] + (1 - BETA2) * gradient[i] * gradient[i];
        values[i] -= rate * unbias1 * first[i] / (Math.sqrt(unbias2 * second[i]) + EPSILON);
      }
    }
  }

  /**
   * @param parameters the program's, see {@link ProbeProgram#parameters}
   * @param rank of the embedding's update
   */
  LowRankProbe(ProbeProgram probe, float[] parameters, int rank, RandomGenerator random) {
    this.probe = probe;
    this.rank = rank;
    session = new Nd4jEngine().compile(probe.program(), new Execution(1, Precision.FP32));
    flat = parameters.clone();
    Parameter table = probe.embedding();
    vocabulary = table.tensor().rows();
    width = table.tensor().columns();
    embedding = Arrays.copyOfRange(flat, (int) table.offset(),
        (int) (table.offset() + table.tensor().size()));
    a = new Learnt(vocabulary * rank);
    b = new Learnt(rank * width);
    classifier = new Learnt((int) probe.classifier().tensor().size());
    // One factor is zero, so that the update begins at zero.
    Arrays.setAll(a.values, _ -> random.nextGaussian() / Math.sqrt(rank));
  }

  /** Number of examples in a batch: the program's windows. */
  private int windows() {
    return probe.program().windows();
  }

  /**
   * Trains on examples in random order.
   *
   * @param rate learning rate, which falls to zero in a straight line
   */
  void train(List<Example> examples, int steps, double rate, RandomGenerator random) {
    int length = probe.program().length();
    int[] tokens = new int[windows() * length];
    int[] targets = new int[windows() * length];
    for (int step = 1; step <= steps; step++) {
      int labels = 0;
      Arrays.fill(targets, probe.none());
      for (int row = 0; row < windows(); row++) {
        Example example = examples.get(random.nextInt(examples.size()));
        put(example, row, tokens, targets);
        labels += example.classes().size();
      }
      load();
      session.step(tokens, targets, 0, step);
      float[] gradients = session.state().get(StateBuffer.FIRST_MOMENT.key());
      // The loss is a mean over all tokens; what counts is the mean over those that have a class.
      gather(gradients, windows() * length / (double) labels);
      double now = rate * (steps - step + 1) / steps;
      a.step(now, step);
      b.step(now, step);
      classifier.step(now, step);
    }
    load();
  }

  private void put(Example example, int row, int[] tokens, int[] targets) {
    int length = probe.program().length();
    int from = row * length;
    Arrays.fill(tokens, from, from + length, example.tokens()[0]);
    System.arraycopy(example.tokens(), 0, tokens, from, Math.min(length, example.tokens().length));
    example.classes()
        .forEach((place, label) -> targets[from + place] = probe.target(label.block(), label.number()));
  }

  /** Puts the embedding with its update, and the classifier, into the session. */
  private void load() {
    int at = (int) probe.embedding().offset();
    for (int token = 0; token < vocabulary; token++) {
      for (int j = 0; j < width; j++) {
        double sum = embedding[token * width + j];
        for (int k = 0; k < rank; k++) {
          sum += a.values[token * rank + k] * b.values[k * width + j];
        }
        flat[at + token * width + j] = (float) sum;
      }
    }
    int from = (int) probe.classifier().offset();
    for (int i = 0; i < classifier.values.length; i++) {
      flat[from + i] = (float) classifier.values[i];
    }
    session.load(Map.of(Session.PARAMETERS, flat));
  }

  /** dA = dE B^T, dB = A^T dE. */
  private void gather(float[] gradients, double scale) {
    int at = (int) probe.embedding().offset();
    Arrays.fill(a.gradient, 0);
    Arrays.fill(b.gradient, 0);
    for (int token = 0; token < vocabulary; token++) {
      for (int j = 0; j < width; j++) {
        double gradient = scale * gradients[at + token * width + j];
        if (gradient != 0) {
          for (int k = 0; k < rank; k++) {
            a.gradient[token * rank + k] += gradient * b.values[k * width + j];
            b.gradient[k * width + j] += gradient * a.values[token * rank + k];
          }
        }
      }
    }
    int from = (int) probe.classifier().offset();
    for (int i = 0; i < classifier.gradient.length; i++) {
      classifier.gradient[i] = scale * gradients[from + i];
    }
  }

  /**
   * How often the probe is right.
   *
   * @return share of right predictions by block of classifiers; NaN for a block without examples
   */
  double[] accuracy(List<Example> examples) {
    int length = probe.program().length();
    int[] tokens = new int[windows() * length];
    int[] targets = new int[windows() * length];
    int[] predictions = new int[windows() * length];
    float[] losses = new float[windows() * length];
    long[] right = new long[probe.blocks()];
    long[] all = new long[probe.blocks()];
    for (int first = 0; first < examples.size(); first += windows()) {
      int count = Math.min(windows(), examples.size() - first);
      Arrays.fill(targets, probe.none());
      Arrays.fill(tokens, 0);
      for (int row = 0; row < count; row++) {
        put(examples.get(first + row), row, tokens, targets);
      }
      session.score(tokens, targets, losses, predictions);
      for (int i = 0; i < count * length; i++) {
        if (targets[i] != probe.none()) {
          int block = targets[i] / probe.classes();
          all[block]++;
          right[block] += predictions[i] == targets[i] ? 1 : 0;
        }
      }
    }
    double[] shares = new double[probe.blocks()];
    Arrays.setAll(shares, block -> right[block] / (double) all[block]);
    return shares;
  }

  @Override
  public void close() {
    session.close();
  }
}
