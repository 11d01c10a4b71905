package org.knowcap.models.engine.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The first GPU that the driver shows (CUDA_VISIBLE_DEVICES chooses), with a stream of its own: everything asked of it
 * runs in the order it was asked for. Addresses and handles are longs. It belongs to one thread at a time, which
 * calls {@link #enter} first.
 */
// Pinned memory comes from native code.
@SuppressWarnings("restricted")
public final class Gpu implements AutoCloseable {
  /** The oldest chips that have bf16. */
  public static final int OLDEST = 80;

  private static final int MAJOR = 75;
  private static final int MINOR = 76;
  private static final int MULTIPROCESSORS = 16;
  private static final int SHARED_BYTES = 97;
  private static final int NON_BLOCKING = 1;
  private static final int RELAXED = 2;
  private static final int DYNAMIC_SHARED = 8;
  /** What a kernel may use without asking. */
  private static final int SHARED_UNASKED = 48 * 1024;

  private final Functions functions;
  private final int device;
  private final long context;
  private final long stream;
  private final List<Long> memory = new ArrayList<>();
  private final List<MemorySegment> pinned = new ArrayList<>();
  private final List<Long> modules = new ArrayList<>();
  private final List<Long> events = new ArrayList<>();
  private final List<Graph> graphs = new ArrayList<>();
  private final List<Runnable> closers = new ArrayList<>();

  /** A recorded sequence, to be replayed as one. */
  public record Graph(long handle) {}

  /** The shape of a launch. */
  public record Grid(int x, int y, int threads, int sharedBytes) {}

  private Gpu(Functions functions, int device) {
    this.functions = functions;
    this.device = device;
    context = handle("cuDevicePrimaryCtxRetain", device);
    enter();
    stream = created("cuStreamCreate", NON_BLOCKING);
  }

  /** The driver's functions, ready for use. */
  private static Functions functions(Libraries.Found library) {
    Functions[] self = new Functions[1];
    self[0] = new Functions(library.symbols(), "the NVIDIA driver",
        code -> text(self[0], "cuGetErrorName", code) + " (" + text(self[0], "cuGetErrorString", code) + ")");
    return self[0];
  }

  private static String text(Functions functions, String function, int code) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ADDRESS);
      return functions.status(function, code, slot) == 0
          ? slot.get(ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0)
          : "error " + code;
    }
  }

  /**
   * Opens the GPU.
   *
   * @throws CudaException where there is none, or the driver does not start
   */
  public static Gpu open(Libraries.Found library) {
    Functions functions = functions(library);
    functions.call("cuInit", 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      functions.call("cuDeviceGetCount", number);
      if (number.get(JAVA_INT, 0) == 0) {
        throw new CudaException("the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES?)", 0);
      }
      functions.call("cuDeviceGet", number, 0);
      return new Gpu(functions, number.get(JAVA_INT, 0));
    }
  }

  /** Makes it the calling thread's. */
  public void enter() {
    functions.call("cuCtxSetCurrent", context);
  }

  private long handle(String function, int argument) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      functions.call(function, slot, argument);
      return slot.get(JAVA_LONG, 0);
    }
  }

  private long created(String function, int flags) {
    return handle(function, flags);
  }

  /** The newest version of CUDA that the driver knows, such as 13000 for 13.0. */
  public int driverVersion() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(JAVA_INT);
      functions.call("cuDriverGetVersion", version);
      return version.get(JAVA_INT, 0);
    }
  }

  /** Such as NVIDIA H200. */
  public String name() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(256);
      functions.call("cuDeviceGetName", name, 256, device);
      return name.getString(0);
    }
  }

  private int attribute(int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      functions.call("cuDeviceGetAttribute", value, which, device);
      return value.get(JAVA_INT, 0);
    }
  }

  /** Ten times the compute capability, such as 90. */
  public int capability() {
    return 10 * attribute(MAJOR) + attribute(MINOR);
  }

  public int multiprocessors() {
    return attribute(MULTIPROCESSORS);
  }

  /** Bytes of shared memory that a block may have. */
  public int sharedBytes() {
    return attribute(SHARED_BYTES);
  }

  /** Bytes that are free now. */
  public long freeBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sizes = arena.allocate(JAVA_LONG, 2);
      functions.call("cuMemGetInfo_v2", sizes, sizes.asSlice(8));
      return sizes.get(JAVA_LONG, 0);
    }
  }

  /** The stream, for libraries that launch kernels themselves. */
  long stream() {
    return stream;
  }

  /**
   * Memory on the device, freed with it.
   *
   * @throws CudaException where there is too little
   */
  public long allocate(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      functions.call("cuMemAlloc_v2", slot, Math.max(bytes, 1));
      memory.add(slot.get(JAVA_LONG, 0));
      return memory.getLast();
    }
  }

  /** Memory of the host that copies need not wait for, freed with the device. */
  public MemorySegment pinned(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ADDRESS);
      functions.call("cuMemHostAlloc", slot, bytes, 0);
      MemorySegment segment = slot.get(ADDRESS, 0).reinterpret(bytes);
      pinned.add(segment);
      return segment;
    }
  }

  /** Copies from pinned memory. It must not change until the copy is done. */
  public void upload(MemorySegment from, long to, long bytes) {
    functions.call("cuMemcpyHtoDAsync_v2", to, from, bytes, stream);
  }

  /** Copies to pinned memory, where the content is once {@link #synchronise} returns. */
  public void download(long from, MemorySegment to, long bytes) {
    functions.call("cuMemcpyDtoHAsync_v2", to, from, bytes, stream);
  }

  /** Writes one number, and waits until it is there. */
  public void write(long to, long number) {
    try (Arena arena = Arena.ofConfined()) {
      functions.call("cuMemcpyHtoD_v2", to, arena.allocateFrom(JAVA_LONG, number), 8L);
    }
  }

  /** Zeroes memory. */
  public void clear(long address, long bytes) {
    if (bytes > 0) {
      functions.call("cuMemsetD8Async", address, (Integer) 0, bytes, stream);
    }
  }

  /** Waits until all is done. */
  public void synchronise() {
    functions.call("cuStreamSynchronize", stream);
  }

  /** Loads machine code, unloaded with the device. */
  public long load(byte[] cubin) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      MemorySegment image = arena.allocate(cubin.length, 64).copyFrom(MemorySegment.ofArray(cubin));
      functions.call("cuModuleLoadData", slot, image);
      modules.add(slot.get(JAVA_LONG, 0));
      return modules.getLast();
    }
  }

  /** A kernel of loaded code. */
  public long kernel(long module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      functions.call("cuModuleGetFunction", slot, module, arena.allocateFrom(name));
      return slot.get(JAVA_LONG, 0);
    }
  }

  /** Address of a variable of loaded code. */
  public long variable(long module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      functions.call("cuModuleGetGlobal_v2", slot, MemorySegment.NULL, module, arena.allocateFrom(name));
      return slot.get(JAVA_LONG, 0);
    }
  }

  /** Lets a kernel have as much shared memory as a launch will ask for. */
  public void reserve(long kernel, Grid grid) {
    if (grid.sharedBytes > SHARED_UNASKED) {
      functions.call("cuFuncSetAttribute", kernel, DYNAMIC_SHARED, grid.sharedBytes);
    }
  }

  /**
   * Launches a kernel.
   *
   * @param replicas how many times the grid is launched, as its third dimension
   * @param arguments int, long (an address), float, double, or {@link Numbers}
   */
  public void launch(long kernel, Grid grid, int replicas, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(ADDRESS, Math.max(1, arguments.length));
      for (int i = 0; i < arguments.length; i++) {
        list.setAtIndex(ADDRESS, i, argument(arguments[i], arena));
      }
      functions.call("cuLaunchKernel", kernel, grid.x, grid.y, replicas, grid.threads, 1, 1, grid.sharedBytes,
          stream, list, MemorySegment.NULL);
    }
  }

  private static MemorySegment argument(Object argument, Arena arena) {
    return switch (argument) {
      case Integer value -> arena.allocateFrom(JAVA_INT, value);
      case Long value -> arena.allocateFrom(JAVA_LONG, value);
      case Float value -> arena.allocateFrom(JAVA_FLOAT, value);
      case Double value -> arena.allocateFrom(JAVA_DOUBLE, value);
      case Numbers numbers -> {
        MemorySegment struct = arena.allocate(16, 8);
        struct.set(JAVA_LONG, 0, numbers.address());
        struct.set(JAVA_INT, 8, numbers.narrow() ? 1 : 0);
        yield struct;
      }
      default -> throw new IllegalArgumentException("no kernel takes a " + argument.getClass());
    };
  }

  /** Records what is asked for instead of doing it. */
  public Graph record(Runnable work) {
    functions.call("cuStreamBeginCapture_v2", stream, RELAXED);
    long graph;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      try {
        work.run();
      } catch (RuntimeException e) {
        // Ends the recording, whatever became of it, so that the stream can be used and closed.
        functions.status("cuStreamEndCapture", stream, slot);
        throw e;
      }
      functions.call("cuStreamEndCapture", stream, slot);
      graph = slot.get(JAVA_LONG, 0);
      functions.call("cuGraphInstantiateWithFlags", slot, graph, 0L);
      functions.call("cuGraphDestroy", graph);
      graphs.add(new Graph(slot.get(JAVA_LONG, 0)));
      return graphs.getLast();
    }
  }

  /** Does what was recorded. */
  public void replay(Graph graph) {
    functions.call("cuGraphLaunch", graph.handle, stream);
  }

  /** A mark that can be set in the stream, waited for, and timed. */
  public long mark() {
    events.add(created("cuEventCreate", 0));
    return events.getLast();
  }

  public void set(long mark) {
    functions.call("cuEventRecord", mark, stream);
  }

  /** Waits until the stream has passed a mark; returns at once if it was never set. */
  public void await(long mark) {
    functions.call("cuEventSynchronize", mark);
  }

  /** Milliseconds between two marks that the stream has passed. */
  public float milliseconds(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(JAVA_FLOAT);
      functions.call("cuEventElapsedTime", time, from, to);
      return time.get(JAVA_FLOAT, 0);
    }
  }

  /** Has something done before it closes, for libraries that hold on to it. */
  void atClose(Runnable closer) {
    closers.add(closer);
  }

  /** Frees everything that was asked of it. */
  @Override
  public void close() {
    enter();
    // Whatever failed before shows here again; what can be freed is.
    functions.status("cuStreamSynchronize", stream);
    closers.forEach(Runnable::run);
    graphs.forEach(graph -> functions.call("cuGraphExecDestroy", graph.handle));
    events.forEach(event -> functions.call("cuEventDestroy_v2", event));
    modules.forEach(module -> functions.call("cuModuleUnload", module));
    memory.forEach(address -> functions.call("cuMemFree_v2", address));
    pinned.forEach(segment -> functions.call("cuMemFreeHost", segment));
    functions.call("cuStreamDestroy_v2", stream);
    functions.call("cuDevicePrimaryCtxRelease_v2", device);
  }
}
