package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.HiddenMatrix;
import org.knowcap.models.program.Program;

/**
 * Matrices of one shape that Muon orthogonalises in the same launches, see {@code muon.cu}. Its work space has the
 * matrices X one behind the other, as many other ones, and two squares of the smaller side for each.
 */
record HiddenStack(List<HiddenMatrix> matrices) {
  /** More numbers than these are enough for a GPU; more matrices would only take more memory. */
  private static final long MOST_NUMBERS = 1 << 24;
  /** Numbers between the beginnings of the parts of work space are a multiple of this, so that wide reads may begin there. */
  private static final long UNIT = 64;

  static List<HiddenStack> of(Program program) {
    Map<List<Integer>, List<HiddenMatrix>> shapes = new LinkedHashMap<>();
    for (HiddenMatrix matrix : program.hiddenMatrices()) {
      shapes.computeIfAbsent(List.of(matrix.rows(), matrix.columns()), _ -> new ArrayList<>()).add(matrix);
    }
    List<HiddenStack> stacks = new ArrayList<>();
    for (List<HiddenMatrix> equal : shapes.values()) {
      int most = Math.clamp(MOST_NUMBERS / equal.getFirst().size(), 1, equal.size());
      for (int from = 0; from < equal.size(); from += most) {
        stacks.add(new HiddenStack(List.copyOf(equal.subList(from, Math.min(from + most, equal.size())))));
      }
    }
    return List.copyOf(stacks);
  }

  int rows() {
    return matrices.getFirst().rows();
  }

  int columns() {
    return matrices.getFirst().columns();
  }

  /** Numbers of all matrices. */
  long size() {
    return matrices.size() * matrices.getFirst().size();
  }

  /** Numbers of a square of the smaller side for each. */
  long squares() {
    long side = matrices.getFirst().side();
    return matrices.size() * side * side;
  }

  /** Offset in bytes of the other matrices in the work space. */
  long other() {
    return 4 * whole(size());
  }

  /** Offset of X X^T. */
  long gram() {
    return 2 * other();
  }

  /** Offset of its square. */
  long square() {
    return gram() + 4 * whole(squares());
  }

  /** Numbers of work space. */
  long work() {
    return 2 * whole(size()) + 2 * whole(squares());
  }

  private static long whole(long numbers) {
    return Math.ceilDiv(numbers, UNIT) * UNIT;
  }

  /** First number and stride of each matrix. */
  int[] table() {
    int[] places = new int[2 * matrices.size()];
    for (int i = 0; i < matrices.size(); i++) {
      places[2 * i] = Math.toIntExact(matrices.get(i).offset());
      places[2 * i + 1] = matrices.get(i).stride();
    }
    return places;
  }
}
