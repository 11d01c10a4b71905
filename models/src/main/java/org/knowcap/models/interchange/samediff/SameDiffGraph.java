package org.knowcap.models.interchange.samediff;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.ScalarGate;
import org.knowcap.models.program.Scale;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.ModelSpec;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A model's forward part as SameDiff has it. Placeholders: {@value #TOKENS} and {@value #TARGETS}, int32 [B, T] of
 * any number B of windows. Outputs: {@value #LOGITS} [B, T, V], which needs only the tokens, and {@value #LOSSES}
 * [B, T], -ln p of each target in nats. Parameters have Knowcap's names. Inside the graph, R = B * T, and token (b,
 * t) is row b * T + t.
 */
public final class SameDiffGraph {
  /** Ids read, int32 [B, T]. */
  public static final String TOKENS = "tokens";
  /** Ids to predict, int32 [B, T]. */
  public static final String TARGETS = "targets";
  /** Output, fp32 [B, T, V]. */
  public static final String LOGITS = "logits";
  /** Output, fp32 [B, T], nats. */
  public static final String LOSSES = "losses";

  /** Added to scores of what a query does not see: far enough below every score that exp gives exactly zero. */
  private static final float MASKED = -1e9f;

  private final SameDiff graph = SameDiff.create();
  private final Program program;
  private final Map<Tensor, SDVariable> values = new HashMap<>();

  private SameDiffGraph(Program program) {
    this.program = program;
  }

  /**
   * The model, if SameDiff can compute it.
   *
   * @throws IllegalArgumentException saying why it cannot
   */
  public static ModelSpec checked(ModelSpec model) {
    if (model.ngrams().isPresent()) {
      throw new IllegalArgumentException(
          model.name() + " cannot be exported to SameDiff, which has no hash for its memory of n-grams");
    }
    return model;
  }

  /**
   * Writes a model to a file that {@code SameDiff.load} reads.
   *
   * @param ids that tokens can have
   * @param length tokens of a window, T
   * @param parameters flat, [P]
   * @throws IllegalArgumentException where the model has no windows of that length, or a memory of n-grams
   */
  public static void write(Path file, ModelSpec model, TokenIds ids, int length, float[] parameters)
      throws IOException {
    SameDiffGraph written = new SameDiffGraph(Program.scoring(checked(model), ids, 1, length));
    written.build(parameters);
    written.graph.save(file.toFile(), false);
  }

  private void build(float[] parameters) {
    for (Tensor ids : new Tensor[]{program.tokens(), program.targets()}) {
      SDVariable given = graph.placeHolder(ids.name(), DataType.INT32, -1, program.length());
      values.put(ids, graph.reshape(given, -1));
    }
    for (Parameter parameter : program.parameters()) {
      Tensor tensor = parameter.tensor();
      float[] content = new float[(int) tensor.size()];
      System.arraycopy(parameters, (int) parameter.offset(), content, 0, content.length);
      values.put(tensor, graph.var(tensor.name(), array(content, tensor.rows(), tensor.columns())));
    }
    program.forward().forEach(operation -> values.put(operation.out(), of(operation)));
    CrossEntropy last = (CrossEntropy) program.forward().getLast();
    graph.reshape(LOGITS, values.get(last.logits()), -1, program.length(), program.vocabulary());
    graph.reshape(LOSSES, values.get(last.out()), -1, program.length());
  }

  private static INDArray array(float[] content, long... shape) {
    return Nd4j.createFromArray(content).reshape(shape);
  }

