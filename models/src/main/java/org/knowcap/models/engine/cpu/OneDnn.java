package org.knowcap.models.engine.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.URL;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/**
 * The part of oneDNN's C interface that matmuls need, bound through the foreign-function API. The library comes with
 * its Maven artifact and is unpacked into JavaCPP's cache.
 */
// Native code is what this class is for.
@SuppressWarnings("restricted")
final class OneDnn {
  /** Argument numbers of a product. */
  static final int SOURCE = 1;
  static final int WEIGHTS = 33;
  static final int BIAS = 41;
  static final int DESTINATION = 17;
  static final int SCRATCH = 80;

  private static final int FP32 = 3;
  private static final int BF16 = 2;
  private static final int CPU = 1;
  private static final int IN_ORDER = 1;
  private static final int USER_SCRATCH = 1;
  private static final int SCRATCH_DESCRIPTOR = 136;
  /** Bit of {@code dnnl_cpu_isa_t} that only instruction sets with bf16 products have. */
  private static final int BF16_BIT = 0x80;

  /** Names of the library and of the OpenMP runtime beside it, by JavaCPP's platform. */
  private enum Platform {
    LINUX("linux", "libdnnl.so.3", List.of("libgomp.so.1")), //
    MACOS("macosx", "libdnnl.3.dylib", List.of("libomp.dylib", "libiomp5.dylib")), //
    WINDOWS("windows", "dnnl.dll", List.of("libomp.dll", "libiomp5md.dll"));

    private final String prefix;
    private final String library;
    private final List<String> openMp;

    Platform(String prefix, String library, List<String> openMp) {
      this.prefix = prefix;
      this.library = library;
      this.openMp = openMp;
    }
  }

  private final SymbolLookup library;
  private final MethodHandle createDescriptor;
  private final MethodHandle destroyDescriptor;
  private final MethodHandle descriptorSize;
  private final MethodHandle createMemory;
  private final MethodHandle destroyMemory;
  private final MethodHandle setHandle;
  private final MethodHandle createAttributes;
  private final MethodHandle destroyAttributes;
  private final MethodHandle setScratchMode;
  private final MethodHandle createPostOperations;
  private final MethodHandle destroyPostOperations;
  private final MethodHandle appendSum;
  private final MethodHandle setPostOperations;
  private final MethodHandle createProductDescription;
  private final MethodHandle queryDescriptor;
  private final MethodHandle destroyDescription;
  private final MethodHandle createPrimitive;
  private final MethodHandle destroyPrimitive;
  private final MethodHandle createStream;
  private final MethodHandle destroyStream;
  private final MethodHandle execute;
  private final Optional<MethodHandle> setThreads;
  private final Optional<MethodHandle> getThreads;
  private final MemorySegment engine;
  private final boolean bf16;
  private final String version;

