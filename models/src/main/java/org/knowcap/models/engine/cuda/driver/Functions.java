package org.knowcap.models.engine.cuda.driver;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The functions of a native library. All of them return an int that is zero if all went well; parameters are int,
 * long (also size_t, handles and addresses on the device), float or a {@link MemorySegment} (addresses on the host), as
 * the types of the arguments say.
 */
// Native code is what this class is for.
@SuppressWarnings("restricted")
final class Functions {
  private final SymbolLookup library;
  private final String name;
  private final Map<String, MethodHandle> bound = new ConcurrentHashMap<>();

  /** What an error's number means. */
  interface Errors {
    String explain(int code);
  }

  private final Errors errors;

  Functions(SymbolLookup library, String name, Errors errors) {
    this.library = library;
    this.name = name;
    this.errors = errors;
  }

  /** Calls a function and returns what it returned. */
  int status(String function, Object... arguments) {
    MethodHandle handle = bound.computeIfAbsent(function, key -> bind(key, arguments));
    try {
      return (int) handle.invokeExact(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException("calling " + function + " of " + name, e);
    }
  }

  /**
   * Calls a function.
   *
   * @throws CudaException where it does not return zero
   */
  void call(String function, Object... arguments) {
    check(function, status(function, arguments));
  }

  /** Refuses a code that is not zero. */
  void check(String function, int code) {
    if (code != 0) {
      throw new CudaException(function + " failed: " + errors.explain(code), code);
    }
  }

  private MethodHandle bind(String function, Object[] arguments) {
    MemorySegment symbol = library.find(function)
        .orElseThrow(() -> new UnsupportedOperationException(
            name + " has no function " + function + ": it is older than CUDA 12"));
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] = switch (arguments[i]) {
        case Integer _ -> ValueLayout.JAVA_INT;
        case Long _ -> ValueLayout.JAVA_LONG;
        case Float _ -> ValueLayout.JAVA_FLOAT;
        case MemorySegment _ -> ValueLayout.ADDRESS;
        default -> throw new IllegalArgumentException("no C type for " + arguments[i].getClass());
      };
    }
    return Linker.nativeLinker()
        .downcallHandle(symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts))
        .asSpreader(Object[].class, arguments.length)
        .asType(MethodType.methodType(int.class, Object[].class));
  }
}
