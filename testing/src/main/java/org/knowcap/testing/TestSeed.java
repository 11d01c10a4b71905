package org.knowcap.testing;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * The seed of everything that tests draw at random: another one each time, or the one that {@code -Dtests.seed=} gives. One
 * seed serves all tests of a process, so that a test draws the same numbers alone and among others. A test that fails says it.
 */
public final class TestSeed implements TestWatcher {
  private static final String PROPERTY = "tests.seed";
  private static final long SEED = Optional.ofNullable(System.getProperty(PROPERTY))
      .map(Long::parseLong)
      .orElseGet(() -> RandomGenerator.of("L64X128MixRandom").nextLong(1L << 48));

  /** The seed. */
  public static long value() {
    return SEED;
  }

  @Override
  public void testFailed(ExtensionContext context, @Nullable Throwable cause) {
    System.err.println(context.getTestClass().map(Class::getSimpleName).orElse("") + "."
        + context.getDisplayName() + " failed; to draw the same numbers, give -D" + PROPERTY + "=" + SEED);
  }
}
