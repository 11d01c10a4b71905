package org.knowcap.models.engine;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.ForwardOperation.Route;

/**
 * One router at work on some windows, in plain Java: the numbers are few, one for each token and expert, and what is done
 * with them is all decisions. Settles gates and seats as {@link Route} and its gradient have them, and keeps count. Once
 * made it allocates nothing.
 */
public final class Router {
  private final Route route;
  private final Mixture mixture;
  private final int windows;
  private final int stepRows;
  private final int experts;
  private final int unit;
  private final float[] logits;
  private final float[] probabilities;
  private final float[] gates;
  private final float[] gateGradients;
  /** Of each token, the logarithm of the sum of exponentials of its logits. */
  private final float[] normalisers;
  /** Of each token, the experts it asks for, the likeliest first. */
  private final int[] asked;
  /** Of each window, how many tokens ask for each expert first. */
  private final int[] first;
  private final int[] taken;
  private final int[] starts;
  private final int[] tokens;
  private final long[] order;

  private final long[] load;
  private long seen;
  private long lost;
  private double entropy;
  private double balance;
  private double square;

  /**
   * @param windows windows that it sees at once, at most a step's
   * @param stepRows tokens of a step, over which the losses are means
   * @param unit every expert's seats begin at a row that is a multiple of this
   */
  public Router(Route route, int windows, int stepRows, int unit) {
    this.route = route;
    this.windows = windows;
    this.stepRows = stepRows;
    this.unit = unit;
    mixture = route.mixture();
    experts = mixture.experts();
    int rows = windows * mixture.length();
    logits = new float[rows * experts];
    probabilities = new float[rows * experts];
    gates = new float[rows * experts];
    gateGradients = new float[rows * experts];
    normalisers = new float[rows];
    asked = new int[rows * mixture.topK()];
    first = new int[windows * experts];
    taken = new int[experts];
    starts = new int[experts + 1];
    tokens = new int[mixture.seats() / mixture.windows() * windows + spareRows(mixture, unit)];
    order = new long[mixture.length()];
    load = new long[experts];
  }

  /** Rows that may be empty between experts' seats. */
  public static int spareRows(Mixture mixture, int unit) {
    return mixture.experts() * (unit - 1);
  }

  /** To be filled before {@link #route}, [rows, E]. */
  public float[] logits() {
    return logits;
  }

  /** To be filled before {@link #gradient} with the gradient of the gates, [rows, E]. */
  public float[] gateGradients() {
    return gateGradients;
  }

  /** Weight of an expert for a token; 0 where it does not sit there. */
  public float gate(int token, int expert) {
    return gates[token * experts + expert];
  }

  /** First row of an expert's seats; of the number of experts, the row after the last. */
  public int start(int expert) {
    return starts[expert];
  }

  /** The token that sits in a row, or -1 if that is empty. */
  public int token(int row) {
    return tokens[row];
  }

  /** Gates and seats from logits. */
  public void route() {
    Arrays.fill(gates, 0);
    Arrays.fill(first, 0);
    for (int window = 0; window < windows; window++) {
      int from = window * mixture.length();
      for (int row = from; row < from + mixture.length(); row++) {
        softmax(row);
        ask(row);
        first[window * experts + asked[row * mixture.topK()]]++;
      }
      switch (mixture.choice()) {
        case TOKENS -> seatTokens(from);
        case EXPERTS -> chooseTokens(from);
      }
    }
    seat();
    count();
  }

  private void softmax(int row) {
    int from = row * experts;
    float largest = logits[from];
    for (int e = 1; e < experts; e++) {
      largest = Math.max(largest, logits[from + e]);
    }
    double sum = 0;
    for (int e = 0; e < experts; e++) {
      double exponential = Math.exp(logits[from + e] - largest);
      probabilities[from + e] = (float) exponential;
      sum += exponential;
    }
    for (int e = 0; e < experts; e++) {
      probabilities[from + e] = (float) (probabilities[from + e] / sum);
    }
    normalisers[row] = (float) (largest + Math.log(sum));
  }

  /** The topK experts of largest logit, of equal ones the first. */
  private void ask(int row) {
    int from = row * mixture.topK();
    for (int choice = 0; choice < mixture.topK(); choice++) {
      int best = -1;
      for (int e = 0; e < experts; e++) {
        if ((best < 0 || logits[row * experts + e] > logits[row * experts + best])
            && !asks(from, choice, e)) {
          best = e;
        }
      }
      asked[from + choice] = best;
    }
  }

  /** Whether an expert is among the first so many that are asked for. */
  private boolean asks(int from, int choices, int expert) {
    for (int i = from; i < from + choices; i++) {
      if (asked[i] == expert) {
        return true;
      }
    }
    return false;
  }

  private void seatTokens(int from) {
    Arrays.fill(taken, 0);
    for (int row = from; row < from + mixture.length(); row++) {
      float share = 1 / askedProbability(row);
      for (int i = row * mixture.topK(); i < (row + 1) * mixture.topK(); i++) {
        if (taken[asked[i]]++ < mixture.places()) {
          int at = row * experts + asked[i];
          gates[at] = probabilities[at] * share;
        }
      }
    }
  }

  /** What a token's gates are in proportion to: the probability of all experts it asks for, 1 where it asks for one. */
  private float askedProbability(int row) {
    if (mixture.topK() == 1) {
      return 1;
    }
    float sum = 0;
    for (int i = row * mixture.topK(); i < (row + 1) * mixture.topK(); i++) {
      sum += probabilities[row * experts + asked[i]];
    }
    return sum;
  }