  private SDVariable of(ForwardOperation operation) {
    return switch (operation) {
      case Embedding o -> graph.gather(values.get(o.table()), values.get(o.tokens()), 0);
      case LearnedPositions o -> learnedPositions(o);
      case Normalisation o -> norm(o);
      case Linear o -> {
        SDVariable product = graph.mmul(values.get(o.x()), values.get(o.weight()), false, o.transposed(),
            false);
        yield o.bias().map(bias -> product.add(values.get(bias))).orElse(product);
      }
      case Activate o -> activate(o.activation(), values.get(o.x()));
      case GatedActivation o -> {
        SDVariable[] halves = graph.split(values.get(o.x()), 2, -1);
        yield activate(o.activation(), halves[0]).mul(halves[1]);
      }
      case Canon o -> canon(o);
      case Rope o -> rotary(o);
      case Attention o -> attention(o);
      case Recurrence o -> recurrence(o);
      case GatedNorm o -> gatedNorm(o);
      case NgramLookup _,ScalarGate _ -> throw new IllegalStateException("refused before: " + operation);
      case Scale o -> values.get(o.x()).mul(o.factor());
      case Add o -> values.get(o.a()).add(values.get(o.b()));
      case Route o -> route(o);
      case Dispatch o ->
          graph.tile(graph.reshape(values.get(o.x()), 1, -1, o.x().columns()), o.routing().experts(), 1, 1);
      case ExpertLinear o -> {
        int experts = o.routing().experts();
        SDVariable product = graph.mmul(values.get(o.x()),
            graph.reshape(values.get(o.weight()), experts, o.x().columns(), o.out().columns()));
        yield o.bias()
            .map(bias -> product.add(graph.reshape(values.get(bias), experts, 1, o.out().columns())))
            .orElse(product);
      }
      case Combine o -> {
        SDVariable weights = graph.permute(values.get(o.weights()), 1, 0);
        yield values.get(o.x()).mul(graph.reshape(weights, o.routing().experts(), -1, 1)).sum(0);
      }
      case CrossEntropy o -> crossEntropy(o);
    };
  }

  /**
   * The routing weights, [R, E]. Experts here compute all tokens, [E, R, d], and an expert at which a token has no
   * slot counts nothing: the sum is that over slots.
   */
  private SDVariable route(Route o) {
    ExpertRouting routing = o.routing();
    SDVariable p = graph.nn().softmax(values.get(o.logits()), 1);
    return switch (routing.choice()) {
      case TOKENS -> {
        SDVariable asked = largest(p, routing.topK(), routing.experts());
        // Of the tokens of its window, how many asked for the expert before this one.
        SDVariable before = graph.cumsum(byWindow(asked, routing), true, false, 1);
        SDVariable hasSlot = graph.lt(before, routing.capacity()).castTo(DataType.FLOAT);
        SDVariable weights = p.mul(asked);
        yield (routing.topK() == 1 ? weights : weights.div(weights.sum(true, 1)))
            .mul(graph.reshape(hasSlot, -1, routing.experts()));
      }
      case EXPERTS -> {
        SDVariable byExpert = graph.permute(byWindow(p, routing), 0, 2, 1);
        SDVariable taken = graph.reshape(largest(byExpert, routing.capacity(), routing.length()), -1,
            routing.experts(), routing.length());
        yield p.mul(graph.reshape(graph.permute(taken, 0, 2, 1), -1, routing.experts()));
      }
    };
  }

  /** [B, T, E]. */
  private SDVariable byWindow(SDVariable x, ExpertRouting routing) {
    return graph.reshape(x, -1, routing.length(), routing.experts());
  }

  /**
   * 1 for each of the {@code count} largest of the last dimension, of {@code size} elements, else 0: what fewer than
   * so many exceed. ND4J's own top_k finds one alone, whatever it is asked for.
   */
  private SDVariable largest(SDVariable x, int count, int size) {
    SDVariable exceeded = graph.gt(graph.reshape(x, -1, 1, size), graph.reshape(x, -1, size, 1));
    return graph.lt(exceeded.castTo(DataType.FLOAT).sum(2), count).castTo(DataType.FLOAT);
  }

  private SDVariable learnedPositions(LearnedPositions o) {
    int width = o.out().columns();
    SDVariable places = graph.gather(values.get(o.table()), IntStream.range(0, o.length()).toArray(), 0);
    SDVariable placed = graph.reshape(values.get(o.x()), -1, o.length(), width)
        .add(graph.reshape(places, 1, o.length(), width));
    return graph.reshape(placed, -1, width);
  }

  /** Queries and keys are normed head by head; values are joined to them again. */
  private SDVariable headNorm(Normalisation o, Heads heads) {
    int normed = heads.count() + heads.keyCount();
    SDVariable qkv = byToken(values.get(o.x()), heads, heads.width());
    SDVariable x = graph.gather(qkv, IntStream.range(0, normed).toArray(), 2);
    SDVariable std = graph.math().sqrt(x.mul(x).mean(true, 3).add(o.epsilon()));
    SDVariable gains = graph.gather(graph.reshape(values.get(o.gain()), 2, heads.width()),
        IntStream.range(0, normed).map(head -> head < heads.count() ? 0 : 1).toArray(), 0);
    SDVariable scaled = x.div(std).mul(graph.reshape(gains, 1, 1, normed, heads.width()));
    SDVariable unchanged = graph.gather(qkv, IntStream.range(normed, normed + heads.keyCount()).toArray(), 2);
    return graph.reshape(graph.concat(2, scaled, unchanged), -1, heads.qkvWidth());
  }

