package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.ForwardOperation.Add;
import org.knowcap.models.program.ForwardOperation.Attention;
import org.knowcap.models.program.ForwardOperation.CrossEntropy;
import org.knowcap.models.program.ForwardOperation.Embedding;
import org.knowcap.models.program.ForwardOperation.Gelu;
import org.knowcap.models.program.ForwardOperation.Heads;
import org.knowcap.models.program.ForwardOperation.LayerNorm;
import org.knowcap.models.program.ForwardOperation.Linear;
import org.knowcap.models.program.ForwardOperation.Rotary;
import org.knowcap.models.program.Parameter.Initial;
import org.knowcap.models.spec.ModelSpec;

/**
 * GPT-2 with rotary positions (paper, section 3), written as it is read. The paper does not say how it starts: here
 * matrices are normal with GPT-2's deviation at GPT-2's width, 0.02 at d = 768, kept in proportion to 1 / sqrt(d) so that
 * activations are alike at every width, and divided by sqrt(2 * layers) in the two matrices of a block that write to
 * the residual stream.
 */
final class Gpt2 {
  private static final double EPSILON = 1e-5;
  private static final double DEVIATION_AT_768 = 0.02;

  private final ModelSpec spec;
  private final int windows;
  private final int length;
  private final double deviation;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<ForwardOperation> operations = new ArrayList<>();

  private Gpt2(ModelSpec spec, int windows, int length) {
    this.spec = spec;
    this.windows = windows;
    this.length = length;
    deviation = DEVIATION_AT_768 * Math.sqrt(768.0 / spec.width());
  }

  static Program program(ModelSpec spec, int vocabulary, int windows, int length,
      Optional<Optimiser> optimiser) {
    return new Gpt2(spec, windows, length).build(vocabulary, optimiser);
  }

  private Program build(int vocabulary, Optional<Optimiser> optimiser) {
    Tensor tokens = new Tensor("tokens", Tensor.Role.INPUT, windows * length, 1);
    Tensor targets = new Tensor("targets", Tensor.Role.INPUT, windows * length, 1);
    Tensor table = matrix("embedding", vocabulary, spec.width(), deviation);

    Tensor x = run(new Embedding(tokens, table, activation("x", spec.width())));
    for (int layer = 0; layer < spec.layers(); layer++) {
      x = block("block." + layer + ".", x);
    }
    x = norm("norm", x);
    Tensor logits = run(
        new Linear(x, table, true, Optional.empty(), activation("logits", vocabulary)));
    run(new CrossEntropy(logits, targets, activation("losses", 1)));
    return Program.of(windows, length, tokens, targets, Program.layOut(parameters), operations, optimiser);
  }

  private Tensor block(String name, Tensor x) {
    int d = spec.width();
    double residualDeviation = deviation / Math.sqrt(2.0 * spec.layers());
    Heads heads = new Heads(windows, length, spec.heads(), spec.headWidth());

    Tensor a = norm(name + "attention.norm", x);
    a = linear(name + "attention.qkv", a, 3 * d, deviation);
    a = run(new Rotary(a, heads, spec.rotary().width(spec.headWidth()), spec.rotary().base(),
        activation(name + "attention.rotated", 3 * d)));
    a = run(new Attention(a, heads, activation(name + "attention.mixed", d)));
    a = linear(name + "attention.out", a, d, residualDeviation);
    x = run(new Add(x, a, activation(name + "attention.residual", d)));

    Tensor f = norm(name + "mlp.norm", x);
    f = linear(name + "mlp.in", f, spec.innerWidth(), deviation);
    f = run(new Gelu(f, activation(name + "mlp.activated", spec.innerWidth())));
    f = linear(name + "mlp.out", f, d, residualDeviation);
    return run(new Add(x, f, activation(name + "mlp.residual", d)));
  }

  private Tensor norm(String name, Tensor x) {
    Tensor gain = vector(name + ".gain", x.columns(), 1);
    Tensor bias = vector(name + ".bias", x.columns(), 0);
    return run(new LayerNorm(x, gain, bias, EPSILON, activation(name, x.columns())));
  }

  private Tensor linear(String name, Tensor x, int width, double deviation) {
    Tensor weight = matrix(name + ".weight", x.columns(), width, deviation);
    Tensor bias = vector(name + ".bias", width, 0);
    return run(new Linear(x, weight, false, Optional.of(bias), activation(name, width)));
  }

  private Tensor matrix(String name, int rows, int columns, double deviation) {
    return parameter(name, rows, columns, new Initial.Normal(deviation), true);
  }

  private Tensor vector(String name, int columns, float value) {
    return parameter(name, 1, columns, new Initial.Constant(value), false);
  }

  private Tensor parameter(String name, int rows, int columns, Initial initial, boolean decays) {
    Tensor tensor = new Tensor(name, Tensor.Role.PARAMETER, rows, columns);
    parameters.add(new Parameter(tensor, 0, initial, decays));
    return tensor;
  }

  private Tensor activation(String name, int columns) {
    return new Tensor(name, Tensor.Role.ACTIVATION, windows * length, columns);
  }

  private Tensor run(ForwardOperation operation) {
    operations.add(operation);
    return operation.out();
  }
}
