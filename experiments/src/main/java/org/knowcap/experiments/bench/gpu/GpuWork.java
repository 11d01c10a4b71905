package org.knowcap.experiments.bench.gpu;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.SessionGroup;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.engine.cuda.CudaEngine;
import org.knowcap.models.engine.cuda.CudaMeter;
import org.knowcap.models.engine.cuda.LaunchTimes;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.training.InitialParameters;

/**
 * Measures an item, in the item's own process.
 *
 * @param seconds for which a speed is measured
 * @param scripts the Python scripts that compare with PyTorch and transformers
 * @param progress receives the lines of other commands that the item runs
 */
public record GpuWork(CudaEngine engine, double seconds, Scripts scripts, Consumer<String> progress) {
  /** The scripts that were given. */
  public record Scripts(Optional<Path> peer, Optional<Path> check) {}

  private static final int ODD_LENGTH = 133;
  private static final int CURVE = 10;
  private static final double METER_WARM_UP = 0.3;
  private static final int WARM_UP = 20;
  private static final int TOGETHER = 8;
  private static final int PROFILE_ROUNDS = 5;
  private static final double PROFILE_BUSY = 0.02;
  /** Gradients smaller than this share of the largest are taken for rounding errors. */
  private static final double NOTHING = 1e-4;

  /** Measures it. */
  public GpuResult measure(GpuItem item) throws Exception {
    return switch (item.kind()) {
      case MACHINE -> new GpuResult.Machine(engine.description(), engine.handicap().orElse(""));
      case METER -> meter(item.size());
      case PARITY -> parity(item);
      case SPEED -> new GpuResult.Speed(GpuItem.name(item.shape()), speed(item.shape(), seconds));
      case FUSED -> fused(engine, item.shape(), TOGETHER, seconds);
      case PROFILE -> profile(item.shape());
      case EXPORT -> Export.check(item.argument(),
          scripts.check.orElseThrow(
              () -> UserException.usage("export needs --check SCRIPT, such as scripts/check_hf_export.py")),
          progress);
      case PEER -> TorchPeer.measure(
          scripts.peer.orElseThrow(
              () -> UserException.usage("peer needs --peer SCRIPT, such as benchmarks/peer_torch.py")),
          item.shape(), item.mode(), seconds);
    };
  }

  /** Measures a matmul of {@code size} rows and columns, and a copy of eight times as many numbers. */
  private GpuResult.Meter meter(int size) {
    CudaMeter meter = CudaMeter.measure(engine, size, 16L * size * size, METER_WARM_UP);
    return new GpuResult.Meter(meter.matmul() / 1e12, meter.copied() / 1e12);
  }

