package org.knowcap.models.engine.nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;

class SessionArraysTest {
  /** What a program says that a layer takes is what this engine allocates for it: nothing else lives from forward to backward. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2-%d-2-w8", "llama-%d-4-w8-k2-qknorm-document", "llama-%d-2-w8-rerope2",
          "gpt2-%d-2-w8-alibi", "mistral-%d-4-w8-a3-canonabcd-document", "llama-%d-2-w8-gdn",
          "llama-%d-2-w8-gla"})
  void aLayerTakesTheMemoryThatTheProgramSays(String model) {
    Program two = program(model.formatted(2));
    Program three = program(model.formatted(3));
    // Beside what the program says, the optimiser's change of each parameter.
    long said = three.memoryBytes() - two.memoryBytes() + 4 * (three.parameterCount() - two.parameterCount());
    assertEquals(said, allocated(three) - allocated(two));
  }

  private static Program program(String model) {
    return Program.training(ModelSpec.parse(model), new TokenIds(11, OptionalInt.of(0)), 2, 9,
        new Optimiser.Sgd(0.9, 0.1));
  }

  private static long allocated(Program program) {
    try (Nd4jSession session = new Nd4jSession(program)) {
      return session.arrays().bytes();
    }
  }
}
