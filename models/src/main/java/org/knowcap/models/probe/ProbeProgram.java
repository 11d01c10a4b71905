package org.knowcap.models.probe;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Parameter.Group;
import org.knowcap.models.program.Parameter.Initial;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.program.UpdateRule;

/**
 * A model with a linear classifier in place of its head. Several classifiers stand side by side, each with a block
 * of the columns; a token's target says which classifier it belongs to, and the columns of the others get no
 * probability. The target {@link #none} belongs to no classifier: such a token has no loss and no gradient.
 *
 * <p>The program needs an engine whose embeddings can look up targets: nd4j's.
 *
 * @param program whose step stores the gradient in the first moment, and at a learning rate of 0 does not change the
 *        parameters
 * @param blocks classifiers
 * @param classes of each
 */
public record ProbeProgram(Program program, int blocks, int classes) {
  private static final String CLASSIFIER = "probe.classifier";
  private static final String MASK = "probe.mask";
  /** Added to logits, so that their tokens have no share of the probability. */
  private static final float AWAY = -1e4f;

  /**
   * Puts a classifier on a model.
   *
   * @param layer whose residual stream is classified, from 1; empty for the input of the head
   * @throws IllegalArgumentException where the model has no such layer
   */
  public static ProbeProgram of(ModelSpec spec, TokenIds ids, int windows, int length,
      Optional<Integer> layer, int blocks, int classes) {
    Program scoring = Program.scoring(spec, ids, windows, length);
    List<ForwardOperation> operations = new ArrayList<>(
        scoring.forward().subList(0, scoring.forward().size() - 2));
    Linear head = (Linear) scoring.forward().get(operations.size());
    Tensor hidden = head.x();
    if (layer.isPresent()) {
      int last = lastOf(operations, spec, layer.get());
      hidden = operations.get(last).out();
      operations = new ArrayList<>(operations.subList(0, last + 1));
    }
    int columns = blocks * classes + 1;
    Tensor classifier = new Tensor(CLASSIFIER, Tensor.Role.PARAMETER, hidden.columns(), columns);
    Tensor mask = new Tensor(MASK, Tensor.Role.PARAMETER, columns, columns);
    Tensor scores = activation("probe.scores", windows * length, columns);
    Tensor masks = activation("probe.masks", windows * length, columns);
    Tensor logits = activation("probe.logits", windows * length, columns);
    operations.add(new Linear(hidden, classifier, false, Optional.empty(), scores));
    operations.add(new Embedding(scoring.targets(), mask, masks));
    operations.add(new Add(scores, masks, logits));
    operations
        .add(new CrossEntropy(logits, scoring.targets(), activation("probe.losses", windows * length, 1)));
    Set<Tensor> read = new HashSet<>();
    operations.forEach(operation -> read.addAll(operation.reads()));
    List<Parameter> parameters = new ArrayList<>(
        scoring.parameters().stream().filter(parameter -> read.contains(parameter.tensor())).toList());
    parameters.add(new Parameter(classifier, 0, new Initial.Constant(0), Group.MATRICES));
    parameters.add(new Parameter(mask, 0, new Initial.Constant(0), Group.MATRICES));
    Program program = Program.of(windows, length, scoring.tokens(), scoring.targets(),
        Program.layOut(parameters), operations, Optional.of(UpdateRule.by(new Optimiser.Sgd(0, 0))));
    return new ProbeProgram(program, blocks, classes);
  }

  private static int lastOf(List<ForwardOperation> operations, ModelSpec spec, int layer) {
    String block = "block." + (layer - 1) + ".";
    for (int i = operations.size() - 1; i >= 0; i--) {
      if (operations.get(i) instanceof Add sum && sum.out().name().startsWith(block)
          && sum.out().name().endsWith("residual")) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        spec.name() + " has layers 1 to " + spec.layers() + ", and no layer " + layer);
  }

  private static Tensor activation(String name, int rows, int columns) {
    return new Tensor(name, Tensor.Role.ACTIVATION, rows, columns);
  }

  /** The target of a token that concerns no classifier. */
  public int none() {
    return blocks * classes;
  }

  /** The target of a token whose class a classifier must predict. */
  public int target(int block, int each) {
    return block * classes + each;
  }

  /** The embedding of tokens. */
  public Parameter embedding() {
    return parameter(((Embedding) program.forward().getFirst()).table().name());
  }

  /** The classifiers side by side, [d, blocks * classes + 1]. */
  public Parameter classifier() {
    return parameter(CLASSIFIER);
  }

  private Parameter parameter(String name) {
    return program.parameters()
        .stream()
        .filter(each -> each.tensor().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /**
   * The flat parameters of a trained model as this program's, with a classifier of zeros.
   *
   * @param model whose parameters they are
   * @param trained flat, [P of the model]
   */
  public float[] parameters(Program model, float[] trained) {
    Map<String, Parameter> known = model.parameters()
        .stream()
        .collect(Collectors.toMap(each -> each.tensor().name(), each -> each));
    float[] flat = new float[Math.toIntExact(program.parameterCount())];
    for (Parameter parameter : program.parameters()) {
      Parameter from = known.get(parameter.tensor().name());
      if (from != null) {
        System.arraycopy(trained, (int) from.offset(), flat, (int) parameter.offset(),
            (int) from.tensor().size());
      }
    }
    Parameter mask = parameter(MASK);
    int columns = mask.tensor().columns();
    for (int target = 0; target < columns; target++) {
      for (int column = 0; column < columns; column++) {
        boolean together = column == none() || target == none()
            ? column == target
            : column / classes == target / classes;
        flat[(int) mask.offset() + target * columns + column] = together ? 0 : AWAY;
      }
    }
    return flat;
  }
}
