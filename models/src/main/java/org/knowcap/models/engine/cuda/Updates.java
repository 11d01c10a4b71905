package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Parameter.Group;
import org.knowcap.models.program.Program;

/** What is launched at the end of a step to change the parameters; see optimiser.cu, adafactor.cu and muon.cu. */
final class Updates {
  private static final int THREADS = 256;
  private static final int WARP = 32;
  /** Of the block that takes a whole matrix. */
  private static final int NORM_THREADS = 1024;
  /** Enough blocks to read the gradient at full speed, few enough that adding up their sums costs little. */
  private static final int MOST_BLOCKS = 1024;

  private final Program program;
  private final UpdateRule updateRule;
  private final KernelModule kernels;
  private final MatMuls matmuls;
  private final Buffers buffers;
  private final long count;
  private final long gradients;
  /** Where clipping leaves what gradients are multiplied by; 0 where it does not. */
  private final long scale;

  Updates(Program program, UpdateRule updateRule, KernelModule kernels, MatMuls matmuls, Buffers buffers) {
    this.program = program;
    this.updateRule = updateRule;
    this.kernels = kernels;
    this.matmuls = matmuls;
    this.buffers = buffers;
    count = program.trainedCount();
    gradients = buffers.address(Part.GRADIENTS);
    scale = updateRule.clip().isPresent() ? buffers.address(Part.LOSSES) + Buffers.SCALE : 0;
  }

  /** Numbers of work space. */
  static long work(Program program, UpdateRule updateRule) {
    return switch (updateRule.optimiser()) {
      case Optimiser.AdamW _,Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> 2L * MOST_BLOCKS;
      case Optimiser.Adafactor _ -> Math.max(2L * MOST_BLOCKS, Factored.of(program).work());
      case Optimiser.Muon _ -> Math.max(2L * MOST_BLOCKS,
          HiddenStack.of(program).stream().mapToLong(HiddenStack::work).max().orElse(0));
    };
  }

  /** What the update's kernels look up about parameters. */
  static List<int[]> tables(Program program) {
    return program.optimiser().map(optimiser -> switch (optimiser) {
      case Optimiser.Adafactor _ -> Factored.of(program).tables();
      case Optimiser.Muon _ -> HiddenStack.of(program).stream().map(HiddenStack::table).toList();
      case Optimiser.AdamW _,Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> List.<int[]>of();
    }).orElse(List.of());
  }

