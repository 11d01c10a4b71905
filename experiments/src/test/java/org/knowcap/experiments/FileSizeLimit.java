package org.knowcap.experiments;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Lets no file grow beyond a size, for this process and those that it starts, until closed: writing beyond it ends half way
 * with an error of the system's, as on a full disk, and needs no privilege. POSIX's {@code setrlimit} of {@code RLIMIT_FSIZE}.
 */
public final class FileSizeLimit implements AutoCloseable {
  /** On Linux and macOS alike. */
  private static final int RLIMIT_FSIZE = 1;
  private static final long BYTES = 2 * JAVA_LONG.byteSize();

  private final long soft;
  private final long hard;

  /** @param bytes that a file may have */
  public FileSizeLimit(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = arena.allocate(BYTES, JAVA_LONG.byteAlignment());
      call("getrlimit", limits);
      soft = limits.getAtIndex(JAVA_LONG, 0);
      hard = limits.getAtIndex(JAVA_LONG, 1);
    }
    set(bytes);
  }

  /** Whether this system has such limits. */
  public static boolean available() {
    return !System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("windows");
  }

  private void set(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = arena.allocate(BYTES, JAVA_LONG.byteAlignment());
      limits.setAtIndex(JAVA_LONG, 0, bytes);
      limits.setAtIndex(JAVA_LONG, 1, hard);
      call("setrlimit", limits);
    }
  }

  @SuppressWarnings("restricted")
  private static void call(String function, MemorySegment limits) {
    Linker linker = Linker.nativeLinker();
    MethodHandle handle = linker.downcallHandle(linker.defaultLookup().find(function).orElseThrow(),
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ValueLayout.ADDRESS));
    int failed;
    try {
      failed = (int) handle.invokeExact(RLIMIT_FSIZE, limits);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    if (failed != 0) {
      throw new IllegalStateException(function + " failed");
    }
  }

  @Override
  public void close() {
    set(soft);
  }
}
