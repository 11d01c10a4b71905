package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.knowcap.models.engine.RoutingMetrics;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/** One run's part in a group: its own memory on the GPU, and its place among those who take their steps together. */
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
    float[] dials = Updates.dials(updateRule, learningRate, step);
    checked(tokens, 0);
    checked(targets, Targets.NONE);
    int counted = Targets.counted(targets);
    int rows = program.rows();
    TokenOrder[] orders = new TokenOrder[updateRule.accumulation()];
    for (int batch = 0; batch < orders.length; batch++) {
      orders[batch] = TokenOrder.of(Arrays.copyOfRange(tokens, batch * rows, (batch + 1) * rows),
          program.vocabulary());
    }
    group.bring(replica, (batch, to) -> {
      MemorySegment.copy(dials, 0, to, ValueLayout.JAVA_FLOAT, 0, dials.length);
      to.set(ValueLayout.JAVA_INT, Buffers.COUNTED, counted);
      to.set(ValueLayout.JAVA_FLOAT, Buffers.SHARE, 1f / counted);
      write(tokens, targets, batch * rows, to);
      orders[batch].write(to, Buffers.DIALS + 8L * rows);
    });
    group.step();
    stepped = true;
  }

  /** Writes the batch that begins at a row of the step. */
  private void write(int[] tokens, int[] targets, int from, MemorySegment to) {
    int rows = program.rows();
    MemorySegment.copy(tokens, from, to, ValueLayout.JAVA_INT, Buffers.DIALS, rows);
    MemorySegment.copy(targets, from, to, ValueLayout.JAVA_INT, Buffers.DIALS + 4L * rows, rows);
  }

  /** A GPU would read what lies beside the table. */
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
    score(tokens, targets, losses, new int[program.stepRows()]);
  }

  @Override
  public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
    checked(tokens, 0);
    checked(targets, Targets.NONE);
    int rows = program.rows();
    long results = buffers.address(Part.LOSSES) + Buffers.RESULTS;
    for (int from = 0; from < program.stepRows(); from += rows) {
      int first = from;
      group.score(replica, (_, to) -> write(tokens, targets, first, to));
      group.download(results, MemorySegment.ofArray(losses).asSlice(4L * from, 4L * rows));
      group.download(results + 4L * rows, MemorySegment.ofArray(predictions).asSlice(4L * from, 4L * rows));
    }
  }

  @Override
  public List<RoutingMetrics> routing() {
    group.sumRouting(replica);
    return buffers.seatings().stream().map(seating -> {
      double[] sums = new double[seating.sumsCount()];
      group.download(seating.sums(), MemorySegment.ofArray(sums));
      return Mixtures.metrics(seating, sums);
    }).toList();
  }

  private float[] copy(Buffers.Place place) {
    float[] copy = new float[place.count()];
    group.download(place.address(), MemorySegment.ofArray(copy));
    return copy;
  }

  @Override
  public Map<String, float[]> state() {
    Map<String, float[]> copies = new LinkedHashMap<>();
    buffers.flat().forEach((name, place) -> copies.put(name, copy(place)));
    return copies;
  }

  @Override
  public float[] parameter(Parameter parameter) {
    return copy(new Buffers.Place(buffers.address(Part.PARAMETERS) + 4 * parameter.offset(),
        (int) parameter.tensor().size()));
  }

  @Override
  public void load(Map<String, float[]> state) {
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
    state
        .forEach((name, content) -> group.upload(MemorySegment.ofArray(content), places.get(name).address()));
    group.renewCopies();
  }

  @Override
  public void close() {
    atClose.run();
  }
}
