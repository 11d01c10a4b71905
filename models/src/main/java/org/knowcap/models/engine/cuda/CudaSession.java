package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Libraries;
import org.knowcap.models.engine.cuda.driver.Nvrtc;
import org.knowcap.models.engine.lowering.Element;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * A program on a GPU. A training step is one copy of learning rate and tokens and one replay of a recorded graph; the host
 * does not wait for it, but for the step before the last, whose tokens' memory it needs again.
 */
final class CudaSession implements Session {
  /** Bytes of the flat buffers that travel at a time. */
  private static final long STAGE = 16L << 20;

  private final Program program;
  private final Gpu gpu;
  private final Buffers buffers;
  private final Optional<Runnable> renewCopy;
  private final Gpu.Graph scoring;
  private final Optional<Gpu.Graph> training;
  /** Inputs of two steps, in turn, and the marks that say when each has been copied. */
  private final MemorySegment[] inputs = new MemorySegment[2];
  private final long[] copied = new long[2];
  private final MemorySegment stage;
  private int turn;

  CudaSession(Program program, Element element, Gpu gpu, Nvrtc compiler, Optional<Libraries.Found> library,
      DiskCache cache) {
    this.program = program;
    this.gpu = gpu;
    KernelSource source = KernelSource.of(program, element);
    int shared = Launches.attentionBytes(source);
    if (shared > gpu.sharedBytes()) {
      throw new EngineUnavailableException("heads " + source.head() + " wide need " + shared
          + " bytes of shared memory, this GPU has " + gpu.sharedBytes()
          + "; use narrower heads or engine cpu");
    }
    buffers = new Buffers(program, element);
    buffers.allocate(gpu);
    Kernels kernels = new Kernels(gpu, compiler, cache, source);
    Products products = new Products(gpu, kernels, cache, library);
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = gpu.pinned(buffers.bytes(Part.INPUTS));
      copied[i] = gpu.mark();
    }
    stage = gpu.pinned(Math.min(STAGE, Math.max(4 * program.parameterCount(), buffers.bytes(Part.LOSSES))));

    gpu.clear(buffers.address(Part.INPUTS), buffers.bytes(Part.INPUTS));
    Launches launches = launches(kernels, products, source, false);
    renewCopy = element.narrow() ? Optional.of(launches.renewCopy()) : Optional.empty();
    scoring = recorded(launches.all());
    training = program.optimiser()
        .map(optimiser -> recorded(launches(kernels, products, source, true).all()));
    upload(buffers.turns(), buffers.address(Part.TURNS));
    buffers.state().values().forEach(address -> gpu.clear(address, 4 * program.parameterCount()));
    gpu.synchronise();
  }

  private Launches launches(Kernels kernels, Products products, KernelSource source, boolean learning) {
    return new Launches(program, gpu, kernels, products, buffers, source, learning);
  }

  /** Done once before it is recorded: what a driver does at a kernel's first launch has no place in a recording. */
  private Gpu.Graph recorded(List<Runnable> launches) {
    launches.forEach(Runnable::run);
    gpu.synchronise();
    return gpu.record(() -> launches.forEach(Runnable::run));
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    Optimiser optimiser = program.optimiser()
        .orElseThrow(() -> new IllegalStateException("a scoring program cannot be trained"));
    float[] dials = Launches.dials(optimiser, learningRate, step);
    TokenOrder order = TokenOrder.of(checked(tokens), program.vocabulary());
    MemorySegment to = nextInputs();
    MemorySegment.copy(dials, 0, to, ValueLayout.JAVA_FLOAT, 0, dials.length);
    write(tokens, targets, to);
    order.write(to, Buffers.DIALS + 8L * program.rows());
    send(to, buffers.bytes(Part.INPUTS));
    gpu.replay(training.orElseThrow());
  }

  private MemorySegment nextInputs() {
    gpu.enter();
    turn = 1 - turn;
    gpu.await(copied[turn]);
    return inputs[turn];
  }

  private void write(int[] tokens, int[] targets, MemorySegment to) {
    int rows = program.rows();
    MemorySegment.copy(checked(tokens), 0, to, ValueLayout.JAVA_INT, Buffers.DIALS, rows);
    MemorySegment.copy(checked(targets), 0, to, ValueLayout.JAVA_INT, Buffers.DIALS + 4L * rows, rows);
  }

  private void send(MemorySegment from, long bytes) {
    gpu.upload(from, buffers.address(Part.INPUTS), bytes);
    gpu.set(copied[turn]);
  }

  /** A GPU would read what lies beside the table. */
  private int[] checked(int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= program.vocabulary()) {
        throw new IllegalArgumentException(
            "token ids are 0 to " + (program.vocabulary() - 1) + ", found " + id);
      }
    }
    return ids;
  }

  /** It does not clip. */
  @Override
  public OptionalDouble gradientNorm() {
    return OptionalDouble.empty();
  }

  @Override
  public double loss() {
    gpu.enter();
    gpu.download(buffers.address(Part.LOSSES), stage, 8);
    gpu.synchronise();
    return stage.get(ValueLayout.JAVA_DOUBLE, 0);
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    MemorySegment to = nextInputs();
    write(tokens, targets, to);
    send(to, Buffers.DIALS + 8L * program.rows());
    gpu.replay(scoring);
    download(buffers.address(Part.LOSSES) + 8, losses);
  }

  private void download(long from, float[] to) {
    int most = (int) (stage.byteSize() / 4);
    for (int at = 0; at < to.length; at += most) {
      int count = Math.min(most, to.length - at);
      gpu.download(from + 4L * at, stage, 4L * count);
      gpu.synchronise();
      MemorySegment.copy(stage, ValueLayout.JAVA_FLOAT, 0, to, at, count);
    }
  }

  private void upload(float[] from, long to) {
    int most = (int) (stage.byteSize() / 4);
    for (int at = 0; at < from.length; at += most) {
      int count = Math.min(most, from.length - at);
      MemorySegment.copy(from, at, stage, ValueLayout.JAVA_FLOAT, 0, count);
      gpu.upload(stage, to + 4L * at, 4L * count);
      gpu.synchronise();
    }
  }

  @Override
  public Map<String, float[]> state() {
    gpu.enter();
    Map<String, float[]> copies = new LinkedHashMap<>();
    buffers.state().forEach((name, address) -> {
      float[] copy = new float[Math.toIntExact(program.parameterCount())];
      download(address, copy);
      copies.put(name, copy);
    });
    return copies;
  }

  @Override
  public float[] parameter(Parameter parameter) {
    gpu.enter();
    float[] copy = new float[(int) parameter.tensor().size()];
    download(buffers.address(Part.PARAMETERS) + 4 * parameter.offset(), copy);
    return copy;
  }

  @Override
  public void load(Map<String, float[]> state) {
    gpu.enter();
    Map<String, Long> places = buffers.state();
    state.forEach((name, content) -> {
      if (!places.containsKey(name)) {
        throw new IllegalArgumentException(
            "no state '" + name + "' in this program; it has " + places.keySet());
      }
      if (content.length != program.parameterCount()) {
        throw new IllegalArgumentException(
            "state '" + name + "' has " + program.parameterCount() + " elements, found " + content.length);
      }
    });
    state.forEach((name, content) -> upload(content, places.get(name)));
    renewCopy.ifPresent(Runnable::run);
    gpu.synchronise();
  }

  @Override
  public void close() {
    gpu.close();
  }
}
