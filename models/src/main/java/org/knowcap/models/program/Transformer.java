package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.knowcap.models.program.Attention.Scores;
import org.knowcap.models.program.Parameter.Group;
import org.knowcap.models.program.Parameter.Initial;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.CanonLayer;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.LowRank;
import org.knowcap.models.architecture.Mixer;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.NgramMemory;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;

/**
 * Writes the forward part of a language model of any of the paper's architectures (sections 3 and 7). The paper does
 * not give the initialisation. Here matrices are normal, with a standard deviation in proportion to 1 / sqrt(d), so
 * that activations are alike at every width; at d = 768 it is GPT-2's 0.02. It is divided by sqrt(2 * layers) in the
 * two matrices of a block that write to the residual stream. With loops the layers of all loops count there.
 */
final class Transformer {
  private static final double EPSILON = 1e-5;
  private static final double STD_AT_768 = 0.02;
  /** Of the second matrix of GLA's decays: at first ln a is about -0.04, give or take little. */
  private static final double DECAY_STD = 1 / Math.sqrt(Mixer.RANK);
  /** Of gated delta nets: softplus of the bias is 0.01, and e to the rate is 8, so a decay begins near 0.92. */
  private static final float DECAY_BIAS = -4.6f;
  private static final float RATE = 2.08f;

  private final ModelSpec spec;
  private final int windows;
  private final int length;
  private final boolean scores;
  private final TokenIds ids;
  private final Tensor tokens;
  private final double std;
  private final List<Parameter> parameters = new ArrayList<>();
  private final Map<String, Tensor> declared = new HashMap<>();
  private final List<ForwardOperation> operations = new ArrayList<>();
  /** Distinguishes the activations of loops before the last. */
  private String pass = "";

  private Transformer(ModelSpec spec, TokenIds ids, int windows, int length, boolean scores) {
    this.spec = spec;
    this.ids = ids;
    tokens = new Tensor("tokens", Tensor.Role.INPUT, windows * length, 1);
    this.windows = windows;
    this.length = length;
    this.scores = scores;
    spec.positions().checkWindow(length);
    std = STD_AT_768 * Math.sqrt(768.0 / spec.width());
  }

  static Program program(ModelSpec spec, TokenIds ids, int windows, int length,
      Optional<UpdateRule> updateRule) {
    return new Transformer(spec, ids, windows, length, updateRule.isEmpty()).build(updateRule);
  }

  private Program build(Optional<UpdateRule> updateRule) {
    int vocabulary = ids.count();
    Tensor targets = new Tensor("targets", Tensor.Role.INPUT, windows * length, 1);
    Tensor table = embedding("embedding", vocabulary);

    Tensor x = run(new Embedding(tokens, table, activation("x", spec.width())));
    if (spec.positions() instanceof Positions.Learned learned) {
      x = run(new LearnedPositions(x, embedding("positions", learned.length()), length,
          activation("placed", spec.width())));
    }
    for (int loop = 1; loop <= spec.loops(); loop++) {
      pass = loop == spec.loops() ? "" : ".loop" + loop;
      for (int layer = 0; layer < spec.layers(); layer++) {
        x = block(layer, x);
      }
    }
    x = norm("norm", x);
    Tensor head = spec.tied() ? table : matrix("head", spec.width(), vocabulary, std, List.of());
    Tensor logits = run(new Linear(x, head, spec.tied(), Optional.empty(), activation("logits", vocabulary)));
    run(new CrossEntropy(logits, targets, activation("losses", 1)));
    return Program.of(windows, length, tokens, targets, Program.layOut(parameters), operations, updateRule);
  }

  private Tensor block(int layer, Tensor input) {
    String name = "block." + layer + ".";
    Tensor x = spec.ngrams()
        .filter(memory -> memory.layers().contains(layer + 1))
        .map(memory -> add(name + "memory.residual", input, remembered(layer, memory, input)))
        .orElse(input);
    Mixer mixer = spec.mixer(layer);
    String mixing = name + mixer.word() + ".";
    Tensor read = canon(CanonLayer.A, mixing + "canon_a", norm(mixing + "norm", x));
    x = add(mixing + "residual", x, switch (mixer) {
      case ATTENTION -> attention(mixing, read);
      case GLA -> gla(mixing, read);
      case GDN -> gdn(mixing, read);
    });
    if (spec.feedForward().form() == FeedForward.Form.NONE) {
      return x;
    }
    Tensor normed = canon(CanonLayer.C, name + "mlp.canon_c", norm(name + "mlp.norm", x));
    return add(name + "mlp.residual", x,
        spec.feedForward().mixed(layer)
            ? experts(name + "mlp.", spec.feedForward().experts().orElseThrow(), normed)
            : feedForward(name + "mlp.", normed, spec.innerWidth(), this::mlpLinear));
  }

