package org.knowcap.models.training;

import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.program.TokenIds;

/**
 * A model without adapters that computes what a model with adapters does, but for rounding: each adapted weight W is W + (alpha / rank) A B.
 *
 * @param parameters flat
 */
public record MergedModel(ModelSpec model, float[] parameters) {
  /**
   * Merges the adapters of a model into its weights; a model without adapters stays as it is.
   *
   * @param learnt flat parameters of the model
   */
  public static MergedModel of(ModelSpec model, TokenIds ids, float[] learnt) {
    return model.lowRank().map(adapters -> {
      Map<String, Parameter> from = byName(program(model, ids));
      Program to = program(architecture(model), ids);
      float[] merged = new float[Math.toIntExact(to.parameterCount())];
      for (Parameter parameter : to.parameters()) {
        String name = parameter.tensor().name();
        System.arraycopy(learnt, (int) from.get(name).offset(), merged, (int) parameter.offset(),
            (int) parameter.tensor().size());
        Parameter a = from.get(name.replace(".weight", ".lora_a"));
        Parameter b = from.get(name.replace(".weight", ".lora_b"));
        if (name.endsWith(".weight") && a != null && b != null) {
          add(adapters.scale(), learnt, a, b, merged, (int) parameter.offset());
        }
      }
      return new MergedModel(architecture(model), merged);
    }).orElseGet(() -> new MergedModel(model, learnt));
  }

  /** The model that a merged one has: this one without adapters. */
  public static ModelSpec architecture(ModelSpec model) {
    return model.lowRank().isPresent() ? model.origin() : model;
  }

  /**
   * Parameters of a model with adapters that computes what merged weights do: they are its frozen weights, and its adapters
   * are as before the first step, when they add zero. What has been merged cannot be told apart again. Without adapters the
   * parameters stay as they are.
   *
   * @param merged flat parameters of {@link #architecture}
   * @param seed of the adapters
   */
  public static float[] underNewAdapters(ModelSpec model, TokenIds ids, float[] merged, long seed) {
    return model.lowRank().map(_ -> {
      Program adapted = program(model, ids);
      return Upcycling.of(adapted, program(architecture(model), ids), merged,
          InitialParameters.of(adapted, seed));
    }).orElse(merged);
  }

  private static Program program(ModelSpec model, TokenIds ids) {
    return Program.scoring(model, ids, 1, 1);
  }

  private static Map<String, Parameter> byName(Program program) {
    return program.parameters()
        .stream()
        .collect(Collectors.toMap(parameter -> parameter.tensor().name(), Function.identity()));
  }

  /** weight += scale A B, summed in double precision. */
  private static void add(double scale, float[] learnt, Parameter a, Parameter b, float[] merged,
      int weight) {
    Tensor left = a.tensor();
    Tensor right = b.tensor();
    for (int i = 0; i < left.rows(); i++) {
      for (int j = 0; j < right.columns(); j++) {
        double sum = 0;
        for (int k = 0; k < left.columns(); k++) {
          sum += (double) learnt[(int) a.offset() + i * left.columns() + k]
              * learnt[(int) b.offset() + k * right.columns() + j];
        }
        merged[weight + i * right.columns() + j] += (float) (scale * sum);
      }
    }
  }
}
