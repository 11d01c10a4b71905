package org.knowcap.models.engine.nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.factory.Nd4j;

/** At ten million numbers ND4J's own norm of these is off by a hundredth, its own mean too. */
class SumsTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 1023, 1024, 1025, 5000, 10_000_001})
  void areRightToSixDigits(int size) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(size);
    float[] numbers = new float[size];
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < size; i++) {
      numbers[i] = (float) (0.01 + 0.001 * random.nextDouble());
      sum += numbers[i];
      squares += (double) numbers[i] * numbers[i];
    }
    assertEquals(sum / size, Sums.mean(Nd4j.createFromArray(numbers)), 1e-6 * sum / size);
    assertEquals(Math.sqrt(squares), Sums.norm(Nd4j.createFromArray(numbers)), 1e-6 * Math.sqrt(squares));
  }
}