  /**
   * What a memory of n-grams adds (arXiv 2601.07372, section 2): keys and values are made of the rows that the last tokens
   * find, and the value counts as much as its key fits the hidden state.
   */
  private Tensor remembered(int layer, NgramMemory memory, Tensor x) {
    String name = "block." + layer + ".memory.";
    Tensor query = rmsNorm(name + "query_norm", x);
    NgramHash hash = new NgramHash(memory.longest(), memory.heads(), memory.slots(), layer, memory.seed());
    Tensor table = parameter(name + "table", hash.tables() * memory.slots(), memory.width(),
        new Initial.Normal(std), Group.EMBEDDINGS, List.of());
    Tensor rows = run(new NgramLookup(tokens, hash, length, documents(), table,
        activation(name + "rows", memory.rowWidth())));
    Tensor key = rmsNorm(name + "key_norm", linear(name + "key", rows, List.of(spec.width()), std));
    Tensor value = linear(name + "value", rows, List.of(spec.width()), residualStd());
    return run(new ScalarGate(query, key, value, activation(name + "gated", spec.width())));
  }

  private Tensor attention(String name, Tensor x) {
    Heads heads = new Heads(windows, length, spec.heads(), spec.keyHeads(), spec.headWidth(),
        Math.min(length, spec.attentionWindow().orElse(length)));
    Tensor projected = canon(CanonLayer.B, name + "canon_b",
        attentionLinear(name + "qkv", x, queriesKeysValues(), std));
    Tensor qkv = spec.qkNorm() ? headNorm(name + "qk_norm", projected, heads) : projected;
    Tensor mixed = switch (spec.positions()) {
      case Rotary rotary -> rotated(name, qkv, heads, rotary);
      case Positions.Ntk ntk -> rotated(name, qkv, heads, ntk.scaled(spec.headWidth()));
      case Positions.Rerope rerope -> rotated(name, qkv, heads, rerope.plain(), rerope.window(), 0);
      case Positions.LeakyRerope leaky ->
          rotated(name, qkv, heads, leaky.plain(), leaky.window(), 1 / leaky.slowness());
      case Positions.Alibi _ -> attend(name, qkv, heads, new Scores.Alibi());
      case Positions.Learned _,Positions.None _ -> attend(name, qkv, heads, new Scores.DotProduct());
    };
    return attentionLinear(name + "out", mixed, List.of(spec.width()), residualStd());
  }

  /** Gated linear attention (arXiv 2312.06635, section 4.4). */
  private Tensor gla(String name, Tensor x) {
    int keys = spec.width() / 2;
    Tensor qkv = canon(CanonLayer.B, name + "canon_b", recurrentQkv(name, x));
    Tensor narrow = run(new Linear(x,
        matrix(name + "decay_in.weight", spec.width(), Mixer.RANK, std,
            hidden(1, spec.width(), List.of(Mixer.RANK))),
        false, Optional.empty(), activation(name + "decay_in", Mixer.RANK)));
    Tensor decays = run(Linear.exact(narrow,
        matrix(name + "decay.weight", Mixer.RANK, keys, DECAY_STD, hidden(1, Mixer.RANK, List.of(keys))),
        Optional.of(vector(name + "decay.bias", keys, 0)), activation(name + "decay", keys)));
    return recurrence(name, x, qkv, decays, Optional.empty());
  }

