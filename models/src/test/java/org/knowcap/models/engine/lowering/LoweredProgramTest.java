package org.knowcap.models.engine.lowering;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.FusedOperation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.program.TokenIds;

class LoweredProgramTest {
  private static Program program(String model) {
    return Program.training(ModelSpec.parse(model), new TokenIds(11, OptionalInt.of(0)), 2, 9,
        new Optimiser.Sgd(0.9, 0.1));
  }

  /** Plays a lowered program on the arena's bytes: what an operation reads is what was last written to that tensor. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2-3-2-w8", "llama-2-4-w8-k2-qknorm-document", "llama-2-2-w8-rerope2",
          "gpt2-moe3-2-2-w8-top2", "llama-2-2-w8-canonabcd-learned9", "llama-2-2-w8-glagdn",
          "gpt2-2-2-w8-loops2-ngram9l1l2"})
  void nothingIsOverwrittenBeforeItsLastRead(String model) {
    for (DType dtype : DType.values()) {
      LoweredProgram lowered = new LoweredProgram(program(model), dtype,
          (tensor, routing) -> tensor.rows() + routing.map(each -> each.experts() * 7).orElse(0));
      for (boolean learning : new boolean[]{true, false}) {
        Map<Long, Tensor> arena = new HashMap<>();
        for (Operation operation : lowered.operations(learning)) {
          activations(operation.reads()).forEach(tensor -> check(lowered, learning, arena, tensor));
          activations(operation.writes()).forEach(tensor -> {
            long from = lowered.offset(tensor, learning);
            for (long at = from; at < from + bytes(lowered, learning, tensor); at++) {
              assertTrue(at < lowered.arenaBytes());
              arena.put(at, tensor);
            }
          });
          // Results do not lie where the same operation still reads.
          activations(operation.reads()).forEach(tensor -> check(lowered, learning, arena, tensor));
        }
      }
    }
  }

  private static Stream<Tensor> activations(List<Tensor> tensors) {
    return tensors.stream().filter(tensor -> tensor.role() == Tensor.Role.ACTIVATION);
  }

  private static long bytes(LoweredProgram lowered, boolean learning, Tensor tensor) {
    int spare = lowered.dispatched(tensor, learning).map(each -> each.experts() * 7).orElse(0);
    return (long) (tensor.rows() + spare) * tensor.columns() * lowered.dtype(tensor, learning).bytes();
  }

  private static void check(LoweredProgram lowered, boolean learning, Map<Long, Tensor> arena,
      Tensor tensor) {
    long from = lowered.offset(tensor, learning);
    for (long at = from; at < from + bytes(lowered, learning, tensor); at++) {
      assertEquals(tensor, arena.get(at));
    }
  }

  /** Only these kinds are not the program's own. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-2-2-w8", "gpt2-moe3-2-2-w8"})
  void fusesWhatBelongsTogether(String model) {
    Program program = program(model);
    LoweredProgram lowered = new LoweredProgram(program, DType.BF16, (tensor, _) -> tensor.rows());
    Map<String, Long> kinds = lowered.operations(true)
        .stream()
        .filter(FusedOperation.class::isInstance)
        .collect(Collectors.groupingBy(Operation::kind, Collectors.counting()));
    assertEquals(Set.of("AddNorm", "NormBackward", "LossHead", "Copy"),
        Stream.concat(kinds.keySet().stream(), Stream.of("Copy")).collect(Collectors.toSet()));
    assertEquals(4, kinds.get("AddNorm"));
    assertEquals(5, kinds.get("NormBackward"));
    assertEquals(1, kinds.get("LossHead"));
  }
}
