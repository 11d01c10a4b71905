package org.knowcap.models.reference;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.FusedOperation;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.HiddenMatrix;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramHash;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.engine.routing.RoutingMetrics;
import java.util.OptionalDouble;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.ScalarGate;
import org.knowcap.models.program.Scale;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.Experts;

/** Interprets a program in double precision, one element at a time, straight from the operations' definitions. */
public final class ReferenceSession implements Session {
  /** 2^64 over the golden ratio, as an odd number. */
  private static final BigInteger GOLDEN = new BigInteger("9E3779B97F4A7C15", 16);

  private final Program program;
  private final Map<Tensor, double[]> values = new HashMap<>();
  private final Map<String, double[]> state = new LinkedHashMap<>();
  private double meanLoss;
  private OptionalDouble gradientNorm = OptionalDouble.empty();

  public ReferenceSession(Program program) {
    this.program = program;
    state.put(PARAMETERS, new double[(int) program.parameterCount()]);
    for (StateBuffer buffer : StateBuffer.values()) {
      state.put(buffer.key(), new double[(int) program.stateCount(buffer)]);
    }
  }

  /** The flat parameters themselves, for perturbing. */
  public double[] parameters() {
    return state.get(PARAMETERS);
  }

  /** Mean loss over the batch's targets, in nats. */
  public double meanLoss(int[] tokens, int[] targets) {
    values.clear();
    values.put(program.tokens(), toDoubles(tokens));
    values.put(program.targets(), toDoubles(targets));
    for (Parameter p : program.parameters()) {
      values.put(p.tensor(), slice(parameters(), p));
    }
    program.forward().forEach(this::run);
    meanLoss = Arrays.stream(get(program.losses())).sum() / Targets.counted(targets);
    return meanLoss;
  }

  /** What training makes small: the mean loss, and the routers' own losses with their weights. */
  public double objective(int[] tokens, int[] targets) {
    double sum = meanLoss(tokens, targets);
    for (Operation operation : program.forward()) {
      if (operation instanceof Route route) {
        RoutingMetrics metrics = metrics(route);
        sum += route.routing().balance() * metrics.balance() + route.routing().zLoss() * metrics.zLoss();
      }
    }
    return sum;
  }

  /**
   * How far the parameters are from other choices: the smallest difference between two neighbours in a router's order of
   * logits, or where experts choose of logarithms of probabilities, that would make another choice the other way round.
   */
  public double narrowestChoice(int[] tokens, int[] targets) {
    meanLoss(tokens, targets);
    double narrowest = Double.POSITIVE_INFINITY;
    for (Operation operation : program.forward()) {
      if (operation instanceof Route route && route.routing().experts() > 1) {
        ExpertRouting routing = route.routing();
        double[] logits = get(route.logits());
        int count = routing.experts();
        switch (routing.choice()) {
          case TOKENS -> {
            for (int r = 0; r < route.out().rows(); r++) {
              double[] sorted = descending(Arrays.stream(logits, r * count, (r + 1) * count));
              for (int i = 0; i < Math.min(routing.topK(), count - 1); i++) {
                narrowest = Math.min(narrowest, sorted[i] - sorted[i + 1]);
              }
            }
          }
          case EXPERTS -> {
            for (int first = 0; first < route.out().rows(); first += routing.length()) {
              for (int e = 0; e < count && routing.capacity() < routing.length(); e++) {
                int expert = e;
                double[] sorted = descending(IntStream.range(first, first + routing.length())
                    .mapToDouble(r -> Math.log(softmax(logits, r, count)[expert])));
                narrowest = Math.min(narrowest, sorted[routing.capacity() - 1] - sorted[routing.capacity()]);
              }
            }
          }
        }
      }
    }
    return narrowest;
  }

  private interface EachRow {
    /** @param number of what is looked up, in its order side by side */
    void take(int number, int row);
  }

  /** The definition of the hash in {@code NgramHash}, n-gram by n-gram, without what neighbours have in common. */
  private void eachRow(NgramLookup o, EachRow reader) {
    NgramHash hash = o.hash();
    int number = 0;
    for (int r = 0; r < o.out().rows(); r++) {
      for (int table = 0; table < hash.tables(); table++) {
        BigInteger gram = BigInteger.ZERO;
        boolean inside = true;
        for (int before = 0; before < 2 + table / hash.heads(); before++) {
          // Neither before the window, nor before a token that begins a document.
          inside &= before <= r % o.length() && !(before > 0 && begins(o, r - before + 1));
          long a = inside ? 1 + (long) get(o.tokens())[r - before] : 0;
          gram = gram.add(BigInteger.valueOf(a).multiply(GOLDEN.pow(before)));
        }
        long mixed = mixed(
            gram.longValue() ^ mixed(mixed(hash.seed() + GOLDEN.longValue()) + 1024L * hash.block() + table));
        BigInteger share = new BigInteger(Long.toUnsignedString(mixed))
            .multiply(BigInteger.valueOf(hash.slots()))
            .shiftRight(64);
        reader.take(number++, table * hash.slots() + share.intValue());
      }
    }
  }

  private boolean begins(NgramLookup o, int row) {
    return o.documents().isPresent() && get(o.tokens())[row] == o.documents().get().separator();
  }

