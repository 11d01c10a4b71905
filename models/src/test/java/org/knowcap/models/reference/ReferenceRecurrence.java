package org.knowcap.models.reference;

import java.util.Map;
import java.util.stream.IntStream;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Tensor;

/** One head of a recurrence in one window, token after token, in double precision. */
final class ReferenceRecurrence {
  private final Recurrence o;
  private final Map<Tensor, double[]> values;
  private final int first;
  private final int head;
  private final int keys;
  private final int width;
  private final int length;

  ReferenceRecurrence(Recurrence o, Map<Tensor, double[]> values, int window, int head) {
    this.o = o;
    this.values = values;
    this.head = head;
    keys = o.shape().keyWidth();
    width = o.shape().valueWidth();
    length = o.shape().length();
    first = window * length;
  }

  private double[] row(int t, int column, int size) {
    int from = (first + t) * o.shape().qkvWidth() + column;
    return IntStream.range(from, from + size).mapToDouble(i -> values.get(o.qkv())[i]).toArray();
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double length(double[] x) {
    return Math.sqrt(dot(x, x) + Recurrence.LENGTH_EPSILON);
  }

  /** A query or key as it is used: under the delta rule, divided by its length. */
  private double[] unit(double[] x) {
    double by = o.delta().isPresent() ? length(x) : 1;
    return IntStream.range(0, x.length).mapToDouble(i -> x[i] / by).toArray();
  }

  /** Adds what a gradient of {@link #unit} makes of it. */
  private void unitBackward(double[] x, double[] g, double[] to, int at) {
    double by = o.delta().isPresent() ? length(x) : 1;
    double along = o.delta().isPresent() ? dot(x, g) / (by * by) : 0;
    for (int i = 0; i < x.length; i++) {
      to[at + i] += (g[i] - x[i] * along) / by;
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private int decayIndex(int t, int i) {
    return o.delta().isPresent()
        ? (first + t) * o.shape().heads() + head
        : (first + t) * o.shape().heads() * keys + head * keys + i;
  }

  private double rate() {
    return o.delta().map(d -> Math.exp(values.get(d.rates())[head])).orElse(1.0);
  }

  /** ln a before it is bounded. */
  private double logDecay(int t, int i) {
    double z = values.get(o.decays())[decayIndex(t, i)];
    return o.delta().isPresent() ? -rate() * Math.log(1 + Math.exp(z)) : Math.log(sigmoid(z)) / 16;
  }

  private double decay(int t, int i) {
    return begins(t) ? 0 : Math.exp(Math.max(Recurrence.LEAST_LOG_DECAY, logDecay(t, i)));
  }

  /** Whether nothing is kept from before this token. */
  private boolean begins(int t) {
    return t == 0 || o.documents()
        .map(documents -> values.get(documents.tokens())[first + t] == documents.separator())
        .orElse(false);
  }

  private double strength(int t) {
    return o.delta()
        .map(d -> sigmoid(values.get(d.strengths())[(first + t) * o.shape().heads() + head]))
        .orElse(1.0);
  }

  /** The decayed state, what it lacks of the token's value, what is written under the token's key, and the state then. */
  private record Step(double[][] decayed, double[] error, double[] written, double[][] state) {}

  private Step step(int t, double[][] state) {
    double[] k = unit(row(t, o.shape().key(head), keys));
    double[] v = row(t, o.shape().value(head), width);
    double[][] decayed = new double[keys][width];
    double[] error = v.clone();
    for (int i = 0; i < keys; i++) {
      for (int j = 0; j < width; j++) {
        decayed[i][j] = decay(t, i) * state[i][j];
        error[j] -= o.delta().isPresent() ? k[i] * decayed[i][j] : 0;
      }
    }
    double[] written = IntStream.range(0, width).mapToDouble(j -> strength(t) * error[j]).toArray();
    double[][] after = new double[keys][width];
    for (int i = 0; i < keys; i++) {
      for (int j = 0; j < width; j++) {
        after[i][j] = decayed[i][j] + k[i] * written[j];
      }
    }
    return new Step(decayed, error, written, after);
  }

  private Step[] steps() {
    Step[] steps = new Step[length];
    for (int t = 0; t < length; t++) {
      steps[t] = step(t, t == 0 ? new double[keys][width] : steps[t - 1].state);
    }
    return steps;
  }

  void forward(double[] out) {
    Step[] steps = steps();
    for (int t = 0; t < length; t++) {
      double[] q = unit(row(t, o.shape().query(head), keys));
      for (int j = 0; j < width; j++) {
        for (int i = 0; i < keys; i++) {
          out[(first + t) * o.out().columns() + head * width + j] += q[i] * steps[t].state[i][j]
              / Math.sqrt(keys);
        }
      }
    }
  }

  void backward(Recurrence.Backward b, double[] dOut) {
    Step[] steps = steps();
    double[] dQkv = values.get(b.dQkv());
    double[][] dState = new double[keys][width];
    for (int t = length - 1; t >= 0; t--) {
      Step s = steps[t];
      int at = (first + t) * o.shape().qkvWidth();
      double[] rawQ = row(t, o.shape().query(head), keys);
      double[] rawK = row(t, o.shape().key(head), keys);
      double[] q = unit(rawQ);
      double[] k = unit(rawK);
      double[] dQ = new double[keys];
      double[] dK = new double[keys];
      double[] dWritten = new double[width];
      for (int i = 0; i < keys; i++) {
        for (int j = 0; j < width; j++) {
          double g = dOut[(first + t) * o.out().columns() + head * width + j] / Math.sqrt(keys);
          dQ[i] += s.state[i][j] * g;
          dState[i][j] += q[i] * g;
          dK[i] += dState[i][j] * s.written[j];
          dWritten[j] += dState[i][j] * k[i];
        }
      }
      for (int j = 0; j < width; j++) {
        dQkv[at + o.shape().value(head) + j] += strength(t) * dWritten[j];
      }
      if (o.delta().isPresent()) {
        for (int i = 0; i < keys; i++) {
          for (int j = 0; j < width; j++) {
            dK[i] -= s.decayed[i][j] * strength(t) * dWritten[j];
            dState[i][j] -= k[i] * strength(t) * dWritten[j];
          }
        }
        double d = dot(dWritten, s.error) * strength(t) * (1 - strength(t));
        values.get(b.dDelta().orElseThrow().strengths())[(first + t) * o.shape().heads() + head] += d;
      }
      unitBackward(rawQ, dQ, dQkv, at + o.shape().query(head));
      unitBackward(rawK, dK, dQkv, at + o.shape().key(head));
      for (int i = 0; i < keys; i++) {
        double dLog = 0;
        for (int j = 0; j < width; j++) {
          dLog += dState[i][j] * s.decayed[i][j];
          dState[i][j] *= decay(t, i);
        }
        decayBackward(b, t, i, dLog);
      }
    }
  }

  private void decayBackward(Recurrence.Backward b, int t, int i, double dLog) {
    if (logDecay(t, i) <= Recurrence.LEAST_LOG_DECAY) {
      return;
    }
    double z = values.get(o.decays())[decayIndex(t, i)];
    if (o.delta().isPresent()) {
      values.get(b.dDecays())[decayIndex(t, i)] -= dLog * rate() * sigmoid(z);
      values.get(b.dDelta().orElseThrow().rates())[head] += dLog * logDecay(t, i);
    } else {
      values.get(b.dDecays())[decayIndex(t, i)] += dLog * sigmoid(-z) / 16;
    }
  }
}
