package org.knowcap.experiments.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.CpuSpeed;
import org.knowcap.experiments.bench.Peer;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.experiments.run.Provenances;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.cpu.CpuEngine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures the speed of the cpu engine. */
@Command(
    name = "cpu",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Measures how fast the cpu engine trains, beside what the machine's matmuls and"
        + " memory give, and where the time goes. Takes some minutes.")
final class BenchCpuCommand implements Callable<Integer> {
  private static final List<String> PRECISIONS = List.of("fp32", "bf16");

  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Threads of a step. Default: the machine's cores.")
  private Optional<Integer> threads;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description = "fp32 or bf16. Default: both, each in a process of its own.")
  private Optional<String> precision;

  @Option(
      names = "--shape",
      paramLabel = "MODEL",
      description = "Only the shapes of this model, such as gpt2-2-2.")
  private Optional<String> model;

  @Option(
      names = "--peer",
      paramLabel = "NAME",
      split = ",",
      description = "Train the same shapes with other libraries too, each in a process of its own, turn by turn: torch"
          + " (PyTorch of the python3 on the PATH, eager and compiled) or djl (PyTorch through DJL, in fp32; needs"
          + " KNOWCAP_PROFILES=benchmarks in the environment), or both with a comma between them.")
  private List<String> peers = List.of();

  @Option(
      names = "--peer-alone",
      description = "Also measure each peer before and after, without Knowcap beside it, and print both speeds.")
  private boolean alone;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "2",
      description = "Seconds of each of the five rounds of a shape. Default: ${DEFAULT-VALUE}")
  private double seconds;

  @Option(names = "--no-natives", description = "Run without oneDNN, as on a machine where it does not load.")
  private boolean withoutNatives;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    int count = threads.orElse(Runtime.getRuntime().availableProcessors());
    UserException.requireAtLeastOne("--threads", count);
    if (!(seconds > 0 && seconds <= 3600)) {
      throw UserException.usage("--seconds must be above 0 and at most 3600, found " + seconds);
    }
    List<TrainingShape> shapes = TrainingShape.ALL.stream()
        .filter(shape -> model.isEmpty() || model.get().equals(shape.model().name()))
        .toList();
    if (shapes.isEmpty()) {
      throw UserException.usage("--shape must be one of "
          + TrainingShape.ALL.stream().map(shape -> shape.model().name()).collect(Collectors.joining(", "))
          + "; found " + model.get());
    }
    CpuSpeed.Comparison comparison = new CpuSpeed.Comparison(
        peers.stream().distinct().map(Peer::named).toList(), alone);
    if (alone && peers.isEmpty()) {
      throw UserException.usage("--peer-alone needs a --peer");
    }
    if (precision.isPresent() && !PRECISIONS.contains(precision.get())) {
      throw UserException.usage("--precision must be fp32 or bf16, found " + precision.get());
    }
    if (!ChildProcess.hasVectors() || precision.isEmpty()) {
      for (String each : precision.map(List::of).orElse(PRECISIONS)) {
        int exitCode = OwnProcess.run(count, arguments(count, each));
        if (exitCode != 0) {
          return exitCode;
        }
      }
      return 0;
    }
    PrintStream answer = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    CpuEngine engine = withoutNatives ? CpuEngine.withoutNatives() : new CpuEngine();
    Precision asked = Precision.valueOf(precision.get().toUpperCase(Locale.ROOT));
    if (asked == Precision.BF16 && !engine.hasBf16()) {
      System.err.println("bf16: this machine has no bf16 matmuls");
      return 0;
    }
    CpuSpeed.Table table = CpuSpeed.measure(engine, asked, shapes, comparison, count, seconds,
        what -> System.err.println(what + " ..."));
    if (json) {
      answer.println(Json.MAPPER.writeValueAsString(table));
    } else {
      print(table, new PrintWriter(answer, true, StandardCharsets.UTF_8));
    }
    return 0;
  }

  private List<String> arguments(int count, String chosen) {
    List<String> arguments = new ArrayList<>(List.of("bench", "cpu", "--threads", Integer.toString(count),
        "--seconds", Double.toString(seconds), "--precision", chosen));
    model.ifPresent(name -> arguments.addAll(List.of("--shape", name)));
    if (!peers.isEmpty()) {
      arguments.addAll(List.of("--peer", String.join(",", peers)));
    }
    if (alone) {
      arguments.add("--peer-alone");
    }
    if (withoutNatives) {
      arguments.add("--no-natives");
    }
    if (json) {
      arguments.add("--json");
    }
    return arguments;
  }

  private static void print(CpuSpeed.Table table, PrintWriter out) {
    out.println("machine: " + Provenances.processor());
    out.println("commit: " + table.commit());
    out.println("engine: " + table.engine() + "; " + table.threads() + " threads");
    out.printf(Locale.ROOT, "matmuls: %s %.0f GFLOP/s; memory copied at %.1f GB/s%n%n", table.precision(),
        table.matmulGigaflops(), table.copyGigabytes());
    String row = "%-42s %10s %10s %6s %8s %9s%n";
    out.printf(Locale.ROOT, row, "shape", "tokens/s", "peer", "ratio", "GFLOP/s", "of prod.");
    for (CpuSpeed speed : table.speeds()) {
      out.printf(Locale.ROOT, row, speed.shape(), Units.brief(speed.tokensPerSecond()),
          speed.fastestPeer().map(peer -> Units.brief(peer.tokensPerSecond())).orElse(""),
          speed.fastestPeer()
              .map(peer -> String.format(Locale.ROOT, "%.2f",
                  speed.tokensPerSecond() / peer.tokensPerSecond()))
              .orElse(""),
          String.format(Locale.ROOT, "%.0f", speed.gigaflops()), Units.percent(speed.matmulFraction()));
    }
    for (CpuSpeed speed : table.speeds()) {
      if (!speed.steady()) {
        out.printf(Locale.ROOT,
            "not steady: %s: matmuls reached %.0f GFLOP/s before and %.0f after; measure again on a quiet machine%n",
            speed.shape(), speed.matmulsBefore(), speed.matmulsAfter());
      }
    }
    for (CpuSpeed speed : table.speeds()) {
      speed.peers()
          .stream()
          .filter(CpuSpeed.PeerSpeed::hindered)
          .forEach(peer -> out.printf(Locale.ROOT,
              "not at its best: %s: %s, %s reached beside ours only %s of what it reaches alone, so the ratio to it is too"
                  + " good; measure again on a quiet machine%n",
              speed.shape(), peer.version(), peer.mode(), Units.percent(peer.ofAlone().orElseThrow())));
    }
    for (CpuSpeed speed : table.speeds()) {
      speed.fastestPeer()
          .filter(speed::multipliesFaster)
          .ifPresent(peer -> out.printf(Locale.ROOT,
              "slower matmuls: %s: those of %s reach %.0f GFLOP/s where ours reach %.0f, so the ratio to it says most about the"
                  + " library that multiplies for it; see docs/performance.md%n",
              speed.shape(), peer.version(), peer.matmulGigaflops().orElseThrow(), speed.matmulGigaflops()));
    }
    out.println();
    for (CpuSpeed speed : table.speeds()) {
      for (CpuSpeed.PeerSpeed peer : speed.peers()) {
        out.println(speed.shape() + ": " + peer.version() + ", " + peer.mode() + ": "
            + Units.brief(peer.tokensPerSecond())
            + peer.matmulGigaflops()
                .map(rate -> String.format(Locale.ROOT, "; its matmuls %.0f GFLOP/s", rate))
                .orElse("")
            + peer.alone()
                .map(rate -> "; alone " + Units.brief(rate) + ", so beside ours it reaches "
                    + Units.percent(peer.ofAlone().orElseThrow()))
                .orElse(""));
      }
    }
    out.println();
    out.println("Where a step's time goes:");
    for (CpuSpeed speed : table.speeds()) {
      double sum = speed.stepSeconds().values().stream().mapToDouble(each -> each).sum();
      out.println(speed.shape() + ": "
          + speed.stepSeconds()
              .entrySet()
              .stream()
              .sorted(Map.Entry.<String, Double>comparingByValue(Comparator.reverseOrder()))
              .map(each -> each.getKey() + " " + Units.percent(each.getValue() / sum))
              .collect(Collectors.joining(", ")));
    }
    out.println();
  }
}
