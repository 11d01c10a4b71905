package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.ForwardOperation.Activate;
import org.knowcap.models.program.ForwardOperation.Add;
import org.knowcap.models.program.ForwardOperation.Attention;
import org.knowcap.models.program.ForwardOperation.Combine;
import org.knowcap.models.program.ForwardOperation.CrossEntropy;
import org.knowcap.models.program.ForwardOperation.Dispatch;
import org.knowcap.models.program.ForwardOperation.Documents;
import org.knowcap.models.program.ForwardOperation.Embedding;
import org.knowcap.models.program.ForwardOperation.ExpertLinear;
import org.knowcap.models.program.ForwardOperation.Gate;
import org.knowcap.models.program.ForwardOperation.Heads;
import org.knowcap.models.program.ForwardOperation.LearnedPositions;
import org.knowcap.models.program.ForwardOperation.Linear;
import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.ForwardOperation.Route;
import org.knowcap.models.program.ForwardOperation.Places;
import org.knowcap.models.program.ForwardOperation.Scores;
import org.knowcap.models.program.Parameter.Group;
import org.knowcap.models.program.Parameter.Initial;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;

/**
 * A language model of any of the paper's architectures (sections 3 and 7), written as it is read. The paper does not say
 * how they start: here matrices are normal with GPT-2's standard deviation at GPT-2's width, 0.02 at d = 768, kept in proportion to
 * 1 / sqrt(d) so that activations are alike at every width, and divided by sqrt(2 * layers) in the two matrices of a
 * block that write to the residual stream.
 */
final class Transformer {
  private static final double EPSILON = 1e-5;
  private static final double DEVIATION_AT_768 = 0.02;

  private final ModelSpec spec;
  private final int windows;
  private final int length;
  private final boolean scores;
  private final TokenIds ids;
  private final Tensor tokens;
  private final double std;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<ForwardOperation> operations = new ArrayList<>();

  private Transformer(ModelSpec spec, TokenIds ids, int windows, int length, boolean scores) {
    this.spec = spec;
    this.ids = ids;
    tokens = new Tensor("tokens", Tensor.Role.INPUT, windows * length, 1);
    this.windows = windows;
    this.length = length;
    this.scores = scores;
    spec.positions().checkWindow(length);
    std = DEVIATION_AT_768 * Math.sqrt(768.0 / spec.width());
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
    for (int layer = 0; layer < spec.layers(); layer++) {
      x = block("block." + layer + ".", spec.feedForward().mixed(layer), x);
    }
    x = norm("norm", x);
    Tensor head = spec.tied() ? table : matrix("head", spec.width(), vocabulary, std);
    Tensor logits = run(new Linear(x, head, spec.tied(), Optional.empty(), activation("logits", vocabulary)));
    run(new CrossEntropy(logits, targets, activation("losses", 1)));
    return Program.of(windows, length, tokens, targets, Program.layOut(parameters), operations, updateRule);
  }

  private Tensor block(String name, boolean mixed, Tensor x) {
    x = add(name + "attention.residual", x, attention(name + "attention.", norm(name + "attention.norm", x)));
    if (spec.feedForward().form() == FeedForward.Form.NONE) {
      return x;
    }
    Tensor normed = norm(name + "mlp.norm", x);
    return add(name + "mlp.residual", x,
        mixed
            ? mixture(name + "mlp.", spec.feedForward().experts().orElseThrow(), normed)
            : feedForward(name + "mlp.", normed, spec.innerWidth(), this::linear));
  }

  private Tensor attention(String name, Tensor x) {
    Heads heads = new Heads(windows, length, spec.heads(), spec.keyHeads(), spec.headWidth(),
        Math.min(length, spec.attentionWindow().orElse(length)));
    Tensor projected = linear(name + "qkv", x, spec.qkvWidth(), std);
    Tensor qkv = spec.qkNorm() ? headNorm(name + "qk_norm", projected, heads) : projected;
    Tensor mixed = switch (spec.positions()) {
      case Rotary rotary -> rotated(name, qkv, heads, rotary);
      case Positions.Ntk ntk -> rotated(name, qkv, heads, ntk.scaled(spec.headWidth()));
      case Positions.Rerope rerope -> rotated(name, qkv, heads, rerope.plain(), rerope.window(), 0);
      case Positions.LeakyRerope leaky ->
          rotated(name, qkv, heads, leaky.plain(), leaky.window(), 1 / leaky.slowness());
      case Positions.Alibi _ -> attend(name, qkv, heads, new Scores.Sloping());
      case Positions.Learned _,Positions.None _ -> attend(name, qkv, heads, new Scores.Product());
    };
    return linear(name + "out", mixed, spec.width(), residualDeviation());
  }

  private Tensor rotated(String name, Tensor qkv, Heads heads, Rotary rotary) {
    return attend(name, turn(name + "rotated", qkv, heads, rotary, Places.TRUE), heads, new Scores.Product());
  }

  /** From a window on, distances go on by so much a token: t tokens seem w + pace * (t - w). */
  private Tensor rotated(String name, Tensor qkv, Heads heads, Rotary rotary, int window, double pace) {
    if (heads.reach() <= window) {
      return rotated(name, qkv, heads, rotary);
    }
    Tensor near = turn(name + "rotated", qkv, heads, rotary, Places.TRUE);
    Tensor distant = turn(name + "distant", qkv, heads, rotary, new Places(window * (1 - pace), pace));
    return attend(name, near, heads, new Scores.Distant(distant, window));
  }

