package org.knowcap.models.engine.nd4j;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.FusedOperation;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.ScalarGate;
import org.knowcap.models.program.Scale;
import org.knowcap.models.program.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Writes each operation of a program as ND4J calls: the plain ones here, norms, activations, RoPE, attention,
 * recurrences, memories, losses and experts by a class each. What a forward operation leaves for its gradient is in the program's tensors. What is kept here are
 * constants, which operations of equal shape share.
 *
 * <p>Native operations that are slow in ND4J 1.0.0-M2.1 are avoided: sums over rows and columns are matmuls with
 * ones, norms and activations are spelled out, and scattering is a matmul with a one-hot matrix, which also gives the same
 * bits on every run.
 */
final class OperationCalls {
  private final SessionArrays arrays;
  private final NormCalls norms;
  private final ActivationCalls activations;
  private final RopeCalls ropes;
  private final AttentionCalls attentions;
  private final RecurrenceCalls recurrences;
  private final MemoryCalls memories;
  private final LossCalls losses;
  private final ExpertCalls experts;
  /** By what they are made of: for each lag a column [R, 1] of ones where a token looks that far back, otherwise zeros. */
  private final Map<List<Object>, INDArray[]> lagMasks = new HashMap<>();

  OperationCalls(SessionArrays arrays, ExpertCalls experts) {
    this.arrays = arrays;
    this.experts = experts;
    norms = new NormCalls(arrays);
    activations = new ActivationCalls(arrays);
    ropes = new RopeCalls(arrays);
    attentions = new AttentionCalls(arrays);
    recurrences = new RecurrenceCalls(arrays);
    memories = new MemoryCalls(arrays);
    losses = new LossCalls(arrays);
  }

  CallList of(Operation operation) {
    return switch (operation) {
      case Embedding o -> embedding(o);
      case LearnedPositions o -> learnedPositions(o);
      case Normalisation o -> norms.norm(o);
      case Linear o -> linear(o);
      case Activate o -> activations.activate(o);
      case GatedActivation o -> activations.gatedActivation(o);
      case Canon o -> canon(o);
      case Canon.Backward o -> canonBackward(o);
      case Rope o -> ropes.rope(o, o.x(), o.out(), false);
      case Attention o -> attentions.attention(o);
      case Recurrence o -> recurrences.recurrence(o);
      case GatedNorm o -> recurrences.gatedNorm(o);
      case NgramLookup o -> memories.lookup(o);
      case ScalarGate o -> memories.gate(o);
      case Add o -> new CallList(arrays).add(arrays.of(o.a()), arrays.of(o.b()), arrays.of(o.out()));
      case Route o -> experts.route(o);
      case Dispatch o -> experts.dispatch(o);
      case ExpertLinear o -> experts.linear(o);
      case Combine o -> experts.combine(o);
      case CrossEntropy o -> losses.crossEntropy(o);
      case Embedding.Backward o -> embeddingBackward(o);
      case LearnedPositions.Backward o -> learnedPositionsBackward(o);
      case Normalisation.Backward o -> norms.normBackward(o);
      case Linear.Backward o -> linearBackward(o);
      case Activate.Backward o -> activations.activateBackward(o);
      case GatedActivation.Backward o -> activations.gatedActivationBackward(o);
      case Rope.Backward o -> ropes.rope(o.forward(), o.dOut(), o.dX(), true);
      case Attention.Backward o -> attentions.attentionBackward(o);
      case Recurrence.Backward o -> recurrences.recurrenceBackward(o);
      case GatedNorm.Backward o -> recurrences.gatedNormBackward(o);
      case NgramLookup.Backward o -> memories.lookupBackward(o);
      case ScalarGate.Backward o -> memories.gateBackward(o);
      case Route.Backward o -> experts.routeBackward(o);
      case Dispatch.Backward o -> experts.dispatchBackward(o);
      case ExpertLinear.Backward o -> experts.linearBackward(o);
      case Combine.Backward o -> experts.combineBackward(o);
      case CrossEntropy.Backward o -> losses.crossEntropyBackward(o);
      case Scale o -> scale(o.factor(), o.x(), o.out());
      case Scale.Backward o -> scale(o.forward().factor(), o.dOut(), o.dX());
      case Accumulate o -> new CallList(arrays).add(arrays.of(o.a()), arrays.of(o.b()), arrays.of(o.out()));
      case FusedOperation o -> throw new IllegalStateException("this engine fuses nothing, found " + o);
    };
  }

  private CallList embedding(Embedding o) {
    return new CallList(arrays).custom(DynamicCustomOp.builder("gather")
        .addInputs(arrays.of(o.table()), arrays.of(o.tokens()))
        .addOutputs(arrays.of(o.out()))
        .addIntegerArguments(0)
        .build());
  }

  private CallList embeddingBackward(Embedding.Backward o) {
    OneHot tokens = new OneHot(arrays, arrays.of(o.forward().tokens()), o.dTable().rows());
    return new CallList(arrays).call(tokens)
        .matmul(tokens.matrix(), true, arrays.of(o.dOut()), false, true, arrays.of(o.dTable()));
  }

  /** Each window is a row of T d numbers, to which the table's first T rows are added. */
  private CallList learnedPositions(LearnedPositions o) {
    return new CallList(arrays).addRow(byWindow(arrays.of(o.x()), o), used(arrays.of(o.table()), o),
        byWindow(arrays.of(o.out()), o));
  }

  private CallList learnedPositionsBackward(LearnedPositions.Backward o) {
    INDArray dOut = byWindow(arrays.of(o.dOut()), o.forward());
    return new CallList(arrays).matmul(arrays.ones(1, dOut.rows()), false, dOut, false, true,
        used(arrays.of(o.dTable()), o.forward()));
  }

