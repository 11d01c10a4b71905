package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Linear attention with gates, and the gated norm behind it. The recurrence runs on the host in plain Java, token after
 * token in double precision: ND4J 1.0.0-M2.1 has no such operation, and a token would take a dozen calls of its small ones.
 */
final class RecurrenceCalls {
  /** The first slots of scratch memory for what goes to the host and comes back. */
  private static final int GIVEN = 40;
  private static final int TAKEN = 50;

  private final SessionArrays arrays;

  RecurrenceCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  /** A copy of a tensor, whose numbers the host can read. */
  private INDArray given(CallList calls, int slot, Tensor tensor) {
    INDArray copy = arrays.scratch(GIVEN + slot, tensor.rows(), tensor.columns());
    calls.copy(arrays.of(tensor), copy);
    return copy;
  }

  private INDArray taken(int slot, Tensor tensor) {
    return arrays.scratch(TAKEN + slot, tensor.rows(), tensor.columns());
  }

  /** What the operation reads. */
  private final class Given {
    final Recurrence o;
    final INDArray qkv;
    final INDArray decays;
    final Optional<INDArray> strengths;
    final Optional<INDArray> rates;

    Given(CallList calls, Recurrence o) {
      this.o = o;
      qkv = given(calls, 0, o.qkv());
      decays = given(calls, 1, o.decays());
      strengths = o.delta().map(delta -> given(calls, 2, delta.strengths()));
      rates = o.delta().map(delta -> given(calls, 3, delta.rates()));
    }

    Host host() {
      return new Host(o.shape(), qkv.data().asFloat(), decays.data().asFloat(), floats(strengths),
          floats(rates),
          o.documents()
              .<IntPredicate>map(
                  documents -> row -> arrays.of(documents.tokens()).data().getInt(row) == documents
                      .separator())
              .orElse(_ -> false));
    }

    private float[] floats(Optional<INDArray> array) {
      return array.map(each -> each.data().asFloat()).orElseGet(() -> new float[0]);
    }
  }

  CallList recurrence(Recurrence o) {
    CallList calls = new CallList(arrays);
    Given given = new Given(calls, o);
    INDArray out = taken(0, o.out());
    return calls.call(() -> {
      float[] values = new float[(int) o.out().size()];
      given.host().forward(values);
      out.data().setData(values);
    }).copy(out, arrays.of(o.out()));
  }

  CallList recurrenceBackward(Recurrence.Backward o) {
    CallList calls = new CallList(arrays);
    Given given = new Given(calls, o.forward());
    INDArray dOut = given(calls, 4, o.dOut());
    INDArray dQkv = taken(1, o.dQkv());
    INDArray dDecays = taken(2, o.dDecays());
    Optional<INDArray> dStrengths = o.dDelta().map(delta -> taken(3, delta.strengths()));
    Optional<INDArray> dRates = o.dDelta().map(delta -> taken(4, delta.rates()));
    calls.call(() -> {
      Host host = given.host();
      host.backward(dOut.data().asFloat());
      dQkv.data().setData(host.dQkv);
      dDecays.data().setData(host.dDecays);
      dStrengths.ifPresent(array -> array.data().setData(host.dStrengths));
      dRates.ifPresent(array -> array.data().setData(host.dRates));
    }).copy(dQkv, arrays.of(o.dQkv())).copy(dDecays, arrays.of(o.dDecays()));
    o.dDelta().ifPresent(delta -> {
      INDArray sum = arrays.of(delta.rates());
      calls.copy(dStrengths.orElseThrow(), arrays.of(delta.strengths())).add(sum, dRates.orElseThrow(), sum);
    });
    return calls;
  }

  /** The recurrence of all windows and heads, each by itself. */
  private static final class Host {
    private final Recurrence.Shape shape;
    private final float[] qkv;
    private final float[] decays;
    private final float[] strengths;
    private final float[] rates;
    private final IntPredicate begins;
    private final boolean delta;
    private final int keys;
    private final int values;
    /** Of one token: its query and key as they are used, and one over their lengths; its decays and their logarithms. */
    private final double[] q;
    private final double[] k;
    private final double[] decay;
    private final double[] log;
    private double overQuery;
    private double overKey;
    private double strength;
    private double rate;
    /** Of one token: what the state lacks of its value. */
    private final double[] error;
    final float[] dQkv;
    final float[] dDecays;
    final float[] dStrengths;
    final float[] dRates;

    Host(Recurrence.Shape shape, float[] qkv, float[] decays, float[] strengths, float[] rates,
        IntPredicate begins) {
      this.shape = shape;
      this.qkv = qkv;
      this.decays = decays;
      this.strengths = strengths;
      this.rates = rates;
      this.begins = begins;
      delta = rates.length > 0;
      keys = shape.keyWidth();
      values = shape.valueWidth();
      q = new double[keys];
      k = new double[keys];
      decay = new double[keys];
      log = new double[keys];
      error = new double[values];
      dQkv = new float[qkv.length];
      dDecays = new float[decays.length];
      dStrengths = new float[strengths.length];
      dRates = new float[rates.length];
    }

