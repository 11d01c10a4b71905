package org.knowcap.models.quantisation;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.models.program.Program;

/** A way to round a weight matrix to numbers that take few bits. */
public sealed interface Quantiser
    permits RoundToNearest, Gptq, NormalFloat, Int8WithOutliers, FixedQuantiser {
  /** One of each fixed format. */
  static List<FixedQuantiser> fixed() {
    return List.of(new GgufBlocks(GgufFormat.Q8_0), new GgufBlocks(GgufFormat.Q4_0),
        new GgufBlocks(GgufFormat.Q4_K), Fp8.FP8_E4M3, Fp8.FP8_E5M2, Fp4.MXFP4, Fp4.NVFP4, new Ternary());
  }

  /** The one of {@link #fixed()} with this name. */
  static Optional<Quantiser> fixed(String method) {
    return fixed().stream()
        .filter(each -> each.method().equals(method))
        .map(Quantiser.class::cast)
        .findFirst();
  }

  /** The names of all of {@link #fixed()}, with commas. */
  static String fixedNames() {
    return fixed().stream().map(Quantiser::method).collect(Collectors.joining(", "));
  }

  /** Short name, as a user writes it. */
  String method();

  /** Bits of a weight's code, without scales and zero points. */
  int bits();

  /** Number of weights that share a scale; 0 if it depends only on the matrix. */
  int group();

  /** Whether the rounding depends on the inputs of the matrix. */
  boolean calibrated();

  /** Whether it rounds matrices with rows of this many weights; others stay in half precision. */
  default boolean fits(int inputs) {
    return true;
  }

  /**
   * Refuses a model whose matrices it would leave as they are.
   *
   * @throws IllegalArgumentException if its blocks fit into no matrix's rows
   */
  default void requireFit(Program program) {
    if (calibrated() && WeightMatrix.loops(program)) {
      throw new IllegalArgumentException(
          method() + " rounds a matrix by its inputs, and in a model with loops a matrix has"
              + " other inputs in each loop; use rtn or another method without calibration");
    }
    List<Integer> widths = WeightMatrix.byOperation(program)
        .stream()
        .flatMap(List::stream)
        .map(WeightMatrix::inputs)
        .distinct()
        .sorted()
        .toList();
    if (widths.stream().noneMatch(this::fits)) {
      throw new IllegalArgumentException(method() + " has blocks of " + group()
          + " weights, and no matrix of the model has rows of a" + " multiple of that; its rows have "
          + widths.stream().map(Object::toString).collect(Collectors.joining(", ")) + " weights");
    }
  }

  /** Method, bits and group in one word that can name a folder, such as gptq-4-g128. */
  default String label() {
    return method() + "-" + bits() + (group() == 0 ? "" : "-g" + group());
  }

  /**
   * Replaces each weight by the number that its code stands for.
   *
   * @param weights [outputs][inputs], all finite
   * @param inputs rows that the matrix is multiplied by; not read unless {@link #calibrated}
   * @return bits that the matrix takes: codes, scales, and everything else that is needed to read them
   * @throws IllegalArgumentException if a scale or a weight is too large for 16-bit floating point
   */
  long quantise(double[][] weights, Inputs inputs);
}
