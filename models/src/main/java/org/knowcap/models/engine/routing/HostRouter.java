package org.knowcap.models.engine.routing;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Route;

/**
 * One router at work on some windows, in plain Java: the numbers are few, one for each token and expert, and what is done
 * with them is all decisions. Computes routing weights and slots as {@link Route} and its gradient define them, and keeps count. Once
 * made it allocates nothing.
 */
public final class HostRouter {
  private final Route route;
  private final ExpertRouting routing;
  private final int windows;
  private final int stepRows;
  private final int experts;
  private final int unit;
  private final float[] logits;
  private final float[] probabilities;
  private final float[] weights;
  private final float[] weightGradients;
  /** Of each token, the logarithm of the sum of exponentials of its logits. */
  private final float[] logSumExp;
  /** The experts that each token asks for, the likeliest first. */
  private final int[] choices;
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
   * @param unit every expert's slots begin at a row that is a multiple of this
   */
  public HostRouter(Route route, int windows, int stepRows, int unit) {
    this.route = route;
    this.windows = windows;
    this.stepRows = stepRows;
    this.unit = unit;
    routing = route.routing();
    experts = routing.experts();
    int rows = windows * routing.length();
    logits = new float[rows * experts];
    probabilities = new float[rows * experts];
    weights = new float[rows * experts];
    weightGradients = new float[rows * experts];
    logSumExp = new float[rows];
    choices = new int[rows * routing.topK()];
    first = new int[windows * experts];
    taken = new int[experts];
    starts = new int[experts + 1];
    tokens = new int[routing.slots() / routing.windows() * windows + spareRows(routing, unit)];
    order = new long[routing.length()];
    load = new long[experts];
  }

  /** Rows that may be empty between experts' slots. */
  public static int spareRows(ExpertRouting routing, int unit) {
    return routing.experts() * (unit - 1);
  }

  /** To be filled before {@link #route}, [rows, E]. */
  public float[] logits() {
    return logits;
  }

  /** To be filled before {@link #gradient} with the gradient of the routing weights, [rows, E]. */
  public float[] weightGradients() {
    return weightGradients;
  }

  /** Weight of an expert for a token; 0 where it does not sit there. */
  public float weight(int token, int expert) {
    return weights[token * experts + expert];
  }

  /** First row of an expert's slots; for the number of experts, the row after the last. */
  public int start(int expert) {
    return starts[expert];
  }

  /** The token that sits in a row, or -1 if that is empty. */
  public int token(int row) {
    return tokens[row];
  }

  /** Routing weights and slots from logits. */
  public void route() {
    Arrays.fill(weights, 0);
    Arrays.fill(first, 0);
    for (int window = 0; window < windows; window++) {
      int from = window * routing.length();
      for (int row = from; row < from + routing.length(); row++) {
        softmax(row);
        choose(row);
        first[window * experts + choices[row * routing.topK()]]++;
      }
      switch (routing.choice()) {
        case TOKENS -> tokensChoose(from);
        case EXPERTS -> expertsChoose(from);
      }
    }
    fillSlots();
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
    logSumExp[row] = (float) (largest + Math.log(sum));
  }

  /** The topK experts of largest logit, of equal ones the first. */
  private void choose(int row) {
    int from = row * routing.topK();
    for (int choice = 0; choice < routing.topK(); choice++) {
      int best = -1;
      for (int e = 0; e < experts; e++) {
        if ((best < 0 || logits[row * experts + e] > logits[row * experts + best])
            && !asks(from, choice, e)) {
          best = e;
        }
      }
      choices[from + choice] = best;
    }
  }

  /** Whether an expert is among the first {@code count} that a token asks for. */
  private boolean asks(int from, int count, int expert) {
    for (int i = from; i < from + count; i++) {
      if (choices[i] == expert) {
        return true;
      }
    }
    return false;
  }