  private void chooseTokens(int from) {
    for (int e = 0; e < experts; e++) {
      for (int t = 0; t < mixture.length(); t++) {
        // Positive floats are in the order of their bits; of equal ones the first token comes last.
        int bits = Float.floatToRawIntBits(probabilities[(from + t) * experts + e]);
        order[t] = (long) bits << Integer.SIZE | mixture.length() - 1 - t;
      }
      Arrays.sort(order);
      for (int i = mixture.length() - mixture.places(); i < mixture.length(); i++) {
        int at = (from + mixture.length() - 1 - (int) order[i]) * experts + e;
        gates[at] = probabilities[at];
      }
    }
  }

  private void seat() {
    Arrays.fill(taken, 0);
    for (int at = 0; at < gates.length; at++) {
      if (gates[at] != 0) {
        taken[at % experts]++;
      }
    }
    for (int e = 0; e < experts; e++) {
      starts[e + 1] = starts[e] + Math.ceilDiv(taken[e], unit) * unit;
      taken[e] = starts[e];
    }
    Arrays.fill(tokens, -1);
    for (int at = 0; at < gates.length; at++) {
      if (gates[at] != 0) {
        tokens[taken[at % experts]++] = at / experts;
      }
    }
  }

  /**
   * Gradient of the logits, from that of the gates and the router's own losses.
   *
   * @param gradient filled, [rows, E]
   */
  public void gradient(float[] gradient) {
    for (int row = 0; row < windows * mixture.length(); row++) {
      int from = row * experts;
      int window = row / mixture.length() * experts;
      float mean = 0;
      for (int e = 0; e < experts; e++) {
        gradient[from + e] = (float) (mixture.balance() * experts * first[window + e]
            / ((double) mixture.length() * stepRows));
      }
      addGateGradients(row, gradient);
      for (int e = 0; e < experts; e++) {
        mean += probabilities[from + e] * gradient[from + e];
      }
      float pull = (float) (mixture.zLoss() * 2 * normalisers[row] / stepRows);
      for (int e = 0; e < experts; e++) {
        gradient[from + e] = probabilities[from + e] * (gradient[from + e] - mean + pull);
      }
    }
  }

  /** What arrives at a token's probabilities from its gates. */
  private void addGateGradients(int row, float[] gradient) {
    int from = row * experts;
    if (mixture.topK() == 1) {
      for (int at = from; at < from + experts; at++) {
        if (gates[at] != 0) {
          gradient[at] += gateGradients[at];
        }
      }
      return;
    }
    // Of g = p / sum: (dG - sum of dG g) / sum for each that is asked for, where dG is 0 for one without a seat.
    float share = 1 / askedProbability(row);
    float mean = 0;
    for (int i = row * mixture.topK(); i < (row + 1) * mixture.topK(); i++) {
      mean += gateGradients[from + asked[i]] * gates[from + asked[i]];
    }
    for (int i = row * mixture.topK(); i < (row + 1) * mixture.topK(); i++) {
      int at = from + asked[i];
      gradient[at] += ((gates[at] == 0 ? 0 : gateGradients[at]) - mean) * share;
    }
  }

  /** Forgets what it has counted. */
  public void restart() {
    Arrays.fill(load, 0);
    seen = 0;
    lost = 0;
    entropy = 0;
    balance = 0;
    square = 0;
  }

  private void count() {
    for (int row = 0; row < windows * mixture.length(); row++) {
      int seats = 0;
      for (int at = row * experts; at < (row + 1) * experts; at++) {
        seats += gates[at] == 0 ? 0 : 1;
        entropy += probabilities[at] * (normalisers[row] - (double) logits[at]);
        balance += (double) probabilities[at] * first[row / mixture.length() * experts + at % experts];
      }
      square += (double) normalisers[row] * normalisers[row];
      switch (mixture.choice()) {
        case TOKENS -> {
          lost += mixture.topK() - seats;
          for (int i = row * mixture.topK(); i < (row + 1) * mixture.topK(); i++) {
            load[asked[i]]++;
          }
        }
        case EXPERTS -> {
          lost += seats == 0 ? 1 : 0;
          for (int e = 0; e < experts; e++) {
            load[e] += gates[row * experts + e] == 0 ? 0 : 1;
          }
        }
      }
      seen++;
    }
  }

  /**
   * What several have counted since they were restarted.
   *
   * @param routers of the same place in the model, at least one
   */
  public static RoutingMetrics metrics(List<Router> routers) {
    Mixture mixture = routers.getFirst().mixture;
    double tokens = routers.stream().mapToLong(router -> router.seen).sum();
    double loads = routers.stream().flatMapToLong(router -> Arrays.stream(router.load)).sum();
    return new RoutingMetrics(routers.getFirst().route.logits().name(),
        routers.stream().mapToLong(router -> router.lost).sum() / (tokens * mixture.topK()),
        IntStream.range(0, mixture.experts())
            .mapToObj(e -> routers.stream().mapToLong(router -> router.load[e]).sum() / loads)
            .toList(),
        routers.stream().mapToDouble(router -> router.entropy).sum() / tokens, mixture.experts()
            * routers.stream().mapToDouble(router -> router.balance).sum() / mixture.length() / tokens,
        routers.stream().mapToDouble(router -> router.square).sum() / tokens);
  }
}