  private SDVariable norm(Normalisation o) {
    if (o.heads().isPresent()) {
      return headNorm(o, o.heads().get());
    }
    SDVariable x = values.get(o.x());
    if (o.bias().isPresent()) {
      x = x.sub(x.mean(true, 1));
    }
    SDVariable std = graph.math().sqrt(x.mul(x).mean(true, 1).add(o.epsilon()));
    SDVariable scaled = x.div(std).mul(values.get(o.gain()));
    return o.bias().map(bias -> scaled.add(values.get(bias))).orElse(scaled);
  }

  private SDVariable activate(Activation activation, SDVariable x) {
    return switch (activation) {
      case GELU -> {
        SDVariable inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
        yield x.mul(0.5).mul(graph.math().tanh(inner).add(1));
      }
      case SILU -> graph.nn().swish(x);
      case RELU2 -> {
        SDVariable positive = graph.nn().relu(x, 0);
        yield positive.mul(positive);
      }
    };
  }

  /** x and what its weights make of the tokens up to three before, [R, n]. */
  private SDVariable canon(Canon o) {
    int columns = o.x().columns();
    int length = o.length();
    SDVariable x = graph.reshape(values.get(o.x()), -1, length, columns);
    Optional<SDVariable> numbers = o.documents().map(documents -> documentNumbers(documents, length));
    SDVariable sum = x;
    for (int k = 0; k < Math.min(Canon.WIDTH, length); k++) {
      int lag = k;
      int[] earlier = IntStream.range(0, length).map(t -> Math.max(0, t - lag)).toArray();
      float[] there = new float[length];
      Arrays.fill(there, lag, length, 1);
      SDVariable shifted = graph.gather(x, earlier, 1).mul(graph.constant(array(there, 1, length, 1)));
      if (numbers.isPresent()) {
        SDVariable same = graph.eq(numbers.get(), graph.gather(numbers.get(), earlier, 1))
            .castTo(DataType.FLOAT);
        shifted = shifted.mul(graph.reshape(same, -1, length, 1));
      }
      SDVariable weight = graph.gather(values.get(o.weight()), new int[]{lag}, 0);
      sum = sum.add(shifted.mul(graph.reshape(weight, 1, 1, columns)));
    }
    return graph.reshape(sum, -1, columns);
  }

  /**
   * x * cosine + (x swap) * sine, head by head, where the matrix swap [width, width] takes component i of the first
   * half of the rotated part to i of the second, and that to the first with its sign turned.
   */
  private SDVariable rotary(Rope o) {
    Heads heads = o.heads();
    int half = o.rotated() / 2;
    int width = heads.width();
    int count = heads.qkvWidth() / width;
    float[] swap = new float[width * width];
    for (int i = 0; i < half; i++) {
      swap[i * width + i + half] = 1;
      swap[(i + half) * width + i] = -1;
    }
    float[] cosine = new float[heads.length() * count * width];
    float[] sine = new float[cosine.length];
    for (int i = 0; i < cosine.length; i++) {
      int component = i % width;
      int head = i / width % count;
      int token = i / (width * count);
      double position = head < heads.count() ? o.positions().query(token) : o.positions().key(token);
      boolean rotates = head < heads.count() + heads.keyCount() && component < o.rotated();
      double angle = rotates ? position * Math.pow(o.base(), -2.0 * (component % half) / o.rotated()) : 0;
      cosine[i] = (float) Math.cos(angle);
      sine[i] = (float) Math.sin(angle);
    }
    long[] shape = {1, heads.length(), count, width};
    SDVariable x = values.get(o.x());
    SDVariable swapped = graph.mmul(graph.reshape(x, -1, width), graph.constant(array(swap, width, width)));
    SDVariable turned = byToken(x, heads, width).mul(graph.constant(array(cosine, shape)))
        .add(byToken(swapped, heads, width).mul(graph.constant(array(sine, shape))));
    return graph.reshape(turned, -1, heads.qkvWidth());
  }

  /** [B, T, heads of queries, keys and values, width]. */
  private SDVariable byToken(SDVariable x, Heads heads, int width) {
    return graph.reshape(x, -1, heads.length(), heads.qkvWidth() / width, width);
  }