    private static double sigmoid(double x) {
      return 1 / (1 + Math.exp(-x));
    }

    private static double softplus(double x) {
      return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    private int column(int head, int i) {
      return delta ? head : head * keys + i;
    }

    private int gate(int row, int head, int i) {
      return row * shape.heads() * (delta ? 1 : keys) + column(head, i);
    }

    private void read(int row, int head) {
      int at = row * shape.qkvWidth();
      overQuery = unit(at + shape.query(head), q);
      overKey = unit(at + shape.key(head), k);
      strength = delta ? sigmoid(strengths[row * shape.heads() + head]) : 1;
      rate = delta ? Math.exp(rates[head]) : 0;
      boolean first = row % shape.length() == 0 || begins.test(row);
      for (int i = 0; i < keys; i++) {
        double z = decays[gate(row, head, i)];
        log[i] = delta ? -rate * softplus(z) : -softplus(-z) / Recurrence.TEMPERATURE;
        decay[i] = first ? 0 : Math.exp(Math.max(log[i], Recurrence.LEAST_LOG_DECAY));
      }
    }

    private double unit(int at, double[] to) {
      double squares = 0;
      for (int i = 0; i < keys; i++) {
        to[i] = qkv[at + i];
        squares += to[i] * to[i];
      }
      double over = delta ? 1 / Math.sqrt(squares + Recurrence.LENGTH_EPSILON) : 1;
      for (int i = 0; i < keys; i++) {
        to[i] *= over;
      }
      return over;
    }

    /** From the state before a token to the state after it. */
    private void step(int row, int head, double[] before, double[] after) {
      read(row, head);
      int value = row * shape.qkvWidth() + shape.value(head);
      for (int j = 0; j < values; j++) {
        error[j] = qkv[value + j];
      }
      for (int i = 0; i < keys; i++) {
        for (int j = 0; j < values; j++) {
          after[i * values + j] = decay[i] * before[i * values + j];
          error[j] -= delta ? k[i] * after[i * values + j] : 0;
        }
      }
      for (int i = 0; i < keys; i++) {
        for (int j = 0; j < values; j++) {
          after[i * values + j] += k[i] * strength * error[j];
        }
      }
    }

    void forward(float[] out) {
      double[] state = new double[keys * values];
      double[] sum = new double[values];
      for (int window = 0; window < shape.windows(); window++) {
        for (int head = 0; head < shape.heads(); head++) {
          Arrays.fill(state, 0);
          for (int row = window * shape.length(); row < (window + 1) * shape.length(); row++) {
            step(row, head, state, state);
            Arrays.fill(sum, 0);
            for (int i = 0; i < keys; i++) {
              for (int j = 0; j < values; j++) {
                sum[j] += q[i] * state[i * values + j];
              }
            }
            for (int j = 0; j < values; j++) {
              out[(row * shape.heads() + head) * values + j] = (float) (sum[j] / Math.sqrt(keys));
            }
          }
        }
      }
    }

    void backward(float[] dOut) {
      double[][] states = new double[shape.length() + 1][keys * values];
      double[] dState = new double[keys * values];
      for (int window = 0; window < shape.windows(); window++) {
        for (int head = 0; head < shape.heads(); head++) {
          for (int t = 0; t < shape.length(); t++) {
            step(window * shape.length() + t, head, states[t], states[t + 1]);
          }
          Arrays.fill(dState, 0);
          for (int t = shape.length() - 1; t >= 0; t--) {
            back(window * shape.length() + t, head, states[t], states[t + 1], dOut, dState);
          }
        }
      }
    }

    /** From the gradient of the state after a token to that of the state before it. */
    private void back(int row, int head, double[] before, double[] after, float[] dOut, double[] dState) {
      read(row, head);
      int at = row * shape.qkvWidth();
      double[] dQ = new double[keys];
      double[] dK = new double[keys];
      double[] dWritten = new double[values];
      for (int j = 0; j < values; j++) {
        error[j] = qkv[at + shape.value(head) + j];
        double g = dOut[(row * shape.heads() + head) * values + j] / Math.sqrt(keys);
        for (int i = 0; i < keys; i++) {
          int ij = i * values + j;
          dQ[i] += after[ij] * g;
          dState[ij] += q[i] * g;
          dWritten[j] += dState[ij] * k[i];
          error[j] -= delta ? k[i] * decay[i] * before[ij] : 0;
        }
      }
      double dStrength = 0;
      for (int j = 0; j < values; j++) {
        dQkv[at + shape.value(head) + j] = (float) (strength * dWritten[j]);
        dStrength += dWritten[j] * error[j];
        for (int i = 0; i < keys; i++) {
          int ij = i * values + j;
          dK[i] += dState[ij] * strength * error[j];
          if (delta) {
            dK[i] -= decay[i] * before[ij] * strength * dWritten[j];
            dState[ij] -= k[i] * strength * dWritten[j];
          }
        }
      }
      give(at + shape.query(head), q, dQ, overQuery);
      give(at + shape.key(head), k, dK, overKey);
      if (delta) {
        dStrengths[row * shape.heads() + head] = (float) (dStrength * strength * (1 - strength));
      }
      for (int i = 0; i < keys; i++) {
        double dLog = 0;
        for (int j = 0; j < values; j++) {
          int ij = i * values + j;
          dLog += dState[ij] * decay[i] * before[ij];
          dState[ij] *= decay[i];
        }
        giveDecay(row, head, i, log[i] > Recurrence.LEAST_LOG_DECAY ? dLog : 0);
      }
    }

    private void give(int at, double[] x, double[] dX, double over) {
      double along = 0;
      for (int i = 0; i < keys; i++) {
        along += delta ? x[i] * dX[i] : 0;
      }
      for (int i = 0; i < keys; i++) {
        dQkv[at + i] = (float) ((dX[i] - x[i] * along) * over);
      }
    }

    private void giveDecay(int row, int head, int i, double dLog) {
      int at = gate(row, head, i);
      double z = decays[at];
      if (delta) {
        dDecays[at] -= (float) (dLog * rate * sigmoid(z));
        dRates[head] += (float) (dLog * log[i]);
      } else {
        dDecays[at] = (float) (dLog * sigmoid(-z) / Recurrence.TEMPERATURE);
      }
    }
  }

