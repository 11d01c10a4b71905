package org.knowcap.models.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CrewTest {
  private static Crew crew(int size) {
    return new Crew(size, () -> new ThreadMode(Arena.ofAuto(), Optional.empty()));
  }

  /** More workers than cores too: these sleep at once, and who is slow makes the others sleep. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 9})
  void eachWorkerActsOnceInEachPhaseAndAfterTheLastOne(int size) {
    AtomicIntegerArray acts = new AtomicIntegerArray(size);
    try (Crew crew = crew(size)) {
      for (int phase = 0; phase < 2000; phase++) {
        int slow = phase % 500;
        crew.each(worker -> {
          if (slow == worker) {
            LockSupport.parkNanos(300_000);
          }
          acts.incrementAndGet(worker);
        });
        for (int worker = 0; worker < size; worker++) {
          assertEquals(phase + 1, acts.get(worker));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void whatAWorkerThrowsIsThrownOnceAllHaveEndedAndTheNextPhaseRuns(int fails) {
    AtomicIntegerArray acts = new AtomicIntegerArray(3);
    try (Crew crew = crew(3)) {
      StackOverflowError e = assertThrows(StackOverflowError.class, () -> crew.each(worker -> {
        acts.incrementAndGet(worker);
        if (worker == fails) {
          throw new StackOverflowError("planted");
        }
      }));
      assertEquals("planted", e.getMessage());
      assertEquals("[1, 1, 1]", acts.toString());
      crew.each(acts::incrementAndGet);
    }
    assertEquals("[2, 2, 2]", acts.toString());
  }

  @Test
  void anInterruptedCallerStillWaitsForAll() {
    AtomicIntegerArray acts = new AtomicIntegerArray(2);
    Crew crew = crew(2);
    Thread.currentThread().interrupt();
    crew.each(worker -> {
      if (worker == 1) {
        long began = System.nanoTime();
        while (System.nanoTime() - began < 1_000_000) {
          Thread.onSpinWait();
        }
      }
      acts.incrementAndGet(worker);
    });
    crew.close();
    assertTrue(Thread.interrupted());
    assertEquals("[1, 1]", acts.toString());
  }
}
