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
 * An opened {@link Device}, with a stream of its own: all its work runs in the order of the calls. Addresses
 * and handles are longs. It belongs to one thread at a time, which calls {@link #enter} first.
 */
// Pinned memory comes from native code.
@SuppressWarnings("restricted")
public final class Gpu implements AutoCloseable {
  private static final int NON_BLOCKING = 1;
  private static final int RELAXED = 2;
  private static final int OUT_OF_MEMORY = 2;
  private static final int DYNAMIC_SHARED = 8;
  private static final int ROUNDS = 2;
  /** Nanoseconds after work in which a GPU keeps its clock. */
  private static final long STILL_AWAKE = 200_000_000;
  /** What a kernel may use without asking. */
  private static final int SHARED_UNASKED = 48 * 1024;

  private final Functions functions;
  private final Device device;
  private final long context;
  private final boolean graphed;
  private long lastTimed = System.nanoTime() - STILL_AWAKE;
  private final long stream;
  private final List<Long> memory = new ArrayList<>();
  private final List<MemorySegment> pinned = new ArrayList<>();
  private final List<Long> modules = new ArrayList<>();
  private final List<Long> events = new ArrayList<>();
  private final List<Long> graphs = new ArrayList<>();
  private final List<Runnable> closers = new ArrayList<>();

  /** A recorded sequence, to be replayed as one. */
  public sealed interface Graph {}

  private record Recorded(long handle) implements Graph {}

  private record Remembered(Runnable work) implements Graph {}

  /** The shape of a launch. */
  public record Grid(int x, int y, int threads, int sharedBytes) {}

  Gpu(Functions functions, Device device, long context, boolean graphed) {
    this.functions = functions;
    this.device = device;
    this.context = context;
    this.graphed = graphed;
    enter();
    stream = created("cuStreamCreate", NON_BLOCKING);
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

  /** What it is. */
  public Device device() {
    return device;
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
      int code = functions.status("cuMemAlloc_v2", slot, Math.max(bytes, 1));
      if (code == OUT_OF_MEMORY) {
        throw new CudaException(device.name() + " has no " + Math.ceilDiv(bytes, 1 << 20) + " MiB left, but "
            + (freeBytes() >> 20) + " MiB: 'nvidia-smi' shows which processes hold the rest", code);
      }
      functions.check("cuMemAlloc_v2", code);
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
    MemorySegment from = pinned(Long.BYTES);
    from.set(JAVA_LONG, 0, number);
    // On the stream: it does not wait for copies beside it.
    upload(from, to, Long.BYTES);
    synchronise();
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
        struct.set(JAVA_INT, 8, numbers.bf16() ? 1 : 0);
        yield struct;
      }
      default -> throw new IllegalArgumentException("no kernel takes a " + argument.getClass());
    };
  }

  /** Records what is asked for instead of doing it. */
  public Graph record(Runnable work) {
    if (!graphed) {
      return new Remembered(work);
    }
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
      graphs.add(slot.get(JAVA_LONG, 0));
      return new Recorded(graphs.getLast());
    }
  }

  /** Does what was recorded. */
  public void replay(Graph graph) {
    switch (graph) {
      case Recorded recorded -> functions.call("cuGraphLaunch", recorded.handle, stream);
      case Remembered remembered -> remembered.work.run();
    }
  }

  /** Gives a recording back before the device is closed. */
  public void forget(Graph graph) {
    if (graph instanceof Recorded recorded) {
      functions.call("cuGraphExecDestroy", recorded.handle);
      graphs.remove(recorded.handle);
    }
  }

  /**
   * Times work on a chip that is awake: recorded several times as one graph, so that only the GPU's own time counts.
   *
   * @param warmUp seconds for which it is done before, or a twentieth of that right after another timing
   * @param times how often it is done in a recording
   * @return milliseconds of one time, the best of a few recordings
   */
  public float milliseconds(Runnable work, double warmUp, int times) {
    // What a driver does at a kernel's first launch has no place in a recording.
    work.run();
    synchronise();
    Graph graph = record(() -> {
      for (int i = 0; i < times; i++) {
        work.run();
      }
    });
    long from = mark();
    long to = mark();
    long began = System.nanoTime();
    // Right after another timing it is still awake.
    double wait = began - lastTimed < STILL_AWAKE ? warmUp / 20 : warmUp;
    do {
      replay(graph);
      synchronise();
    } while (System.nanoTime() - began < wait * 1e9);
    float least = Float.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      set(from);
      replay(graph);
      set(to);
      await(to);
      least = Math.min(least, milliseconds(from, to));
    }
    forget(graph);
    lastTimed = System.nanoTime();
    return least / times;
  }

  /** Milliseconds of work that is asked for once, after it has been done once; waits for it. */
  public float milliseconds(Runnable work) {
    long from = mark();
    long to = mark();
    work.run();
    set(from);
    work.run();
    set(to);
    await(to);
    return milliseconds(from, to);
  }

  /**
   * Lets a profiler of NVIDIA's see what follows, up to {@link #profiled}; without one nothing happens, or it is
   * refused.
   */
  public void profiling() {
    functions.status("cuProfilerStart");
  }

  /** See {@link #profiling}. */
  public void profiled() {
    functions.status("cuProfilerStop");
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

  /**
   * Frees everything that was asked of it, whatever fails.
   *
   * @throws CudaException where nothing had failed before, but this does
   */
  @Override
  public void close() {
    List<CudaException> failures = new ArrayList<>();
    attempt(failures, this::enter);
    // What failed before shows here again, and has been said; what can be freed still is.
    attempt(failures, this::synchronise);
    boolean failed = !failures.isEmpty();
    closers.forEach(closer -> attempt(failures, closer));
    graphs.forEach(graph -> attempt(failures, () -> functions.call("cuGraphExecDestroy", graph)));
    events.forEach(event -> attempt(failures, () -> functions.call("cuEventDestroy_v2", event)));
    modules.forEach(module -> attempt(failures, () -> functions.call("cuModuleUnload", module)));
    memory.forEach(address -> attempt(failures, () -> functions.call("cuMemFree_v2", address)));
    pinned.forEach(segment -> attempt(failures, () -> functions.call("cuMemFreeHost", segment)));
    attempt(failures, () -> functions.call("cuStreamDestroy_v2", stream));
    if (!failed && !failures.isEmpty()) {
      throw failures.getFirst();
    }
  }

  static void attempt(List<CudaException> failures, Runnable action) {
    try {
      action.run();
    } catch (CudaException e) {
      failures.add(e);
    }
  }
}
