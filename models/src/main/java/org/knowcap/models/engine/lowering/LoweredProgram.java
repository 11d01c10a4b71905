package org.knowcap.models.engine.lowering;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.models.engine.lowering.Lowering.Lowered;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Documents;
import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Heads;
import org.knowcap.models.program.MemoryPlan;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Tensor;

/**
 * A program as an engine runs it, once for training and once for scoring: its operations, the precision and the
 * location of each activation in one arena, and the tables of constants that its operations read.
 */
public final class LoweredProgram {
  /** How many rows an engine stores of an activation. */
  @FunctionalInterface
  public interface Rows {
    /** @param routing where the rows are experts' slots */
    int of(Tensor tensor, Optional<ExpertRouting> routing);
  }

  /** Bytes of an element in the plan. */
  private static final int WORD = 4;

  private final Program program;
  private final DType dtype;
  private final Rows rows;
  private final Pass training;
  private final Pass scoring;
  private final Optional<Documents> documents;

  private record Pass(Lowered lowered, MemoryPlan plan) {}

  /** @param rows that the arena has room for */
  public LoweredProgram(Program program, DType dtype, Rows rows) {
    this.program = program;
    this.dtype = dtype;
    this.rows = rows;
    training = pass(program.operations());
    scoring = program.backward().isEmpty() ? training : pass(program.forward());
    documents = program.forward().stream().flatMap(o -> o.documents().stream()).findFirst();
  }

  private Pass pass(List<? extends Operation> operations) {
    Lowered lowered = Lowering.of(operations, dtype);
    return new Pass(lowered, MemoryPlan.of(lowered.operations(), Set.of(), tensor -> words(lowered, tensor)));
  }

  private long words(Lowered lowered, Tensor tensor) {
    int count = rows.of(tensor, Optional.ofNullable(lowered.dispatched().get(tensor)));
    return Math.ceilDiv((long) count * tensor.columns() * dtype(lowered, tensor).bytes(), WORD);
  }

  private DType dtype(Lowered lowered, Tensor tensor) {
    return lowered.fp32().contains(tensor) ? DType.FP32 : dtype;
  }

  private Pass pass(boolean learning) {
    return learning ? training : scoring;
  }

  /** The precision of the operands of matmuls. */
  public DType dtype() {
    return dtype;
  }

  /** The operations in order: with the backward part, or the forward part alone. */
  public List<Operation> operations(boolean learning) {
    return pass(learning).lowered.operations();
  }

  /** How an activation is stored. */
  public DType dtype(Tensor tensor, boolean learning) {
    return dtype(pass(learning).lowered, tensor);
  }

  /** How an activation's rows are experts' slots, if they are. */
  public Optional<ExpertRouting> dispatched(Tensor tensor, boolean learning) {
    return Optional.ofNullable(pass(learning).lowered.dispatched().get(tensor));
  }

  /** Where an activation begins in the arena, in bytes. */
  public long offset(Tensor tensor, boolean learning) {
    return WORD * pass(learning).plan.offsets().get(tensor);
  }

  /** Bytes of the arena, which training and scoring share. */
  public long arenaBytes() {
    return WORD * Math.max(training.plan.size(), scoring.plan.size());
  }

  /** The distinct tables of RoPE. */
  public List<RopeTable> ropeTables() {
    return program.forward()
        .stream()
        .flatMap(o -> o instanceof Rope rope ? RopeTable.of(rope) : Stream.empty())
        .distinct()
        .toList();
  }

  /** The distinct heads that ALiBi has slopes for. */
  public List<Heads> alibiHeads() {
    return attention().filter(o -> o.scores() instanceof Attention.Scores.Alibi)
        .map(Attention::heads)
        .distinct()
        .toList();
  }

  /** How windows split into documents, for all operations that look at documents. */
  public Optional<Documents> documents() {
    return documents;
  }

  private Stream<Attention> attention() {
    return program.forward()
        .stream()
        .flatMap(o -> o instanceof Attention attention ? Stream.of(attention) : Stream.empty());
  }
}