  private static long mixed(long x) {
    long y = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    long z = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private double gate(ScalarGate o, int row) {
    int d = o.query().columns();
    double product = 0;
    for (int c = 0; c < d; c++) {
      product += get(o.query())[row * d + c] * get(o.key())[row * d + c];
    }
    return 1 / (1 + Math.exp(-product / Math.sqrt(d)));
  }

  private void scalarGateBackward(ScalarGate.Backward o) {
    ScalarGate forward = o.forward();
    double[] dQuery = fresh(o.dQuery());
    double[] dKey = fresh(o.dKey());
    double[] dValue = fresh(o.dValue());
    int d = o.dOut().columns();
    for (int row = 0; row < o.dOut().rows(); row++) {
      double gate = gate(forward, row);
      double dGate = 0;
      for (int i = row * d; i < (row + 1) * d; i++) {
        dGate += get(o.dOut())[i] * get(forward.value())[i];
      }
      double dProduct = dGate * gate * (1 - gate) / Math.sqrt(d);
      for (int i = row * d; i < (row + 1) * d; i++) {
        dQuery[i] = dProduct * get(forward.key())[i];
        dKey[i] = dProduct * get(forward.query())[i];
        dValue[i] = gate * get(o.dOut())[i];
      }
    }
  }

  private static double[] descending(DoubleStream values) {
    return values.map(value -> -value).sorted().map(value -> -value).toArray();
  }

  /** Gradient of the mean loss, and of the routers' losses, by the program's backward part, flat. */
  public double[] gradient(int[] tokens, int[] targets) {
    meanLoss(tokens, targets);
    for (Parameter p : program.parameters()) {
      values.put(p.gradient(), new double[(int) p.tensor().size()]);
    }
    program.backward().forEach(this::run);
    double[] flat = new double[(int) program.trainedCount()];
    for (Parameter p : program.trained()) {
      System.arraycopy(values.get(p.gradient()), 0, flat, (int) p.offset(), (int) p.tensor().size());
    }
    return flat;
  }

  private static void scale(double factor, double[] x, double[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = factor * x[i];
    }
  }

  private static double[] toDoubles(int[] ids) {
    double[] values = new double[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = ids[i];
    }
    return values;
  }

  private static double[] slice(double[] flat, Parameter p) {
    double[] slice = new double[(int) p.tensor().size()];
    System.arraycopy(flat, (int) p.offset(), slice, 0, slice.length);
    return slice;
  }

  private double[] get(Tensor tensor) {
    return values.get(tensor);
  }

  /** What an activation was when losses were last taken, [rows * columns]. */
  public double[] value(Tensor tensor) {
    return get(tensor).clone();
  }

  private double[] fresh(Tensor tensor) {
    double[] array = new double[(int) tensor.size()];
    values.put(tensor, array);
    return array;
  }

  private void run(Operation operation) {
    switch (operation) {
      case Embedding o -> {
        double[] out = fresh(o.out());
        int d = o.out().columns();
        for (int r = 0; r < o.out().rows(); r++) {
          System.arraycopy(get(o.table()), ((int) get(o.tokens())[r]) * d, out, r * d, d);
        }
      }
      case LearnedPositions o -> {
        double[] out = fresh(o.out());
        int d = o.out().columns();
        for (int i = 0; i < out.length; i++) {
          out[i] = get(o.x())[i] + get(o.table())[i / d % o.length() * d + i % d];
        }
      }
      case Normalisation o when o.heads().isPresent() -> headNorm(o, o.heads().get());
      case Normalisation o -> {
        double[] x = get(o.x());
        double[] out = fresh(o.out());
        int d = o.x().columns();
        for (int r = 0; r < o.x().rows(); r++) {
          double mean = o.bias().isPresent() ? mean(x, r, d) : 0;
          double deviation = deviation(x, r, d, mean, o.epsilon());
          for (int j = 0; j < d; j++) {
            out[r * d + j] = (x[r * d + j] - mean) / deviation * get(o.gain())[j]
                + (o.bias().isPresent() ? get(o.bias().get())[j] : 0);
          }
        }
      }
      case Linear o -> {
        double[] x = get(o.x());
        double[] weight = get(o.weight());
        double[] out = fresh(o.out());
        int n = o.x().columns();
        int m = o.out().columns();
        for (int r = 0; r < o.x().rows(); r++) {
          for (int j = 0; j < m; j++) {
            double sum = o.bias().isPresent() ? get(o.bias().get())[j] : 0;
            for (int i = 0; i < n; i++) {
              sum += x[r * n + i] * weight[weightIndex(o, i, j)];
            }
            out[r * m + j] = sum;
          }
        }
      }
      case Activate o -> {
        double[] out = fresh(o.out());
        for (int i = 0; i < out.length; i++) {
          out[i] = activate(o.activation(), get(o.x())[i]);
        }
      }
      case GatedActivation o -> {
        double[] out = fresh(o.out());
        int n = o.out().columns();
        for (int i = 0; i < out.length; i++) {
          int left = i / n * 2 * n + i % n;
          out[i] = activate(o.activation(), get(o.x())[left]) * get(o.x())[left + n];
        }
      }
      case Scale o -> scale(o.factor(), get(o.x()), fresh(o.out()));
      case Scale.Backward o -> scale(o.forward().factor(), get(o.dOut()), fresh(o.dX()));
      case Canon o -> {
        double[] out = fresh(o.out());
        System.arraycopy(get(o.x()), 0, out, 0, out.length);
        eachLag(o, (to, from, weight) -> out[to] += get(o.weight())[weight] * get(o.x())[from]);
      }
      case Canon.Backward o -> {
        double[] dX = fresh(o.dX());
        double[] dOut = get(o.dOut());
        System.arraycopy(dOut, 0, dX, 0, dX.length);
        eachLag(o.forward(), (to, from, weight) -> {
          dX[from] += get(o.forward().weight())[weight] * dOut[to];
          get(o.dWeight())[weight] += get(o.forward().x())[from] * dOut[to];
        });
      }
      case Rope o -> rope(o, get(o.x()), fresh(o.out()), 1);
      case Attention o -> {
        double[] out = fresh(o.out());
        double[] qkv = get(o.qkv());
        eachHead(o.heads(), (rows, q, k, v, to) -> {
          double[][] weights = weights(o, rows, q, k);
          for (int i = 0; i < weights.length; i++) {
            for (int j = firstKey(o, rows, i); j <= i; j++) {
              for (int c = 0; c < o.heads().width(); c++) {
                out[(rows + i) * o.out().columns() + to + c] += weights[i][j]
                    * qkv[(rows + j) * o.qkv().columns() + v + c];
              }
            }
          }
        });
      }
      case Recurrence o -> {
        double[] out = fresh(o.out());
        eachState(o, state -> state.forward(out));
      }
      case GatedNorm o -> {
        double[] out = fresh(o.out());
        for (int i = 0; i < out.length; i++) {
          out[i] = get(o.x())[i] / rms(o, i) * get(o.gain())[i % o.width()]
              * activate(Activation.SILU, get(o.gate())[i]);
        }
      }
      case NgramLookup o -> {
        double[] out = fresh(o.out());
        eachRow(o, (number, row) -> System.arraycopy(get(o.table()), row * o.width(), out, number * o.width(),
            o.width()));
      }
      case ScalarGate o -> {
        double[] out = fresh(o.out());
        for (int i = 0; i < out.length; i++) {
          out[i] = gate(o, i / o.out().columns()) * get(o.value())[i];
        }
      }
      case Add o -> add(get(o.a()), get(o.b()), fresh(o.out()));
      case Route o -> route(o);
      case Dispatch o -> {
        double[] out = fresh(o.out());
        int d = o.out().columns();
        eachSlot(o.routing(), o.weights(),
            (row, expert, slot) -> System.arraycopy(get(o.x()), row * d, out, slot * d, d));
      }
      case ExpertLinear o -> {
        double[] out = fresh(o.out());
        double[] x = get(o.x());
        double[] weight = get(o.weight());
        int n = o.x().columns();
        int m = o.out().columns();
        eachSlot(o.routing(), o.weights(), (row, expert, slot) -> {
          for (int j = 0; j < m; j++) {
            double sum = o.bias().isPresent() ? get(o.bias().get())[expert * m + j] : 0;
            for (int i = 0; i < n; i++) {
              sum += x[slot * n + i] * weight[(expert * n + i) * m + j];
            }
            out[slot * m + j] = sum;
          }
        });
      }
      case Combine o -> {
        double[] out = fresh(o.out());
        double[] x = get(o.x());
        int d = o.out().columns();
        eachSlot(o.routing(), o.weights(), (row, expert, slot) -> {
          double gate = get(o.weights())[row * o.weights().columns() + expert];
          for (int j = 0; j < d; j++) {
            out[row * d + j] += gate * x[slot * d + j];
          }
        });
      }
      case CrossEntropy o -> {
        double[] out = fresh(o.out());
        int vocabulary = o.logits().columns();
        for (int r = 0; r < out.length; r++) {
          int target = (int) get(o.targets())[r];
          out[r] = target < 0 ? 0 : -Math.log(softmax(get(o.logits()), r, vocabulary)[target]);
        }
      }
      case Embedding.Backward o -> {
        int d = o.dOut().columns();
        for (int r = 0; r < o.dOut().rows(); r++) {
          for (int j = 0; j < d; j++) {
            get(o.dTable())[((int) get(o.forward().tokens())[r]) * d + j] += get(o.dOut())[r * d + j];
          }
        }
      }
      case LearnedPositions.Backward o -> {
        double[] dOut = get(o.dOut());
        int d = o.dOut().columns();
        for (int i = 0; i < dOut.length; i++) {
          get(o.dTable())[i / d % o.forward().length() * d + i % d] += dOut[i];
        }
      }
      case Normalisation.Backward o when o.forward().heads().isPresent() ->
          headNormBackward(o, o.forward().heads().get());
      case Normalisation.Backward o -> normBackward(o);
      case Linear.Backward o -> linearBackward(o);
      case Activate.Backward o -> {
        double[] dX = fresh(o.dX());
        for (int i = 0; i < dX.length; i++) {
          dX[i] = get(o.dOut())[i] * slope(o.forward().activation(), get(o.forward().x())[i]);
        }
      }
      case GatedActivation.Backward o -> {
        double[] x = get(o.forward().x());
        double[] dX = fresh(o.dX());
        int n = o.dOut().columns();
        for (int i = 0; i < get(o.dOut()).length; i++) {
          int left = i / n * 2 * n + i % n;
          dX[left] = get(o.dOut())[i] * x[left + n] * slope(o.forward().activation(), x[left]);
          dX[left + n] = get(o.dOut())[i] * activate(o.forward().activation(), x[left]);
        }
      }
      case Rope.Backward o -> rope(o.forward(), get(o.dOut()), fresh(o.dX()), -1);
      case Attention.Backward o -> attentionBackward(o);
      case Recurrence.Backward o -> {
        fresh(o.dQkv());
        fresh(o.dDecays());
        o.dDelta().ifPresent(delta -> fresh(delta.strengths()));
        eachState(o.forward(), state -> state.backward(o, get(o.dOut())));
      }
      case GatedNorm.Backward o -> gatedNormBackward(o);
      case NgramLookup.Backward o -> eachRow(o.forward(), (number, row) -> {
        int width = o.forward().width();
        for (int c = 0; c < width; c++) {
          get(o.dTable())[row * width + c] += get(o.dOut())[number * width + c];
        }
      });
      case ScalarGate.Backward o -> scalarGateBackward(o);
      case Route.Backward o -> routeBackward(o);
      case Dispatch.Backward o -> {
        double[] dX = fresh(o.dX());
        double[] dOut = get(o.dOut());
        int d = o.dX().columns();
        eachSlot(o.forward().routing(), o.forward().weights(), (row, expert, slot) -> {
          for (int j = 0; j < d; j++) {
            dX[row * d + j] += dOut[slot * d + j];
          }
        });
      }
      case ExpertLinear.Backward o -> {
        double[] dX = fresh(o.dX());
        double[] dWeight = get(o.dWeight());
        double[] dOut = get(o.dOut());
        double[] x = get(o.forward().x());
        double[] weight = get(o.forward().weight());
        int n = o.dX().columns();
        int m = o.dOut().columns();
        eachSlot(o.forward().routing(), o.forward().weights(), (row, expert, slot) -> {
          for (int j = 0; j < m; j++) {
            double g = dOut[slot * m + j];
            for (int i = 0; i < n; i++) {
              dX[slot * n + i] += g * weight[(expert * n + i) * m + j];
              dWeight[(expert * n + i) * m + j] += g * x[slot * n + i];
            }
            if (o.dBias().isPresent()) {
              get(o.dBias().get())[expert * m + j] += g;
            }
          }
        });
      }
      case Combine.Backward o -> {
        double[] dX = fresh(o.dX());
        double[] dGates = fresh(o.dWeights());
        double[] dOut = get(o.dOut());
        double[] x = get(o.forward().x());
        int d = o.dX().columns();
        eachSlot(o.forward().routing(), o.forward().weights(), (row, expert, slot) -> {
          int gate = row * o.dWeights().columns() + expert;
          for (int j = 0; j < d; j++) {
            dX[slot * d + j] = get(o.forward().weights())[gate] * dOut[row * d + j];
            dGates[gate] += x[slot * d + j] * dOut[row * d + j];
          }
        });
      }
      case CrossEntropy.Backward o -> {
        double[] d = fresh(o.dLogits());
        int vocabulary = o.dLogits().columns();
        int rows = o.dLogits().rows();
        double[] targets = get(o.forward().targets());
        double counted = Arrays.stream(targets).filter(target -> target >= 0).count();
        for (int r = 0; r < rows; r++) {
          if (targets[r] >= 0) {
            double[] p = softmax(get(o.forward().logits()), r, vocabulary);
            p[(int) targets[r]] -= 1;
            for (int j = 0; j < vocabulary; j++) {
              d[r * vocabulary + j] = p[j] / counted;
            }
          }
        }
      }
      case Accumulate o -> add(get(o.a()), get(o.b()), fresh(o.out()));
      case FusedOperation o -> throw new IllegalArgumentException("a program has no fused operations: " + o);
    }
  }

  private static void add(double[] a, double[] b, double[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = a[i] + b[i];
    }
  }

  private static double mean(double[] x, int row, int d) {
    double sum = 0;
    for (int j = 0; j < d; j++) {
      sum += x[row * d + j];
    }
    return sum / d;
  }

  private static double deviation(double[] x, int row, int d, double mean, double epsilon) {
    double sum = 0;
    for (int j = 0; j < d; j++) {
      sum += Math.pow(x[row * d + j] - mean, 2);
    }
    return Math.sqrt(sum / d + epsilon);
  }

  /** Root of the mean square of a head that begins at an element. */
  private static double rootMeanSquare(double[] x, int from, int width, double epsilon) {
    double sum = 0;
    for (int j = from; j < from + width; j++) {
      sum += x[j] * x[j];
    }
    return Math.sqrt(sum / width + epsilon);
  }

  private void headNorm(Normalisation o, Heads heads) {
    double[] x = get(o.x());
    double[] out = fresh(o.out());
    int w = heads.width();
    int queries = heads.count() * w;
    int queriesAndKeys = queries + heads.keyCount() * w;
    for (int i = 0; i < out.length; i++) {
      int column = i % o.x().columns();
      double gain = get(o.gain())[column < queries ? column % w : w + column % w];
      out[i] = column < queriesAndKeys
          ? x[i] / rootMeanSquare(x, i - column % w, w, o.epsilon()) * gain
          : x[i];
    }
  }

  /** By the Jacobian: of x[i] / r with respect to x[j] it is [i = j] / r - x[i] x[j] / (w r^3). */
  private void headNormBackward(Normalisation.Backward o, Heads heads) {
    double[] x = get(o.forward().x());
    double[] dOut = get(o.dOut());
    double[] dX = fresh(o.dX());
    int w = heads.width();
    int queries = heads.count() * w;
    int queriesAndKeys = queries + heads.keyCount() * w;
    for (int i = 0; i < dX.length; i++) {
      int column = i % o.dX().columns();
      if (column >= queriesAndKeys) {
        dX[i] = dOut[i];
        continue;
      }
      int from = i - column % w;
      int gain = column < queries ? 0 : w;
      double r = rootMeanSquare(x, from, w, o.forward().epsilon());
      get(o.dGain())[gain + column % w] += dOut[i] * x[i] / r;
      for (int j = 0; j < w; j++) {
        double jacobian = (from + j == i ? 1 / r : 0) - x[from + j] * x[i] / (w * r * r * r);
        dX[i] += dOut[from + j] * get(o.forward().gain())[gain + j] * jacobian;
      }
    }
  }

  private void normBackward(Normalisation.Backward o) {
    double[] x = get(o.forward().x());
    double[] dOut = get(o.dOut());
    double[] dX = fresh(o.dX());
    int d = o.dX().columns();
    for (int r = 0; r < o.dX().rows(); r++) {
      double mean = o.dBias().isPresent() ? mean(x, r, d) : 0;
      double deviation = deviation(x, r, d, mean, o.forward().epsilon());
      double meanOfG = 0;
      double meanOfGTimesNormalised = 0;
      for (int j = 0; j < d; j++) {
        double normalised = (x[r * d + j] - mean) / deviation;
        double g = dOut[r * d + j] * get(o.forward().gain())[j];
        meanOfG += o.dBias().isPresent() ? g / d : 0;
        meanOfGTimesNormalised += g * normalised / d;
        get(o.dGain())[j] += dOut[r * d + j] * normalised;
        if (o.dBias().isPresent()) {
          get(o.dBias().get())[j] += dOut[r * d + j];
        }
      }
      for (int j = 0; j < d; j++) {
        double normalised = (x[r * d + j] - mean) / deviation;
        double g = dOut[r * d + j] * get(o.forward().gain())[j];
        dX[r * d + j] = (g - meanOfG - normalised * meanOfGTimesNormalised) / deviation;
      }
    }
  }

  /** Where element (i, j) of the matrix that x is multiplied by lies. */
  private static int weightIndex(Linear o, int i, int j) {
    return o.transposed() ? j * o.weight().columns() + i : i * o.weight().columns() + j;
  }

  private void linearBackward(Linear.Backward o) {
    Linear forward = o.forward();
    double[] x = get(forward.x());
    double[] weight = get(forward.weight());
    double[] dOut = get(o.dOut());
    double[] dWeight = o.dWeight().map(this::get).orElseGet(() -> new double[weight.length]);
    double[] dX = fresh(o.dX());
    int n = o.dX().columns();
    int m = o.dOut().columns();
    for (int r = 0; r < o.dX().rows(); r++) {
      for (int j = 0; j < m; j++) {
        double g = dOut[r * m + j];
        for (int i = 0; i < n; i++) {
          int at = weightIndex(forward, i, j);
          dX[r * n + i] += g * weight[at];
          dWeight[at] += g * x[r * n + i];
        }
        if (o.dBias().isPresent()) {
          get(o.dBias().get())[j] += g;
        }
      }
    }
  }

  /** GELU by tanh and SiLU as its papers have them, not by the form that engines share. */
  private static double activate(Activation activation, double x) {
    return switch (activation) {
      case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case SILU -> x / (1 + Math.exp(-x));
      case RELU2 -> Math.max(0, x) * Math.max(0, x);
    };
  }

  private static double slope(Activation activation, double x) {
    return switch (activation) {
      case GELU -> {
        double t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));
        yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
      }
      case SILU -> {
        double s = 1 / (1 + Math.exp(-x));
        yield s * (1 + x * (1 - s));
      }
      case RELU2 -> 2 * Math.max(0, x);
    };
  }

  private static void rope(Rope o, double[] x, double[] out, int direction) {
    System.arraycopy(x, 0, out, 0, x.length);
    Heads heads = o.heads();
    int half = o.rotated() / 2;
    for (int r = 0; r < o.x().rows(); r++) {
      for (int head = 0; head < heads.count() + heads.keyCount(); head++) {
        for (int i = 0; i < half; i++) {
          int t = r % heads.length();
          double position = head < heads.count() ? o.positions().query(t) : o.positions().key(t);
          double angle = direction * position * Math.pow(o.base(), -2.0 * i / o.rotated());
          int first = r * o.x().columns() + head * heads.width() + i;
          out[first] = x[first] * Math.cos(angle) - x[first + half] * Math.sin(angle);
          out[first + half] = x[first + half] * Math.cos(angle) + x[first] * Math.sin(angle);
        }
      }
    }
  }

  private interface LagBody {
    /** Elements of the result, of x and of the weight between them. */
    void accept(int to, int from, int weight);
  }

  /** Every product that a Canon layer adds up. */
  private void eachLag(Canon o, LagBody body) {
    int n = o.out().columns();
    for (int r = 0; r < o.out().rows(); r++) {
      for (int k = 0; k < 4 && k <= r % o.length(); k++) {
        for (int c = 0; c < n; c++) {
          body.accept(r * n + c, (r - k) * n + c, k * n + c);
        }
        if (o.documents().isPresent()
            && get(o.documents().get().tokens())[r - k] == o.documents().get().separator()) {
          break;
        }
      }
    }
  }

  private interface HeadBody {
    /** First row of the window; columns of the head's queries, keys and values; its columns in the output. */
    void accept(int row, int query, int key, int value, int out);
  }

  private static void eachHead(Heads heads, HeadBody body) {
    for (int window = 0; window < heads.windows(); window++) {
      for (int head = 0; head < heads.count(); head++) {
        int column = head * heads.width();
        int keys = (heads.count() + head / heads.group()) * heads.width();
        body.accept(window * heads.length(), column, keys, keys + heads.keyCount() * heads.width(), column);
      }
    }
  }

  /** The first key that a query sees: none that is too far, none before the last separator up to the query. */
  private int firstKey(Attention o, int row, int i) {
    int first = o.heads().firstKey(i);
    return o.documents().map(documents -> {
      int start = i;
      while (start > first && get(documents.tokens())[row + start] != documents.separator()) {
        start--;
      }
      return start;
    }).orElse(first);
  }

  /** What the query and key of a pair are taken from. */
  private static Tensor qkv(Attention o, int distance) {
    return o.scores() instanceof Attention.Scores.Rerope rerope && distance >= rerope.window()
        ? rerope.qkv()
        : o.qkv();
  }

  /** What is added to a score, in units of the divided product. */
  private static double bias(Attention o, int query, int distance) {
    return o.scores() instanceof Attention.Scores.Alibi alibi
        ? -distance * alibi.slope(o.heads(), query / o.heads().width())
        : 0;
  }

  /** Softmax of the scores of each query of one head over the keys it sees, [T][T]. */
  private double[][] weights(Attention o, int row, int query, int key) {
    int length = o.heads().length();
    int columns = o.qkv().columns();
    double[][] weights = new double[length][length];
    for (int i = 0; i < length; i++) {
      double sum = 0;
      for (int j = firstKey(o, row, i); j <= i; j++) {
        double[] qk = get(qkv(o, i - j));
        double score = 0;
        for (int c = 0; c < o.heads().width(); c++) {
          score += qk[(row + i) * columns + query + c] * qk[(row + j) * columns + key + c];
        }
        weights[i][j] = Math.exp(score / Math.sqrt(o.heads().width()) + bias(o, query, i - j));
        sum += weights[i][j];
      }
      for (int j = firstKey(o, row, i); j <= i; j++) {
        weights[i][j] /= sum;
      }
    }
    return weights;
  }

  private void eachState(Recurrence o, Consumer<ReferenceRecurrence> body) {
    for (int window = 0; window < o.shape().windows(); window++) {
      for (int head = 0; head < o.shape().heads(); head++) {
        body.accept(new ReferenceRecurrence(o, values, window, head));
      }
    }
  }

  /** Of the head that an element belongs to. */
  private double rms(GatedNorm o, int element) {
    int from = element / o.width() * o.width();
    double squares = IntStream.range(from, from + o.width())
        .mapToDouble(i -> get(o.x())[i] * get(o.x())[i])
        .sum();
    return Math.sqrt(squares / o.width() + o.epsilon());
  }

  private void gatedNormBackward(GatedNorm.Backward o) {
    GatedNorm forward = o.forward();
    double[] x = get(forward.x());
    double[] gate = get(forward.gate());
    double[] dX = fresh(o.dX());
    double[] dGate = fresh(o.dGate());
    int width = forward.width();
    for (int i = 0; i < x.length; i++) {
      double rms = rms(forward, i);
      double g = get(o.dOut())[i] * activate(Activation.SILU, gate[i]);
      get(o.dGain())[i % width] += g * x[i] / rms;
      dGate[i] = get(o.dOut())[i] * x[i] / rms * get(forward.gain())[i % width]
          * slope(Activation.SILU, gate[i]);
      double dNormed = g * get(forward.gain())[i % width];
      dX[i] += dNormed / rms;
      for (int j = i / width * width; j < i / width * width + width; j++) {
        dX[j] -= dNormed * x[i] * x[j] / (width * rms * rms * rms);
      }
    }
  }

  private void attentionBackward(Attention.Backward o) {
    double[] qkv = get(o.forward().qkv());
    double[] dQkv = fresh(o.dQkv());
    double[] dDistant = o.dDistant().map(this::fresh).orElse(dQkv);
    double[] dOut = get(o.dOut());
    int columns = o.dQkv().columns();
    int d = o.dOut().columns();
    int width = o.forward().heads().width();
    eachHead(o.forward().heads(), (row, q, k, v, out) -> {
      double[][] weights = weights(o.forward(), row, q, k);
      for (int i = 0; i < weights.length; i++) {
        double[] dWeights = new double[i + 1];
        double mean = 0;
        for (int j = firstKey(o.forward(), row, i); j <= i; j++) {
          for (int c = 0; c < width; c++) {
            double g = dOut[(row + i) * d + out + c];
            dWeights[j] += g * qkv[(row + j) * columns + v + c];
            dQkv[(row + j) * columns + v + c] += weights[i][j] * g;
          }
          mean += weights[i][j] * dWeights[j];
        }
        for (int j = firstKey(o.forward(), row, i); j <= i; j++) {
          double dScore = weights[i][j] * (dWeights[j] - mean) / Math.sqrt(width);
          Tensor from = qkv(o.forward(), i - j);
          double[] qk = get(from);
          double[] dQk = from.equals(o.forward().qkv()) ? dQkv : dDistant;
          for (int c = 0; c < width; c++) {
            dQk[(row + i) * columns + q + c] += dScore * qk[(row + j) * columns + k + c];
            dQk[(row + j) * columns + k + c] += dScore * qk[(row + i) * columns + q + c];
          }
        }
      }
    });
  }

  /** Experts that a token asks for, the likeliest first. */
  private List<Integer> asked(Route o, int row) {
    double[] p = softmax(get(o.logits()), row, o.routing().experts());
    return IntStream.range(0, p.length)
        .boxed()
        .sorted(Comparator.comparingDouble(e -> -p[e]))
        .limit(o.routing().topK())
        .toList();
  }

  private void route(Route o) {
    ExpertRouting routing = o.routing();
    int count = routing.experts();
    double[] out = fresh(o.out());
    for (int window = 0; window < routing.windows(); window++) {
      int first = window * routing.length();
      switch (routing.choice()) {
        case TOKENS -> {
          int[] taken = new int[count];
          for (int r = first; r < first + routing.length(); r++) {
            double[] p = softmax(get(o.logits()), r, count);
            List<Integer> asked = asked(o, r);
            double sum = asked.stream().mapToDouble(e -> p[e]).sum();
            for (int e : asked) {
              if (taken[e]++ < routing.capacity()) {
                out[r * count + e] = p[e] / (routing.topK() == 1 ? 1 : sum);
              }
            }
          }
        }
        case EXPERTS -> {
          for (int e = 0; e < count; e++) {
            int expert = e;
            IntStream.range(first, first + routing.length())
                .boxed()
                .sorted(Comparator.comparingDouble(r -> -softmax(get(o.logits()), r, count)[expert]))
                .limit(routing.capacity())
                .forEach(r -> out[r * count + expert] = softmax(get(o.logits()), r, count)[expert]);
          }
        }
      }
    }
  }

  /** For each (token, gate) pair the slope of that gate by that probability, summed with what has arrived at the gate. */
  private void routeBackward(Route.Backward o) {
    ExpertRouting routing = o.forward().routing();
    int count = routing.experts();
    double[] gates = get(o.forward().out());
    double[] dGates = get(o.dOut());
    double[] dLogits = fresh(o.dLogits());
    int rows = o.dLogits().rows();
    double[] first = {};
    for (int r = 0; r < rows; r++) {
      first = r % routing.length() == 0 ? firstShares(o.forward(), r / routing.length()) : first;
      double[] p = softmax(get(o.forward().logits()), r, count);
      double[] dP = new double[count];
      List<Integer> asked = routing.topK() == 1 ? List.of() : asked(o.forward(), r);
      double sum = asked.stream().mapToDouble(e -> p[e]).sum();
      for (int e = 0; e < count; e++) {
        if (gates[r * count + e] != 0) {
          dP[e] += dGates[r * count + e] * (asked.isEmpty() ? 1 : 1 / sum);
          for (int other : asked) {
            dP[other] -= dGates[r * count + e] * p[e] / sum / sum;
          }
        }
      }
      for (int e = 0; e < count; e++) {
        dP[e] += routing.balance() * count * first[e] / rows;
      }
      double mean = IntStream.range(0, count).mapToDouble(e -> p[e] * dP[e]).sum();
      for (int e = 0; e < count; e++) {
        dLogits[r * count + e] = p[e] * (dP[e] - mean)
            + routing.zLoss() * 2 * logSumOfExponentials(o.forward(), r) * p[e] / rows;
      }
    }
  }

  /** Share of a window's tokens that ask for each expert first. */
  private double[] firstShares(Route o, int window) {
    double[] shares = new double[o.routing().experts()];
    for (int t = 0; t < o.routing().length(); t++) {
      shares[asked(o, window * o.routing().length() + t).getFirst()] += 1.0 / o.routing().length();
    }
    return shares;
  }

  private double logSumOfExponentials(Route o, int row) {
    int count = o.routing().experts();
    return Math
        .log(IntStream.range(0, count).mapToDouble(e -> Math.exp(get(o.logits())[row * count + e])).sum());
  }

  private interface SlotBody {
    /** A token, an expert at which it has a slot, and the row of its slot. */
    void accept(int row, int expert, int slot);
  }

  private void eachSlot(ExpertRouting routing, Tensor weights, SlotBody body) {
    double[] weight = get(weights);
    int slot = 0;
    for (int e = 0; e < routing.experts(); e++) {
      for (int r = 0; r < weights.rows(); r++) {
        if (weight[r * routing.experts() + e] != 0) {
          body.accept(r, e, slot++);
        }
      }
    }
  }

  @Override
  public List<RoutingMetrics> routing() {
    return program.forward().stream().filter(Route.class::isInstance).map(o -> metrics((Route) o)).toList();
  }

  private RoutingMetrics metrics(Route o) {
    ExpertRouting routing = o.routing();
    int count = routing.experts();
    int rows = o.out().rows();
    double[] gates = get(o.out());
    boolean tokens = routing.choice() == Experts.Choice.TOKENS;
    double[] load = new double[count];
    double filled = 0;
    double alone = 0;
    double entropy = 0;
    double balance = 0;
    double zLoss = 0;
    double[] first = {};
    for (int r = 0; r < rows; r++) {
      first = r % routing.length() == 0 ? firstShares(o, r / routing.length()) : first;
      double[] p = softmax(get(o.logits()), r, count);
      int slots = 0;
      for (int e = 0; e < count; e++) {
        entropy -= p[e] == 0 ? 0 : p[e] * Math.log(p[e]) / rows;
        balance += count * first[e] * p[e] / rows;
        slots += gates[r * count + e] != 0 ? 1 : 0;
        load[e] += !tokens && gates[r * count + e] != 0
            ? 1.0 / (routing.capacity() * count * routing.windows())
            : 0;
      }
      if (tokens) {
        asked(o, r).forEach(e -> load[e] += 1.0 / (rows * routing.topK()));
      }
      filled += slots;
      alone += slots == 0 ? 1 : 0;
      zLoss += Math.pow(logSumOfExponentials(o, r), 2) / rows;
    }
    return new RoutingMetrics(o.logits().name(), tokens ? 1 - filled / (rows * routing.topK()) : alone / rows,
        DoubleStream.of(load).boxed().toList(), entropy, balance, zLoss);
  }

  private static double[] softmax(double[] logits, int row, int vocabulary) {
    double[] p = new double[vocabulary];
    double maximum = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < vocabulary; j++) {
      maximum = Math.max(maximum, logits[row * vocabulary + j]);
    }
    double sum = 0;
    for (int j = 0; j < vocabulary; j++) {
      p[j] = Math.exp(logits[row * vocabulary + j] - maximum);
      sum += p[j];
    }
    for (int j = 0; j < vocabulary; j++) {
      p[j] /= sum;
    }
    return p;
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    UpdateRule updateRule = program.updateRule().orElseThrow();
    double[] g = stepGradient(tokens, targets);
    double norm = Math.sqrt(Arrays.stream(g).map(x -> x * x).sum());
    if (updateRule.clip().isPresent()) {
      gradientNorm = OptionalDouble.of(norm);
      double most = updateRule.clip().getAsDouble();
      for (int i = 0; i < g.length; i++) {
        g[i] *= Math.min(1, most / norm);
      }
    }
    Optimiser optimiser = updateRule.optimiser();
    double[] p = parameters();
    double[] m = state.get(StateBuffer.FIRST_MOMENT.key());
    double[] v = state.get(StateBuffer.SECOND_MOMENT.key());
    int row = 0;
    int column = 0;
    // Of Muon, what has no matrices of hidden layers in it.
    Optimiser ofElements = optimiser instanceof Optimiser.Muon o ? o.others() : optimiser;
    for (Parameter parameter : program.trained()) {
      double decay = switch (parameter.group()) {
        case EMBEDDINGS -> updateRule.embeddingDecay();
        case MATRICES -> optimiser.weightDecay();
        case VECTORS -> updateRule.vectorDecay();
        case FROZEN -> throw new IllegalStateException("not trained: " + parameter);
      };
      double[] before = slice(p, parameter);
      if (optimiser instanceof Optimiser.Adafactor o) {
        double[] change = adafactor(o, parameter, slice(g, parameter), before, row, column, step);
        for (int i = 0; i < change.length; i++) {
          p[(int) parameter.offset() + i] -= learningRate * (decay * before[i] + change[i]);
        }
        row += parameter.tensor().rows();
        column += parameter.tensor().columns();
        continue;
      }
      if (optimiser instanceof Optimiser.Muon o && !parameter.hidden().isEmpty()) {
        parameter.hidden().forEach(matrix -> muon(o, matrix, g, learningRate));
        continue;
      }
      for (int i = (int) parameter.offset(); i < parameter.offset() + parameter.tensor().size(); i++) {
        p[i] -= learningRate * decay * p[i];
        switch (ofElements) {
          case Optimiser.AdamW o -> {
            m[i] = o.beta1() * m[i] + (1 - o.beta1()) * g[i];
            v[i] = o.beta2() * v[i] + (1 - o.beta2()) * g[i] * g[i];
            double unbiasedM = m[i] / (1 - Math.pow(o.beta1(), step));
            double unbiasedV = v[i] / (1 - Math.pow(o.beta2(), step));
            p[i] -= learningRate * unbiasedM / (Math.sqrt(unbiasedV) + o.epsilon());
          }
          case Optimiser.Lion o -> {
            p[i] -= learningRate * Math.signum(o.beta1() * m[i] + (1 - o.beta1()) * g[i]);
            m[i] = o.beta2() * m[i] + (1 - o.beta2()) * g[i];
          }
          case Optimiser.Tiger o -> {
            m[i] = o.beta() * m[i] + (1 - o.beta()) * g[i];
            p[i] -= learningRate * Math.signum(m[i]);
          }
          case Optimiser.Sgd o -> {
            m[i] = o.momentum() * m[i] + g[i];
            p[i] -= learningRate * m[i];
          }
          case Optimiser.Adafactor _,Optimiser.Muon _ -> throw new IllegalStateException("dealt with above");
        }
      }
    }
  }

  /** The gradient of the mean over all batches. */
  private double[] stepGradient(int[] tokens, int[] targets) {
    int batches = program.accumulation();
    int rows = program.rows();
    double[] sum = new double[(int) program.trainedCount()];
    double losses = 0;
    for (int batch = 0; batch < batches; batch++) {
      int[] asked = Arrays.copyOfRange(targets, batch * rows, (batch + 1) * rows);
      double[] g = gradient(Arrays.copyOfRange(tokens, batch * rows, (batch + 1) * rows), asked);
      double weight = (double) Targets.counted(asked) / Targets.counted(targets);
      losses += Arrays.stream(get(program.losses())).sum();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += g[i] * weight;
      }
    }
    meanLoss = losses / Targets.counted(targets);
    return sum;
  }

  /**
   * A parameter's change for a learning rate of 1, as the paper writes it: with the second moment whole.
   *
   * @param row of its first row's moment
   * @param column of its first column's moment
   */
  private double[] adafactor(Optimiser.Adafactor o, Parameter parameter, double[] g, double[] p, int row,
      int column, long step) {
    int rows = parameter.tensor().rows();
    int columns = parameter.tensor().columns();
    double[] byRow = state.get(StateBuffer.ROW_MOMENT.key());
    double[] byColumn = state.get(StateBuffer.COLUMN_MOMENT.key());
    double beta = 1 - Math.pow(step, -0.8);
    double total = 0;
    for (int i = 0; i < rows; i++) {
      double sum = 0;
      for (int j = 0; j < columns; j++) {
        sum += g[i * columns + j] * g[i * columns + j] + 1e-30;
      }
      byRow[row + i] = beta * byRow[row + i] + (1 - beta) * sum / columns;
      total += byRow[row + i];
    }
    for (int j = 0; j < columns; j++) {
      double sum = 0;
      for (int i = 0; i < rows; i++) {
        sum += g[i * columns + j] * g[i * columns + j] + 1e-30;
      }
      byColumn[column + j] = beta * byColumn[column + j] + (1 - beta) * sum / rows;
    }
    double[] change = new double[g.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double second = byRow[row + i] * byColumn[column + j] / (total / rows);
        change[i * columns + j] = g[i * columns + j] / Math.sqrt(second);
      }
    }
    double divisor = Math.max(1, rms(change) / o.clipThreshold());
    double factor = (o.relativeStep() ? Math.max(1e-3, rms(p)) : 1) / divisor;
    return Arrays.stream(change).map(x -> x * factor).toArray();
  }

  /** As its authors write it, with X X^T on the left whatever the shape: X = a X + b (X X^T) X + c (X X^T)^2 X. */
  private void muon(Optimiser.Muon o, HiddenMatrix matrix, double[] g, double learningRate) {
    double[] p = parameters();
    double[] m = state.get(StateBuffer.FIRST_MOMENT.key());
    double[][] x = new double[matrix.rows()][matrix.columns()];
    double squares = 0;
    for (int i = 0; i < matrix.rows(); i++) {
      for (int j = 0; j < matrix.columns(); j++) {
        int at = (int) matrix.offset() + i * matrix.stride() + j;
        m[at] = o.momentum() * m[at] + (1 - o.momentum()) * g[at];
        x[i][j] = o.nesterov() ? o.momentum() * m[at] + (1 - o.momentum()) * g[at] : m[at];
        squares += x[i][j] * x[i][j];
      }
    }
    double factor = o.orthogonaliser() == Orthogonaliser.POLAR_EXPRESS ? 1.01 : 1;
    double divisor = Math.max(factor * Math.sqrt(squares), 1e-7);
    x = combined(1 / divisor, x, 0, x, 0, x);
    for (Orthogonaliser.Quintic quintic : o.quintics()) {
      double[][] once = product(product(x, transposed(x)), x);
      double[][] twice = product(product(x, transposed(x)), once);
      x = combined(quintic.a(), x, quintic.b(), once, quintic.c(), twice);
    }
    double scale = switch (o.adjustLearningRate()) {
      case MATCH_RMS_ADAMW -> 0.2 * Math.sqrt(Math.max(matrix.rows(), matrix.columns()));
      case ORIGINAL -> Math.sqrt(Math.max(1, matrix.columns() / (double) matrix.rows()));
    };
    for (int i = 0; i < matrix.rows(); i++) {
      for (int j = 0; j < matrix.columns(); j++) {
        int at = (int) matrix.offset() + i * matrix.stride() + j;
        p[at] = p[at] - learningRate * (o.weightDecay() * p[at] + scale * x[i][j]);
      }
    }
  }

  private static double[][] product(double[][] a, double[][] b) {
    double[][] out = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int k = 0; k < b.length; k++) {
        for (int j = 0; j < b[0].length; j++) {
          out[i][j] += a[i][k] * b[k][j];
        }
      }
    }
    return out;
  }

  private static double[][] transposed(double[][] a) {
    double[][] out = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        out[j][i] = a[i][j];
      }
    }
    return out;
  }

  private static double[][] combined(double a, double[][] x, double b, double[][] y, double c, double[][] z) {
    double[][] out = new double[x.length][x[0].length];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < x[0].length; j++) {
        out[i][j] = a * x[i][j] + b * y[i][j] + c * z[i][j];
      }
    }
    return out;
  }

  private static double rms(double[] x) {
    return Math.sqrt(Arrays.stream(x).map(e -> e * e).sum() / x.length);
  }

  @Override
  public OptionalDouble gradientNorm() {
    return gradientNorm;
  }

  @Override
  public float[] parameter(Parameter parameter) {
    double[] slice = slice(parameters(), parameter);
    float[] copy = new float[slice.length];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = (float) slice[i];
    }
    return copy;
  }

  @Override
  public double loss() {
    return meanLoss;
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    meanLoss(tokens, targets);
    for (int r = 0; r < losses.length; r++) {
      losses[r] = (float) get(program.losses())[r];
    }
  }

  @Override
  public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
    losses(tokens, targets, losses);
    Tensor logits = ((CrossEntropy) program.forward().getLast()).logits();
    for (int r = 0; r < predictions.length; r++) {
      int first = r * logits.columns();
      predictions[r] = IntStream.range(0, logits.columns())
          .reduce((a, b) -> get(logits)[first + b] > get(logits)[first + a] ? b : a)
          .orElseThrow();
    }
  }

  @Override
  public Map<String, float[]> state() {
    Map<String, float[]> copies = new LinkedHashMap<>();
    state.forEach((name, content) -> {
      float[] copy = new float[content.length];
      for (int i = 0; i < copy.length; i++) {
        copy[i] = (float) content[i];
      }
      copies.put(name, copy);
    });
    return copies;
  }

  @Override
  public void load(Map<String, float[]> content) {
    content.forEach((name, array) -> {
      for (int i = 0; i < array.length; i++) {
        state.get(name)[i] = array[i];
      }
    });
  }

  @Override
  public void close() {}
}
