package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.GpuSpeed;
import org.knowcap.experiments.bench.TorchPeer;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.cuda.CudaEngine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Parity and speed of the cuda engine. */
@Command(
    name = "gpu",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Compares the cuda engine with the cpu engine, and measures how fast it trains beside what"
        + " the GPU's products and memory give. Takes some minutes.")
final class BenchGpuCommand implements Callable<Integer> {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "Folder for gpu.json and README.md, made if need be.")
  private Path out;

  @Option(
      names = "--shape",
      paramLabel = "MODEL",
      description = "Only the shapes of this model, such as gpt2-2-2.")
  private Optional<String> model;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "5",
      description = "Seconds of each shape. Default: ${DEFAULT-VALUE}")
  private double seconds;

  @Option(
      names = "--peer",
      paramLabel = "SCRIPT",
      description = "Afterwards train the same shapes in PyTorch by this script, such as benchmarks/peer_torch.py, with the"
          + " python3 on the path.")
  private Optional<Path> peer;

  @Override
  public Integer call() throws Exception {
    if (!(seconds > 0 && seconds <= 3600)) {
      throw UserException.usage("--seconds must be above 0 and at most 3600, found " + seconds);
    }
    List<TrainingShape> shapes = GpuSpeed.SHAPES.stream()
        .filter(shape -> model.isEmpty() || model.get().equals(shape.model().name()))
        .toList();
    if (shapes.isEmpty()) {
      throw UserException.usage("--shape must be one of "
          + GpuSpeed.SHAPES.stream().map(shape -> shape.model().name()).distinct().toList() + ", found "
          + model.get());
    }
    if (peer.isPresent() && !Files.isReadable(peer.get())) {
      throw UserException.usage("--peer must name a Python script, found no file " + peer.get());
    }
    CudaEngine engine = new CudaEngine();
    engine.unavailable().ifPresent(reason -> {
      throw UserException.failure("there is no GPU to measure: " + reason);
    });
    if (!ChildProcess.hasVectors()) {
      List<String> arguments = new ArrayList<>(
          List.of("bench", "gpu", "--out", out.toString(), "--seconds", Double.toString(seconds)));
      model.ifPresent(name -> arguments.addAll(List.of("--shape", name)));
      peer.ifPresent(script -> arguments.addAll(List.of("--peer", script.toString())));
      return OwnProcess.run(1, arguments, Map.of());
    }
    PrintStream err = System.err;
    GpuSpeed.Table table = GpuSpeed.measure(engine, shapes, seconds, err::println);
    write(table);
    if (peer.isPresent()) {
      // By itself: our memory has been given back, and the GPU is the peer's alone.
      table = table.with(TorchPeer.measure(peer.get(), shapes, seconds, err::println));
      write(table);
    }
    System.out.print(markdown(table));
    return table.holds() ? 0 : 1;
  }

  private void write(GpuSpeed.Table table) throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("gpu.json"), Json.MAPPER.writeValueAsString(table), StandardCharsets.UTF_8);
    Files.writeString(out.resolve("README.md"), markdown(table), StandardCharsets.UTF_8);
  }

  private static String markdown(GpuSpeed.Table table) {
    StringBuilder text = new StringBuilder("# The cuda engine on " + table.engine() + "\n\n");
    text.append(String.format(Locale.ROOT,
        "One large bf16 product: %.0f TFLOP/s. Memory: %.2f TB/s, read and written.%n%n",
        table.productTeraflops(), table.copyTerabytes()));
    text.append(
        "Against the cpu engine in fp32: ten steps' losses in nats, the first gradient in parts of the"
            + " largest.\n\n| model | precision | loss | gradient | tolerance | |\n|---|---|---|---|---|---|\n");
    for (GpuSpeed.Parity each : table.parity()) {
      text.append(String.format(Locale.ROOT, "| %s | %s | %.2g | %.2g | %.2g | %s |%n", each.model(),
          each.precision().name().toLowerCase(Locale.ROOT), each.loss(), each.gradient(), each.tolerance(),
          each.holds() ? "holds" : "FAILS"));
    }
    text.append(
        "\nTraining in bf16 with AdamW every step. Utilisation is model operations over one large product's;"
            + " roofline the least time that this GPU's products and memory allow, over the time taken.\n\n"
            + "| shape | tokens/s | PyTorch | mode | ratio | utilisation | roofline |\n|---|---|---|---|---|---|---|\n");
    for (GpuSpeed speed : table.speeds()) {
      Optional<TorchPeer.Speed> best = table.peer().flatMap(measured -> measured.best(speed.shape()));
      text.append("| " + speed.shape() + " | " + Units.brief(speed.tokensPerSecond()) + " | "
          + best
              .map(each -> Units.brief(each.tokensPerSecond()) + " | " + each.mode() + " | "
                  + String.format(Locale.ROOT, "%.2f", speed.tokensPerSecond() / each.tokensPerSecond()))
              .orElse("| |")
          + " | " + Units.percent(speed.utilisation()) + " | " + Units.percent(speed.roofline()) + " |\n");
    }
    table.fused()
        .ifPresent(fused -> text.append("\nSeveral runs that train as one ('--concurrent'), against one by"
            + " itself:\n\n| shape | runs at once | tokens/s of all | of one alone | ratio |\n|---|---|---|---|---|\n| "
            + fused.shape() + " | " + fused.runs() + " | " + Units.brief(fused.tokensPerSecond()) + " | "
            + Units.brief(fused.alone()) + " | " + String.format(Locale.ROOT, "%.2f", fused.ratio())
            + " |\n"));
    table.failures()
        .forEach(failure -> text.append("\nFAILED: " + failure.what() + ": " + failure.error() + "\n"));
    text.append("\nCommit " + table.commit() + ".\n");
    table.peer().ifPresent(measured -> {
      text.append("PyTorch's fastest mode of those measured on the same GPU in the same run: "
          + measured.versions() + ".\n");
      measured.failures()
          .forEach(failure -> text.append("It could not do " + failure.shape() + " in mode " + failure.mode()
              + ": " + failure.error() + "\n"));
    });
    return text.toString();
  }
}
