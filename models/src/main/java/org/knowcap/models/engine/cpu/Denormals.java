package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Optional;

/**
 * Numbers below 1.2e-38, which processors treat as zero if told to, and otherwise take a hundred times longer over. A
 * model makes them by the million: GELU far left of zero, attention that is sure, moments of tokens that do not come.
 *
 * <p>The setting belongs to a thread and is out of Java's reach; C's {@code fesetenv} changes it as a part of the
 * floating-point environment.
 */
final class Denormals {
  private static final int ENVIRONMENT_BYTES = 64;

  private Denormals() {}

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

  /** Makes the calling thread take them as zero from now on, where that can be had. */
  static void flushOnThisThread() {
    setting().ifPresent(Denormals::apply);
  }

  private static void apply(Setting setting) {
    SymbolLookup lookup = Linker.nativeLinker().defaultLookup();
    Optional<MemorySegment> get = lookup.find("fegetenv");
    Optional<MemorySegment> set = lookup.find("fesetenv");
    if (get.isEmpty() || set.isEmpty()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment environment = arena.allocate(ENVIRONMENT_BYTES, 8);
      if (call(get.get(), environment) == 0) {
        environment.set(ValueLayout.JAVA_INT, setting.offset,
            environment.get(ValueLayout.JAVA_INT, setting.offset) | setting.bits);
        call(set.get(), environment);
      }
    }
  }

  @SuppressWarnings("restricted")
  private static int call(MemorySegment function, MemorySegment environment) {
    try {
      return (int) Linker.nativeLinker()
          .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
          .invokeExact(environment);
    } catch (Throwable e) {
      throw new IllegalStateException("the floating-point environment of a thread cannot be changed", e);
    }
  }

  /** Whether the calling thread takes them as zero. */
  static boolean flushedOnThisThread() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_FLOAT);
      number.set(ValueLayout.JAVA_FLOAT, 0, Float.MIN_NORMAL);
      return number.get(ValueLayout.JAVA_FLOAT, 0) * 0.5f == 0;
    }
  }
}