  private SDVariable attention(Attention o) {
    Heads heads = o.heads();
    SDVariable products = products(o.qkv(), heads);
    SDVariable scores = switch (o.scores()) {
      case Attention.Scores.DotProduct _ -> products;
      case Attention.Scores.Alibi alibi -> products.sub(graph.constant(pairs(heads, heads.count(),
          (head, distance) -> (float) (Math.max(0, distance) * alibi.slope(heads, head)))));
      case Attention.Scores.Rerope rerope -> {
        INDArray far = pairs(heads, 1, (head, distance) -> distance >= rerope.window() ? 1 : 0);
        yield products.mul(graph.constant(far.rsub(1)))
            .add(products(rerope.qkv(), heads).mul(graph.constant(far)));
      }
    };
    scores = scores.add(graph.constant(
        pairs(heads, 1, (head, distance) -> distance >= 0 && distance < heads.reach() ? 0 : MASKED)));
    if (o.documents().isPresent()) {
      scores = scores.add(otherDocuments(o.documents().get(), heads).mul(MASKED));
    }
    SDVariable theirs = pick(byHead(o.qkv(), heads), heads,
        head -> heads.count() + heads.keyCount() + head / heads.group());
    SDVariable mixed = graph.mmul(graph.nn().softmax(scores, 3), theirs);
    return graph.reshape(graph.permute(mixed, 0, 2, 1, 3), -1, o.out().columns());
  }

  /** q k^T / sqrt(width), [B, heads of queries, T, T]. */
  private SDVariable products(Tensor qkv, Heads heads) {
    SDVariable byHead = byHead(qkv, heads);
    SDVariable queries = pick(byHead, heads, head -> head);
    SDVariable keys = pick(byHead, heads, head -> heads.count() + head / heads.group());
    return graph.mmul(queries, graph.permute(keys, 0, 1, 3, 2)).mul(1 / Math.sqrt(heads.width()));
  }

  /** [B, heads of queries, keys and values, T, width]. */
  private SDVariable byHead(Tensor qkv, Heads heads) {
    return graph.permute(byToken(values.get(qkv), heads, heads.width()), 0, 2, 1, 3);
  }

  /**
   * A window at once instead of token after token: token t reads what token s wrote, u_s, by the weight sum over components of
   * q_t k_s e^(G_t - G_s), where G is the sum of the logarithms of decays. Under the delta rule (I + N) u = b v, where N has
   * such weights of keys times b. N is zero on its diagonal and above, so the inverse of I + N is (I - N)(I + N^2)(I + N^4) ...
   */
  private SDVariable recurrence(Recurrence o) {
    Recurrence.Shape shape = o.shape();
    SDVariable[] parts = graph.splitV(values.get(o.qkv()),
        graph.constant(Nd4j.createFromArray(shape.heads() * shape.keyWidth(),
            shape.heads() * shape.keyWidth(), shape.heads() * shape.valueWidth())),
        3, 1);
    SDVariable q = unit(o, ofHeads(parts[0], shape, shape.keyWidth()));
    SDVariable k = unit(o, ofHeads(parts[1], shape, shape.keyWidth()));
    SDVariable v = ofHeads(parts[2], shape, shape.valueWidth());
    SDVariable sums = graph.cumsum(logDecays(o), false, false, 2);
    int components = o.delta().isPresent() ? 1 : shape.keyWidth();
    SDVariable apart = graph.reshape(sums, -1, shape.heads(), shape.length(), 1, components)
        .sub(graph.reshape(sums, -1, shape.heads(), 1, shape.length(), components));
    SDVariable read = weights(o, q, k, apart, 0);
    SDVariable written = v;
    if (o.delta().isPresent()) {
      SDVariable strengths = graph.nn().sigmoid(ofHeads(values.get(o.delta().get().strengths()), shape, 1));
      SDVariable n = weights(o, k, k, apart, 1).mul(strengths);
      written = v.mul(strengths);
      written = written.sub(graph.mmul(n, written));
      for (int reach = 2; reach < shape.length(); reach *= 2) {
        n = graph.mmul(n, n);
        written = written.add(graph.mmul(n, written));
      }
    }
    SDVariable mixed = graph.mmul(read, written).mul(1 / Math.sqrt(shape.keyWidth()));
    return graph.reshape(graph.permute(mixed, 0, 2, 1, 3), -1, o.out().columns());
  }

  /** [B, heads, T, width]. */
  private SDVariable ofHeads(SDVariable x, Recurrence.Shape shape, int width) {
    return graph.permute(graph.reshape(x, -1, shape.length(), shape.heads(), width), 0, 2, 1, 3);
  }

  private SDVariable unit(Recurrence o, SDVariable x) {
    return o.delta().isPresent()
        ? x.div(graph.math().sqrt(x.mul(x).sum(true, 3).add(Recurrence.LENGTH_EPSILON)))
        : x;
  }