  private OneDnn(SymbolLookup library) throws Throwable {
    this.library = library;
    createDescriptor = function("dnnl_memory_desc_create_with_strides", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS,
        JAVA_INT, ADDRESS);
    destroyDescriptor = function("dnnl_memory_desc_destroy", JAVA_INT, ADDRESS);
    descriptorSize = function("dnnl_memory_desc_get_size", JAVA_LONG, ADDRESS);
    createMemory = function("dnnl_memory_create", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    destroyMemory = function("dnnl_memory_destroy", JAVA_INT, ADDRESS);
    setHandle = function("dnnl_memory_set_data_handle", JAVA_INT, ADDRESS, JAVA_LONG);
    createAttributes = function("dnnl_primitive_attr_create", JAVA_INT, ADDRESS);
    destroyAttributes = function("dnnl_primitive_attr_destroy", JAVA_INT, ADDRESS);
    setScratchMode = function("dnnl_primitive_attr_set_scratchpad_mode", JAVA_INT, ADDRESS, JAVA_INT);
    createPostOperations = function("dnnl_post_ops_create", JAVA_INT, ADDRESS);
    destroyPostOperations = function("dnnl_post_ops_destroy", JAVA_INT, ADDRESS);
    appendSum = function("dnnl_post_ops_append_sum", JAVA_INT, ADDRESS, JAVA_FLOAT, JAVA_INT, JAVA_INT);
    setPostOperations = function("dnnl_primitive_attr_set_post_ops", JAVA_INT, ADDRESS, ADDRESS);
    createProductDescription = function("dnnl_matmul_primitive_desc_create", JAVA_INT, ADDRESS, ADDRESS,
        ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    queryDescriptor = function("dnnl_primitive_desc_query_md", ADDRESS, ADDRESS, JAVA_INT, JAVA_INT);
    destroyDescription = function("dnnl_primitive_desc_destroy", JAVA_INT, ADDRESS);
    createPrimitive = function("dnnl_primitive_create", JAVA_INT, ADDRESS, ADDRESS);
    destroyPrimitive = function("dnnl_primitive_destroy", JAVA_INT, ADDRESS);
    createStream = function("dnnl_stream_create", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    destroyStream = function("dnnl_stream_destroy", JAVA_INT, ADDRESS);
    execute = function("dnnl_primitive_execute", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS);
    setThreads = library.find("omp_set_num_threads")
        .map(symbol -> Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.ofVoid(JAVA_INT)));
    getThreads = library.find("omp_get_max_threads")
        .map(symbol -> Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT)));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) function("dnnl_engine_create", JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG).invokeExact(out, CPU,
          0L), "dnnl_engine_create");
      engine = out.get(ADDRESS, 0);
    }
    int instructions = (int) function("dnnl_get_effective_cpu_isa", JAVA_INT).invokeExact();
    bf16 = (instructions & BF16_BIT) != 0;
    MemorySegment numbers = ((MemorySegment) function("dnnl_version", ADDRESS).invokeExact()).reinterpret(12);
    version = numbers.get(JAVA_INT, 0) + "." + numbers.get(JAVA_INT, 4) + "." + numbers.get(JAVA_INT, 8);
  }

  /**
   * Unpacks and binds the library.
   *
   * @throws UnsupportedOperationException where it cannot be had, with the reason in plain words
   */
  static OneDnn load() {
    String name = Loader.getPlatform();
    for (Platform platform : Platform.values()) {
      if (name.startsWith(platform.prefix)) {
        String folder = "/org/bytedeco/dnnl/" + name + "/";
        try {
          for (String file : platform.openMp) {
            if (Loader.class.getResource(folder + file) != null) {
              unpack(folder + file);
            }
          }
          return new OneDnn(
              SymbolLookup.libraryLookup(unpack(folder + platform.library).toPath(), Arena.global()));
        } catch (Throwable e) {
          throw new UnsupportedOperationException("oneDNN does not load: " + e.getMessage(), e);
        }
      }
    }
    throw new UnsupportedOperationException("oneDNN is not packaged for " + name);
  }

  private static File unpack(String resource) throws IOException {
    URL url = Loader.class.getResource(resource);
    if (url == null) {
      throw new IOException(resource + " is not on the class path");
    }
    File file = Loader.cacheResource(url);
    if (file == null) {
      throw new IOException(
          "no folder to unpack it into; set -Dorg.bytedeco.javacpp.cachedir to a writable one");
    }
    return file;
  }

  private MethodHandle function(String name, ValueLayout result, ValueLayout... arguments) {
    return Linker.nativeLinker()
        .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }

  private static void check(int status, String what) {
    if (status != 0) {
      throw new IllegalStateException("oneDNN's " + what + " failed with status " + status);
    }
  }

  /** Whether this processor multiplies bf16 natively. */
  boolean multipliesBf16() {
    return bf16;
  }

  String version() {
    return version;
  }

  /** Threads that oneDNN runs on when the calling thread calls it; 1 where that cannot be chosen. */
  int threads() {
    try {
      return getThreads.isPresent() ? (int) getThreads.get().invokeExact() : 1;
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** Makes oneDNN run on so many threads whenever the calling thread calls it. */
  void useThreads(int count) {
    try {
      if (setThreads.isPresent()) {
        setThreads.get().invokeExact(count);
      }
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  MemorySegment stream() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) createStream.invokeExact(out, engine, IN_ORDER), "dnnl_stream_create");
      return out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  void destroyStream(MemorySegment stream) {
    destroy(destroyStream, stream);
  }

  void destroyMemory(MemorySegment memory) {
    destroy(destroyMemory, memory);
  }

  void destroyPrimitive(MemorySegment primitive) {
    destroy(destroyPrimitive, primitive);
  }

  private static void destroy(MethodHandle destroyer, MemorySegment object) {
    try {
      check((int) destroyer.invokeExact(object), "clean-up");
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  private static RuntimeException failure(Throwable e) {
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }

  /** Describes a stack of matrices as oneDNN sees it, [count, rows, columns] with strides. */
  MemorySegment descriptor(Matrix m) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      MemorySegment sizes = arena.allocateFrom(JAVA_LONG, m.count(), m.rows(), m.columns());
      MemorySegment strides = arena.allocateFrom(JAVA_LONG,
          m.count() == 1
              ? Math.max(m.rows() * m.rowStride(), m.columns() * m.columnStride())
              : m.countStride(),
          m.rowStride(), m.columnStride());
      check((int) createDescriptor.invokeExact(out, 3, sizes, m.isBf16() ? BF16 : FP32, strides),
          "dnnl_memory_desc_create_with_strides");
      return out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  void destroyDescriptor(MemorySegment descriptor) {
    destroy(destroyDescriptor, descriptor);
  }

  /** A memory object of a descriptor at an address. */
  MemorySegment memory(MemorySegment descriptor, MemorySegment address) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) createMemory.invokeExact(out, descriptor, engine, address), "dnnl_memory_create");
      return out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** The address is a plain number: a segment for each product of each step would be garbage. */
  void move(MemorySegment memory, long address) {
    try {
      check((int) setHandle.invokeExact(memory, address), "dnnl_memory_set_data_handle");
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /**
   * A compiled product.
   *
   * @param scratch memory object of the scratch space it needs, not placed yet
   * @param scratchBytes size of that, 0 if it needs none
   */
  record Primitive(MemorySegment handle, MemorySegment scratch, long scratchBytes) {}

  /** Compiles a product of described matrices. */
  Primitive product(MemorySegment a, MemorySegment b, Optional<MemorySegment> bias, MemorySegment out,
      boolean accumulate) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ADDRESS);
      check((int) createAttributes.invokeExact(slot), "dnnl_primitive_attr_create");
      MemorySegment attributes = slot.get(ADDRESS, 0);
      check((int) setScratchMode.invokeExact(attributes, USER_SCRATCH),
          "dnnl_primitive_attr_set_scratchpad_mode");
      if (accumulate) {
        check((int) createPostOperations.invokeExact(slot), "dnnl_post_ops_create");
        MemorySegment operations = slot.get(ADDRESS, 0);
        check((int) appendSum.invokeExact(operations, 1f, 0, 0), "dnnl_post_ops_append_sum");
        check((int) setPostOperations.invokeExact(attributes, operations),
            "dnnl_primitive_attr_set_post_ops");
        check((int) destroyPostOperations.invokeExact(operations), "dnnl_post_ops_destroy");
      }
      check((int) createProductDescription.invokeExact(slot, engine, a, b, bias.orElse(MemorySegment.NULL),
          out, attributes), "dnnl_matmul_primitive_desc_create");
      MemorySegment description = slot.get(ADDRESS, 0);
      MemorySegment scratchDescriptor = (MemorySegment) queryDescriptor.invokeExact(description,
          SCRATCH_DESCRIPTOR, 0);
      long bytes = scratchDescriptor.address() == 0
          ? 0
          : (long) descriptorSize.invokeExact(scratchDescriptor);
      MemorySegment scratch = bytes == 0 ? MemorySegment.NULL : memory(scratchDescriptor, MemorySegment.NULL);
      check((int) createPrimitive.invokeExact(slot, description), "dnnl_primitive_create");
      MemorySegment primitive = slot.get(ADDRESS, 0);
      check((int) destroyDescription.invokeExact(description), "dnnl_primitive_desc_destroy");
      check((int) destroyAttributes.invokeExact(attributes), "dnnl_primitive_attr_destroy");
      return new Primitive(primitive, scratch, bytes);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** Runs a product with its arguments: pairs of an argument's number and its memory object. */
  void execute(MemorySegment primitive, MemorySegment stream, int arguments, MemorySegment list) {
    try {
      check((int) execute.invokeExact(primitive, stream, arguments, list), "dnnl_primitive_execute");
    } catch (Throwable e) {
      throw failure(e);
    }
  }
}
