package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.knowcap.models.engine.FlatState;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/** One run's part in a group: its memory on the GPU, and its place among the runs that take their steps together. */
final class CudaSession implements Session {
  private final Program program;
  private final CudaGroup group;
  private final int replica;
  private final Buffers buffers;
  private final Runnable atClose;
  private boolean stepped;

  /**
   * @param replica its number in the group
   * @param buffers its memory
   * @param atClose makes room for another
   */
  CudaSession(Program program, CudaGroup group, int replica, Buffers buffers, Runnable atClose) {
    this.program = program;
    this.group = group;
    this.replica = replica;
    this.buffers = buffers;
    this.atClose = atClose;
  }

  /** The same, with another end. */
  CudaSession endingWith(Runnable end) {
    return new CudaSession(program, group, replica, buffers, end);
  }

  /** Its memory. */
  Buffers buffers() {
    return buffers;
  }

  @Override
  public void step(int[] tokens, int[] targets, double learningRate, long step) {
    UpdateRule updateRule = program.updateRule()
        .orElseThrow(() -> new IllegalStateException("a scoring program cannot be trained"));
    float[] stepScalars = Updates.stepScalars(updateRule, learningRate, step);
    checked(tokens, 0);
    checked(targets, Targets.NONE);
    int counted = Targets.counted(targets);
    int rows = program.rows();
    TokenOrder[] orders = new TokenOrder[updateRule.accumulation()];
    NgramInputs.Batch[] ngrams = new NgramInputs.Batch[orders.length];
    for (int batch = 0; batch < orders.length; batch++) {
      int[] ofBatch = Arrays.copyOfRange(tokens, batch * rows, (batch + 1) * rows);
      orders[batch] = TokenOrder.of(ofBatch, program.vocabulary());
      ngrams[batch] = buffers.ngrams().find(ofBatch, true);
    }
    group.bring(replica, (batch, to) -> {
      MemorySegment.copy(stepScalars, 0, to, ValueLayout.JAVA_FLOAT, 0, stepScalars.length);
      to.set(ValueLayout.JAVA_INT, Buffers.COUNTED, counted);
      to.set(ValueLayout.JAVA_FLOAT, Buffers.SHARE, 1f / counted);
      write(tokens, targets, batch * rows, to);
      orders[batch].write(to, Buffers.STEP_SCALARS + 8L * rows);
      ngrams[batch].write(to);
    });
    group.step();
    stepped = true;
  }

  /** Writes the batch that begins at a row of the step. */
  private void write(int[] tokens, int[] targets, int from, MemorySegment to) {
    int rows = program.rows();
    MemorySegment.copy(tokens, from, to, ValueLayout.JAVA_INT, Buffers.STEP_SCALARS, rows);
    MemorySegment.copy(targets, from, to, ValueLayout.JAVA_INT, Buffers.STEP_SCALARS + 4L * rows, rows);
  }

  /** Refuses ids outside of the table: a GPU would read other memory. */
  private void checked(int[] ids, int least) {
    for (int id : ids) {
      if (id < least || id >= program.vocabulary()) {
        throw new IllegalArgumentException(
            "token ids are 0 to " + (program.vocabulary() - 1) + ", found " + id);
      }
    }
  }

  @Override
  public OptionalDouble gradientNorm() {
    boolean clips = program.updateRule()
        .flatMap(updateRule -> updateRule.clip().stream().boxed().findFirst())
        .isPresent();
    return clips && stepped ? OptionalDouble.of(result(Buffers.NORM)) : OptionalDouble.empty();
  }

  @Override
  public double loss() {
    return result(Buffers.MEAN);
  }

  private double result(long offset) {
    double[] result = new double[1];
    group.download(buffers.address(Part.LOSSES) + offset, MemorySegment.ofArray(result));
    return result[0];
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] losses) {
    score(tokens, targets, losses, Optional.empty());
  }

  @Override
  public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
    score(tokens, targets, losses, Optional.of(predictions));
  }

  private void score(int[] tokens, int[] targets, float[] losses, Optional<int[]> predictions) {
    checked(tokens, 0);
    checked(targets, Targets.NONE);
    int rows = program.rows();
    long results = buffers.address(Part.LOSSES) + Buffers.RESULTS;
    for (int from = 0; from < program.stepRows(); from += rows) {
      int first = from;
      NgramInputs.Batch ngrams = buffers.ngrams().find(Arrays.copyOfRange(tokens, from, from + rows), false);
      group.score(replica, (_, to) -> {
        write(tokens, targets, first, to);
        ngrams.write(to);
      });
      group.download(results, MemorySegment.ofArray(losses).asSlice(4L * from, 4L * rows));
      predictions.ifPresent(found -> group.download(results + 4L * rows,
          MemorySegment.ofArray(found).asSlice(4L * first, 4L * rows)));
    }
  }

  @Override
  public List<RoutingMetrics> routing() {
    group.sumRouting(replica);
    return buffers.routings().stream().map(routing -> {
      double[] sums = new double[routing.sumsCount()];
      group.download(routing.sums(), MemorySegment.ofArray(sums));
      return ExpertLaunches.metrics(routing, sums);
    }).toList();
  }

  @Override
  public Map<String, float[]> state() {
    return new FlatState(program, new Flat()).copies();
  }

  @Override
  public float[] parameter(Parameter parameter) {
    float[] copy = new float[(int) parameter.tensor().size()];
    group.download(buffers.address(Part.PARAMETERS) + 4 * parameter.offset(), MemorySegment.ofArray(copy));
    return copy;
  }

  @Override
  public void load(Map<String, float[]> state) {
    new FlatState(program, new Flat()).load(state);
    group.renewCopies();
  }

  /** The flat buffers on the GPU. */
  private final class Flat implements FlatState.Buffers {
    @Override
    public void read(String name, float[] to) {
      group.download(buffers.flat().get(name).address(), MemorySegment.ofArray(to));
    }

    @Override
    public void write(String name, float[] from) {
      group.upload(MemorySegment.ofArray(from), buffers.flat().get(name).address());
    }
  }

  @Override
  public void close() {
    atClose.run();
  }
}