  private Tensor turn(String name, Tensor qkv, Heads heads, Rotary rotary, Places places) {
    return run(new ForwardOperation.Rotary(qkv, heads, rotary.width(spec.headWidth()), rotary.base(), places,
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

  /** A product with a matrix of its own, and a bias where the model has them. */
  private interface Product {
    Tensor of(String name, Tensor x, int width, double std);
  }

  private Tensor feedForward(String name, Tensor x, int inner, Product product) {
    Activation activation = spec.feedForward().activation();
    x = switch (spec.feedForward().form()) {
      case NONE -> x;
      case STANDARD -> run(new Activate(activation, product.of(name + "in", x, inner, std),
          activation(name + "activated", x.rows(), inner)));
      // Both matrices side by side: one product instead of two.
      case GATED -> run(new Gate(activation, product.of(name + "in", x, 2 * inner, std),
          activation(name + "gated", x.rows(), inner)));
    };
    return product.of(name + "out", x, spec.width(), residualDeviation());
  }

  /** Each token through the experts that the router gives it, and through those that all share. */
  private Tensor mixture(String name, Experts experts, Tensor x) {
    Mixture mixture = new Mixture(windows, length, experts.count(), experts.choice(), experts.topK(),
        experts.capacity(length, scores), experts.balance(), experts.zLoss());
    Tensor router = matrix(name + "router.weight", spec.width(), experts.count(), std);
    Tensor logits = run(
        new Linear(x, router, false, Optional.empty(), activation(name + "router", experts.count())));
    Tensor gates = run(new Route(logits, mixture, activation(name + "gates", experts.count())));
    Tensor seated = run(
        new Dispatch(x, gates, mixture, activation(name + "seated", mixture.seats(), spec.width())));
    seated = feedForward(name + "experts.", seated, spec.innerWidth(),
        (part, rows, width, spread) -> expertLinear(part, rows, gates, mixture, width, spread));
    Tensor mixed = run(new Combine(seated, gates, mixture, activation(name + "mixed", spec.width())));
    return experts.shared() == 0
        ? mixed
        : add(name + "sum", mixed,
            feedForward(name + "shared.", x, experts.shared() * spec.innerWidth(), this::linear));
  }

  private Tensor expertLinear(String name, Tensor x, Tensor gates, Mixture mixture, int width, double std) {
    Tensor weight = matrix(name + ".weight", mixture.experts() * x.columns(), width, std);
    Optional<Tensor> bias = spec.biases()
        ? Optional
            .of(parameter(name + ".bias", mixture.experts(), width, new Initial.Constant(0), Group.VECTORS))
        : Optional.empty();
    return run(new ExpertLinear(x, gates, mixture, weight, bias, activation(name, x.rows(), width)));
  }

  private double residualDeviation() {
    return std / Math.sqrt(2.0 * spec.layers());
  }

  private Tensor add(String name, Tensor a, Tensor b) {
    return run(new Add(a, b, activation(name, a.columns())));
  }

  private Tensor norm(String name, Tensor x) {
    Tensor gain = vector(name + ".gain", x.columns(), 1);
    Optional<Tensor> bias = spec.norm() == Norm.LAYER
        ? Optional.of(vector(name + ".bias", x.columns(), 0))
        : Optional.empty();
    return run(new ForwardOperation.Norm(x, gain, bias, EPSILON, activation(name, x.columns())));
  }

  private Tensor headNorm(String name, Tensor qkv, Heads heads) {
    Tensor gain = vector(name + ".gain", 2 * heads.width(), 1);
    return run(new ForwardOperation.Norm(qkv, gain, Optional.empty(), EPSILON, Optional.of(heads),
        activation(name, qkv.columns())));
  }

  private Tensor linear(String name, Tensor x, int width, double std) {
    Tensor weight = matrix(name + ".weight", x.columns(), width, std);
    Optional<Tensor> bias = spec.biases() ? Optional.of(vector(name + ".bias", width, 0)) : Optional.empty();
    return run(new Linear(x, weight, false, bias, activation(name, width)));
  }

  private Tensor embedding(String name, int rows) {
    return parameter(name, rows, spec.width(), new Initial.Normal(std), Group.EMBEDDINGS);
  }

  private Tensor matrix(String name, int rows, int columns, double std) {
    return parameter(name, rows, columns, new Initial.Normal(std), Group.MATRICES);
  }

  private Tensor vector(String name, int columns, float value) {
    return parameter(name, 1, columns, new Initial.Constant(value), Group.VECTORS);
  }

  private Tensor parameter(String name, int rows, int columns, Initial initial, Group group) {
    Tensor tensor = new Tensor(name, Tensor.Role.PARAMETER, rows, columns);
    parameters.add(new Parameter(tensor, 0, initial, group));
    return tensor;
  }

  private Tensor activation(String name, int columns) {
    return activation(name, windows * length, columns);
  }

  private static Tensor activation(String name, int rows, int columns) {
    return new Tensor(name, Tensor.Role.ACTIVATION, rows, columns);
  }

  private Tensor run(ForwardOperation operation) {
    operations.add(operation);
    return operation.out();
  }
}
