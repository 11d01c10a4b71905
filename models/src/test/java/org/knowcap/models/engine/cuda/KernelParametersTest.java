package org.knowcap.models.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.cuda.driver.Replicas;
import org.knowcap.models.engine.lowering.DType;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.program.UpdateRule;

/** Every launch passes what its kernel declares: making a launch checks it, so it is enough to make all of them. */
class KernelParametersTest {
  /** Between them they have every operation, and odd widths beside whole ones. */
  private static final List<String> MODELS = List.of("gpt2-1-2-w16", "llama-1-3-w6",
      "llama-1-2-w16-k1-qknorm", "gpt2-1-2-w16-learned20", "gpt2-1-2-w16-rerope4-document",
      "gpt2-1-2-w20-alibi", "gpt2-moe4-1-2-w16", "gpt2-moe3-1-1-w8-gated-expertchoice",
      "llama-1-2-w16-canonabcd-document", "llama-2-2-w16-glagdn-document",
      "llama-1-2-w16-biased-loops2-lora4", "gpt2-2-2-w16-document-ngram9w6");
  private static final List<UpdateRule> RULES = List.of(
      UpdateRule.by(new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.3)).withClip(1),
      UpdateRule.by(new Optimiser.Lion(0.9, 0.99, 0.3)), UpdateRule.by(new Optimiser.Tiger(0.95, 0.3)),
      UpdateRule.by(new Optimiser.Sgd(0.9, 0.3)), UpdateRule.by(new Optimiser.Adafactor(1, true, 0.3)),
      UpdateRule.by(new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true,
          Optimiser.Muon.AdjustLearningRate.ORIGINAL, 0.9, 0.98, 1e-6, 0.3)));
  /** The meter launches these two, and the tests of whole sessions launch them. */
  private static final Set<String> ELSEWHERE = Set.of("fill", "product");

  private static List<Launch> launches(Program program, DType dtype) {
    KernelModule kernels = KernelModule.described(Replicas.ONE);
    KernelSource source = KernelSource.of(program, dtype);
    List<Launch> all = new ArrayList<>();
    for (KernelSource each : List.of(source, source.plain())) {
      Buffers buffers = new Buffers(program, dtype);
      MatMuls matmuls = MatMuls.described(kernels);
      Launches training = new Launches(program, kernels, matmuls, buffers, each, true);
      all.addAll(training.earlierBatch());
      all.addAll(training.lastBatch());
      all.add(training.renewCopy());
      all.addAll(new Launches(program, kernels, matmuls, buffers, each, false).batch());
      all.addAll(ExpertLaunches.sums(kernels, buffers));
    }
    return all;
  }

  @Test
  void everyLaunchPassesWhatItsKernelDeclares() {
    Set<String> launched = new TreeSet<>(ELSEWHERE);
    for (String model : MODELS) {
      for (UpdateRule rule : RULES) {
        for (DType dtype : DType.values()) {
          launches(Program.training(ModelSpec.parse(model), new TokenIds(17, 0), 3, 9, rule), dtype)
              .forEach(launch -> launched.add(launch.description().name()));
        }
      }
    }
    Set<String> declared = new TreeSet<>(KernelParameters.of(KernelSource.text()).declared().keySet());
    declared.removeAll(launched);
    assertEquals(Set.of(), declared, "kernels that no launch was made of");
  }

  @Test
  void argumentsOfAnotherNumberOrKindAreRefused() {
    KernelParameters parameters = KernelParameters.of(
        "KERNEL_OF(A * 32, B ? 1 : 2) void f(const Thing* x, Numbers y,\n    int z, float w, Index n) {}");
    parameters.require("f", 1L, new Numbers(2, true), 3, 4f, 5L);
    assertThrows(IllegalArgumentException.class,
        () -> parameters.require("f", 1L, new Numbers(2, true), 3, 4f));
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
        () -> parameters.require("f", 1L, new Numbers(2, true), 3L, 4f, 5L));
    assertTrue(e.getMessage().contains("int z") && e.getMessage().contains("[Long, Numbers, Long,"),
        e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> parameters.require("g"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"short x", "unsigned x", "Pack x"})
  void aParameterThatNoLaunchPassesIsRefused(String parameter) {
    KernelParameters parameters = KernelParameters.of("KERNEL void f(" + parameter + ") {}");
    assertThrows(IllegalArgumentException.class, () -> parameters.require("f", 1));
  }
}
