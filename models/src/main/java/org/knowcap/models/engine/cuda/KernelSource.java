package org.knowcap.models.engine.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Route;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * The kernels' source and the macros that make it that of one model, see {@code prelude.cu}.
 *
 * @param bf16 whether products compute in bf16
 * @param vector numbers a thread reads at once, 1 or 4
 * @param packs times 32 * vector is at least the width of a norm
 * @param head components of an attention head
 * @param plainAttention whether attention does without tensor cores where it could have them
 */
record KernelSource(boolean bf16, int vector, int packs, int head, boolean plainAttention) {
  private static final List<String> FILES = List.of("prelude", "embedding", "norm", "columns", "elementwise",
      "experts", "product", "fill", "loss", "optimiser", "adafactor", "muon", "attention", "tensor_attention",
      "recurrence", "memory");
  /** Where there is no attention. */
  private static final int ANY_HEAD = 4;
  private static final int WARP = 32;

  /**
   * The source for a model.
   *
   * @throws EngineUnavailableException where heads differ in width: kernels are compiled for one
   */
  static KernelSource of(Program program, DType dtype) {
    List<Integer> heads = program.forward()
        .stream()
        .flatMap(o -> o instanceof Attention attention
            ? java.util.stream.Stream.of(attention.heads().width())
            : java.util.stream.Stream.empty())
        .distinct()
        .toList();
    if (heads.size() > 1) {
      throw new EngineUnavailableException(
          "the cuda engine has no kernels for heads of different widths " + heads + "; use engine cpu");
    }
    int widest = program.forward()
        .stream()
        .mapToInt(o -> o instanceof Normalisation norm ? norm.width() : 1)
        .max()
        .orElse(1);
    int vector = program.forward().stream().allMatch(o -> isWhole(program, o))
        && program.parameters().stream().map(Parameter::offset).allMatch(offset -> offset % 4 == 0) ? 4 : 1;
    return new KernelSource(dtype.isBf16(), vector, Math.ceilDiv(widest, WARP * vector),
        heads.isEmpty() ? ANY_HEAD : heads.getFirst(), false);
  }

  /** Whether an operation's rows can be read four numbers at a time; logits, also of routers, have kernels of their own. */
  private static boolean isWhole(Program program, ForwardOperation operation) {
    if (operation instanceof Normalisation norm && norm.width() % 4 != 0) {
      return false;
    }
    if (operation instanceof NgramLookup lookup && lookup.width() % 4 != 0) {
      return false;
    }
    return operation instanceof CrossEntropy || operation instanceof Route
        || operation instanceof Linear linear && linear.exact() || operation.out().columns() % 4 == 0
        || operation.out().columns() == program.vocabulary() && operation instanceof Linear;
  }

  /** The same without tensor cores in attention. */
  KernelSource plain() {
    return new KernelSource(bf16, vector, packs, head, true);
  }

  /** Whether attention runs on tensor cores. */
  boolean tensorAttention() {
    return !plainAttention && bf16 && head % 16 == 0 && head <= 128;
  }

  /** Warps of a block of a norm's backward kernel; see norm.cu. */
  int normWarps() {
    return packs * vector <= 4 ? 16 : 8;
  }

  /** Such blocks that a multiprocessor has at a time. */
  int normBlocks() {
    return packs * vector <= 4 ? 2 : packs * vector <= 8 ? 3 : 1;
  }

  /** As the compiler takes them. */
  List<String> definitions() {
    return List.of("BF16=" + (bf16 ? 1 : 0), "VECTOR=" + vector, "PACKS=" + packs, "HEAD=" + head);
  }

  /** All files, one behind the other; the compiler's messages name file and line. */
  static String text() {
    StringBuilder text = new StringBuilder();
    for (String file : FILES) {
      text.append("#line 1 \"").append(file).append(".cu\"\n").append(read(file + ".cu")).append('\n');
    }
    return text.toString();
  }

  private static String read(String file) {
    try (InputStream in = KernelSource.class.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