  /** The rows of heads [R * heads, width], normed without a gain, and the gate's sigmoid and activation. */
  private final class Normed {
    final CallList calls = new CallList(arrays);
    final int rows;
    final int width;
    final INDArray normed;
    final INDArray rstd;
    final INDArray work;
    final INDArray gate;
    final INDArray sigmoid;

    Normed(GatedNorm o) {
      width = o.width();
      rows = o.x().rows() * (o.x().columns() / width);
      normed = arrays.scratch(GIVEN, rows, width);
      work = arrays.scratch(GIVEN + 1, rows, width);
      gate = arrays.scratch(GIVEN + 2, rows, width);
      sigmoid = arrays.scratch(GIVEN + 3, rows, width);
      rstd = arrays.scratch(GIVEN + 4, rows, 1);
      calls.copy(byHead(o.x()), normed)
          .copy(byHead(o.gate()), gate)
          .multiply(normed, normed, work)
          .matmul(work, false, arrays.constant(width, 1, 1.0 / width), false, false, rstd)
          .shift(rstd, o.epsilon(), rstd)
          .sqrt(rstd, rstd)
          .divide(1, rstd, rstd)
          .multiplyColumn(normed, rstd, work, normed);
      ActivationCalls.sigmoid(calls, Activation.SILU, gate, sigmoid);
    }

    INDArray byHead(Tensor tensor) {
      return arrays.of(tensor).reshape(rows, width);
    }
  }

  CallList gatedNorm(GatedNorm o) {
    Normed n = new Normed(o);
    return n.calls.multiply(n.gate, n.sigmoid, n.gate)
        .multiply(n.normed, n.gate, n.normed)
        .multiplyRow(n.normed, arrays.of(o.gain()), n.byHead(o.out()));
  }

  /** With n the norm and g = dOut * silu: dN = g * gain, dX = (dN - n * mean(n * dN)) * rstd. */
  CallList gatedNormBackward(GatedNorm.Backward o) {
    GatedNorm forward = o.forward();
    Normed n = new Normed(forward);
    INDArray dOut = arrays.scratch(TAKEN, n.rows, n.width);
    INDArray slope = arrays.scratch(TAKEN + 1, n.rows, n.width);
    INDArray dN = arrays.scratch(TAKEN + 2, n.rows, n.width);
    INDArray column = arrays.scratch(TAKEN + 3, n.rows, 1);
    CallList calls = n.calls.copy(n.byHead(o.dOut()), dOut);
    return ActivationCalls.slope(calls, Activation.SILU, n.gate, n.sigmoid, n.work, slope)
        .multiply(slope, dOut, slope)
        .multiply(slope, n.normed, slope)
        .multiplyRow(slope, arrays.of(forward.gain()), n.byHead(o.dGate()))
        .multiply(n.gate, n.sigmoid, n.gate)
        .multiply(dOut, n.gate, dOut)
        .multiply(dOut, n.normed, n.work)
        .matmul(arrays.ones(1, n.rows), false, n.work, false, true, arrays.of(o.dGain()))
        .multiplyRow(dOut, arrays.of(forward.gain()), dN)
        .multiply(dN, n.normed, n.work)
        .matmul(n.work, false, arrays.constant(n.width, 1, 1.0 / n.width), false, false, column)
        .multiplyColumn(n.normed, column, n.work, n.normed)
        .subtract(dN, n.normed, dN)
        .multiplyColumn(dN, n.rstd, n.work, dN)
        .copy(dN, n.byHead(o.dX()));
  }
}
