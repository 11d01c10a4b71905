package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
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
import org.knowcap.models.program.Learning;
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
  /** A step's batches but the last; present where there are several. */
  private final Optional<Gpu.Graph> earlier;
  /** The last batch of a step, or its only one, and the update. */
  private final Optional<Gpu.Graph> last;
  private boolean stepped;
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
    stage = gpu
        .pinned(Math.min(STAGE, Math.max(Math.max(4 * program.parameterCount(), buffers.bytes(Part.TABLES)),
            buffers.bytes(Part.LOSSES))));

    gpu.clear(buffers.address(Part.INPUTS), buffers.bytes(Part.INPUTS));
    Launches launches = launches(kernels, products, source, false);
    renewCopy = element.narrow() ? Optional.of(launches.renewCopy()) : Optional.empty();
    upload(buffers.tables(), buffers.address(Part.TABLES));
    scoring = recorded(launches.batch());
    Launches learning = launches(kernels, products, source, true);
    earlier = program.accumulation() > 1 ? Optional.of(recorded(learning.earlierBatch())) : Optional.empty();
    last = program.learning().map(_ -> recorded(learning.lastBatch()));
    buffers.flat().values().forEach(place -> gpu.clear(place.address(), 4L * place.count()));
    gpu.clear(buffers.address(Part.GRADIENTS), buffers.bytes(Part.GRADIENTS));
    gpu.clear(buffers.address(Part.LOSSES), Buffers.RESULTS);
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
    Learning learning = program.learning()
        .orElseThrow(() -> new IllegalStateException("a scoring program cannot be trained"));
    float[] dials = Updates.dials(learning, learningRate, step);
    checked(tokens);
    checked(targets);
    for (int batch = 0; batch < learning.accumulation(); batch++) {
      int from = batch * program.rows();
      TokenOrder order = TokenOrder.of(Arrays.copyOfRange(tokens, from, from + program.rows()),
          program.vocabulary());
      MemorySegment to = nextInputs();
      MemorySegment.copy(dials, 0, to, ValueLayout.JAVA_FLOAT, 0, dials.length);
      write(tokens, targets, from, to);
      order.write(to, Buffers.DIALS + 8L * program.rows());
      send(to, buffers.bytes(Part.INPUTS));
      gpu.replay((batch == learning.accumulation() - 1 ? last : earlier).orElseThrow());
    }
    stepped = true;
  }

  private MemorySegment nextInputs() {
    gpu.enter();
    turn = 1 - turn;
    gpu.await(copied[turn]);
    return inputs[turn];
  }

  /** Writes the batch that begins at a row of the step. */
  private void write(int[] tokens, int[] targets, int from, MemorySegment to) {
    int rows = program.rows();
    MemorySegment.copy(tokens, from, to, ValueLayout.JAVA_INT, Buffers.DIALS, rows);
    MemorySegment.copy(targets, from, to, ValueLayout.JAVA_INT, Buffers.DIALS + 4L * rows, rows);
  }

  private void send(MemorySegment from, long bytes) {
    gpu.upload(from, buffers.address(Part.INPUTS), bytes);
    gpu.set(copied[turn]);
  }

  /** A GPU would read what lies beside the table. */
  private void checked(int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= program.vocabulary()) {
        throw new IllegalArgumentException(
            "token ids are 0 to " + (program.vocabulary() - 1) + ", found " + id);
      }
    }
  }

  @Override
  public OptionalDouble gradientNorm() {
    boolean clips = program.learning().flatMap(learning -> learning.clip().stream().boxed().findFirst())
        .isPresent();
    return clips && stepped ? OptionalDouble.of(result(Buffers.NORM)) : OptionalDouble.empty();
  }

  @Override
  public double loss() {
    return result(Buffers.MEAN);
  }

  private double result(long offset) {
    gpu.enter();
    gpu.download(buffers.address(Part.LOSSES) + offset, stage, 8);
    gpu.synchronise();
    return stage.get(ValueLayout.JAVA_DOUBLE, 0);
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    checked(tokens);
    checked(targets);
    int rows = program.rows();
    for (int from = 0; from < program.stepRows(); from += rows) {
      MemorySegment to = nextInputs();
      write(tokens, targets, from, to);
      send(to, Buffers.DIALS + 8L * rows);
      gpu.replay(scoring);
      download(buffers.address(Part.LOSSES) + Buffers.RESULTS,
          MemorySegment.ofArray(losses).asSlice(4L * from, 4L * rows));
    }
  }

  private void download(long from, MemorySegment to) {
    for (long at = 0; at < to.byteSize(); at += stage.byteSize()) {
      long bytes = Math.min(stage.byteSize(), to.byteSize() - at);
      gpu.download(from + at, stage, bytes);
      gpu.synchronise();
      MemorySegment.copy(stage, 0, to, at, bytes);
    }
  }

  private void upload(MemorySegment from, long to) {
    for (long at = 0; at < from.byteSize(); at += stage.byteSize()) {
      long bytes = Math.min(stage.byteSize(), from.byteSize() - at);
      MemorySegment.copy(from, at, stage, 0, bytes);
      gpu.upload(stage, to + at, bytes);
      gpu.synchronise();
    }
  }

  private float[] copy(Buffers.Place place) {
    float[] copy = new float[place.count()];
    download(place.address(), MemorySegment.ofArray(copy));
    return copy;
  }

  @Override
  public Map<String, float[]> state() {
    gpu.enter();
    Map<String, float[]> copies = new LinkedHashMap<>();
    buffers.flat().forEach((name, place) -> copies.put(name, copy(place)));
    return copies;
  }

  @Override
  public float[] parameter(Parameter parameter) {
    gpu.enter();
    return copy(new Buffers.Place(buffers.address(Part.PARAMETERS) + 4 * parameter.offset(),
        (int) parameter.tensor().size()));
  }

  @Override
  public void load(Map<String, float[]> state) {
    gpu.enter();
    Map<String, Buffers.Place> places = buffers.flat();
    state.forEach((name, content) -> {
      Buffers.Place place = places.get(name);
      if (place == null) {
        throw new IllegalArgumentException(
            "no state '" + name + "' in this program; it has " + places.keySet());
      }
      if (content.length != place.count()) {
        throw new IllegalArgumentException(
            "state '" + name + "' has " + place.count() + " elements, found " + content.length);
      }
    });
    state.forEach((name, content) -> upload(MemorySegment.ofArray(content), places.get(name).address()));
    renewCopy.ifPresent(Runnable::run);
    gpu.synchronise();
  }

  @Override
  public void close() {
    gpu.close();
  }
}