  /**
   * A gated delta net (arXiv 2412.06464): a short convolution and SiLU on queries, keys and values, decays as in Mamba2. At
   * first all heads have the decay that is in the middle of what its authors' heads have.
   */
  private Tensor gdn(String name, Tensor x) {
    Tensor weight = matrix(name + "canon_b.weight", CanonLayer.WIDTH, 2 * spec.width(), std, List.of());
    Tensor convolved = run(new Canon(recurrentQkv(name, x), weight, length, documents(),
        activation(name + "canon_b", 2 * spec.width())));
    Tensor qkv = run(new Activate(Activation.SILU, convolved, activation(name + "silu", 2 * spec.width())));
    Tensor decays = gate(name + "decay", x,
        Optional.of(vector(name + "decay.bias", spec.heads(), DECAY_BIAS)));
    Tensor strengths = gate(name + "strength", x, Optional.empty());
    Tensor rates = vector(name + "rate", spec.heads(), RATE);
    return recurrence(name, x, qkv, decays, Optional.of(new Recurrence.Delta(strengths, rates)));
  }

  /** A number for each head. Of one head the weight is a vector, which Muon leaves to AdamW. */
  private Tensor gate(String name, Tensor x, Optional<Tensor> bias) {
    Tensor weight = matrix(name + ".weight", spec.width(), spec.heads(), std,
        spec.heads() > 1 ? hidden(1, spec.width(), List.of(spec.heads())) : List.of());
    return run(Linear.exact(x, weight, bias, activation(name, spec.heads())));
  }

  private Tensor recurrentQkv(String name, Tensor x) {
    int keys = spec.width() / 2;
    return linear(name + "qkv", x, List.of(keys, keys, spec.width()), std);
  }

  private Tensor recurrence(String name, Tensor x, Tensor qkv, Tensor decays,
      Optional<Recurrence.Delta> delta) {
    Tensor mixed = run(new Recurrence(qkv, decays, delta,
        new Recurrence.Shape(windows, length, spec.heads(), spec.recurrentKeyWidth(), spec.headWidth()),
        documents(), activation(name + "mixed", spec.width())));
    Tensor gate = linear(name + "gate", x, List.of(spec.width()), std);
    Tensor gated = run(new GatedNorm(mixed, vector(name + "mixed_norm.gain", spec.headWidth(), 1), gate,
        EPSILON, activation(name + "gated", spec.width())));
    return linear(name + "out", gated, List.of(spec.width()), residualStd());
  }

  private List<Integer> queriesKeysValues() {
    int keys = spec.keyHeads() * spec.headWidth();
    return List.of(spec.width(), keys, keys);
  }

  private Tensor rotated(String name, Tensor qkv, Heads heads, Rotary rotary) {
    return attend(name, rope(name + "rotated", qkv, heads, rotary, Rope.Positions.PLAIN), heads,
        new Scores.DotProduct());
  }

  /** From a window w on, distances grow by {@code scale} a token: t tokens seem w + scale * (t - w). */
  private Tensor rotated(String name, Tensor qkv, Heads heads, Rotary rotary, int window, double scale) {
    if (heads.reach() <= window) {
      return rotated(name, qkv, heads, rotary);
    }
    Tensor near = rope(name + "rotated", qkv, heads, rotary, Rope.Positions.PLAIN);
    Tensor distant = rope(name + "distant", qkv, heads, rotary,
        new Rope.Positions(window * (1 - scale), scale));
    return attend(name, near, heads, new Scores.Rerope(distant, window));
  }

  private Tensor rope(String name, Tensor qkv, Heads heads, Rotary rotary, Rope.Positions positions) {
    return run(new Rope(qkv, heads, rotary.width(spec.headWidth()), rotary.base(), positions,
        activation(name, spec.qkvWidth())));
  }

  private Tensor attend(String name, Tensor qkv, Heads heads, Scores scores) {
    return run(new Attention(qkv, heads, scores, documents(), activation(name + "mixed", spec.width())));
  }

  private Optional<Documents> documents() {
    return switch (spec.mask()) {
      case CAUSAL -> Optional.empty();
      case DOCUMENT -> Optional.of(new Documents(tokens,
          ids.separator()
              .orElseThrow(() -> new IllegalArgumentException(
                  "a model whose tokens see only their own document needs to know the token"
                      + " that documents begin with"))));
    };
  }

  /** A matmul with matrices of its own, side by side, and a bias where the model has them. */
  private interface MatMul {
    /** @param widths columns of each matrix */
    Tensor of(String name, Tensor x, List<Integer> widths, double std);
  }

