package org.knowcap.models.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Nvrtc;

/** NVIDIA's own compiler takes every kernel for every chip. It needs no GPU, but the profile {@code cuda}. */
@Tag("emulation")
class KernelCompilationTest {
  /** How machine code begins. */
  private static final byte[] ELF = {0x7f, 'E', 'L', 'F'};

  private static Nvrtc compiler() {
    Optional<Libraries.Found> found = Libraries.ofThisMachine(Path.of("target", "nvrtc").toAbsolutePath())
        .compiler(13);
    assumeTrue(found.isPresent(), "NVRTC was not found: the kernels are not compiled; run with -Pcuda");
    return new Nvrtc(found.orElseThrow());
  }

  private static final KernelSource PLAIN = new KernelSource(false, 1, 1, 6, false);
  private static final KernelSource TENSOR = new KernelSource(true, 4, 6, 64, false);

  /**
   * Kernels with tensor cores, which hold what differs between chips: one chip of each generation, and for one also the other
   * widths that occur.
   */
  @ParameterizedTest
  @ValueSource(ints = {80, 90, 100, 121})
  void everyKernelCompilesForEachGeneration(int capability) {
    requireCompiles(capability, TENSOR);
    if (capability == 90) {
      requireCompiles(90, PLAIN);
      requireCompiles(90, new KernelSource(true, 4, 1, 20, false));
      requireCompiles(90, new KernelSource(true, 4, 8, 128, false));
    }
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(ints = {89, 103, 120})
  void everyKernelCompilesForTheOtherChips(int capability) {
    requireCompiles(capability, TENSOR);
  }

  /** The oldest and the newest; no file asks which chip it is compiled for. */
  @ParameterizedTest
  @ValueSource(ints = {80, 121})
  void everyKernelCompilesInFp32(int capability) {
    requireCompiles(capability, PLAIN);
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(ints = {89, 100, 103, 120})
  void everyKernelCompilesInFp32ForTheOthers(int capability) {
    requireCompiles(capability, PLAIN);
  }

  @Test
  void noKernelAsksWhichChipItIsCompiledFor() {
    assertFalse(KernelSource.text().contains("__CUDA_ARCH"));
  }

  /** All lanes of a warp must reach them together, and their order counts: a compiler must neither move nor drop them. */
  @Test
  void whatAWholeWarpDoesIsVolatile() {
    List<String> instructions = Pattern
        .compile("asm( volatile)?\\(\\s*\"((?:mma|ldmatrix|cp\\.async)[.\\w]*)")
        .matcher(KernelSource.text())
        .results()
        .map(match -> (match.group(1) == null ? "plain " : "") + match.group(2))
        .toList();
    assertTrue(instructions.size() > 4, instructions::toString);
    assertEquals(List.of(), instructions.stream().filter(each -> each.startsWith("plain ")).toList());
  }

  private static void requireCompiles(int capability, KernelSource source) {
    Nvrtc compiler = compiler();
    String target = compiler.target(capability);
    assertEquals(capability == 90 ? "sm_90a" : "sm_" + capability, target);
    Set<String> kernels = KernelParameters.of(KernelSource.text()).declared().keySet();
    assertTrue(kernels.size() > 20);
    byte[] code = compiler.compile(KernelSource.text(), "kernels.cu", target, source.definitions(), false);
    assertArrayEquals(ELF, Arrays.copyOf(code, 4));
    String text = new String(code, StandardCharsets.ISO_8859_1);
    List<String> missing = kernels.stream()
        .filter(kernel -> source.tensorAttention() || !kernel.startsWith("tensor_"))
        .filter(kernel -> !text.contains(".text." + kernel + "\0"))
        .sorted()
        .toList();
    assertEquals(List.of(), missing, source + " for " + target);
  }

  @Test
  void whatDoesNotCompileIsShownWithTheCompilersLog() {
    Nvrtc compiler = compiler();
    CudaException e = assertThrows(CudaException.class,
        () -> compiler.compile("#line 7 \"wrong.cu\"\nextern \"C\" __global__ void wrong() { missing = 1; }",
            "wrong.cu", "sm_80", List.of(), false));
    assertTrue(e.getMessage().contains("wrong.cu(7)") && e.getMessage().contains("missing"), e.getMessage());
  }

  /** A chip of a known generation runs the code of an earlier one of it; one of no known generation has none. */
  @Test
  void aCompilerThatIsTooOldSaysSo() {
    Nvrtc compiler = compiler();
    assertEquals("sm_89", compiler.target(89));
    CudaException e = assertThrows(CudaException.class, () -> compiler.target(990));
    assertTrue(e.getMessage().contains("compute capability 99.0"), e.getMessage());
  }
}
