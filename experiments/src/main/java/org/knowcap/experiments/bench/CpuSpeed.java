package org.knowcap.experiments.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.knowcap.experiments.run.Provenances;
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
 * @param peers speeds of the peers in the same rounds, in turns with the engine, in each of their modes
 * @param gigaflops 10^9 floating-point operations a second by {@link TrainingShape#flopsPerToken}
 * @param matmulFraction {@code gigaflops} over what matmuls alone reach on this machine in this precision, before
 *        or after the shape, whichever was faster
 * @param matmulsBefore what matmuls alone reached right before the shape was measured, in 10^9 operations a second
 * @param matmulsAfter what matmuls alone reached right after it, in 10^9 operations a second
 * @param stepSeconds seconds of a step by kind of operation
 */
public record CpuSpeed(String shape, double tokensPerSecond, List<PeerSpeed> peers, double gigaflops,
    double matmulFraction, double matmulsBefore, double matmulsAfter, Map<String, Double> stepSeconds) {
  static final double LEARNING_RATE = 1e-4;
  /** Seed of the parameters. */
  static final long SEED = 1;
  /** Seed of the tokens. */
  static final long TOKENS = 1;
  /** Seed of the targets. */
  static final long TARGETS = 2;
  /** Nats by which a peer's losses may differ from the engine's. */
  private static final double TOLERANCE = 2e-4;
  /** Nats by which they may differ if the engine trains in bf16. */
  private static final double BF16_TOLERANCE = 0.02;
  /** Rounds of a shape. A round has a stretch of the engine and a stretch of each mode of each peer. */
  private static final int ROUNDS = 5;
  private static final int BREAKDOWN_STEPS = 7;
  /**
   * Relative difference that matmuls before and after a shape may have; if it is larger, the machine was not steady,
   * and the command says so.
   */
  public static final double STEADY = 0.05;
  /**
   * What a peer must reach beside the engine, in parts of what it reaches alone; if it reaches less, ratios to it are
   * too good, and the command says so.
   */
  public static final double AT_ITS_BEST = 0.95;
  /**
   * What a peer's matmuls must reach, in parts of ours; if they reach less, ratios to it say more about the library that
   * multiplies for it than about how it trains, and the command says so.
   */
  public static final double AS_GOOD_MATMULS = 0.75;
  /** Stretches before the first one that counts, in which Java still compiles the loops. */
  private static final int WARM_UP = 8;

  /** Copies the lists. */
  public CpuSpeed {
    peers = List.copyOf(peers);
  }

  /**
   * What a peer reached at one shape.
   *
   * @param peer its name
   * @param version of the library
   * @param mode in which it trained
   * @param tokensPerSecond median over the rounds, in turns with the engine
   * @param alone tokens a second while no process of Knowcap ran or waited to run, if that was measured
   * @param matmulGigaflops what its matmuls alone reach in this precision, in 10^9 operations a second, if it says so
   */
  public record PeerSpeed(String peer, String version, String mode, double tokensPerSecond,
      Optional<Double> alone, Optional<Double> matmulGigaflops) {
    /** What it reaches beside the engine, in parts of what it reaches alone, if that was measured. */
    public Optional<Double> ofAlone() {
      return alone.map(rate -> tokensPerSecond / rate);
    }

    /** Whether it is known to be slower beside the engine than alone. */
    public boolean hindered() {
      return ofAlone().filter(part -> part < AT_ITS_BEST).isPresent();
    }
  }

  /** What to measure beside the engine. */
  public record Comparison(List<Peer> peers, boolean alone) {
    /** Copies the list. */
    public Comparison {
      peers = List.copyOf(peers);
    }
  }

  /**
   * Everything measured in one precision.
   *
   * @param matmulGigaflops the most that matmuls alone reached, before, between and after the shapes, in 10^9
   *        operations a second
   * @param copyGigabytes 10^9 bytes copied a second
   */
  public record Table(String engine, String commit, int threads, String precision, double matmulGigaflops,
      double copyGigabytes, List<CpuSpeed> speeds) {}

  /**
   * Whether matmuls were as fast before the shape as after it. If not, something else used the machine, or its clock
   * changed.
   */
  public boolean steady() {
    return Math.abs(matmulsBefore - matmulsAfter) <= STEADY * Math.max(matmulsBefore, matmulsAfter);
  }

  /** What matmuls alone reached, before or after the shape, whichever was faster, in 10^9 operations a second. */
  public double matmulGigaflops() {
    return Math.max(matmulsBefore, matmulsAfter);
  }

  /** Whether a peer is known to have slower matmuls, by more than their rates vary. */
  public boolean multipliesFaster(PeerSpeed peer) {
    return peer.matmulGigaflops.filter(rate -> rate < AS_GOOD_MATMULS * matmulGigaflops()).isPresent();
  }

  /** The fastest of the peers and their modes. */
  public Optional<PeerSpeed> fastestPeer() {
    return peers.stream().max(Comparator.comparingDouble(PeerSpeed::tokensPerSecond));
  }

  /**
   * Measures.
   *
   * @param seconds of each stretch
   * @param progress hears what is being measured
   * @throws org.knowcap.experiments.UserException where a peer cannot be had, fails, or trains another model
   */
  public static Table measure(CpuEngine engine, Precision precision, List<TrainingShape> shapes,
      Comparison comparison, int threads, double seconds, Consumer<String> progress) throws IOException {
    CpuMeter meter = new CpuMeter(engine);
    String name = precision.name().toLowerCase(Locale.ROOT);
    progress.accept(name + ": what the machine gives");
    DoubleSupplier matmuls = () -> meter.matmulRate(precision, threads, 2 * seconds) / 1e9;
    double before = matmuls.getAsDouble();
    double most = before;
    double copy = meter.copyRate(threads, 2 * seconds) / 1e9;
    List<CpuSpeed> speeds = new ArrayList<>();
    for (TrainingShape shape : shapes) {
      progress.accept(name + ": " + shape.name());
      CpuSpeed speed = new Turns(engine, shape, new Execution(threads, precision), seconds, progress)
          .measure(meter, before, matmuls, comparison);
      if (!speed.steady()) {
        progress.accept(String.format(Locale.ROOT,
            "%s: WARNING: matmuls reached %.0f GFLOP/s before and %.0f after, more than %.0f %% apart: something else uses"
                + " the machine; measure again",
            shape.name(), speed.matmulsBefore, speed.matmulsAfter, 100 * STEADY));
      }
      speeds.add(speed);
      before = speed.matmulsAfter;
      most = Math.max(most, before);
    }
    return new Table(engine.description(), Provenances.commit(), threads, name, most, copy,
        List.copyOf(speeds));
  }

  /** One mode of one peer. */
  private record Mode(Peer peer, String version, String name) {}

  /** The measuring of one shape. */
  private record Turns(CpuEngine engine, TrainingShape shape, Execution execution, double seconds,
      Consumer<String> progress) {

    CpuSpeed measure(CpuMeter meter, double before, DoubleSupplier matmuls, Comparison comparison)
        throws IOException {
      Map<Mode, List<Double>> alone = new LinkedHashMap<>();
      // Before and after: so the machine's drift tells on neither.
      if (comparison.alone) {
        alone(comparison.peers, alone);
      }
      List<Double> ours = new ArrayList<>();
      Map<Mode, List<Double>> theirs = new LinkedHashMap<>();
      Map<Peer, Double> matmulRates = new EnumMap<>(Peer.class);
      beside(comparison.peers, ours, theirs, matmulRates);
      if (comparison.alone) {
        alone(comparison.peers, alone);
      }
      double after = matmuls.getAsDouble();
      double tokensPerSecond = median(ours);
      double gigaflops = tokensPerSecond * shape.flopsPerToken() / 1e9;
      List<PeerSpeed> peers = new ArrayList<>();
      theirs.forEach((mode,
          rates) -> peers.add(new PeerSpeed(mode.peer.label(), mode.version, mode.name, median(rates),
              Optional.ofNullable(alone.get(mode)).map(Turns::median),
              Optional.ofNullable(matmulRates.get(mode.peer)))));
      return new CpuSpeed(shape.name(), tokensPerSecond, peers, gigaflops,
          gigaflops / Math.max(before, after), before, after, meter.breakdown(shape.program(), execution,
              shape.ids(TOKENS), shape.ids(TARGETS), BREAKDOWN_STEPS));
    }

    private void alone(List<Peer> peers, Map<Mode, List<Double>> rates) throws IOException {
      for (Peer peer : peers) {
        try (PeerProcess process = PeerProcess.start(peer, shape, execution)) {
          warmUp(process);
          for (int round = 0; round < ROUNDS; round++) {
            turn(peer, process, rates);
          }
        }
      }
    }

    private void beside(List<Peer> peers, List<Double> ours, Map<Mode, List<Double>> theirs,
        Map<Peer, Double> matmulRates) throws IOException {
      int[] tokens = shape.ids(TOKENS);
      int[] targets = shape.ids(TARGETS);
      Map<Peer, PeerProcess> processes = new LinkedHashMap<>();
      try (Session session = engine.compile(shape.program(), execution)) {
        session.load(Map.of(Session.PARAMETERS, InitialParameters.of(shape.program(), SEED)));
        long[] step = {0};
        Runnable ourStep = () -> session.step(tokens, targets, LEARNING_RATE, ++step[0]);
        List<Double> losses = new ArrayList<>();
        for (int i = 0; i < PeerTask.CHECKED_STEPS; i++) {
          ourStep.run();
          losses.add(session.loss());
        }
        for (Peer peer : peers) {
          PeerProcess process = PeerProcess.start(peer, shape, execution);
          processes.put(peer, process);
          process.matmulGigaflops().ifPresent(rate -> matmulRates.put(peer, rate));
          process.failures()
              .forEach((mode, why) -> progress.accept(peer.label() + " has no " + mode + " here: " + why));
          process.check(losses, execution.precision() == Precision.FP32 ? TOLERANCE : BF16_TOLERANCE);
          warmUp(process);
        }
        rate(ourStep, WARM_UP * seconds);
        for (int round = 0; round < ROUNDS; round++) {
          ours.add(rate(ourStep, seconds));
          for (Map.Entry<Peer, PeerProcess> each : processes.entrySet()) {
            turn(each.getKey(), each.getValue(), theirs);
          }
        }
      } finally {
        processes.values().forEach(PeerProcess::close);
      }
    }

    private void warmUp(PeerProcess process) throws IOException {
      for (String mode : process.modes()) {
        process.tokensPerSecond(mode, WARM_UP * seconds);
      }
    }

    private void turn(Peer peer, PeerProcess process, Map<Mode, List<Double>> rates) throws IOException {
      for (String mode : process.modes()) {
        rates.computeIfAbsent(new Mode(peer, process.version(), mode), _ -> new ArrayList<>())
            .add(process.tokensPerSecond(mode, seconds));
      }
    }

    /** Tokens a second over a stretch of whole steps, at least one. */
    private double rate(Runnable step, double stretch) {
      long began = System.nanoTime();
      long steps = 0;
      double elapsed = 0;
      while (elapsed < stretch) {
        step.run();
        steps++;
        elapsed = (System.nanoTime() - began) / 1e9;
      }
      return steps * shape.tokens() / elapsed;
    }

    private static double median(List<Double> values) {
      return values.stream().sorted().toList().get(values.size() / 2);
    }
  }
}