  private Tensor feedForward(String name, Tensor x, int inner, MatMul matmul) {
    Activation activation = spec.feedForward().activation();
    x = switch (spec.feedForward().form()) {
      case NONE -> x;
      case STANDARD -> run(new Activate(activation, widened(name, x, List.of(inner), matmul),
          activation(name + "activated", x.rows(), inner)));
      // Both matrices side by side: one matmul instead of two.
      case GATED -> run(new GatedActivation(activation, widened(name, x, List.of(inner, inner), matmul),
          activation(name + "gated", x.rows(), inner)));
    };
    return matmul.of(name + "out", x, List.of(spec.width()), residualStd());
  }

  private Tensor widened(String name, Tensor x, List<Integer> widths, MatMul matmul) {
    return canon(CanonLayer.D, name + "canon_d", matmul.of(name + "in", x, widths, std));
  }

  /** A Canon layer, if the model has it at this place. At first it changes its input little. */
  private Tensor canon(CanonLayer layer, String name, Tensor x) {
    if (!spec.canon().contains(layer)) {
      return x;
    }
    Tensor weight = matrix(name + ".weight", CanonLayer.WIDTH, x.columns(), std, List.of());
    return run(new Canon(x, weight, length, documents(), activation(name, x.columns())));
  }

  /** Sends each token through the experts that the router gives it, and through the shared ones. */
  private Tensor experts(String name, Experts experts, Tensor x) {
    ExpertRouting routing = new ExpertRouting(windows, length, experts.count(), experts.choice(),
        experts.topK(), experts.capacity(length, scores), experts.balance(), experts.zLoss());
    Tensor router = matrix(name + "router.weight", spec.width(), experts.count(), std,
        hidden(1, spec.width(), List.of(experts.count())));
    Tensor logits = run(Linear.router(x, router, activation(name + "router", experts.count())));
    Tensor weights = run(new Route(logits, routing,
        new Tensor(name + "weights" + pass, Tensor.Role.ROUTING, windows * length, experts.count())));
    Tensor dispatched = run(
        new Dispatch(x, weights, routing, activation(name + "dispatched", routing.slots(), spec.width())));
    Tensor outputs = feedForward(name + "experts.", dispatched, spec.innerWidth(),
        (part, rows, widths, spread) -> expertLinear(part, rows, weights, routing, widths, spread));
    Tensor combined = run(
        new Combine(outputs, weights, routing, activation(name + "combined", spec.width())));
    return experts.shared() == 0
        ? combined
        : add(name + "sum", combined,
            feedForward(name + "shared.", x, experts.shared() * spec.innerWidth(), this::linear));
  }

  private Tensor expertLinear(String name, Tensor x, Tensor weights, ExpertRouting routing,
      List<Integer> widths, double std) {
    int width = sum(widths);
    Tensor weight = matrix(name + ".weight", routing.experts() * x.columns(), width, std,
        hidden(routing.experts(), x.columns(), widths));
    Optional<Tensor> bias = spec.biases()
        ? Optional.of(parameter(name + ".bias", routing.experts(), width, new Initial.Constant(0),
            Group.VECTORS, List.of()))
        : Optional.empty();
    return run(new ExpertLinear(x, weights, routing, weight, bias, activation(name, x.rows(), width)));
  }

  private double residualStd() {
    return std / Math.sqrt(2.0 * spec.layers() * spec.loops());
  }

  private Tensor add(String name, Tensor a, Tensor b) {
    return run(new Add(a, b, activation(name, a.columns())));
  }

  private Tensor norm(String name, Tensor x) {
    Tensor gain = vector(name + ".gain", x.columns(), 1);
    Optional<Tensor> bias = spec.norm() == Norm.LAYER
        ? Optional.of(vector(name + ".bias", x.columns(), 0))
        : Optional.empty();
    return run(new Normalisation(x, gain, bias, EPSILON, activation(name, x.columns())));
  }

  /** An RMSNorm, whatever norm the blocks have. */
  private Tensor rmsNorm(String name, Tensor x) {
    return run(new Normalisation(x, vector(name + ".gain", x.columns(), 1), Optional.empty(), EPSILON,
        activation(name, x.columns())));
  }

  private Tensor headNorm(String name, Tensor qkv, Heads heads) {
    Tensor gain = vector(name + ".gain", 2 * heads.width(), 1);
    return run(new Normalisation(qkv, gain, EPSILON, heads, activation(name, qkv.columns())));
  }

