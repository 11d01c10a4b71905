package org.knowcap.models.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.reference.ReferenceSession;

class MergedModelTest {
  private static final TokenIds IDS = new TokenIds(11, 0);

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2-2-2-w8-lora3a5", "llama-2-2-w8-lora4mlp",
          "mistral-1-4-w4-biased-qknorm-lora2a0.5attention"})
  void computesWhatTheModelWithAdaptersDoes(String name) {
    ModelSpec model = ModelSpec.parse(name);
    Program adapted = Program.scoring(model, IDS, 2, 7);
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    float[] learnt = Batches.parameters(adapted, 0.5, random).get(Session.PARAMETERS);
    Batches batch = Batches.random(adapted, 11, random);
    MergedModel merged = MergedModel.of(model, IDS, learnt);
    Program plain = Program.scoring(merged.model(), IDS, 2, 7);
    assertEquals(plain.parameterCount(), merged.parameters().length);
    assertEquals(adapted.parameterCount() - adapted.trainedCount(), plain.parameterCount());
    float[] expected = losses(adapted, learnt, batch);
    float[] losses = losses(plain, merged.parameters(), batch);
    for (int row = 0; row < losses.length; row++) {
      assertEquals(expected[row], losses[row], 1e-5 * (1 + expected[row]), "row " + row);
    }
    // New adapters over the merged weights add nothing.
    float[] anew = MergedModel.underNewAdapters(model, IDS, merged.parameters(), 3);
    assertEquals(adapted.parameterCount(), anew.length);
    assertArrayEquals(merged.parameters(), MergedModel.of(model, IDS, anew).parameters());
    // Zeroed adapters would show.
    float[] without = learnt.clone();
    Arrays.fill(without, 0, (int) adapted.trainedCount(), 0);
    assertNotEquals(expected[0], losses(adapted, without, batch)[0], 1e-3);
  }

  @Test
  void leavesAModelWithoutAdaptersAsItIs() {
    float[] learnt = {1, 2};
    ModelSpec plain = ModelSpec.parse("gpt2-1-1");
    assertSame(learnt, MergedModel.of(plain, IDS, learnt).parameters());
    assertSame(learnt, MergedModel.underNewAdapters(plain, IDS, learnt, 3));
  }

  private static float[] losses(Program program, float[] parameters, Batches batch) {
    try (ReferenceSession session = new ReferenceSession(program)) {
      session.load(Map.of(Session.PARAMETERS, parameters));
      float[] losses = new float[program.rows()];
      session.losses(batch.tokens(), batch.targets(), losses);
      return losses;
    }
  }
}
