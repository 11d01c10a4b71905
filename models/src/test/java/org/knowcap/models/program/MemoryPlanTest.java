package org.knowcap.models.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;

class MemoryPlanTest {
  private static final Optimiser ADAMW = new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1);

  /** Plays the program on the arena's elements: what an operation reads must still be what was last written there. */
  @Test
  void nothingIsOverwrittenBeforeItsLastRead() {
    for (int layers = 1; layers <= 3; layers++) {
      ModelSpec spec = Family.GPT2.model(layers, 2, 4, new Rotary(1, 10_000));
      for (Program program : List.of(Program.training(spec, 11, 2, 5, ADAMW),
          Program.scoring(spec, 11, 2, 5))) {
        MemoryPlan plan = program.memoryPlan();
        Map<Long, Tensor> arena = new HashMap<>();
        for (Operation operation : program.operations()) {
          operation.reads().forEach(tensor -> check(plan, arena, tensor));
          for (Tensor tensor : operation.writes()) {
            if (tensor.role() == Tensor.Role.ACTIVATION) {
              for (long i = plan.offsets().get(tensor); i < plan.offsets().get(tensor) + tensor.size(); i++) {
                assertTrue(i < plan.size());
                arena.put(i, tensor);
              }
            }
          }
          operation.reads().forEach(tensor -> check(plan, arena, tensor));
        }
        check(plan, arena, program.losses());
      }
    }
  }

  private static void check(MemoryPlan plan, Map<Long, Tensor> arena, Tensor tensor) {
    if (tensor.role() == Tensor.Role.ACTIVATION) {
      for (long i = plan.offsets().get(tensor); i < plan.offsets().get(tensor) + tensor.size(); i++) {
        assertEquals(tensor, arena.get(i));
      }
    }
  }

  @Test
  void scoringNeedsFarLessThanEveryActivationAtOnce() {
    Program program = Program.scoring(ModelSpec.parse("gpt2-12-4"), 500, 2, 64);
    long all = program.operations().stream().flatMap(o -> o.writes().stream()).mapToLong(Tensor::size).sum();
    assertTrue(program.memoryPlan().size() < all / 8, program.memoryPlan().size() + " of " + all);
  }
}
