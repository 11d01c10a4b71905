package org.knowcap.models.engine.nd4j;

import org.knowcap.models.program.NgramHash;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.ScalarGate;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * A memory of n-grams and its gate. The host finds the rows, and adds up the table's gradient: a matmul with a one-hot matrix
 * would be as wide as the table has rows.
 */
final class MemoryCalls {
  private static final int GIVEN = 60;
  private static final int TAKEN = 61;
  private static final int COLUMN = 62;
  private static final int OTHER_COLUMN = 63;
  private static final int WIDE = 64;
  private static final int SPREAD = 65;

  private final SessionArrays arrays;

  MemoryCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  /** The rows of a batch, in the order in which they stand side by side. */
  private int[] rows(NgramLookup o, NgramHash.Finder finder) {
    int[] rows = new int[o.out().rows() * o.hash().tables()];
    finder.find(arrays.of(o.tokens()).data().asInt(), rows);
    return rows;
  }

  CallList lookup(NgramLookup o) {
    NgramHash.Finder finder = o.finder();
    INDArray rows = arrays.indices(o.out().rows() * o.hash().tables());
    return new CallList(arrays).call(() -> rows.data().setData(rows(o, finder)))
        .custom(DynamicCustomOp.builder("gather")
            .addInputs(arrays.of(o.table()), rows)
            .addOutputs(arrays.of(o.out()).reshape(rows.length(), o.width()))
            .addIntegerArguments(0)
            .build());
  }

  CallList lookupBackward(NgramLookup.Backward o) {
    NgramLookup forward = o.forward();
    NgramHash.Finder finder = forward.finder();
    int width = forward.width();
    INDArray given = arrays.scratch(GIVEN, o.dOut().rows(), o.dOut().columns());
    INDArray taken = arrays.scratch(TAKEN, o.dTable().rows(), width);
    INDArray dTable = arrays.of(o.dTable());
    return new CallList(arrays).copy(arrays.of(o.dOut()), given).call(() -> {
      int[] rows = rows(forward, finder);
      float[] dOut = given.data().asFloat();
      float[] sums = new float[(int) o.dTable().size()];
      for (int i = 0; i < rows.length; i++) {
        for (int c = 0; c < width; c++) {
          sums[rows[i] * width + c] += dOut[i * width + c];
        }
      }
      taken.data().setData(sums);
    }).add(dTable, taken, dTable);
  }

  /** The sum of each row of a * b. */
  private void products(CallList calls, INDArray a, INDArray b, INDArray column) {
    INDArray product = arrays.scratch(WIDE, a.rows(), a.columns());
    calls.multiply(a, b, product).matmul(product, false, arrays.ones(a.columns(), 1), false, false, column);
  }

  /** A column of gates. */
  private INDArray gates(CallList calls, ScalarGate o) {
    INDArray gates = arrays.scratch(COLUMN, o.out().rows(), 1);
    products(calls, arrays.of(o.query()), arrays.of(o.key()), gates);
    calls.scale(gates, -o.scale(), gates).exp(gates, gates).shift(gates, 1, gates).divide(1, gates, gates);
    return gates;
  }

  CallList gate(ScalarGate o) {
    CallList calls = new CallList(arrays);
    INDArray gates = gates(calls, o);
    return calls.multiplyColumn(arrays.of(o.value()), gates, spread(o), arrays.of(o.out()));
  }

  private INDArray spread(ScalarGate o) {
    return arrays.scratch(SPREAD, o.out().rows(), o.out().columns());
  }

  CallList gateBackward(ScalarGate.Backward o) {
    ScalarGate forward = o.forward();
    CallList calls = new CallList(arrays);
    INDArray dOut = arrays.of(o.dOut());
    INDArray gates = gates(calls, forward);
    INDArray slopes = arrays.scratch(OTHER_COLUMN, dOut.rows(), 1);
    INDArray spread = spread(forward);
    products(calls, dOut, arrays.of(forward.value()), slopes);
    calls.multiplyColumn(dOut, gates, spread, arrays.of(o.dValue()))
        .multiply(slopes, gates, slopes)
        .subtractFrom(1, gates, gates)
        .multiply(slopes, gates, slopes)
        .scale(slopes, forward.scale(), slopes)
        .multiplyColumn(arrays.of(forward.key()), slopes, spread, arrays.of(o.dQuery()))
        .multiplyColumn(arrays.of(forward.query()), slopes, spread, arrays.of(o.dKey()));
    return calls;
  }
}