  /** [B, heads, T, key width], or of one column under the delta rule. */
  private SDVariable logDecays(Recurrence o) {
    SDVariable z = values.get(o.decays());
    SDVariable log = o.delta()
        .map(delta -> graph.nn().softplus(z).mul(graph.math().exp(values.get(delta.rates()))).neg())
        .orElseGet(() -> graph.nn().softplus(z.neg()).mul(-1 / Recurrence.TEMPERATURE));
    return ofHeads(graph.clipByValue(log, Recurrence.LEAST_LOG_DECAY, 0), o.shape(),
        o.delta().isPresent() ? 1 : o.shape().keyWidth());
  }

  /**
   * Of queries or keys with the keys of at least so many tokens before, in one document, [B, heads, T, T].
   *
   * @param apart sums of logarithms of decays between two tokens, [B, heads, T, T, components]
   */
  private SDVariable weights(Recurrence o, SDVariable x, SDVariable k, SDVariable apart, int least) {
    Recurrence.Shape shape = o.shape();
    int length = shape.length();
    float[] hidden = new float[length * length];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = i / length - i % length >= least ? 0 : MASKED;
    }
    SDVariable masked = apart.add(graph.constant(array(hidden, 1, 1, length, length, 1)));
    if (o.documents().isPresent()) {
      SDVariable numbers = documentNumbers(o.documents().get(), length);
      masked = masked.add(
          graph.neq(graph.reshape(numbers, -1, 1, length, 1, 1), graph.reshape(numbers, -1, 1, 1, length, 1))
              .castTo(DataType.FLOAT)
              .mul(MASKED));
    }
    SDVariable decays = graph.math().exp(masked);
    if (o.delta().isPresent()) {
      return graph.mmul(x, graph.permute(k, 0, 1, 3, 2))
          .mul(graph.reshape(decays, -1, shape.heads(), length, length));
    }
    return graph.reshape(x, -1, shape.heads(), length, 1, shape.keyWidth())
        .mul(graph.reshape(k, -1, shape.heads(), 1, length, shape.keyWidth()))
        .mul(decays)
        .sum(4);
  }

  private SDVariable gatedNorm(GatedNorm o) {
    SDVariable x = graph.reshape(values.get(o.x()), -1, o.width());
    SDVariable std = graph.math().sqrt(x.mul(x).mean(true, 1).add(o.epsilon()));
    SDVariable normed = x.div(std).mul(values.get(o.gain()));
    return graph.reshape(normed, -1, o.x().columns()).mul(graph.nn().swish(values.get(o.gate())));
  }

  /** 1 where query and key are of different documents, else 0: [B, 1, T, T]. */
  private SDVariable otherDocuments(Documents documents, Heads heads) {
    SDVariable numbers = documentNumbers(documents, heads.length());
    return graph
        .neq(graph.reshape(numbers, -1, 1, heads.length(), 1),
            graph.reshape(numbers, -1, 1, 1, heads.length()))
        .castTo(DataType.FLOAT);
  }

  /** The number of each token's document in its window, [B, T]. */
  private SDVariable documentNumbers(Documents documents, int length) {
    SDVariable begins = graph.eq(values.get(documents.tokens()), documents.separator())
        .castTo(DataType.FLOAT);
    return graph.cumsum(graph.reshape(begins, -1, length), false, false, 1);
  }

  /** For each head of queries one of those in [B, all heads, T, width]. */
  private SDVariable pick(SDVariable byHead, Heads heads, IntUnaryOperator which) {
    return graph.gather(byHead, IntStream.range(0, heads.count()).map(which).toArray(), 1);
  }

  /** A number for a head of queries and the tokens by which a key is before its query. */
  private interface OfPair {
    float of(int head, int distance);
  }

  /** [1, count, T, T]. */
  private static INDArray pairs(Heads heads, int count, OfPair number) {
    int length = heads.length();
    float[] numbers = new float[count * length * length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number.of(i / (length * length), i / length % length - i % length);
    }
    return array(numbers, 1, count, length, length);
  }

  private SDVariable crossEntropy(CrossEntropy o) {
    SDVariable logits = values.get(o.logits());
    SDVariable below = logits.sub(logits.max(true, 1));
    SDVariable target = graph.oneHot(values.get(o.targets()), o.logits().columns(), 1, 1, 0, DataType.FLOAT);
    return graph.math().log(graph.math().exp(below).sum(1)).sub(below.mul(target).sum(1));
  }
}
