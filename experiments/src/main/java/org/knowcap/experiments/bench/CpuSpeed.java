package org.knowcap.experiments.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.engine.cpu.CpuMeter;
import org.knowcap.models.training.InitialParameters;

/**
 * Speed of the cpu engine at one shape.
 *
 * @param tokensPerSecond median over rounds
 * @param peerTokensPerSecond the peer's in the same rounds, turn by turn; absent without a peer
 * @param gigaflops 10^9 floating-point operations a second by {@link TrainingShape#flopsPerToken}
 * @param productFraction that over what products reach on this machine in this precision
 * @param stepSeconds seconds of a step by kind of operation
 */
public record CpuSpeed(String shape, double tokensPerSecond, Optional<Double> peerTokensPerSecond,
    double gigaflops, double productFraction, Map<String, Double> stepSeconds) {

  /**
   * Everything measured in one precision.
   *
   * @param productGigaflops what products reach on this machine, in 10^9 operations a second
   * @param copyGigabytes 10^9 bytes copied a second
   */
  public record Table(String engine, String peer, int threads, String precision, double productGigaflops,
      double copyGigabytes, List<CpuSpeed> speeds) {}

  /** Rounds of a shape, each a stretch of ours and a stretch of the peer's. */
  private static final int ROUNDS = 5;
  private static final int BREAKDOWN_STEPS = 5;
  /** Stretches before the first that counts: until then Java still compiles the loops. */
  private static final int WARM_UP = 8;

  /**
   * Measures.
   *
   * @param seconds of each stretch
   * @param progress hears what is being measured
   */
  public static Table measure(CpuEngine engine, Precision precision, List<TrainingShape> shapes,
      Optional<Peer> peer, int threads, double seconds, Consumer<String> progress) {
    CpuMeter meter = new CpuMeter(engine);
    String name = precision.name().toLowerCase(Locale.ROOT);
    progress.accept(name + ": what the machine gives");
    double products = meter.productRate(precision, threads, 2 * seconds) / 1e9;
    double copy = meter.copyRate(threads, 2 * seconds) / 1e9;
    List<CpuSpeed> speeds = new ArrayList<>();
    for (TrainingShape shape : shapes) {
      progress.accept(name + ": " + shape.name());
      speeds.add(measure(engine, meter, shape, new Execution(threads, precision), products, peer, seconds));
    }
    return new Table(engine.description(), peer.map(Peer::description).orElse("none"), threads, name,
        products, copy, List.copyOf(speeds));
  }

  private static CpuSpeed measure(CpuEngine engine, CpuMeter meter, TrainingShape shape, Execution execution,
      double ceiling, Optional<Peer> peer, double seconds) {
    int[] tokens = shape.ids(1);
    int[] targets = shape.ids(2);
    double[] ours = new double[ROUNDS];
    double[] theirs = new double[ROUNDS];
    try (Session session = engine.compile(shape.program(), execution);
        Peer.Training training = peer.map(each -> each.prepare(shape, execution.threads()))
            .orElse(new NoTraining())) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(shape.program(), 1)));
      long[] step = {0};
      Runnable ourStep = () -> session.step(tokens, targets, 1e-4, ++step[0]);
      rate(ourStep, shape, WARM_UP * seconds);
      if (peer.isPresent()) {
        rate(training::step, shape, seconds);
      }
      for (int round = 0; round < ROUNDS; round++) {
        ours[round] = rate(ourStep, shape, seconds);
        if (peer.isPresent()) {
          theirs[round] = rate(training::step, shape, seconds);
        }
      }
    }
    double tokensPerSecond = median(ours);
    double gigaflops = tokensPerSecond * shape.flopsPerToken() / 1e9;
    return new CpuSpeed(shape.name(), tokensPerSecond, peer.map(each -> median(theirs)), gigaflops,
        gigaflops / ceiling, meter.breakdown(shape.program(), execution, tokens, targets, BREAKDOWN_STEPS));
  }

  private record NoTraining() implements Peer.Training {
    @Override
    public void step() {}

    @Override
    public void close() {}
  }

  /** Tokens a second over a stretch of whole steps, at least one. */
  private static double rate(Runnable step, TrainingShape shape, double seconds) {
    long began = System.nanoTime();
    long steps = 0;
    double elapsed = 0;
    while (elapsed < seconds) {
      step.run();
      steps++;
      elapsed = (System.nanoTime() - began) / 1e9;
    }
    return steps * shape.tokens() / elapsed;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
