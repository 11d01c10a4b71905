package org.knowcap.models.engine.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Tuning;
import org.knowcap.testing.TimeLimit;

/**
 * The cuda engine over stand-ins for NVIDIA's libraries (src/test/resources/emulation), which run the engine's kernels on
 * the CPU: everything of the engine is tested but the GPU. Needs g++ on Linux x86-64.
 */
// Native code is what this class is for.
@SuppressWarnings("restricted")
public final class EmulatedGpu {
  private static final Path FOLDER = Path.of("target", "emulation").toAbsolutePath();
  /** Where processes that have XDG_CACHE_HOME = target/emulation/cache look, too. */
  private static final Path CACHE = FOLDER.resolve("cache/knowcap/cuda");
  private static final List<String> LIBRARIES = List.of("cuda:libcuda.so.1", "nvrtc:libnvrtc.so.13",
      "cublaslt:cublaslt/libcublasLt.so.13");

  private EmulatedGpu() {}

  /** Built when first needed, once for all of the process. */
  private static final class Built {
    static final boolean DONE = build();
  }

  /** Whether this machine can build the stand-ins; where it cannot, the cuda engine's arithmetic is not tested. */
  public static boolean isHere() {
    return Built.DONE;
  }

  /**
   * The engine with its own products, or with cuBLASLt's stand-in; only where {@link #isHere}. Its sessions see, when they
   * are closed, whether the gaps between parts of their memory are as untouched as the driver's stand-in gave them.
   */
  public static Engine engine(boolean cublasLt) {
    return checked(Engine.class, cuda(cublasLt));
  }

