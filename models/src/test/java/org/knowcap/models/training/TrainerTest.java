package org.knowcap.models.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.checkpoint.ParameterIdentity;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.RoundingException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.WeightRounding;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.LowRank;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;

@ParameterizedClass
@ValueSource(strings = {"nd4j", "cpu"})
class TrainerTest {
  /** Two windows for two threads. */
  private static final Execution EXECUTION = new Execution(2, Precision.FP32);

  @Parameter
  String engine;

  private static final int VOCABULARY = 13;
  private static final Program PROGRAM = Program.training(Family.GPT2.model(2, 2, 8, new Rotary(0.5, 10_000)),
      VOCABULARY, 2, 9, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1));

  /** Tokens 3 and 7. */
  private static final BitSet RARE = BitSet.valueOf(new long[]{1 << 3 | 1 << 7});
  private static final ParameterIdentity MEANING = new ParameterIdentity("a model", "a vocabulary", "adamw");

  @TempDir
  Path directory;

  /** Batch number i is a function of i. */
  private static final BatchSource.Factory DATA = from(0);

  private static BatchSource.Factory from(long first) {
    return new BatchSource.Factory() {
      @Override
      public BatchSource start() {
        return resume(new long[]{first});
      }

      @Override
      public BatchSource resume(long[] position) {
        long[] at = position.clone();
        return () -> {
          var random = RandomGeneratorFactory.of("L64X128MixRandom").create(at[0]++);
          int[] tokens = random.ints(PROGRAM.rows(), 0, VOCABULARY).toArray();
          int[] targets = Arrays.stream(tokens).map(t -> t * 5 % VOCABULARY).toArray();
          return new Batch(tokens, targets, at.clone());
        };
      }
    };
  }

  /** Collects losses by step, and can fall dead at one. */
  private static final class Listener implements TrainingListener {
    final Map<Long, Double> losses = new TreeMap<>();
    long diesAt = -1;
    long stopsAt = -1;
    private long asked;
    long started = -1;
    final List<String> wentBack = new ArrayList<>();
    Optional<Progress> last = Optional.empty();

    @Override
    public void started(long finishedSteps, String remembered) {
      started = finishedSteps;
    }

    @Override
    public void wentBack(String problem) {
      wentBack.add(problem);
    }

    @Override
    public boolean stops() {
      return ++asked == stopsAt;
    }

    @Override
    public void progressed(Progress progress) {
      if (progress.step() == diesAt) {
        throw new IllegalStateException("killed");
      }
      losses.put(progress.step(), progress.loss());
      last = Optional.of(progress);
    }
  }

  private TrainingSpec spec(double peak, long steps) {
    return new TrainingSpec(new Schedule(2, steps, peak, 0.1, LearningRateShape.COSINE),
        new Initialisation.Drawn(5), RARE, 1, Duration.ZERO, "fingerprint", MEANING);
  }

  private Listener train(TrainingSpec spec, Path file, long diesAt) throws Exception {
    return train(spec, file, diesAt, DATA);
  }

  private Listener train(TrainingSpec spec, Path file, long diesAt, BatchSource.Factory data)
      throws Exception {
    return train(PROGRAM, spec, file, diesAt, data);
  }

  private Listener train(Program program, TrainingSpec spec, Path file, long diesAt, BatchSource.Factory data)
      throws Exception {
    Listener listener = new Listener();
    listener.diesAt = diesAt;
    try (Session session = Engines.named(engine).compile(program, EXECUTION)) {
      new Trainer(program, session, spec, file).run(data, listener);
    } catch (IllegalStateException e) {
      assertEquals("killed", e.getMessage());
    }
    return listener;
  }

  /** Ten losses that must not change unless the method does; nats. */
  private static final double[] PINNED = {2.6438925, 2.6181705, 2.1555403, 1.8887076, 1.5203581, 1.5498641,
      1.9106334, 1.6094347, 1.3119449, 1.3303189};

  @Test
  void learnsAlongThePinnedCurve() throws Exception {
    Listener run = train(spec(0.01, 10), directory.resolve("c"), -1);
    try (ReferenceSession reference = new ReferenceSession(PROGRAM)) {
      Listener expected = new Listener();
      new Trainer(PROGRAM, reference, spec(0.01, 10), directory.resolve("d")).run(DATA, expected);
      expected.losses.forEach((step, loss) -> {
        assertEquals(PINNED[(int) (step - 1)], loss, 1e-6, "reference, step " + step);
        assertEquals(loss, run.losses.get(step), 1e-5, "engine, step " + step);
      });
    }
  }

  /** Only the adapters learn, from the weights of a run without them, and a second process goes on to the last bit. */
  @Test
  void adaptersLearnOnFrozenWeights() throws Exception {
    Path base = directory.resolve("base");
    train(spec(0.01, 10), base, -1);
    Map<String, float[]> learnt = Checkpoint.read(base, PROGRAM).state();
    Program adapted = Program.training(
        Family.GPT2.model(2, 2, 8, new Rotary(0.5, 10_000))
            .with(ModelOption.LOW_RANK, Optional.of(new LowRank(3, 6, LowRank.Placement.ALL))),
        VOCABULARY, 2, 9, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1));
    TrainingSpec spec = new TrainingSpec(new Schedule(2, 6, 0.01, 0.1, LearningRateShape.COSINE),
        new Initialisation.Grown(base, Checkpoint.checksum(base), PROGRAM, 5), RARE, 1, Duration.ZERO,
        "fingerprint", MEANING);
    Listener whole = train(adapted, spec, directory.resolve("whole"), -1, from(10));
    train(adapted, spec, directory.resolve("parts"), 4, from(10));
    train(adapted, spec, directory.resolve("parts"), -1, from(10));
    Map<String, float[]> state = Checkpoint.read(directory.resolve("whole"), adapted).state();
    assertArrayEquals(state.get(Session.PARAMETERS),
        Checkpoint.read(directory.resolve("parts"), adapted).state().get(Session.PARAMETERS));
    int trained = (int) adapted.trainedCount();
    assertEquals(trained, state.get(StateBuffer.FIRST_MOMENT.key()).length);
    assertTrue(whole.losses.get(6L) < whole.losses.get(1L), whole.losses.toString());
    float[] before = learnt.get(Session.PARAMETERS);
    adapted.parameters().stream().filter(parameter -> !parameter.trained()).forEach(parameter -> {
      int size = (int) parameter.tensor().size();
      int from = (int) PROGRAM.parameter(parameter.tensor()).offset();
      assertArrayEquals(Arrays.copyOfRange(before, from, from + size),
          Arrays.copyOfRange(state.get(Session.PARAMETERS), (int) parameter.offset(),
              (int) parameter.offset() + size),
          parameter.tensor().name());
    });
  }

  @Test
  void weightsThatCannotBeRoundedEndTheRun() throws Exception {
    for (int allowed : new int[]{0, 3}) {
      AtomicInteger steps = new AtomicInteger();
      WeightRounding rounding = _ -> List.of(_ -> {
        if (steps.getAndIncrement() == allowed) {
          throw new RoundingException("a weight of 1.0E38 is too large");
        }
      });
      Execution execution = new Execution(2, Precision.FP32, Optional.of(rounding));
      try (Session session = Engines.named("cpu").compile(PROGRAM, execution)) {
        Trainer trainer = new Trainer(PROGRAM, session, spec(0.01, 9), directory.resolve("c" + allowed));
        TrainingException ended = assertThrows(TrainingException.class,
            () -> trainer.run(DATA, new Listener()));
        assertEquals(allowed > 0, ended instanceof DivergedException, ended.getMessage());
        assertTrue(ended.getMessage()
            .startsWith(allowed == 0
                ? "the weights that training starts from cannot be rounded: a weight of 1.0E38 is too large"
                : "the weights cannot be rounded after step 3, learning rate "),
            ended.getMessage());
      }
    }
  }

  private static final double[][] PINNED_MIXTURES = {
      {2.8919025, 3.0462496, 2.7568002, 2.4356163, 2.2340882, 2.5233781, 2.5380705, 2.2138063, 2.0934881,
          2.2272060},
      {2.6742072, 2.5668626, 2.1731922, 1.7492781, 1.5269351, 1.4938944, 1.8173646, 1.4813994, 1.2040660,
          1.2623722},
      {2.7979981, 2.4506068, 2.2377293, 1.7570474, 1.7260008, 1.5315885, 1.4226602, 1.4773072, 1.1535668,
          1.3234095}};

  /**
   * The same for mixtures, with places too few for some tokens in the first. AdamW makes as much of next to nothing as of
   * anything, and of that there is more where experts see few tokens: hence the wider margin.
   */
  @ParameterizedTest
  @CsvSource({"gpt2-moe4-2-2-w8-cap0.5, 0", "glam4-2-2-w8, 1", "mixtral4-2-2-w8, 2"})
  void mixturesLearnAlongThePinnedCurve(String model, int curve) throws Exception {
    Program program = Program.training(ModelSpec.parse(model), VOCABULARY, 2, 9,
        PROGRAM.optimiser().orElseThrow());
    Listener expected = new Listener();
    Listener run = new Listener();
    try (Session reference = new ReferenceSession(program);
        Session session = Engines.named(engine).compile(program, EXECUTION)) {
      new Trainer(program, reference, spec(0.01, 10), directory.resolve("d")).run(DATA, expected);
      new Trainer(program, session, spec(0.01, 10), directory.resolve("c")).run(DATA, run);
    }
    expected.losses.forEach((step, loss) -> {
      assertEquals(PINNED_MIXTURES[curve][(int) (step - 1)], loss, 1e-6, "reference, step " + step);
      assertEquals(loss, run.losses.get(step), 1e-4, "engine, step " + step);
    });
  }

  @Test
  void sameSeedSameLossesToTheLastBit() throws Exception {
    assertEquals(train(spec(0.01, 12), directory.resolve("a"), -1).losses,
        train(spec(0.01, 12), directory.resolve("b"), -1).losses);
  }

  @Test
  void killedAnywhereItEndsAsIfUndisturbed() throws Exception {
    Path undisturbed = directory.resolve("undisturbed");
    Listener whole = train(spec(0.01, 9), undisturbed, -1);
    for (long step = 1; step <= 9; step++) {
      Path file = directory.resolve("killed-" + step);
      Listener first = train(spec(0.01, 9), file, step);
      Listener second = train(spec(0.01, 9), file, -1);
      assertEquals(step - 1, second.started);
      Map<Long, Double> joined = new TreeMap<>(first.losses);
      joined.putAll(second.losses);
      assertEquals(whole.losses, joined);
      assertArrayEquals(Files.readAllBytes(undisturbed), Files.readAllBytes(file));
    }
  }

  /** Bits flipped anywhere in the last checkpoint: the run goes back to the one before, and ends as if undisturbed. */
  @Test
  void stoppedAtAnyStepItGoesOnFromThere() throws Exception {
    TrainingSpec spec = new TrainingSpec(new Schedule(2, 9, 0.01, 0.1, LearningRateShape.COSINE),
        new Initialisation.Drawn(5), RARE, 1, Duration.ofDays(1), "fingerprint", MEANING);
    Path undisturbed = directory.resolve("undisturbed");
    Listener whole = train(spec, undisturbed, -1);
    for (long step = 1; step <= 8; step++) {
      Path file = directory.resolve("stopped-" + step);
      Listener first = new Listener();
      first.stopsAt = step;
      try (Session session = Engines.named(engine).compile(PROGRAM, EXECUTION)) {
        Trainer trainer = new Trainer(PROGRAM, session, spec, file);
        assertThrows(InterruptedException.class, () -> trainer.run(DATA, first));
      }
      Listener second = train(spec, file, -1);
      assertEquals(step, second.started);
      Map<Long, Double> joined = new TreeMap<>(first.losses);
      joined.putAll(second.losses);
      assertEquals(whole.losses, joined);
      assertArrayEquals(Files.readAllBytes(undisturbed), Files.readAllBytes(file));
    }
  }

  @Test
  void aDamagedCheckpointIsNoticedAndTheOneBeforeTakenUp() throws Exception {
    Path undisturbed = directory.resolve("undisturbed");
    train(spec(0.01, 9), undisturbed, -1);
    byte[] expected = Files.readAllBytes(undisturbed);
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(17);
    for (int i = 0; i < 40; i++) {
      Path file = directory.resolve("damaged-" + i);
      train(spec(0.01, 9), file, 6);
      byte[] bytes = Files.readAllBytes(file);
      byte[] bad = bytes.clone();
      int at = random.nextInt(bytes.length);
      bad[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, i % 4 == 3 ? Arrays.copyOf(bytes, at) : bad);
      assertThrows(CheckpointException.class, () -> Checkpoint.read(file, PROGRAM), "byte " + at);
      Listener second = train(spec(0.01, 9), file, -1);
      assertEquals(4, second.started);
      assertEquals(1, second.wentBack.size());
      assertArrayEquals(expected, Files.readAllBytes(file));
    }
  }

  private TrainingSpec continued(Path from, boolean optimiser, long steps, double peak) throws IOException {
    return new TrainingSpec(new Schedule(0, steps, peak, 1, LearningRateShape.CONSTANT),
        new Initialisation.Continued(from, Checkpoint.checksum(from), optimiser), RARE, 1, Duration.ZERO,
        "continued", MEANING);
  }

  /** At a constant rate, three steps and four more with the optimiser's state are seven. */
  @Test
  void continuedWithItsOptimiserItIsOneRun() throws Exception {
    TrainingSpec sevenSteps = new TrainingSpec(new Schedule(0, 7, 0.01, 1, LearningRateShape.CONSTANT),
        new Initialisation.Drawn(5), RARE, 1, Duration.ZERO, "whole", MEANING);
    TrainingSpec threeSteps = new TrainingSpec(new Schedule(0, 3, 0.01, 1, LearningRateShape.CONSTANT),
        new Initialisation.Drawn(5), RARE, 1, Duration.ZERO, "first", MEANING);
    Path whole = directory.resolve("whole");
    Path first = directory.resolve("first");
    Listener all = train(sevenSteps, whole, -1);
    train(threeSteps, first, -1);
    Checkpoint expected = Checkpoint.read(whole, PROGRAM);
    // The batches of the new run are its own from the start; here they go on, to compare.
    BatchSource.Factory rest = from(3);
    for (long diesAt : new long[]{-1, 2}) {
      Path file = directory.resolve("continued" + diesAt);
      Map<Long, Double> losses = new TreeMap<>(
          train(continued(first, true, 4, 0.01), file, diesAt, rest).losses);
      if (diesAt > 0) {
        // Whoever resumes does not ask for the start any more.
        losses.putAll(train(continued(first, true, 4, 0.01), file, -1, rest).losses);
      }
      for (long step = 1; step <= 4; step++) {
        assertEquals(all.losses.get(step + 3), losses.get(step), "step " + step);
      }
      Checkpoint found = Checkpoint.read(file, PROGRAM);
      assertEquals(7, found.head().updates());
      assertEquals(4, found.head().step());
      expected.state().forEach((name, buffer) -> assertArrayEquals(buffer, found.state().get(name), name));
    }
    Map<Long, Double> fresh = train(continued(first, false, 4, 0.01), directory.resolve("fresh"), -1,
        rest).losses;
    assertEquals(all.losses.get(4L), fresh.get(1L), "the parameters are the same");
    assertNotEquals(all.losses.get(5L), fresh.get(2L), "the moments are not");
    assertEquals(4, Checkpoint.readHead(directory.resolve("fresh")).updates());
  }

  @Test
  void aStartThatHasChangedIsRefused() throws Exception {
    Path first = directory.resolve("first");
    train(spec(0.01, 3), first, -1);
    TrainingSpec next = continued(first, false, 3, 0.01);
    Files.delete(first);
    train(spec(0.02, 3), first, -1);
    Path file = directory.resolve("next");
    IOException e = assertThrows(CheckpointException.class, () -> train(next, file, -1));
    assertTrue(e.getMessage().contains(first.toString()) && e.getMessage().contains("has changed"),
        e.getMessage());
    assertFalse(Files.exists(file));
  }

  /** Adafactor's state has other shapes than the parameters; Muon has two kinds of it. */
  static Stream<Arguments> otherUpdates() {
    UpdateRule muon = UpdateRule.by(new Optimiser.Muon(Orthogonaliser.POLAR_EXPRESS, 5, 0.95, true,
        Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.1)).withClip(0.2);
    return Stream.of(Arguments.of(UpdateRule.by(new Optimiser.Adafactor(1, true, 0.1)).withClip(0.2), 0.1),
        Arguments.of(muon, 0.01));
  }

  @ParameterizedTest
  @MethodSource("otherUpdates")
  void otherOptimisersResumeToo(UpdateRule rule, double rate) throws Exception {
    Program program = Program.training(Family.GPT2.model(2, 2, 8, new Rotary(0.5, 10_000)), VOCABULARY, 2, 9,
        rule);
    Path undisturbed = directory.resolve("undisturbed");
    Path killed = directory.resolve("killed");
    Listener whole = train(program, spec(rate, 6), undisturbed, -1, DATA);
    train(program, spec(rate, 6), killed, 4, DATA);
    Listener rest = train(program, spec(rate, 6), killed, -1, DATA);
    assertEquals(3, rest.started);
    assertArrayEquals(Files.readAllBytes(undisturbed), Files.readAllBytes(killed));
    assertTrue(whole.losses.get(6L) < whole.losses.get(1L));
    assertTrue(whole.last.orElseThrow().gradientNorm().isPresent());
  }

  @Test
  void theLargestEmbeddingsAreReported() throws Exception {
    Path file = directory.resolve("c");
    Progress last = train(spec(0.05, 4), file, -1).last.orElseThrow();
    float[] parameters = Checkpoint.read(file, PROGRAM).state().get(Session.PARAMETERS);
    // The embedding comes first, 16 numbers a token.
    double rare = 0;
    double all = 0;
    for (int i = 0; i < VOCABULARY * 16; i++) {
      all = Math.max(all, Math.abs(parameters[i]));
      rare = RARE.get(i / 16) ? Math.max(rare, Math.abs(parameters[i])) : rare;
    }
    assertEquals(new EmbeddingOutliers(rare, all), last.outliers());
    assertTrue(rare > 0);
    assertTrue(last.gradientNorm().isEmpty());
  }

  @Test
  void stopsWhereTheLossBreaks() {
    String message = assertThrows(DivergedException.class,
        () -> train(spec(1e30, 20), directory.resolve("x"), -1)).getMessage();
    assertTrue(message.contains("step ") && message.contains("learning rate") && message.contains("tensor"),
        message);
  }

  @Test
  void refusesACheckpointOfAnotherRunOrModel() throws Exception {
    Path file = directory.resolve("c");
    train(spec(0.01, 3), file, -1);
    TrainingSpec other = new TrainingSpec(new Schedule(2, 3, 0.01, 0.1, LearningRateShape.COSINE),
        new Initialisation.Drawn(5), RARE, 1, Duration.ZERO, "another", MEANING);
    String message = assertThrows(TrainingException.class, () -> train(other, file, -1)).getMessage();
    assertTrue(message.contains(file.toString()) && message.contains("another run"), message);

    Program wider = Program.training(Family.GPT2.model(2, 3, 8, new Rotary(0.5, 10_000)), VOCABULARY, 2, 9,
        PROGRAM.optimiser().orElseThrow());
    try (ReferenceSession session = new ReferenceSession(wider)) {
      String problem = assertThrows(CheckpointException.class,
          () -> new Trainer(wider, session, spec(0.01, 3), file).run(DATA, new Listener())).getMessage();
      assertTrue(problem.contains("another model") && problem.contains("embedding"), problem);
    }
  }

  @Test
  void namesATruncatedCheckpoint() throws Exception {
    Path file = directory.resolve("c");
    train(spec(0.01, 3), file, -1);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 100));
    Files.delete(Checkpoint.previous(file));
    IOException e = assertThrows(IOException.class, () -> train(spec(0.01, 3), file, -1));
    assertTrue(e.getMessage().contains("truncated") && e.getMessage().contains(file.toString()),
        e.getMessage());
    assertEquals(bytes.length - 100, Files.size(file), "the damaged file is left as it is");
  }

  @Test
  void warmsUpLinearlyAndFallsToATenth() {
    Schedule schedule = new Schedule(10, 110, 0.5, 0.1, LearningRateShape.COSINE);
    assertEquals(0.05, schedule.learningRate(1), 1e-12);
    assertEquals(0.5, schedule.learningRate(10), 1e-12);
    assertEquals(0.5 * 0.55, schedule.learningRate(60), 1e-12);
    assertEquals(0.05, schedule.learningRate(110), 1e-12);
    Schedule linear = new Schedule(10, 110, 0.5, 0.1, LearningRateShape.LINEAR);
    assertEquals(0.5 * 0.775, linear.learningRate(35), 1e-12);
    assertEquals(0.05, linear.learningRate(110), 1e-12);
    Schedule constant = new Schedule(10, 110, 0.5, 0.1, LearningRateShape.CONSTANT);
    assertEquals(0.05, constant.learningRate(1), 1e-12);
    assertEquals(0.5, constant.learningRate(110), 1e-12);
    Schedule stable = new Schedule(10, 110, 0.5, 0.1, LearningRateShape.WSD);
    assertEquals(0.5, stable.learningRate(100), 1e-12);
    assertEquals(0.5 * 0.55, stable.learningRate(105), 1e-12);
    assertEquals(0.05, stable.learningRate(110), 1e-12);
  }

  /** The first phase is as if it were the whole run; the second falls in a straight line from its own peak to zero. */
  @Test
  void tuningBeginsAtItsOwnPeakAndEndsAtZero() {
    Schedule alone = new Schedule(10, 110, 0.5, 0.1, LearningRateShape.COSINE);
    Schedule tuned = new Schedule(10, 130, 0.5, 0.1, LearningRateShape.COSINE, 20, 0.2);
    for (int step = 1; step <= 110; step++) {
      assertEquals(alone.learningRate(step), tuned.learningRate(step));
    }
    assertEquals(0.19, tuned.learningRate(111), 1e-12);
    assertEquals(0.1, tuned.learningRate(120), 1e-12);
    assertEquals(0, tuned.learningRate(130), 1e-12);
    assertThrows(IllegalArgumentException.class,
        () -> new Schedule(0, 20, 0.5, 0.1, LearningRateShape.COSINE, 20, 0.2));
    assertThrows(IllegalArgumentException.class,
        () -> new Schedule(5, 25, 0.5, 0.1, LearningRateShape.COSINE, 20, 0.2));
    assertThrows(IllegalArgumentException.class,
        () -> new Schedule(0, 25, 0.5, 0.1, LearningRateShape.COSINE, 20, 0));
  }

  /** What a source throws is thrown as it was: whoever trains tells a missing file from a fault. */
  @Test
  void aBrokenSourceStopsTheRun() {
    UncheckedIOException gone = new UncheckedIOException(new IOException("no more people"));
    BatchSource.Factory broken = new BatchSource.Factory() {
      @Override
      public BatchSource start() {
        return () -> {
          throw gone;
        };
      }

      @Override
      public BatchSource resume(long[] position) {
        return start();
      }
    };
    try (Session session = Engines.named(engine).compile(PROGRAM, EXECUTION)) {
      Trainer trainer = new Trainer(PROGRAM, session, spec(0.01, 3), directory.resolve("c"));
      assertSame(gone, assertThrows(UncheckedIOException.class, () -> trainer.run(broken, new Listener())));
    }
  }
}
