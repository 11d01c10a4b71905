package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Phaser;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu;
import org.knowcap.models.engine.cuda.driver.Replicas;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Program;

/**
 * A program on a GPU, for one or several runs, the replicas. Each replica has memory of its own, and every launch
 * computes all replicas, even those without an open session. A training step begins when every open session has
 * brought its tokens and learning rate: it is one copy for each replica, and one replay of a recorded graph. The
 * host does not wait for this step, but only for the step before the last, whose memory of tokens it uses again.
 *
 * <p>Each session has a thread of its own; sessions use the group and the GPU one at a time.
 */
final class CudaGroup implements SessionGroup {
  /** Bytes of the flat buffers that travel at a time. */
  private static final long STAGE = 16L << 20;
  private static final int MOST_AHEAD = 100;

  private final Program program;
  private final int batches;
  private final Gpu gpu;
  private final List<Buffers> buffers;
  private final Optional<Launch> renewCopies;
  /** Of each replica. */
  private final List<Gpu.Graph> scoring;
  /** The same: what its routers did, summed up. */
  private final List<List<Launch>> routingSums;
  /** A step's batches but the last, of all replicas; present where there are several. */
  private final Optional<Gpu.Graph> earlier;
  /** The last batch of a step, or its only one, and the update. */
  private final Optional<Gpu.Graph> last;
  /** What is recorded in it. */
  private final List<Launch> lastLaunches;
  /**
   * Inputs of two steps, in turn, of one batch and replica behind the other, and the marks that say when they have
   * been copied.
   */
  private final MemorySegment[] inputs = new MemorySegment[2];
  private final long[] copied = new long[2];
  private final MemorySegment stage;
  private final Queue<Integer> free;
  /** Replicas whose inputs of the step to come are there. */
  private final BitSet ready = new BitSet();
  private Optional<RuntimeException> failure = Optional.empty();
  private int turn;

  /** Where sessions wait for each other; the last to come has the step done. */
  private final Phaser meeting = new Phaser() {
    @Override
    protected boolean onAdvance(int phase, int sessions) {
      try {
        replay();
      } catch (RuntimeException e) {
        failure = Optional.of(e);
      }
      return false;
    }
  };

  CudaGroup(Program program, DType dtype, int replicas, Gpu gpu, CudaEngine.Machine machine) {
    this.program = program;
    this.gpu = gpu;
    batches = program.accumulation();
    KernelSource source = machine.has(DebugSwitch.PLAIN_ATTENTION)
        ? KernelSource.of(program, dtype).plain()
        : KernelSource.of(program, dtype);
    int shared = Launches.attentionBytes(source);
    if (shared > gpu.device().sharedBytes()) {
      throw new EngineUnavailableException(
          "heads " + source.head() + " wide need " + shared + " bytes of shared memory, this GPU has "
              + gpu.device().sharedBytes() + "; use narrower heads or engine cpu");
    }
    Buffers layout = new Buffers(program, dtype);
    buffers = machine.has(DebugSwitch.PARTS_APART)
        ? layout.allocateApart(gpu, replicas)
        : layout.allocate(gpu, replicas);
    free = new ArrayDeque<>(IntStream.range(0, replicas).boxed().toList());
    Replicas all = new Replicas(replicas, layout.size());
    KernelModule kernels = new KernelModule(gpu, machine, source, all);
    MatMuls matmuls = new MatMuls(gpu, kernels, machine, all);
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = gpu.pinned(batches * replicas * layout.bytes(Part.INPUTS));
      copied[i] = gpu.mark();
    }
    stage = gpu.pinned(Math.min(STAGE, Math
        .max(Math.max(4 * program.parameterCount(), layout.bytes(Part.TABLES)), layout.bytes(Part.LOSSES))));

