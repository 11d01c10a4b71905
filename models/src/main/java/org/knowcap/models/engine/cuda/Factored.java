package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * A program's parameters as Adafactor's kernels see them, see {@code adafactor.cu}: rows of all are counted on, and columns.
 *
 * @param parameters {@value #FIELDS} numbers each
 * @param ofRow whose each row is, [all n]
 * @param ofColumn whose each column is, [all m]
 * @param tiles parameter, first row and first column of each, [tiles, 3]
 * @param parts numbers of all columns' parts
 */
record Factored(int[] parameters, int[] ofRow, int[] ofColumn, int[] tiles, long parts) {
  private static final int FIELDS = 7;
  /** Rows and columns of a tile. */
  private static final int STRETCH = 128;
  static final int TILE_COLUMNS = 128;

  static Factored of(Program program) {
    List<int[]> parameters = new ArrayList<>();
    List<int[]> tiles = new ArrayList<>();
    List<Integer> ofRow = new ArrayList<>();
    List<Integer> ofColumn = new ArrayList<>();
    long parts = 0;
    for (Parameter parameter : program.trained()) {
      Tensor tensor = parameter.tensor();
      int index = parameters.size();
      parameters.add(new int[]{Math.toIntExact(parameter.offset()), tensor.rows(), tensor.columns(),
          ofRow.size(), ofColumn.size(), Math.toIntExact(parts), parameter.group().ordinal()});
      for (int row = 0; row < tensor.rows(); row += STRETCH) {
        for (int column = 0; column < tensor.columns(); column += TILE_COLUMNS) {
          tiles.add(new int[]{index, row, column});
        }
      }
      Stream.generate(() -> index).limit(tensor.rows()).forEach(ofRow::add);
      Stream.generate(() -> index).limit(tensor.columns()).forEach(ofColumn::add);
      parts += (long) Math.ceilDiv(tensor.rows(), STRETCH) * tensor.columns();
    }
    return new Factored(flat(parameters), numbers(ofRow), numbers(ofColumn), flat(tiles), parts);
  }

  private static int[] numbers(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] flat(List<int[]> list) {
    return list.stream().flatMapToInt(Arrays::stream).toArray();
  }

  int count() {
    return parameters.length / FIELDS;
  }

  /** The tables one behind the other. */
  List<int[]> tables() {
    return List.of(parameters, ofRow, ofColumn, tiles);
  }

  /** Numbers of work space: two sums of each row, two rates of each parameter, columns' parts and factors. */
  long work() {
    return 2L * ofRow.length + 2L * count() + parts + ofColumn.length;
  }
}
