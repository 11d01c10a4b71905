package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.RoundingException;
import org.knowcap.models.training.DivergedException;

class FailureReasonTest {
  static Stream<Arguments> known() {
    IOException missing = new NoSuchFileException("data/a.txt");
    return Stream.of(Arguments.of(missing, "data/a.txt: no such file or directory"),
        Arguments.of(new UncheckedIOException(missing), "data/a.txt: no such file or directory"),
        Arguments.of(new UncheckedIOException(new IOException(new AccessDeniedException("b"))),
            "b: no permission"),
        Arguments.of(new EOFException(), "reading or writing failed without a reason"),
        Arguments.of(new CheckpointException(Path.of("c"), "damaged"),
            "c: damaged; 'knowcap run' with --again r1 trains it again"),
        Arguments.of(new DivergedException("the loss is NaN"), "the loss is NaN"),
        Arguments.of(new RoundingException("a weight is too large"), "a weight is too large"),
        Arguments.of(new EngineUnavailableException("needs 5 MiB"), "needs 5 MiB"),
        Arguments.of(UserException.failure("a.b.C is no name"), "a.b.C is no name"),
        Arguments.of(new OutOfMemoryError("Java heap space"),
            "out of memory (Java heap space); KNOWCAP_JAVA_OPTS=-Xmx8g"
                + " gives Java more, and fewer --workers leave more to each"));
  }

  @ParameterizedTest
  @MethodSource
  void known(Throwable failed, String sentence) {
    assertEquals(new FailureReason(sentence, false), FailureReason.of("r1", failed));
  }

  /** Faults of the program itself, as Java throws them. */
  static List<Throwable> internal() {
    return List.of(new ClassCastException("class java.lang.String cannot be cast to class java.lang.Integer"),
        thrown(() -> Json.MAPPER.readValue("[", FailureReason.class)),
        new NullPointerException("\"x\" is null"),
        new IllegalStateException(new IllegalArgumentException(new ClassNotFoundException("org.a.B"))),
        new CompletionException(new IllegalStateException("two")), new StackOverflowError(),
        new NoClassDefFoundError("Could not initialize class org.nd4j.linalg.factory.Nd4j"),
        new NoSuchElementException(" "));
  }

  private static Throwable thrown(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      return e;
    }
    throw new AssertionError("nothing was thrown");
  }

  @ParameterizedTest
  @MethodSource
  void internal(Throwable failed) {
    FailureReason reason = FailureReason.of("r1", failed);
    assertTrue(reason.internal(), reason.sentence());
    String said = reason.sentence();
    assertTrue(said.startsWith("internal error") && said.contains("please report it"), said);
    assertFalse(said.contains("Exception") || said.contains("Error:") || said.matches(".*\\b(java|org)\\..*")
        || said.contains("null"), said);
  }

  @Test
  void saysWhatAnInternalErrorSays() {
    assertTrue(
        FailureReason.of("r1", new CompletionException(new IllegalStateException("two operations write x")))
            .sentence()
            .startsWith("internal error (two operations write x), which is "));
  }
}
