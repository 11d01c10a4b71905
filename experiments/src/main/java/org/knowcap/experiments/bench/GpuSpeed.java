package org.knowcap.experiments.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.knowcap.experiments.run.Provenances;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cuda.CudaEngine;
import org.knowcap.models.engine.cuda.CudaMeter;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.InitialParameters;

/**
 * Speed of the cuda engine at one shape, in bf16.
 *
 * @param tokensPerStep R
 * @param utilisation operations by {@link TrainingShape#flopsPerToken} over what one large product reaches
 * @param roofline the least time that products and memory of this GPU allow for a step's operations, one after the other
 *     with nothing kept in a cache, over the step's time
 */
public record GpuSpeed(String shape, int tokensPerStep, double tokensPerSecond, double utilisation,
    double roofline) {
  /** The shapes of the paper's models that a study trains, at large batches, and one at the paper's small batch. */
  public static final List<TrainingShape> SHAPES = List.of(shape("gpt2-2-2", 96), shape("gpt2-4-4", 96),
      shape("gpt2-8-8", 96), shape("gpt2-12-12", 96), shape("gpt2-moe32-4-4", 96), shape("gpt2-2-2", 12));

  /**
   * Models whose gradients are compared: every family, odd widths, groups of heads, bands, tensor cores' widths, experts
   * that are chosen, turn tokens away, and choose, and each kind of positions and masks, on tensor cores and not.
   */
  private static final List<String> COMPARED = List.of("gpt2-2-2", "gpt2-2-3-w24", "gpt2-quarter-1-2-w32",
      "gpt2-nomlp-2-2-w16", "llama-2-2", "llama-1-2-w128", "mistral-2-4-k2-a40", "mistral-1-4-w20-k1",
      "gpt2-moe8-2-2", "glam5-2-2-w24-cap0.5", "mixtral4-1-2-w32", "gpt2-moe4-1-2-w32-expertchoice",
      "llama-1-2-w32-alibi-document", "llama-1-3-w20-alibi", "gpt2-1-2-w32-rerope40",
      "mistral-1-4-w20-k2-leaky20k3-document");
  /** Updates compared, of a model without biases: a key's has no gradient, and Adafactor steps by what rounding leaves. */
  private static final String UPDATED = "llama-2-2";
  /** With beta1 = 0 the first moment after a step is the gradient. */
  private static final UpdateRule PLAIN = UpdateRule.by(new Optimiser.AdamW(0, 0.98, 1e-6, 0.01));
  private static final List<Map.Entry<String, UpdateRule>> UPDATES = List.of(
      Map.entry("clipped, two batches a step", PLAIN.withDecays(0.1, 0.2).withClip(0.1).withAccumulation(2)),
      Map.entry("Adafactor", UpdateRule.by(new Optimiser.Adafactor(1, true, 0.01))),
      Map.entry("SGD", UpdateRule.by(new Optimiser.Sgd(0.9, 0.01))));
  private static final int ROWS_TO_NO_TILE = 133;
  private static final int CURVE = 10;
  private static final int PRODUCT = 8192;
  private static final long COPIED = 1L << 30;
  private static final int WARM_UP = 20;
  /** Too small a step for a GPU by itself: the paper's smallest batch of its smallest model. */
  private static final TrainingShape SMALL = shape("gpt2-2-2", 12);
  private static final int TOGETHER = 8;

  /**
   * How far the engine is from the cpu engine in fp32.
   *
   * @param loss largest difference of the mean loss over ten steps, in nats
   * @param gradient largest difference of what the optimiser keeps of the first step's gradients, in parts of the largest
   * @param tolerance of either
   */
  public record Parity(String model, Precision precision, double loss, double gradient, double tolerance) {
    /** Whether it is near enough; not where a number is none. */
    public boolean holds() {
      return loss <= tolerance && gradient <= tolerance;
    }
  }

  /**
   * Several runs of a shape that train as one, against one by itself.
   *
   * @param tokensPerSecond of all of them
   * @param alone tokens a second of one by itself
   * @param ratio of the two
   */
  public record Fused(String shape, int runs, double tokensPerSecond, double alone, double ratio) {}

  /** What could not be done, and why. */
  public record Failure(String what, String error) {}

  /**
   * Everything measured.
   *
   * @param commit of this build
   * @param peer PyTorch's speeds, if it was asked for and done
   * @param productTeraflops 10^12 operations a second of one large bf16 product
   * @param copyTerabytes 10^12 bytes a second, read and written
   * @param fused where a small shape was measured
   * @param failures of comparisons and measurements
   */
  public record Table(String engine, String commit, double productTeraflops, double copyTerabytes,
      List<Parity> parity, List<GpuSpeed> speeds, Optional<Fused> fused, List<Failure> failures,
      Optional<TorchPeer> peer) {
    /** Whether everything could be done, and the engine is near enough to the cpu engine everywhere. */
    public boolean holds() {
      return failures.isEmpty() && parity.stream().allMatch(Parity::holds);
    }

    /** The same with what the peer reached. */
    public Table with(TorchPeer measured) {
      return new Table(engine, commit, productTeraflops, copyTerabytes, parity, speeds, fused, failures,
          Optional.of(measured));
    }
  }

  private static TrainingShape shape(String model, int windows) {
    return new TrainingShape(ModelSpec.parse(model), 3275, 512, windows);
  }

  /** Compares and measures; {@code progress} hears what is being done. */
  public static Table measure(CudaEngine engine, List<TrainingShape> shapes, double seconds,
      Consumer<String> progress) throws InterruptedException {
    progress.accept("what the GPU gives ...");
    CudaMeter meter = CudaMeter.measure(engine, PRODUCT, COPIED);
    Attempts attempts = new Attempts(new ArrayList<>(), progress);
    List<Parity> parity = new ArrayList<>();
    for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
      for (String model : COMPARED) {
        attempts
            .at("comparing " + model + " in " + precision,
                () -> compare(engine, model, model, PLAIN, precision))
            .ifPresent(parity::add);
      }
      for (Map.Entry<String, UpdateRule> update : UPDATES) {
        String name = UPDATED + ", " + update.getKey();
        attempts
            .at("comparing " + name + " in " + precision,
                () -> compare(engine, name, UPDATED, update.getValue(), precision))
            .ifPresent(parity::add);
      }
    }
    List<GpuSpeed> speeds = new ArrayList<>();
    Optional<Fused> fused = Optional.empty();
    for (TrainingShape shape : shapes) {
      Optional<GpuSpeed> speed = attempts.at(shape.name(), () -> measure(engine, meter, shape, seconds));
      speed.ifPresent(speeds::add);
      if (shape.equals(SMALL) && speed.isPresent()) {
        double alone = speed.get().tokensPerSecond;
        fused = attempts.at(TOGETHER + " runs of " + shape.name() + " at once",
            () -> together(engine, shape, TOGETHER, alone, seconds));
      }
    }
    return new Table(engine.description(), Provenances.commit(), meter.products() / 1e12,
        meter.copied() / 1e12, parity, speeds, fused, attempts.failures, Optional.empty());
  }

  /** One thing that fails must not cost the others: time on a GPU is dear. */
  private record Attempts(List<Failure> failures, Consumer<String> progress) {
    <T> Optional<T> at(String what, Callable<T> action) throws InterruptedException {
      progress.accept(what + " ...");
      try {
        return Optional.of(action.call());
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        String error = e.getMessage() == null ? e.toString() : e.getMessage();
        progress.accept("failed: " + error);
        failures.add(new Failure(what, error));
        return Optional.empty();
      }
    }
  }

  private static Parity compare(CudaEngine engine, String name, String model, UpdateRule updateRule,
      Precision precision) {
    int vocabulary = 101;
    Program program = Program.training(ModelSpec.parse(model), new TokenIds(vocabulary, 0), 2,
        ROWS_TO_NO_TILE, updateRule);
    TrainingShape ids = new TrainingShape(ModelSpec.parse(model), vocabulary, ROWS_TO_NO_TILE,
        2 * updateRule.accumulation());
    String kept = updateRule.optimiser().state().getFirst().key();
    Engine reference = new CpuEngine();
    double loss = 0;
    double gradient = 0;
    try (Session expected = reference.compile(program, Execution.PLAIN);
        Session found = engine.compile(program, new Execution(1, precision))) {
      for (Session session : List.of(expected, found)) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      }
      for (int step = 1; step <= CURVE; step++) {
        expected.step(ids.ids(2L * step), ids.ids(2L * step + 1), 1e-3, step);
        found.step(ids.ids(2L * step), ids.ids(2L * step + 1), 1e-3, step);
        loss = worse(loss, Math.abs(expected.loss() - found.loss()));
        if (step == 1) {
          gradient = apart(expected.state().get(kept), found.state().get(kept));
        }
      }
    }
    return new Parity(name, precision, loss, gradient, tolerance(model, precision));
  }

  /** In bf16 a token that stands between two experts may come to sit with the other. */
  private static double tolerance(String model, Precision precision) {
    boolean experts = ModelSpec.parse(model).feedForward().experts().isPresent();
    return precision == Precision.FP32 ? 2e-4 : experts ? 0.1 : 0.05;
  }

  private static double apart(float[] expected, float[] found) {
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      apart = worse(apart, Math.abs(expected[i] - found[i]));
    }
    return apart / largest;
  }

  /** The larger; no number at all is the worst. */
  private static double worse(double a, double b) {
    return Double.isNaN(b) ? Double.NaN : Math.max(a, b);
  }

  private static GpuSpeed measure(CudaEngine engine, CudaMeter meter, TrainingShape shape, double seconds) {
    Program program = shape.program();
    int[] tokens = shape.ids(1);
    int[] targets = shape.ids(2);
    try (Session session = engine.compile(program, new Execution(1, Precision.BF16))) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      long step = 0;
      while (step < WARM_UP) {
        session.step(tokens, targets, 1e-4, ++step);
      }
      session.loss();
      long began = System.nanoTime();
      long steps = 0;
      double elapsed = 0;
      while (elapsed < seconds) {
        for (int i = 0; i < WARM_UP; i++) {
          session.step(tokens, targets, 1e-4, ++step);
        }
        steps += WARM_UP;
        // Waits for the GPU: steps alone are only asked for.
        session.loss();
        elapsed = (System.nanoTime() - began) / 1e9;
      }
      double perSecond = steps * (double) shape.tokens() / elapsed;
      return new GpuSpeed(shape.name(), shape.tokens(), perSecond,
          perSecond * shape.flopsPerToken() / meter.products(),
          leastSeconds(program, meter) * perSecond / shape.tokens());
    }
  }

  /** As many steps as one run by itself takes in half the time. */
  static Fused together(Engine engine, TrainingShape shape, int runs, double alone, double seconds)
      throws InterruptedException, ExecutionException {
    Program program = shape.program();
    int steps = Math.max(WARM_UP, (int) (seconds / 2 * alone / shape.tokens()));
    try (ExecutorService threads = Executors.newFixedThreadPool(runs);
        SessionGroup group = engine.together(program, new Execution(1, Precision.BF16), runs)) {
      List<Session> sessions = Stream.generate(group::join).limit(runs).toList();
      for (Session session : sessions) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      }
      train(threads, sessions, shape, 0, WARM_UP);
      long began = System.nanoTime();
      train(threads, sessions, shape, WARM_UP, WARM_UP + steps);
      double perSecond = (double) runs * steps * shape.tokens() / ((System.nanoTime() - began) / 1e9);
      sessions.forEach(Session::close);
      return new Fused(shape.name(), runs, perSecond, alone, perSecond / alone);
    }
  }

  /** Takes steps in all sessions, each on a thread of its own, and waits for the GPU. */
  private static void train(ExecutorService threads, List<Session> sessions, TrainingShape shape, int from,
      int to) throws InterruptedException, ExecutionException {
    int[] tokens = shape.ids(1);
    int[] targets = shape.ids(2);
    List<Callable<Double>> all = new ArrayList<>();
    for (Session session : sessions) {
      all.add(() -> {
        for (int step = from + 1; step <= to; step++) {
          session.step(tokens, targets, 1e-4, step);
        }
        return session.loss();
      });
    }
    for (Future<Double> loss : threads.invokeAll(all)) {
      loss.get();
    }
  }

  /** Seconds that each operation needs for its products or its bf16 traffic, whichever is longer, and the update's traffic. */
  private static double leastSeconds(Program program, CudaMeter meter) {
    double least = 7 * 4.0 * program.parameterCount() / meter.copied();
    for (Operation operation : program.operations()) {
      least += Math.max(operation.flops() / meter.products(), operation.bytes() / 2.0 / meter.copied());
    }
    return least;
  }
}