  private void tokensChoose(int from) {
    Arrays.fill(taken, 0);
    for (int row = from; row < from + routing.length(); row++) {
      float share = 1 / chosenProbability(row);
      for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
        if (taken[choices[i]]++ < routing.capacity()) {
          int at = row * experts + choices[i];
          weights[at] = probabilities[at] * share;
        }
      }
    }
  }

  /** What a token's routing weights are in proportion to: the probability of all experts it asks for, 1 where it asks for one. */
  private float chosenProbability(int row) {
    if (routing.topK() == 1) {
      return 1;
    }
    float sum = 0;
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      sum += probabilities[row * experts + choices[i]];
    }
    return sum;
  }

  private void expertsChoose(int from) {
    for (int e = 0; e < experts; e++) {
      for (int t = 0; t < routing.length(); t++) {
        // Positive floats are in the order of their bits; of equal ones the first token comes last.
        int bits = Float.floatToRawIntBits(probabilities[(from + t) * experts + e]);
        order[t] = (long) bits << Integer.SIZE | routing.length() - 1 - t;
      }
      Arrays.sort(order);
      for (int i = routing.length() - routing.capacity(); i < routing.length(); i++) {
        int at = (from + routing.length() - 1 - (int) order[i]) * experts + e;
        weights[at] = probabilities[at];
      }
    }
  }

  private void fillSlots() {
    Arrays.fill(taken, 0);
    for (int at = 0; at < weights.length; at++) {
      if (weights[at] != 0) {
        taken[at % experts]++;
      }
    }
    for (int e = 0; e < experts; e++) {
      starts[e + 1] = starts[e] + Math.ceilDiv(taken[e], unit) * unit;
      taken[e] = starts[e];
    }
    Arrays.fill(tokens, -1);
    for (int at = 0; at < weights.length; at++) {
      if (weights[at] != 0) {
        tokens[taken[at % experts]++] = at / experts;
      }
    }
  }

  /**
   * Gradient of the logits, from that of the routing weights and the router's own losses.
   *
   * @param gradient filled, [rows, E]
   */
  public void gradient(float[] gradient) {
    for (int row = 0; row < windows * routing.length(); row++) {
      int from = row * experts;
      int window = row / routing.length() * experts;
      float mean = 0;
      for (int e = 0; e < experts; e++) {
        gradient[from + e] = (float) (routing.balance() * experts * first[window + e]
            / ((double) routing.length() * stepRows));
      }
      addWeightGradients(row, gradient);
      for (int e = 0; e < experts; e++) {
        mean += probabilities[from + e] * gradient[from + e];
      }
      float pull = (float) (routing.zLoss() * 2 * logSumExp[row] / stepRows);
      for (int e = 0; e < experts; e++) {
        gradient[from + e] = probabilities[from + e] * (gradient[from + e] - mean + pull);
      }
    }
  }

  /** What arrives at a token's probabilities from its weights. */
  private void addWeightGradients(int row, float[] gradient) {
    int from = row * experts;
    if (routing.topK() == 1) {
      for (int at = from; at < from + experts; at++) {
        if (weights[at] != 0) {
          gradient[at] += weightGradients[at];
        }
      }
      return;
    }
    // Of g = p / sum: (dG - sum of dG g) / sum for each that it asks for, where dG is 0 for one without a slot.
    float share = 1 / chosenProbability(row);
    float mean = 0;
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      mean += weightGradients[from + choices[i]] * weights[from + choices[i]];
    }
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      int at = from + choices[i];
      gradient[at] += ((weights[at] == 0 ? 0 : weightGradients[at]) - mean) * share;
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
    for (int row = 0; row < windows * routing.length(); row++) {
      int slots = 0;
      for (int at = row * experts; at < (row + 1) * experts; at++) {
        slots += weights[at] == 0 ? 0 : 1;
        entropy += probabilities[at] * (logSumExp[row] - (double) logits[at]);
        balance += (double) probabilities[at] * first[row / routing.length() * experts + at % experts];
      }
      square += (double) logSumExp[row] * logSumExp[row];
      switch (routing.choice()) {
        case TOKENS -> {
          lost += routing.topK() - slots;
          for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
            load[choices[i]]++;
          }
        }
        case EXPERTS -> {
          lost += slots == 0 ? 1 : 0;
          for (int e = 0; e < experts; e++) {
            load[e] += weights[row * experts + e] == 0 ? 0 : 1;
          }
        }
      }
      seen++;
    }
  }

  /**
   * What several have counted since they were restarted.
   *
   * @param routers of the same block of the model, at least one
   */
  public static RoutingMetrics metrics(List<HostRouter> routers) {
    ExpertRouting routing = routers.getFirst().routing;
    double tokens = routers.stream().mapToLong(router -> router.seen).sum();
    double loads = routers.stream().flatMapToLong(router -> Arrays.stream(router.load)).sum();
    return new RoutingMetrics(routers.getFirst().route.logits().name(),
        routers.stream().mapToLong(router -> router.lost).sum() / (tokens * routing.topK()),
        IntStream.range(0, routing.experts())
            .mapToObj(e -> routers.stream().mapToLong(router -> router.load[e]).sum() / loads)
            .toList(),
        routers.stream().mapToDouble(router -> router.entropy).sum() / tokens, routing.experts()
            * routers.stream().mapToDouble(router -> router.balance).sum() / routing.length() / tokens,
        routers.stream().mapToDouble(router -> router.square).sum() / tokens);
  }
}