  private GpuResult.Parity parity(GpuItem item) {
    ModelSpec model = item.model();
    UpdateRule rule = item.updateRule();
    int vocabulary = 101;
    Program program = Program.training(model, new TokenIds(vocabulary, 0), 2, ODD_LENGTH, rule);
    TrainingShape ids = new TrainingShape(model, vocabulary, ODD_LENGTH, 2 * rule.accumulation());
    String kept = rule.optimiser().state().getFirst().key();
    Engine reference = new CpuEngine();
    double loss = 0;
    double gradient = 0;
    Farthest farthest = new Farthest("", 0);
    try (Session expected = reference.compile(program, Execution.PLAIN);
        Session found = engine.compile(program, new Execution(1, item.precision()))) {
      for (Session session : List.of(expected, found)) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      }
      for (int step = 1; step <= CURVE; step++) {
        expected.step(ids.ids(2L * step), ids.ids(2L * step + 1), 1e-3, step);
        found.step(ids.ids(2L * step), ids.ids(2L * step + 1), 1e-3, step);
        loss = worse(loss, Math.abs(expected.loss() - found.loss()));
        if (step == 1) {
          float[] wanted = expected.state().get(kept);
          float[] had = found.state().get(kept);
          gradient = apart(wanted, had);
          if (wanted.length == program.parameterCount()) {
            farthest = farthest(program, wanted, had);
          }
        }
      }
    }
    GpuResult.Parity.Tolerance tolerance = GpuResult.Parity.Tolerance.of(item.precision(),
        model.feedForward().experts().isPresent());
    return new GpuResult.Parity(item.argument().substring(0, item.argument().lastIndexOf(':')),
        item.precision(), loss, gradient, tolerance.common(), farthest.apart, farthest.parameter,
        tolerance.parameter());
  }

  /** The largest difference, in parts of the largest expected number. */
  static double apart(float[] expected, float[] found) {
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      apart = worse(apart, Math.abs(expected[i] - found[i]));
    }
    return apart / largest;
  }

  /** The parameter whose gradient is farthest off, by the lengths of difference and gradient. */
  record Farthest(String parameter, double apart) {}

  static Farthest farthest(Program program, float[] expected, float[] found) {
    double largest = program.parameters()
        .stream()
        .mapToDouble(p -> size(p, i -> expected[i]))
        .max()
        .orElseThrow();
    Farthest farthest = new Farthest("", 0);
    for (Parameter parameter : program.parameters()) {
      double length = size(parameter, i -> expected[i]);
      double apart = size(parameter, i -> expected[i] - found[i]) / length;
      if (Double.isNaN(apart) || length > NOTHING * largest && apart > farthest.apart) {
        farthest = new Farthest(parameter.tensor().name(), apart);
      }
    }
    return farthest;
  }

  private interface Numbers {
    double at(int index);
  }

  /** The root of the mean square over a parameter. */
  private static double size(Parameter parameter, Numbers numbers) {
    double sum = 0;
    int count = (int) parameter.tensor().size();
    for (int i = 0; i < count; i++) {
      double x = numbers.at((int) parameter.offset() + i);
      sum += x * x;
    }
    return Math.sqrt(sum / count);
  }

  /** The larger of two numbers; NaN counts as the largest. */
  private static double worse(double a, double b) {
    return Double.isNaN(b) ? Double.NaN : Math.max(a, b);
  }

  /** Tokens a second. */
  private double speed(TrainingShape shape, double duration) {
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
      while (elapsed < duration) {
        for (int i = 0; i < WARM_UP; i++) {
          session.step(tokens, targets, 1e-4, ++step);
        }
        steps += WARM_UP;
        // Waits for the GPU: steps alone are only asked for.
        session.loss();
        elapsed = (System.nanoTime() - began) / 1e9;
      }
      return steps * (double) shape.tokens() / elapsed;
    }
  }

  /** Measures one run alone, then all runs together for as many steps as one run takes in half the time. */
  private GpuResult.Fused fused(CudaEngine engine, TrainingShape shape, int runs, double duration)
      throws InterruptedException, ExecutionException {
    double alone = speed(shape, duration / 2);
    Program program = shape.program();
    int steps = Math.max(WARM_UP, (int) (duration / 2 * alone / shape.tokens()));
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
      return new GpuResult.Fused(GpuItem.name(shape), runs, perSecond, alone);
    }
  }

  /**
   * Takes steps in all sessions, each on a thread of its own, and waits for the GPU. A session waits at each step
   * for the others: once one has failed, all are closed, and the first failure is thrown.
   */
  static void train(ExecutorService threads, List<Session> sessions, TrainingShape shape, int from, int to)
      throws InterruptedException, ExecutionException {
    int[] tokens = shape.ids(1);
    int[] targets = shape.ids(2);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Callable<Double>> all = new ArrayList<>();
    for (Session session : sessions) {
      all.add(() -> {
        try {
          for (int step = from + 1; step <= to && failure.get() == null; step++) {
            session.step(tokens, targets, 1e-4, step);
          }
          return session.loss();
        } catch (RuntimeException | Error e) {
          failure.compareAndSet(null, e);
          return Double.NaN;
        } finally {
          if (failure.get() != null) {
            session.close();
          }
        }
      });
    }
    for (Future<Double> loss : threads.invokeAll(all)) {
      loss.get();
    }
    if (failure.get() != null) {
      throw new ExecutionException(failure.get());
    }
  }

  private GpuResult.Profile profile(TrainingShape shape) {
    Program program = shape.program();
    LaunchTimes times = LaunchTimes.measure(engine, program, Precision.BF16, InitialParameters.of(program, 1),
        shape.ids(1), shape.ids(2), WARM_UP, PROFILE_ROUNDS, PROFILE_BUSY);
    return new GpuResult.Profile(GpuItem.name(shape), times.stepSeconds(), times.markSeconds(),
        times.launches()
            .stream()
            .map(timed -> GpuResult.Launch.of(timed.launch(), timed.seconds()))
            .toList());
  }
}
