package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Adafactor's update, one parameter after the other, because its sums go over a parameter's rows and columns; see
 * {@link Optimiser.Adafactor}. Each worker updates whole parameters, which are divided by size, so the result does
 * not depend on the number of workers.
 */
final class AdafactorUpdate implements Update {
  private final MemorySegment memory;
  private final Layout layout;
  private final Gradients gradients;
  private final Optimiser.Adafactor optimiser;
  private final boolean gathered;
  private final List<List<Factored>> parts;

  /** A parameter [rows, columns]: its first element, and its first row's and column's moment. */
  private record Factored(long from, int rows, int columns, long row, long column, double decay) {
    long size() {
      return (long) rows * columns;
    }
  }

  /** @param gathered whether the gradients are summed before this comes */
  AdafactorUpdate(MemorySegment memory, Layout layout, Program program, Gradients gradients,
      Optimiser.Adafactor optimiser, boolean gathered) {
    this.memory = memory;
    this.layout = layout;
    this.gradients = gradients;
    this.optimiser = optimiser;
    this.gathered = gathered;
    parts = parts(program, program.updateRule().orElseThrow(), gradients.offsets().length);
  }

  /** Divides the parameters: the largest come first, and each goes to the worker that has least. */
  private static List<List<Factored>> parts(Program program, UpdateRule updateRule, int workers) {
    List<Factored> all = new ArrayList<>();
    long row = 0;
    long column = 0;
    for (Parameter parameter : program.trained()) {
      int rows = parameter.tensor().rows();
      int columns = parameter.tensor().columns();
      all.add(
          new Factored(parameter.offset(), rows, columns, row, column, updateRule.decay(parameter.group())));
      row += rows;
      column += columns;
    }
    all.sort(Comparator.comparingLong(Factored::size).reversed());
    List<List<Factored>> parts = new ArrayList<>();
    for (int worker = 0; worker < workers; worker++) {
      parts.add(new ArrayList<>());
    }
    long[] sizes = new long[workers];
    for (Factored each : all) {
      int least = 0;
      for (int worker = 1; worker < workers; worker++) {
        least = sizes[worker] < sizes[least] ? worker : least;
      }
      parts.get(least).add(each);
      sizes[least] += each.size();
    }
    return parts;
  }

  /** Floats of work space: one for each column of the widest parameter, to a full vector. */
  static long workSize(Program program) {
    return Matrix.stride(program.parameters().stream().mapToInt(p -> p.tensor().columns()).max().orElse(0));
  }

  @Override
  public void run(int worker, double learningRate, long step, float scale) {
    List<Factored> part = parts.get(worker);
    for (int i = 0; i < part.size(); i++) {
      update(part.get(i), layout.work(worker), learningRate, (float) optimiser.decay(step), scale);
    }
  }

  /** @param work first the means of columns of g^2, then the factors of the columns of g */
  private void update(Factored p, long work, double learningRate, float decay, float scale) {
    double parameterSquares = prepare(p, scale);
    Loops.zero(memory, work, false, 0, p.columns);
    double meanOfRows = rowMoments(p, work, decay);
    columnFactors(p, work, decay);
    double squares = 0;
    for (int row = 0; row < p.rows; row++) {
      double factor = meanOfRows / moment(layout.rowMoment, p.row + row);
      squares += factor * Loops.squaresOfProduct(memory, gradient(p, row), work, p.columns);
    }
    double rate = optimiser.rate(learningRate, squares, parameterSquares, p.size());
    float keep = (float) (1 - learningRate * p.decay);
    for (int row = 0; row < p.rows; row++) {
      float factor = (float) (rate * Math.sqrt(meanOfRows / moment(layout.rowMoment, p.row + row)));
      long first = layout.parameters + 4 * (p.from + (long) row * p.columns);
      Loops.scaledStep(memory, first, gradient(p, row), work, factor, keep, p.columns);
    }
    if (layout.dtype().isBf16()) {
      Loops.toBf16(memory, layout.parameters, layout.copy, p.from, p.from + p.size());
    }
  }

  /** Sums and scales the gradient; returns the sum of p^2. */
  private double prepare(Factored p, float scale) {
    double squares = 0;
    long to = p.from + p.size();
    for (long i = p.from; i < to; i += Gradients.CHUNK) {
      long end = Math.min(i + Gradients.CHUNK, to);
      if (!gathered) {
        gradients.gather(i, end);
      }
      gradients.scale(i, end, scale);
      squares += gradients.squares(layout.parameters, i, end);
    }
    return squares;
  }

  /** Renews R; adds the rows' squares to the work space; returns the mean of R. */
  private double rowMoments(Factored p, long work, float decay) {
    double sum = 0;
    for (int row = 0; row < p.rows; row++) {
      long g = gradient(p, row);
      Loops.accumulateProduct(memory, g, false, g, false, work, p.columns);
      float mean = Loops.dot(memory, g, false, g, false, p.columns) / p.columns;
      sum += renew(layout.rowMoment, p.row + row, mean, decay);
    }
    return sum / p.rows;
  }

  /** Renews C, and leaves 1 / sqrt(C) in the work space. */
  private void columnFactors(Factored p, long work, float decay) {
    for (int column = 0; column < p.columns; column++) {
      float mean = memory.get(ValueLayout.JAVA_FLOAT, work + 4L * column) / p.rows;
      float moment = renew(layout.columnMoment, p.column + column, mean, decay);
      memory.set(ValueLayout.JAVA_FLOAT, work + 4L * column, (float) (1 / Math.sqrt(moment)));
    }
  }

  private float renew(long statistics, long index, float mean, float decay) {
    float moment = decay * moment(statistics, index)
        + (1 - decay) * (mean + (float) Optimiser.Adafactor.LEAST_SQUARE);
    memory.set(ValueLayout.JAVA_FLOAT, statistics + 4 * index, moment);
    return moment;
  }

  private float moment(long statistics, long index) {
    return memory.get(ValueLayout.JAVA_FLOAT, statistics + 4 * index);
  }

  private long gradient(Factored p, int row) {
    return gradients.sum() + 4 * (p.from + (long) row * p.columns);
  }
}
