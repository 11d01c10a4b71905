package org.knowcap.models.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.ModelSpec;

class UpcyclingTest {
  private static final TokenIds IDS = new TokenIds(11, 0);

  /** Gates that add up to one mix equals into their equal. */
  @ParameterizedTest
  @CsvSource({"mixtral4-2-2-w8, mistral-2-2-w8", "gpt2-moe3-2-2-w8-top2-capnone, gpt2-quarter-2-2-w8",
      "glam4-3-2-w8-capnone, gpt2-3-2-w8", "gpt2-moe3-1-2-w8-gated-top3-capnone, gpt2-quarter-1-2-w8-gated",
      "gpt2-2-2-w8-lora3a5, gpt2-2-2-w8", "mistral-1-2-w8-lora4attention, mistral-1-2-w8"})
  void theMixtureBeginsAsTheModelItWasMadeFrom(String mixed, String plain) {
    assertEquals(ModelSpec.parse(plain), ModelSpec.parse(mixed).origin());
    Program mixture = Program.scoring(ModelSpec.parse(mixed), IDS, 2, 7);
    Program dense = Program.scoring(ModelSpec.parse(plain), IDS, 2, 7);
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
    Map<String, float[]> learnt = Batches.parameters(dense, 0.5, random);
    Batches batch = Batches.random(dense, 11, random);
    float[] expected = losses(dense, learnt.get(Session.PARAMETERS), batch);
    float[] drawn = InitialParameters.of(mixture, 1);
    assertNotEquals(expected[0], losses(mixture, drawn, batch)[0], 1e-3);
    float[] losses = losses(mixture, Upcycling.of(mixture, dense, learnt.get(Session.PARAMETERS), drawn),
        batch);
    for (int row = 0; row < losses.length; row++) {
      assertEquals(expected[row], losses[row], 1e-5, "row " + row);
    }
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
