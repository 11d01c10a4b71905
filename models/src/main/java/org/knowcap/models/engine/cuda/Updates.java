package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter.Group;
import org.knowcap.models.program.Program;

/** What is launched at the end of a step to change the parameters; see optimiser.cu and adafactor.cu. */
final class Updates {
  private static final int THREADS = 256;
  private static final int WARP = 32;
  /** Enough blocks to read the gradient at full speed, few enough that adding up their sums costs little. */
  private static final int MOST_BLOCKS = 1024;

  private final Program program;
  private final UpdateRule updateRule;
  private final KernelModule kernels;
  private final Buffers buffers;
  private final long count;
  private final long gradients;
  /** Where clipping leaves what gradients are multiplied by; 0 where it does not. */
  private final long scale;

  Updates(Program program, UpdateRule updateRule, KernelModule kernels, Buffers buffers) {
    this.program = program;
    this.updateRule = updateRule;
    this.kernels = kernels;
    this.buffers = buffers;
    count = program.parameterCount();
    gradients = buffers.address(Part.GRADIENTS);
    scale = updateRule.clip().isPresent() ? buffers.address(Part.LOSSES) + Buffers.SCALE : 0;
  }

  /** Numbers of work space. */
  static long work(Program program, UpdateRule updateRule) {
    return switch (updateRule.optimiser()) {
      case Optimiser.AdamW _,Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> 2L * MOST_BLOCKS;
      case Optimiser.Adafactor _ -> Math.max(2L * MOST_BLOCKS, Factored.of(program).work());
    };
  }

  List<Launch> all() {
    List<Launch> all = new ArrayList<>();
    updateRule.clip().ifPresent(most -> all.addAll(clip(most)));
    all.addAll(switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> List.of(elementwise("adamw", buffers.address(Part.SECOND_MOMENT),
          (float) o.beta1(), (float) o.beta2(), (float) o.epsilon()));
      case Optimiser.Lion o -> List.of(elementwise("lion", (float) o.beta1(), (float) o.beta2()));
      // The step's blend is the moment to come: Lion with one beta.
      case Optimiser.Tiger o -> List.of(elementwise("lion", (float) o.beta(), (float) o.beta()));
      case Optimiser.Sgd o -> List.of(elementwise("sgd", (float) o.momentum()));
      case Optimiser.Adafactor o -> adafactor(o);
    });
    return all;
  }

  private List<Launch> clip(double most) {
    long work = buffers.address(Part.WORK);
    int blocks = (int) Math.min(MOST_BLOCKS, Math.ceilDiv(count, THREADS));
    return List.of(
        kernels.launch("squares", new Grid(blocks, 1, THREADS, 0), gradients, work, count)
            .moving(4 * count + 8L * blocks),
        kernels
            .launch("clip", new Grid(1, 1, THREADS, 0), work, blocks,
                buffers.address(Part.LOSSES) + Buffers.NORM, scale, most)
            .moving(8L * blocks));
  }

  private Launch elementwise(String kernel, Object... own) {
    List<Object> arguments = new ArrayList<>(List.of(buffers.address(Part.PARAMETERS), gradients, scale,
        buffers.address(Part.FIRST_MOMENT), buffers.address(Part.BF16_COPY), buffers.address(Part.INPUTS),
        count, before(Group.MATRICES), before(Group.VECTORS)));
    arguments.addAll(List.of(own));
    // Each moment, parameter and gradient is read and written, the copy written.
    int moments = program.optimiser().orElseThrow().state().size();
    int copied = buffers.bytes(Part.BF16_COPY) > 0 ? 2 : 0;
    return kernels.each(kernel, count, arguments.toArray()).moving((16 + 8L * moments + copied) * count);
  }

  /** Parameters of the groups before one. */
  private long before(Group group) {
    return program.parameters()
        .stream()
        .filter(p -> p.group().compareTo(group) < 0)
        .mapToLong(p -> p.tensor().size())
        .sum();
  }

  private List<Launch> adafactor(Optimiser.Adafactor o) {
    Factored factored = Factored.of(program);
    int rows = factored.ofRow().length;
    int columns = factored.ofColumn().length;
    long all = buffers.factored();
    long ofRow = all + 4L * factored.parameters().length;
    long ofColumn = ofRow + 4L * rows;
    long tiles = ofColumn + 4L * columns;
    long sums = buffers.address(Part.WORK);
    long rates = sums + 8L * rows;
    long parts = rates + 8L * factored.count();
    long factors = parts + 4L * factored.parts();
    long parameters = buffers.address(Part.PARAMETERS);
    long rowMoments = buffers.address(Part.ROW_MOMENT);
    long stepScalars = buffers.address(Part.INPUTS);
    float least = (float) Optimiser.Adafactor.LEAST_SQUARE;
    int copied = buffers.bytes(Part.BF16_COPY) > 0 ? 2 : 0;
    return List.of(
        kernels
            .each("factor_rows", (long) WARP * rows, gradients, scale, all, ofRow, rowMoments, stepScalars,
                rows, least)
            .moving(4 * count + 8L * rows),
        kernels
            .launch("factor_parts", new Grid(factored.tiles().length / 3, 1, Factored.TILE_COLUMNS, 0),
                gradients, scale, all, tiles, parts)
            .moving(4 * count + 4L * factored.parts()),
        kernels
            .each("factor_columns", columns, parts, all, ofColumn, buffers.address(Part.COLUMN_MOMENT),
                factors, stepScalars, columns, least)
            .moving(4L * factored.parts() + 12L * columns),
        kernels
            .each("factor_squares", (long) WARP * rows, parameters, gradients, scale, all, ofRow, factors,
                sums, rows)
            .moving(8 * count + 8L * rows),
        kernels
            .launch("factor_rates", new Grid(factored.count(), 1, THREADS, 0), all, rowMoments, sums, rates,
                stepScalars, o.clipThreshold(), o.relativeStep() ? 1 : 0, Optimiser.Adafactor.LEAST_SIZE)
            .moving(12L * rows + 8L * factored.count()),
        kernels
            .each("adafactor", (long) WARP * rows, parameters, gradients, scale,
                buffers.address(Part.BF16_COPY), all, ofRow, rowMoments, factors, rates, stepScalars, rows)
            .moving((16L + copied) * count));
  }

  /** What the kernels read of this step: the floats of Dials, see loss.cu, that its optimiser sets. */
  static float[] stepScalars(UpdateRule updateRule, double learningRate, long step) {
    double rate = learningRate;
    double correction = 1;
    double decay = 0;
    switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> {
        rate /= 1 - Math.pow(o.beta1(), step);
        correction = 1 / Math.sqrt(1 - Math.pow(o.beta2(), step));
      }
      case Optimiser.Adafactor o -> decay = o.decay(step);
      case Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> {
        // The rate alone.
      }
    }
    float[] stepScalars = {(float) rate, (float) correction, (float) decay, 0, 0, 0};
    for (Group group : Group.values()) {
      stepScalars[3 + group.ordinal()] = (float) (1 - learningRate * updateRule.decay(group));
    }
    return stepScalars;
  }
}
