package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Function;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Program;

/**
 * The fast engine of machines without a GPU. Products are oneDNN's where it loads, otherwise the Vector API's, which
 * run wherever Java does.
 */
public final class CpuEngine implements Engine {
  private final boolean natives;

  /** oneDNN, unpacked and loaded when an engine first needs it, once for all of the process. */
  private static final class Library {
    static final Optional<OneDnn> LOADED;
    static final String WHY_NOT;

    static {
      Optional<OneDnn> loaded = Optional.empty();
      String whyNot = "";
      try {
        loaded = Optional.of(OneDnn.load());
      } catch (UnsupportedOperationException e) {
        whyNot = e.getMessage();
      }
      LOADED = loaded;
      WHY_NOT = whyNot;
    }
  }

  /** With oneDNN where it loads. */
  public CpuEngine() {
    this(true);
  }

  private CpuEngine(boolean natives) {
    this.natives = natives;
  }

  /** Without native code, as on a machine where oneDNN does not load. */
  public static CpuEngine withoutNatives() {
    return new CpuEngine(false);
  }

  private Optional<OneDnn> library() {
    return natives ? Library.LOADED : Optional.empty();
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int rank() {
    return 50;
  }

  @Override
  public Optional<String> unavailable() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? Optional.empty()
        : Optional.of("Java was started without the Vector API; add --add-modules jdk.incubator.vector");
  }

  @Override
  public String description() {
    String products = library()
        .map(found -> "oneDNN " + found.version() + (found.multipliesBf16() ? ", fp32 and bf16" : ", fp32"))
        .orElse("products in the Vector API" + (natives ? ", slower: " + Library.WHY_NOT : ""));
    return products + "; vectors of " + Vectors.LANES + " floats";
  }

  @Override
  public Session compile(Program program, Execution execution) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'cpu' cannot run here: " + reason);
    });
    Optional<String> noBf16 = noBf16(program);
    Element element = switch (execution.precision()) {
      case FP32 -> Element.FP32;
      case AUTO -> noBf16.isEmpty() ? Element.BF16 : Element.FP32;
      case BF16 -> {
        if (noBf16.isPresent()) {
          throw new EngineUnavailableException(
              noBf16.get() + "; use precision fp32, or auto for bf16 only where it"
                  + " can be had");
        }
        yield Element.BF16;
      }
    };
    Optional<OneDnn> library = library();
    Function<MemorySegment, Products> factory = memory -> library
        .<Products>map(loaded -> new OneDnnProducts(loaded, memory))
        .orElseGet(() -> new VectorProducts(memory));
    return new CpuSession(program, Math.min(execution.threads(), program.windows()), element,
        () -> library.ifPresent(OneDnn::useOneThread), factory);
  }

  /** Why products cannot be in bf16. Its instructions read pairs of numbers: rows of a product must not be odd. */
  private Optional<String> noBf16(Program program) {
    if (!library().map(OneDnn::multipliesBf16).orElse(false)) {
      return Optional.of("this machine has no bf16 products (" + description() + ")");
    }
    for (ForwardOperation operation : program.forward()) {
      if (operation instanceof ForwardOperation.Attention attention && attention.heads().width() % 2 != 0) {
        return Optional.of("bf16 needs an even head width, found " + attention.heads().width());
      }
    }
    return Optional.empty();
  }
}
