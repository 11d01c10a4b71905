package org.knowcap.models.engine.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The first GPU that the driver shows (CUDA_VISIBLE_DEVICES chooses). Reading its properties makes no context. The
 * context is made when the device is first {@link #open opened}, and kept until the process ends, because making it
 * again takes long.
 */
// Text of the driver's is native memory.
@SuppressWarnings("restricted")
public final class Device {
  /** The oldest chips that have bf16. */
  public static final int OLDEST = 80;
  /** The oldest drivers: those of CUDA 12. */
  private static final int OLDEST_DRIVER = 12000;

  private static final int MAJOR = 75;
  private static final int MINOR = 76;
  private static final int SHARED_BYTES = 97;
  private static final int COMPUTE_MODE = 20;
  private static final int PROHIBITED = 2;
  private static final int EXCLUSIVE = 3;
  private static final int OUT_OF_MEMORY = 2;
  private static final int NO_DEVICE = 100;
  private static final int UNAVAILABLE = 46;

  private final Functions functions;
  private final int device;
  private Optional<Long> context = Optional.empty();

  private Device(Functions functions, int device) {
    this.functions = functions;
    this.device = device;
  }

  /**
   * Looks at the GPU.
   *
   * @throws CudaException where there is none, or the driver is too old or does not start
   */
  public static Device of(Libraries.Found library) {
    Functions[] self = new Functions[1];
    self[0] = new Functions(library.symbols(), "the NVIDIA driver",
        code -> text(self[0], "cuGetErrorName", code) + " (" + text(self[0], "cuGetErrorString", code) + ")");
    Functions functions = self[0];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      // The one function that needs no start.
      functions.call("cuDriverGetVersion", number);
      int version = number.get(JAVA_INT, 0);
      if (version < OLDEST_DRIVER) {
        throw new CudaException("the NVIDIA driver knows CUDA " + version(version)
            + ", which is too old: install one that knows CUDA 12 or 13 (525.60 or later)", 0);
      }
      int started = functions.status("cuInit", 0);
      if (started != 0 && started != NO_DEVICE) {
        throw new CudaException("the NVIDIA driver does not start: cuInit says "
            + text(functions, "cuGetErrorName", started) + "; 'nvidia-smi' may say why", started);
      }
      number.set(JAVA_INT, 0, 0);
      if (started == 0) {
        // A driver that shows no GPU has not started, and refuses to count.
        functions.call("cuDeviceGetCount", number);
      }
      if (number.get(JAVA_INT, 0) == 0) {
        throw new CudaException("the NVIDIA driver shows no GPU: 'nvidia-smi -L' lists what there is;"
            + " CUDA_VISIBLE_DEVICES may hide it, or a GPU in MIG mode may have no slice", started);
      }
      functions.call("cuDeviceGet", number, 0);
      return new Device(functions, number.get(JAVA_INT, 0));
    }
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
   * Opens it, for one thread at a time.
   *
   * @param graphs whether what is recorded becomes a graph; otherwise it is asked for anew each time
   * @throws CudaException where another process has it for itself, or no memory is left
   */
  public synchronized Gpu open(boolean graphs) {
    if (context.isEmpty()) {
      context = Optional.of(retained());
    }
    return new Gpu(functions, this, context.get(), graphs);
  }

  private long retained() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      int code = functions.status("cuDevicePrimaryCtxRetain", slot, device);
      if (code == 0) {
        return slot.get(JAVA_LONG, 0);
      }
      String name = text(functions, "cuGetErrorName", code);
      throw new CudaException(name() + " cannot be used: " + name + switch (code) {
        case OUT_OF_MEMORY -> "; its memory is full: 'nvidia-smi' shows which processes to end";
        case UNAVAILABLE -> attribute(COMPUTE_MODE) == PROHIBITED
            ? "; its compute mode is 'prohibited': whoever looks after the machine can change that"
            : "; another process has it for itself"
                + (attribute(COMPUTE_MODE) == EXCLUSIVE ? " (compute mode 'exclusive process')" : "")
                + ": end that one ('nvidia-smi' shows it), or wait for it";
        default -> "; 'nvidia-smi' may say why";
      }, code);
    }
  }

  /** The newest version of CUDA that the driver knows, such as 13000 for 13.0. */
  public int driverVersion() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(JAVA_INT);
      functions.call("cuDriverGetVersion", version);
      return version.get(JAVA_INT, 0);
    }
  }

  /** Such as 13.0 for 13000. */
  public static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  /** Such as NVIDIA H200; a slice of one has MIG in its name. */
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

  /** Bytes of shared memory that a block may have. */
  public int sharedBytes() {
    return attribute(SHARED_BYTES);
  }
}