  private Tensor linear(String name, Tensor x, List<Integer> widths, double std) {
    int width = sum(widths);
    Tensor weight = matrix(name + ".weight", x.columns(), width, std, hidden(1, x.columns(), widths));
    Optional<Tensor> bias = spec.biases() ? Optional.of(vector(name + ".bias", width, 0)) : Optional.empty();
    return run(new Linear(x, weight, false, bias, activation(name, width)));
  }

  /** A product of attention, with adapters if the model has them there. */
  private Tensor attentionLinear(String name, Tensor x, List<Integer> widths, double std) {
    return adapted(name, x, linear(name, x, widths, std), LowRank.Placement::attention);
  }

  /** A product of the feed-forward, with adapters if the model has them there. */
  private Tensor mlpLinear(String name, Tensor x, List<Integer> widths, double std) {
    return adapted(name, x, linear(name, x, widths, std), LowRank.Placement::mlp);
  }

  /** The product plus (alpha / rank) x A B. A begins as PyTorch begins linear layers, with that variance; B begins as zeros. */
  private Tensor adapted(String name, Tensor x, Tensor product, Predicate<LowRank.Placement> place) {
    return spec.lowRank().filter(adapters -> place.test(adapters.placement())).map(adapters -> {
      int n = x.columns();
      int m = product.columns();
      Tensor a = adapter(name + ".lora_a", n, adapters.rank(), new Initial.Normal(1 / Math.sqrt(3.0 * n)));
      Tensor b = adapter(name + ".lora_b", adapters.rank(), m, new Initial.Constant(0));
      Tensor narrow = run(
          new Linear(x, a, false, Optional.empty(), activation(name + ".narrow", adapters.rank())));
      Tensor scaled = run(new Scale(adapters.scale(), narrow, activation(name + ".scaled", adapters.rank())));
      Tensor change = run(new Linear(scaled, b, false, Optional.empty(), activation(name + ".change", m)));
      return run(new Add(product, change, false, activation(name + ".adapted", m)));
    }).orElse(product);
  }

  /** The tensor of a parameter; later loops use that of the first. */
  private Tensor declared(String name, int rows, int columns, Function<Tensor, Parameter> parameter) {
    return declared.computeIfAbsent(name, _ -> {
      Tensor tensor = new Tensor(name, Tensor.Role.PARAMETER, rows, columns);
      parameters.add(parameter.apply(tensor));
      return tensor;
    });
  }

  private Tensor adapter(String name, int rows, int columns, Initial initial) {
    return declared(name, rows, columns,
        tensor -> new Parameter(tensor, 0, initial, Group.MATRICES, hidden(1, rows, List.of(columns))));
  }

  private Tensor embedding(String name, int rows) {
    return parameter(name, rows, spec.width(), new Initial.Normal(std), Group.EMBEDDINGS, List.of());
  }

  /** @param hidden the hidden layers' matrices in it */
  private Tensor matrix(String name, int rows, int columns, double std, List<HiddenMatrix> hidden) {
    return parameter(name, rows, columns, new Initial.Normal(std), Group.MATRICES, hidden);
  }

  /** Matrices of equal height: some side by side, and so many of these rows under each other. */
  private static List<HiddenMatrix> hidden(int count, int rows, List<Integer> widths) {
    int stride = sum(widths);
    List<HiddenMatrix> matrices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long first = (long) i * rows * stride;
      for (int width : widths) {
        matrices.add(new HiddenMatrix(first, rows, width, stride));
        first += width;
      }
    }
    return matrices;
  }

  private static int sum(List<Integer> widths) {
    return widths.stream().mapToInt(Integer::intValue).sum();
  }

  private Tensor vector(String name, int columns, float value) {
    return parameter(name, 1, columns, new Initial.Constant(value), Group.VECTORS, List.of());
  }

  private Tensor parameter(String name, int rows, int columns, Initial initial, Group group,
      List<HiddenMatrix> hidden) {
    return declared(name, rows, columns,
        tensor -> spec.lowRank().isPresent()
            ? new Parameter(tensor, 0, initial, Group.FROZEN)
            : new Parameter(tensor, 0, initial, group, hidden));
  }

  private Tensor activation(String name, int columns) {
    return activation(name, windows * length, columns);
  }

  private Tensor activation(String name, int rows, int columns) {
    return new Tensor(name + pass, Tensor.Role.ACTIVATION, rows, columns);
  }

  private Tensor run(ForwardOperation operation) {
    operations.add(operation);
    return operation.out();
  }
}