  /** What an object gives, its sessions checked when they are closed. */
  private static <T> T checked(Class<T> type, T object) {
    return type
        .cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{type}, (_, method, arguments) -> {
          if (object instanceof CudaSession session && method.getName().equals("close")) {
            requireGapsUntouched(session.buffers());
          }
          try {
            return switch (method.invoke(object, arguments)) {
              case Session session -> checked(Session.class, session);
              case SessionGroup group -> checked(SessionGroup.class, group);
              case null -> null;
              case Object other -> other;
            };
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        }));
  }

  private static void requireGapsUntouched(Buffers buffers) {
    for (Buffers.Part part : Buffers.Part.values()) {
      if (buffers.bytes(part) > 0) {
        long end = buffers.address(part) + buffers.bytes(part);
        MemorySegment gap = MemorySegment.ofAddress(end).reinterpret(Buffers.GAP);
        for (long i = 0; i < Buffers.GAP; i++) {
          if (gap.get(ValueLayout.JAVA_BYTE, i) != -1) {
            throw new AssertionError("written " + i + " bytes behind the end of " + part);
          }
        }
      }
    }
  }

  /** The same engine, unchecked. */
  static CudaEngine cuda(boolean cublasLt) {
    return cuda(cublasLt, Set.of());
  }

  /** The same with switches. */
  static CudaEngine cuda(boolean cublasLt, Set<DebugSwitch> switches) {
    return cuda(cublasLt, switches, CACHE);
  }

  /** The same, keeping what it compiles and times in a folder. */
  static CudaEngine cuda(boolean cublasLt, Set<DebugSwitch> switches, Path cache) {
    return new CudaEngine(
        Libraries.in(cublasLt ? List.of(FOLDER, FOLDER.resolve("cublaslt")) : List.of(FOLDER)),
        new DiskCache(cache), new Tuning(0, 1, 0.03), switches);
  }

  /** With the driver alone. */
  static CudaEngine withoutCompiler(Path folder) throws IOException {
    Files.copy(FOLDER.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
    return new CudaEngine(Libraries.in(List.of(folder)), new DiskCache(CACHE), Tuning.REAL, Set.of());
  }

  private static boolean build() {
    if (!System.getProperty("os.name").equals("Linux") || !System.getProperty("os.arch").equals("amd64")) {
      return false;
    }
    try {
      Files.createDirectories(FOLDER.resolve("cublaslt"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // Tests run in several processes at once, which share these files.
    try (
        FileChannel file = FileChannel.open(FOLDER.resolve("lock"), StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
        FileLock _ = file.lock()) {
      Path header = resource("emulation.h");
      for (String entry : LIBRARIES) {
        String[] parts = entry.split(":");
        Path source = resource(parts[0] + ".cpp");
        Path library = FOLDER.resolve(parts[1]);
        if (newer(library, header) && newer(library, source)) {
          continue;
        }
        run(List.of("g++", "-O3", "-w", "-std=c++17", "-shared", "-fPIC", "-DHEADER=\"" + header + "\"",
            "-DDRIVER=\"" + FOLDER.resolve("libcuda.so.1") + "\"", source.toString(), "-o",
            library.toString()));
      }
      return true;
    } catch (NoCompiler e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean newer(Path file, Path source) throws IOException {
    return Files.exists(file)
        && Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(source)) > 0;
  }

  private static final class NoCompiler extends Exception {
    private static final long serialVersionUID = 1;
  }

  /** Copies a resource to a file and drops kernels compiled with another version of it. */
  private static Path resource(String name) throws IOException {
    Path file = FOLDER.resolve(name);
    try (InputStream in = EmulatedGpu.class.getResourceAsStream("/emulation/" + name)) {
      byte[] content = in.readAllBytes();
      if (!Files.exists(file) || !Arrays.equals(content, Files.readAllBytes(file))) {
        Files.write(file, content);
        if (Files.isDirectory(CACHE)) {
          try (var old = Files.list(CACHE)) {
            for (Path each : old.toList()) {
              Files.delete(each);
            }
          }
        }
      }
    }
    return file;
  }

  private static void run(List<String> command) throws NoCompiler, IOException {
    Process process;
    try {
      process = TimeLimit.start(new ProcessBuilder(command).redirectErrorStream(true));
    } catch (IOException e) {
      throw new NoCompiler();
    }
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + " failed:\n" + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static MemorySegment symbol(String name) {
    return SymbolLookup.libraryLookup(FOLDER.resolve("libcuda.so.1"), Arena.global())
        .find(name)
        .orElseThrow();
  }

  /** The driver's functions that were called since the last time, in order. */
  static List<String> calls() {
    return told("emulated_calls", " ");
  }

  /** The kernels launched since the last time: name, blocks along and down, and threads. */
  static List<String> launches() {
    return told("emulated_launches", ";");
  }

  private static List<String> told(String function, String between) {
    try {
      MemorySegment text = (MemorySegment) Linker.nativeLinker()
          .downcallHandle(symbol(function), FunctionDescriptor.of(ValueLayout.ADDRESS))
          .invokeExact();
      String all = text.reinterpret(Long.MAX_VALUE).getString(0).trim();
      return all.isEmpty() ? List.of() : new ArrayList<>(List.of(all.split(between)));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Sets the bytes of memory on the device. */
  static void capacity(long bytes) {
    set("emulated_capacity", bytes);
  }

  /** Lets the GPU fall asleep: so many pieces of work, kernels and matmuls, then take four times as long. */
  static void asleep(long pieces) {
    set("emulated_asleep", pieces);
  }

  /** Milliseconds of a matmul of random numbers by cuBLASLt's first and second candidate; one below 0 is refused. */
  static void candidates(double first, double second) {
    try {
      Linker.nativeLinker()
          .downcallHandle(symbol("emulated_candidates"),
              FunctionDescriptor.ofVoid(ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE))
          .invokeExact(first, second);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** As it is unless a test asks for others. */
  static void usualCandidates() {
    candidates(10, 11);
  }

  /** Allocations, streams, modules, graphs and events not given back; a context is kept. */
  static long leaks() {
    return get("emulated_leaks");
  }

  /** How often the device's context is held. */
  static long retained() {
    return get("emulated_retained");
  }

  private static void set(String function, long value) {
    try {
      Linker.nativeLinker()
          .downcallHandle(symbol(function), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG))
          .invokeExact(value);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static long get(String function) {
    try {
      return (long) Linker.nativeLinker()
          .downcallHandle(symbol(function), FunctionDescriptor.of(ValueLayout.JAVA_LONG))
          .invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
