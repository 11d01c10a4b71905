package org.knowcap.models.training;

import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Makes a mixture's parameters from those of the model without experts (Komatsuzaki et al., arXiv 2212.05055). Every
 * expert begins as the learnt feed-forward, routers and shared experts begin with random numbers, and all other
 * parameters begin as learnt. If the routing weights of a token add up to 1 and no expert is shared, the mixture
 * begins with exactly the losses of the model that it was made from. So does a model with adapters, which add zero at first.
 */
final class Upcycling {
  private Upcycling() {}

  /**
   * Flat parameters of the mixture, [P].
   *
   * @param dense the model without experts
   * @param learnt its flat parameters
   * @param drawn the mixture's initial parameters without upcycling; overwritten
   */
  static float[] of(Program mixture, Program dense, float[] learnt, float[] drawn) {
    Map<String, Parameter> sources = dense.parameters()
        .stream()
        .collect(Collectors.toMap(parameter -> parameter.tensor().name(), Function.identity()));
    for (Parameter parameter : mixture.parameters()) {
      Parameter source = sources.get(parameter.tensor().name().replace(".experts.", "."));
      if (source != null) {
        int size = (int) source.tensor().size();
        for (long expert = 0; expert < parameter.tensor().size() / size; expert++) {
          System.arraycopy(learnt, (int) source.offset(), drawn, (int) (parameter.offset() + expert * size),
              size);
        }
      }
    }
    return drawn;
  }
}
