package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/**
 * Makes threads treat numbers below 1.2e-38 as zero, because processors compute with them a hundred times more
 * slowly. A model produces millions of them: in GELU far left of zero, in sharp attention, and in optimiser
 * statistics of tokens that do not occur.
 *
 * <p>Each thread has its own setting, which Java cannot change; C's {@code fesetenv} changes it as a part of the
 * floating-point environment.
 */
final class Denormals {
  private static final int ENVIRONMENT_BYTES = 64;

  private final Optional<Environment> environment;

  /** @param arena of what it needs to change a thread's setting and to restore it */
  Denormals(Arena arena) {
    environment = setting().flatMap(setting -> Environment.of(setting, arena));
  }

  /**
   * Where a C library keeps the setting.
   *
   * @param offset in the environment, in bytes
   * @param bits to be set in the 32-bit number there
   */
  private record Setting(int offset, int bits) {}

  /** Of the platforms on which it is known. */
  private static Optional<Setting> setting() {
    String platform = System.getProperty("os.name").toLowerCase(Locale.ROOT) + " "
        + System.getProperty("os.arch");
    return switch (platform) {
      // MXCSR behind 28 bytes of the older unit's state; flush results, take operands as zero.
      case "linux amd64" -> Optional.of(new Setting(28, 1 << 15 | 1 << 6));
      // FPCR; one bit does both.
      case "linux aarch64" -> Optional.of(new Setting(0, 1 << 24));
      default -> Optional.empty();
    };
  }

  /** C's functions, a thread's environment as it was, and as it is to be. */
  private record Environment(Setting setting, MethodHandle get, MethodHandle set, MemorySegment before,
      MemorySegment flushing) {
    @SuppressWarnings("restricted")
    static Optional<Environment> of(Setting setting, Arena arena) {
      Linker linker = Linker.nativeLinker();
      FunctionDescriptor type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS);
      Optional<MemorySegment> get = linker.defaultLookup().find("fegetenv");
      Optional<MemorySegment> set = linker.defaultLookup().find("fesetenv");
      return get.isEmpty() || set.isEmpty()
          ? Optional.empty()
          : Optional.of(new Environment(setting, linker.downcallHandle(get.get(), type),
              linker.downcallHandle(set.get(), type), arena.allocate(ENVIRONMENT_BYTES, 8),
              arena.allocate(ENVIRONMENT_BYTES, 8)));
    }

    void flush() {
      call(get, before);
      flushing.copyFrom(before);
      flushing.set(ValueLayout.JAVA_INT, setting.offset,
          before.get(ValueLayout.JAVA_INT, setting.offset) | setting.bits);
      call(set, flushing);
    }

    void restore() {
      call(set, before);
    }

    private static void call(MethodHandle function, MemorySegment environment) {
      try {
        int failed = (int) function.invokeExact(environment);
        if (failed != 0) {
          throw new IllegalStateException("the floating-point environment of a thread cannot be changed");
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Makes the calling thread treat them as zero from now on, on platforms where that is possible. */
  void flush() {
    environment.ifPresent(Environment::flush);
  }

  /** Gives the calling thread the environment that it had at its last {@link #flush}. */
  void restore() {
    environment.ifPresent(Environment::restore);
  }

  /** Whether the calling thread treats them as zero. */
  static boolean flushedOnThisThread() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_FLOAT);
      number.set(ValueLayout.JAVA_FLOAT, 0, Float.MIN_NORMAL);
      return number.get(ValueLayout.JAVA_FLOAT, 0) * 0.5f == 0;
    }
  }
}