    MemorySegment tables = layout.tables();
    for (Buffers each : buffers) {
      gpu.clear(each.address(Part.INPUTS), each.bytes(Part.INPUTS));
      gpu.clear(each.address(Part.ROUTERS), each.bytes(Part.ROUTERS));
      upload(tables, each.address(Part.TABLES));
    }
    Launches learning = new Launches(program, kernels, matmuls, buffers.getFirst(), source, true);
    renewCopies = dtype.isBf16() ? Optional.of(learning.renewCopy()) : Optional.empty();
    scoring = new ArrayList<>();
    routingSums = new ArrayList<>();
    for (Buffers each : buffers) {
      routingSums.add(ExpertLaunches.sums(kernels.alone(), each));
      scoring.add(
          recorded(new Launches(program, kernels.alone(), matmuls.alone(), each, source, false).batch()));
    }
    earlier = batches > 1 ? Optional.of(recorded(learning.earlierBatch())) : Optional.empty();
    lastLaunches = program.updateRule().isPresent() ? learning.lastBatch() : List.of();
    last = program.updateRule().map(_ -> recorded(lastLaunches));
  }

  /** Done once before it is recorded: what a driver does at a kernel's first launch has no place in a recording. */
  private Gpu.Graph recorded(List<Launch> launches) {
    launches.forEach(Launch::run);
    gpu.synchronise();
    return gpu.record(() -> launches.forEach(Launch::run));
  }

  @Override
  public CudaSession join() {
    // First of all, so that no step is taken while it is made ready.
    meeting.register();
    try {
      return joined();
    } catch (RuntimeException e) {
      // The others must not wait for it.
      meeting.arriveAndDeregister();
      throw e;
    }
  }

  private synchronized CudaSession joined() {
    if (free.isEmpty()) {
      throw new IllegalStateException("all " + buffers.size() + " sessions of this group are open");
    }
    int replica = free.element();
    gpu.enter();
    clear(buffers.get(replica));
    free.remove();
    return new CudaSession(program, this, replica, buffers.get(replica), () -> leave(replica));
  }

  /** The session of a group for one, which ends with it. */
  CudaSession only() {
    return join().endingWith(this::close);
  }

  private void clear(Buffers own) {
    gpu.clear(own.address(Part.INPUTS), own.bytes(Part.INPUTS));
    own.flat().values().forEach(flat -> gpu.clear(flat.address(), 4L * flat.count()));
    gpu.clear(own.address(Part.GRADIENTS), own.bytes(Part.GRADIENTS));
    gpu.clear(own.address(Part.LOSSES), Buffers.RESULTS);
    gpu.synchronise();
  }

  private void leave(int replica) {
    // The others' step may be waiting for this alone. Nothing of the GPU is asked for before: after a fault it refuses everything.
    meeting.arriveAndDeregister();
    synchronized (this) {
      free.add(replica);
    }
  }

  /**
   * Times each launch of a step where it stands: while steps keep the GPU busy, a step's launches are asked for with
   * a mark between each, so that the GPU, not the host, sets the pace.
   *
   * @param rounds of which the median counts
   * @param busySeconds for which the GPU is kept busy before each
   */
  synchronized LaunchTimes times(int rounds, double busySeconds) {
    gpu.enter();
    Gpu.Graph step = last.orElseThrow();
    int ahead = 1 + (int) (busySeconds * 1e3 / Math.max(1e-3, gpu.milliseconds(() -> gpu.replay(step))));
    ahead = Math.min(ahead, MOST_AHEAD);
    List<Long> marks = Stream.generate(gpu::mark).limit(lastLaunches.size() + 2).toList();
    double[][] times = new double[marks.size() - 1][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < ahead; i++) {
        gpu.replay(step);
      }
      // Two marks with nothing between them: what a mark itself takes.
      gpu.set(marks.get(0));
      gpu.set(marks.get(1));
      for (int i = 0; i < lastLaunches.size(); i++) {
        lastLaunches.get(i).run();
        gpu.set(marks.get(i + 2));
      }
      gpu.synchronise();
      for (int i = 0; i < times.length; i++) {
        times[i][round] = gpu.milliseconds(marks.get(i), marks.get(i + 1)) / 1e3;
      }
    }
    double mark = median(times[0]);
    List<LaunchTimes.Timed> all = IntStream.range(0, lastLaunches.size())
        .mapToObj(i -> new LaunchTimes.Timed(lastLaunches.get(i).description(),
            Math.max(0, median(times[i + 1]) - mark)))
        .toList();
    double whole = gpu.milliseconds(() -> gpu.replay(step)) / 1e3;
    gpu.profiling();
    lastLaunches.forEach(Launch::run);
    gpu.synchronise();
    gpu.profiled();
    return new LaunchTimes(all, mark, whole);
  }

  private static double median(double[] numbers) {
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** Writes what a batch is to read. */
  interface Writer {
    /** @param to travels to {@link Part#INPUTS} */
    void write(int batch, MemorySegment to);
  }

  /** What a replica's next step is to read, of all of its batches. */
  synchronized void bring(int replica, Writer writer) {
    gpu.enter();
    gpu.await(copied[turn]);
    for (int batch = 0; batch < batches; batch++) {
      writer.write(batch, inputs(batch, replica));
    }
    ready.set(replica);
  }

  private MemorySegment inputs(int batch, int replica) {
    long bytes = buffers.getFirst().bytes(Part.INPUTS);
    return inputs[turn].asSlice((batch * buffers.size() + replica) * bytes, bytes);
  }

  /**
   * Waits until all have brought what their next step reads, and has it done; not for its end.
   *
   * @throws org.knowcap.models.engine.cuda.driver.CudaException in every session, where it failed
   */
  void step() {
    meeting.arriveAndAwaitAdvance();
    failure.ifPresent(e -> {
      throw e;
    });
  }

  private synchronized void replay() {
    if (ready.isEmpty()) {
      return;
    }
    gpu.enter();
    for (int batch = 0; batch < batches; batch++) {
      for (int replica = ready.nextSetBit(0); replica >= 0; replica = ready.nextSetBit(replica + 1)) {
        send(batch, replica);
      }
      boolean all = batch == batches - 1;
      if (all) {
        gpu.set(copied[turn]);
      }
      gpu.replay((all ? last : earlier).orElseThrow());
    }
    ready.clear();
    turn = 1 - turn;
  }

  private void send(int batch, int replica) {
    gpu.upload(inputs(batch, replica), buffers.get(replica).address(Part.INPUTS),
        buffers.get(replica).bytes(Part.INPUTS));
  }

  /** Has a batch of a replica's scored; the losses are then in {@link Part#LOSSES}. */
  synchronized void score(int replica, Writer writer) {
    gpu.enter();
    gpu.await(copied[turn]);
    writer.write(0, inputs(0, replica));
    send(0, replica);
    gpu.replay(scoring.get(replica));
    gpu.synchronise();
  }

  /** Has what a replica's routers did summed up, in {@link RoutingBuffers#sums}. */
  synchronized void sumRouting(int replica) {
    gpu.enter();
    routingSums.get(replica).forEach(Launch::run);
  }

  /** Copies from the device, once all is done that was asked for. */
  synchronized void download(long from, MemorySegment to) {
    gpu.enter();
    for (long at = 0; at < to.byteSize(); at += stage.byteSize()) {
      long bytes = Math.min(stage.byteSize(), to.byteSize() - at);
      gpu.download(from + at, stage, bytes);
      gpu.synchronise();
      MemorySegment.copy(stage, 0, to, at, bytes);
    }
  }

  /** Copies to the device. */
  synchronized void upload(MemorySegment from, long to) {
    gpu.enter();
    for (long at = 0; at < from.byteSize(); at += stage.byteSize()) {
      long bytes = Math.min(stage.byteSize(), from.byteSize() - at);
      MemorySegment.copy(from, at, stage, 0, bytes);
      gpu.upload(stage, to + at, bytes);
      gpu.synchronise();
    }
  }

  /** Makes copies of parameters anew: of all replicas, which does the others no harm. */
  synchronized void renewCopies() {
    gpu.enter();
    renewCopies.ifPresent(Launch::run);
    gpu.synchronise();
  }

  @Override
  public synchronized void close() {
    gpu.close();
  }
}