  private static INDArray byWindow(INDArray array, LearnedPositions o) {
    return array.reshape(array.rows() / o.length(), o.length() * array.columns());
  }

  private static INDArray used(INDArray table, LearnedPositions o) {
    return table.get(NDArrayIndex.interval(0, o.length()), NDArrayIndex.all())
        .reshape(1, o.length() * table.columns());
  }

  private CallList linear(Linear o) {
    INDArray out = arrays.of(o.out());
    CallList calls = new CallList(arrays).matmul(arrays.of(o.x()), false, arrays.of(o.weight()),
        o.transposed(), false, out);
    o.bias().ifPresent(bias -> calls.addRow(out, arrays.of(bias), out));
    return calls;
  }

  private CallList linearBackward(Linear.Backward o) {
    Linear forward = o.forward();
    INDArray x = arrays.of(forward.x());
    INDArray dOut = arrays.of(o.dOut());
    CallList calls = new CallList(arrays).matmul(dOut, false, arrays.of(forward.weight()),
        !forward.transposed(), false, arrays.of(o.dX()));
    o.dWeight().map(arrays::of).ifPresent(dWeight -> {
      if (forward.transposed()) {
        calls.matmul(dOut, true, x, false, true, dWeight);
      } else {
        calls.matmul(x, true, dOut, false, true, dWeight);
      }
    });
    o.dBias()
        .ifPresent(dBias -> calls.matmul(arrays.ones(1, o.dOut().rows()), false, dOut, false, true,
            arrays.of(dBias)));
    return calls;
  }

  private CallList scale(double factor, Tensor x, Tensor out) {
    return new CallList(arrays).scale(arrays.of(x), factor, arrays.of(out));
  }

  /** A sum of shifted copies, each times a row of weights. */
  private CallList canon(Canon o) {
    CallList calls = new CallList(arrays);
    INDArray[] mask = lagMasks(calls, o);
    INDArray x = arrays.of(o.x());
    INDArray out = arrays.of(o.out());
    INDArray weighted = arrays.scratch(0, x.rows(), x.columns());
    calls.copy(x, out);
    for (int k = 0; k < mask.length; k++) {
      calls.multiplyRow(earlier(calls, x, k, mask[k]), weight(o, k), weighted).add(out, weighted, out);
    }
    return calls;
  }

  private CallList canonBackward(Canon.Backward o) {
    CallList calls = new CallList(arrays);
    Canon forward = o.forward();
    INDArray[] mask = lagMasks(calls, forward);
    INDArray x = arrays.of(forward.x());
    INDArray dOut = arrays.of(o.dOut());
    INDArray dX = arrays.of(o.dX());
    INDArray product = arrays.scratch(0, x.rows(), x.columns());
    INDArray spread = arrays.scratch(1, x.rows(), x.columns());
    calls.copy(dOut, dX);
    for (int k = 0; k < mask.length; k++) {
      calls.multiply(dOut, earlier(calls, x, k, mask[k]), product)
          .matmul(arrays.ones(1, x.rows()), false, product, false, true, row(arrays.of(o.dWeight()), k))
          .multiplyRow(dOut, weight(forward, k), product)
          .multiplyColumn(product, mask[k], spread, product);
      // What a token got from k before it goes back there; k rows of each chunk are zero by the mask.
      calls.add(rows(dX, 0, dX.rows() - k), rows(product, k, product.rows()), rows(dX, 0, dX.rows() - k));
    }
    return calls;
  }

  /** x shifted by k tokens, and zero where the mask is. */
  private INDArray earlier(CallList calls, INDArray x, int k, INDArray mask) {
    // Rows before the first are never written: they stay zero.
    INDArray shifted = arrays.scratch(30 + k, x.rows(), x.columns());
    INDArray spread = arrays.scratch(1, x.rows(), x.columns());
    calls.copy(rows(x, 0, x.rows() - k), rows(shifted, k, x.rows()))
        .multiplyColumn(shifted, mask, spread, shifted);
    return shifted;
  }

  private INDArray weight(Canon o, int k) {
    return row(arrays.of(o.weight()), k);
  }

  private static INDArray row(INDArray matrix, int k) {
    return rows(matrix, k, k + 1);
  }

  private static INDArray rows(INDArray matrix, int from, int to) {
    return matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  /** The masks of each lag that a window has; where there are documents, the first operation fills them at each step. */
  private INDArray[] lagMasks(CallList calls, Canon o) {
    return lagMasks.computeIfAbsent(List.of(o.length(), o.x().rows(), o.documents()), _ -> {
      INDArray[] made = new INDArray[Math.min(Canon.WIDTH, o.length())];
      for (int k = 0; k < made.length; k++) {
        made[k] = arrays.own(o.x().rows(), 1);
      }
      if (o.documents().isPresent()) {
        Documents documents = o.documents().get();
        INDArray tokens = arrays.of(documents.tokens());
        calls.call(
            () -> fillLags(made, o.length(), token -> tokens.data().getInt(token) == documents.separator()));
      } else {
        fillLags(made, o.length(), _ -> false);
      }
      return made;
    });
  }

  private interface Separators {
    boolean at(int row);
  }

  private static void fillLags(INDArray[] masks, int length, Separators separators) {
    int rows = masks[0].rows();
    float[][] values = new float[masks.length][rows];
    int start = 0;
    for (int row = 0; row < rows; row++) {
      start = row % length == 0 || separators.at(row) ? row : start;
      for (int k = 0; k < masks.length && k <= row - start; k++) {
        values[k][row] = 1;
      }
    }
    for (int k = 0; k < masks.length; k++) {
      masks[k].data().setData(values[k]);
    }
  }

  /** What hides the losses of tokens without a target. */
  LossMask lossMask(Tensor ids) {
    return losses.lossMask(ids);
  }
}