  List<Launch> all() {
    List<Launch> all = new ArrayList<>();
    updateRule.clip().ifPresent(most -> all.addAll(clip(most)));
    all.addAll(switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> List.of(adamW(o, 0, count));
      case Optimiser.Lion o -> List.of(elementwise("lion", 0, count, (float) o.beta1(), (float) o.beta2()));
      // The step's blend is the moment to come: Lion with one beta.
      case Optimiser.Tiger o -> List.of(elementwise("lion", 0, count, (float) o.beta(), (float) o.beta()));
      case Optimiser.Sgd o -> List.of(elementwise("sgd", 0, count, (float) o.momentum()));
      case Optimiser.Adafactor o -> adafactor(o);
      case Optimiser.Muon o -> muon(o);
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

  private Launch adamW(Optimiser.AdamW o, long from, long to) {
    return elementwise("adamw", from, to, buffers.address(Part.SECOND_MOMENT) + 4 * from, (float) o.beta1(),
        (float) o.beta2(), (float) o.epsilon());
  }

  /** An update from one number of the flat buffers to before another. */
  private Launch elementwise(String kernel, long from, long to, Object... own) {
    long copy = buffers.address(Part.BF16_COPY);
    List<Object> arguments = new ArrayList<>(List.of(buffers.address(Part.PARAMETERS) + 4 * from,
        gradients + 4 * from, scale, buffers.address(Part.FIRST_MOMENT) + 4 * from,
        copy == 0 ? 0L : copy + 2 * from, buffers.address(Part.INPUTS), to - from,
        before(Group.MATRICES) - from, before(Group.VECTORS) - from));
    arguments.addAll(List.of(own));
    // Each moment, parameter and gradient is read and written, the copy written.
    int moments = program.optimiser().orElseThrow().state().size();
    int copied = copy > 0 ? 2 : 0;
    return kernels.each(kernel, to - from, arguments.toArray())
        .moving((16 + 8L * moments + copied) * (to - from));
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
    long all = buffers.updateTables();
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

  /** AdamW for what lies between the hidden layers' matrices, which come in stacks of one shape. */
  private List<Launch> muon(Optimiser.Muon o) {
    List<Launch> all = new ArrayList<>();
    program.decaysBesideHidden().forEach(range -> all.add(adamW(o.others(), range.from(), range.to())));
    long table = buffers.updateTables();
    for (HiddenStack stack : HiddenStack.of(program)) {
      all.addAll(muon(o, stack, table));
      table += 4L * stack.table().length;
    }
    return all;
  }

  /** @param table address of the matrices' places */
  private List<Launch> muon(Optimiser.Muon o, HiddenStack stack, long table) {
    int rows = stack.rows();
    int columns = stack.columns();
    int number = stack.matrices().size();
    long size = stack.size();
    long squares = stack.squares();
    long work = buffers.address(Part.WORK);
    long x = work;
    long other = work + stack.other();
    long gram = work + stack.gram();
    long square = work + stack.square();
    int side = stack.matrices().getFirst().side();
    boolean tall = rows > columns;
    Matrix grams = matrix(gram, side, side);
    Matrix products = matrix(square, side, side);
    int copied = buffers.bytes(Part.BF16_COPY) > 0 ? 2 : 0;
    List<Launch> all = new ArrayList<>();
    all.add(kernels
        .each("muon_momentum", size, gradients, scale, table, buffers.address(Part.FIRST_MOMENT), x, size,
            rows, columns, (float) o.momentum(), o.nesterov() ? (float) o.momentum() : 1f)
        .moving(20 * size));
    all.add(
        kernels
            .launch("muon_normalise", new Grid(number, 1, NORM_THREADS, 0), x, rows * columns,
                o.orthogonaliser().safety(), Orthogonaliser.LEAST_NORM)
            .moving(12 * size));
    for (Orthogonaliser.Quintic quintic : o.quintics()) {
      Matrix from = matrix(x, rows, columns);
      Matrix to = matrix(other, rows, columns);
      all.addAll(matmuls.of(number, tall ? from.transpose() : from, tall ? from : from.transpose(),
          Optional.empty(), grams, false));
      all.addAll(matmuls.of(number, grams, grams, Optional.empty(), products, false));
      all.add(
          kernels
              .each("muon_polynomial", squares, gram, square, squares, side, (float) quintic.a(),
                  (float) quintic.b(), (float) quintic.c())
              .moving(12 * squares));
      all.addAll(
          matmuls.of(number, tall ? from : products, tall ? products : from, Optional.empty(), to, false));
      long swapped = x;
      x = other;
      other = swapped;
    }
    all.add(kernels
        .each("muon", size, buffers.address(Part.PARAMETERS), buffers.address(Part.BF16_COPY), table, x,
            buffers.address(Part.INPUTS), size, rows, columns, (float) o.scale(stack.matrices().getFirst()))
        .moving((12L + copied) * size));
    return all;
  }

  private static Matrix matrix(long address, int rows, int columns) {
    return Matrix.dense(new Numbers(address, false), rows, columns);
  }

  /** What the kernels read of this step: the floats of Dials, see loss.cu, that its optimiser sets. */
  static float[] stepScalars(UpdateRule updateRule, double learningRate, long step) {
    double rate = learningRate;
    double correction = 1;
    double own = 0;
    switch (updateRule.optimiser()) {
      case Optimiser.AdamW o -> {
        rate = unbiasedRate(o, learningRate, step);
        correction = correction(o, step);
      }
      case Optimiser.Muon o -> {
        rate = unbiasedRate(o.others(), learningRate, step);
        correction = correction(o.others(), step);
        own = learningRate;
      }
      case Optimiser.Adafactor o -> own = o.decay(step);
      case Optimiser.Lion _,Optimiser.Tiger _,Optimiser.Sgd _ -> {
        // The rate alone.
      }
    }
    float[] stepScalars = {(float) rate, (float) correction, (float) own, 0, 0, 0};
    for (Group group : List.of(Group.EMBEDDINGS, Group.MATRICES, Group.VECTORS)) {
      stepScalars[3 + group.ordinal()] = (float) (1 - learningRate * updateRule.decay(group));
    }
    return stepScalars;
  }

  private static double unbiasedRate(Optimiser.AdamW o, double learningRate, long step) {
    return learningRate / (1 - Math.pow(o.beta1(), step));
  }

  private static double correction(Optimiser.AdamW o, long step) {
    return 1 / Math.sqrt(1 - Math.pow(o.beta2(), step));
  }
}
