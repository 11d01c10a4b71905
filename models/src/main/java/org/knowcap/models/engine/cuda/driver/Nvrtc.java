package org.knowcap.models.engine.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** NVIDIA's runtime compiler: CUDA C++ to the machine code of one chip. It needs no driver. */
public final class Nvrtc {
  private static final List<String> ERRORS = List.of("", "NVRTC_ERROR_OUT_OF_MEMORY",
      "NVRTC_ERROR_PROGRAM_CREATION_FAILURE", "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM",
      "NVRTC_ERROR_INVALID_OPTION", "NVRTC_ERROR_COMPILATION", "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE");
  /** Chips whose own instructions want a name of their own. */
  private static final int HOPPER = 90;

  private final Functions functions;
  private final String where;

  /** Binds the library. */
  public Nvrtc(Libraries.Found library) {
    where = library.where();
    functions = new Functions(library.symbols(), "NVRTC",
        code -> code < ERRORS.size() ? ERRORS.get(code) : "NVRTC error " + code);
  }

  /** Such as 13.1. */
  public String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_INT, 2);
      functions.call("nvrtcVersion", numbers, numbers.asSlice(4));
      return numbers.getAtIndex(JAVA_INT, 0) + "." + numbers.getAtIndex(JAVA_INT, 1);
    }
  }

  /** Where the library lies. */
  public String where() {
    return where;
  }

  /**
   * The chip to compile for: the one found, or the newest before it of the same generation, whose code it runs too.
   *
   * @param capability ten times the compute capability, such as 89
   * @return its name, such as sm_89
   * @throws CudaException where this compiler is too old for the chip
   */
  public String target(int capability) {
    int[] known = targets();
    int best = Arrays.stream(known)
        .filter(chip -> chip <= capability && chip / 10 == capability / 10)
        .max()
        .orElseThrow(() -> new CudaException(
            "NVRTC " + version() + " (" + where + ") cannot compile for compute capability " + capability / 10
                + "." + capability % 10 + "; it knows " + Arrays.stream(known).min().orElse(0) / 10.0 + " to "
                + Arrays.stream(known).max().orElse(0) / 10.0 + "; get a newer one",
            0));
    return best == HOPPER ? "sm_90a" : "sm_" + best;
  }

  private int[] targets() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      functions.call("nvrtcGetNumSupportedArchs", count);
      MemorySegment chips = arena.allocate(JAVA_INT, count.get(JAVA_INT, 0));
      functions.call("nvrtcGetSupportedArchs", chips);
      return chips.toArray(JAVA_INT);
    }
  }

  /**
   * Compiles a source.
   *
   * @param target a chip, such as sm_90a
   * @param definitions macros, as NAME=VALUE
   * @param lineInfo whether tools of NVIDIA's can name a source's lines
   * @return its machine code (cubin)
   * @throws CudaException with the compiler's log where the source does not compile
   */
  public byte[] compile(String source, String name, String target, List<String> definitions,
      boolean lineInfo) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ADDRESS);
      functions.call("nvrtcCreateProgram", slot, arena.allocateFrom(source), arena.allocateFrom(name), 0,
          MemorySegment.NULL, MemorySegment.NULL);
      long program = slot.get(JAVA_LONG, 0);
      try {
        List<String> options = Stream
            .concat(
                Stream.concat(Stream.of("--gpu-architecture=" + target, "--std=c++17"),
                    lineInfo ? Stream.of("--generate-line-info") : Stream.empty()),
                definitions.stream().map(definition -> "-D" + definition))
            .toList();
        MemorySegment list = arena.allocate(ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
          list.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int code = functions.status("nvrtcCompileProgram", program, options.size(), list);
        if (code != 0) {
          throw new CudaException("the kernels of " + name + " do not compile for " + target + " by NVRTC "
              + version() + ":\n" + log(program, arena), 0);
        }
        return bytes("nvrtcGetCUBINSize", "nvrtcGetCUBIN", program, arena);
      } finally {
        functions.call("nvrtcDestroyProgram", slot);
      }
    }
  }

  private String log(long program, Arena arena) {
    byte[] log = bytes("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program, arena);
    return new String(log, 0, Math.max(0, log.length - 1), java.nio.charset.StandardCharsets.UTF_8);
  }

  private byte[] bytes(String sizeFunction, String function, long program, Arena arena) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    functions.call(sizeFunction, program, size);
    MemorySegment content = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    functions.call(function, program, content);
    return content.asSlice(0, size.get(JAVA_LONG, 0)).toArray(JAVA_BYTE);
  }
}
