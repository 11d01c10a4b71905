package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.experiments.bench.gpu.GpuBench;
import org.knowcap.experiments.bench.gpu.GpuItem;
import org.knowcap.experiments.bench.gpu.GpuLine;
import org.knowcap.experiments.bench.gpu.GpuLine.Status;
import org.knowcap.experiments.bench.gpu.GpuLog;
import org.knowcap.experiments.bench.gpu.GpuPage;
import org.knowcap.experiments.bench.gpu.GpuPrediction;
import org.knowcap.experiments.bench.gpu.GpuResult;
import org.knowcap.experiments.bench.gpu.GpuWork;
import org.knowcap.experiments.study.Json;
import org.knowcap.files.WholeFile;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.cuda.CudaEngine;
import org.knowcap.models.engine.cuda.DebugSwitch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Measures parity and speed of the cuda engine. */
@Command(
    name = "gpu",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Compares the cuda engine with the cpu engine, and measures how fast it trains beside what"
        + " the GPU's matmuls and memory give. Takes some minutes. Each item is measured in a process of its own, and"
        + " its line is in DIR/gpu.jsonl before the next begins; README.md and gpu.json are written from these lines.")
final class BenchGpuCommand implements Callable<Integer> {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for gpu.jsonl, gpu.json and README.md, made if need be. Lines are added to those there.")
  private Optional<Path> out;

  @Option(names = "--list", description = "Print the items there are, and measure nothing.")
  private boolean list;

  @Option(
      names = "--item",
      paramLabel = "ITEM",
      description = "Only this, or all of a kind, such as parity:gpt2-2-2:bf16 or speed. A SHAPE is"
          + " MODEL@BATCH[xCONTEXT[xVOCABULARY]]. Repeatable. Default: all but profile, export and peer.")
  private List<String> items = List.of();

  @Option(
      names = "--predict",
      paramLabel = "SHAPE",
      description = "Without a GPU: bytes, FLOPs and predicted time of each launch of a training step of this shape, on an"
          + " H200 and an H100, and measure nothing. Repeatable; 'all' stands for the shapes of the speed items.")
  private List<String> predicted = List.of();

  @Option(
      names = "--page",
      description = "Measure nothing: make README.md and gpu.json from the lines there are.")
  private boolean page;

  @Option(
      names = "--budget",
      paramLabel = "S",
      description = "Seconds for all items; an item that no longer fits is skipped and reported as skipped.")
  private Optional<Double> budget;

  @Option(
      names = "--limit",
      paramLabel = "S",
      defaultValue = "60",
      description = "Seconds after which an item is ended; four times as many for a peer. Default: ${DEFAULT-VALUE}")
  private double limit;

  @Option(
      names = "--at-once",
      paramLabel = "K",
      defaultValue = "1",
      description = "Comparisons at a time; timed items run alone. Default: ${DEFAULT-VALUE}")
  private int atOnce;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "5",
      description = "Seconds for which a speed is measured. Default: ${DEFAULT-VALUE}")
  private double seconds;

  @Option(
      names = "--peer",
      paramLabel = "SCRIPT",
      description = "Also train the shapes in PyTorch by this script, such as benchmarks/peer_torch.py, with the"
          + " python3 on the path.")
  private Optional<Path> peer;

  @Option(
      names = "--check",
      paramLabel = "SCRIPT",
      description = "For export items: scripts/check_hf_export.py.")
  private Optional<Path> check;

  @Option(
      names = "--debug",
      paramLabel = "SWITCHES",
      description = "Switches that turn something off, to find a fault, with commas: docs/gpu.md lists them.")
  private Optional<String> debug;

  @Option(
      names = "--without-cublaslt",
      description = "Measure although cuBLASLt is missing: matmuls are then many times slower.")
  private boolean withoutCublasLt;

  @Option(
      names = "--measure-here",
      hidden = true,
      paramLabel = "ITEM",
      description = "Measures one item in this process.")
  private Optional<String> here;

  @Override
  public Integer call() throws Exception {
    check();
    if (here.isPresent()) {
      return measureHere(GpuItem.parse(here.get()));
    }
    if (list) {
      GpuItem.all().forEach(item -> System.out.println(item.id()));
      return 0;
    }
    if (!predicted.isEmpty()) {
      Stream<TrainingShape> shapes = predicted.stream()
          .flatMap(name -> name.equals("all") ? GpuItem.SHAPES.stream() : Stream.of(GpuItem.shape(name)));
      shapes.forEach(BenchGpuCommand::predict);
      return 0;
    }
    Path folder = out
        .orElseThrow(() -> UserException.usage("--out DIR is needed: a folder for what is measured"));
    if (page) {
      if (!Files.isReadable(folder.resolve("gpu.jsonl"))) {
        throw UserException
            .usage("--page needs the lines of an earlier call, found no file " + folder.resolve("gpu.jsonl"));
      }
      return finish(folder, GpuLog.of(folder));
    }
    List<GpuItem> chosen = GpuItem.chosen(items, peer.isPresent());
    PrintStream err = System.err;
    GpuBench bench = new GpuBench(this::arguments,
        debug.map(switches -> Map.of(DebugSwitch.SETTING, switches)).orElse(Map.of()),
        new GpuBench.Limits(limit, budget.map(OptionalDouble::of).orElse(OptionalDouble.empty()), seconds,
            atOnce),
        err::println);
    // Before the folder is made: without a GPU there is nothing to write.
    GpuItem machine = GpuItem.parse("machine");
    List<GpuLine> first = new ArrayList<>();
    bench.measure(List.of(machine), first::add);
    require(first.getFirst());
    GpuLog log = GpuLog.of(folder);
    log.requireRoom();
    Lost lost = new Lost();
    lost.keep(log, folder, first.getFirst());
    bench.measure(chosen.stream().filter(item -> !item.equals(machine)).toList(),
        line -> lost.keep(log, folder, line));
    if (lost.count > 0) {
      throw UserException.failure(lost.count + " lines could not be written to " + folder + " (" + lost.why
          + ") and stand above, each behind 'NOT WRITTEN'; make room, or name another --out");
    }
    return finish(folder, log);
  }

  private static void predict(TrainingShape shape) {
    for (GpuPrediction.Chip chip : GpuPrediction.CHIPS) {
      try {
        System.out.println(GpuPrediction.of(shape, chip).markdown());
      } catch (IllegalArgumentException | ArithmeticException | EngineUnavailableException e) {
        throw UserException
            .usage("no step of '" + GpuItem.name(shape) + "' can be predicted: " + e.getMessage());
      }
    }
  }

  /** Lines that could not be written. */
  private static final class Lost {
    private int count;
    private String why = "";

    void keep(GpuLog log, Path folder, GpuLine line) {
      try {
        log.add(line);
      } catch (IOException e) {
        count++;
        why = e.getMessage();
        System.err.println("NOT WRITTEN " + Json.MAPPER.writeValueAsString(line));
        return;
      }
      try {
        write(folder, GpuPage.of(log.read()));
      } catch (IOException e) {
        // The lines are what counts: the page can be made of them at any time.
        System.err.println("the page could not be written (" + e.getMessage() + "); --page makes it later");
      }
    }
  }

  private void check() {
    if (!(seconds > 0 && seconds <= 3600)) {
      throw UserException.usage("--seconds must be above 0 and at most 3600, found " + seconds);
    }
    if (!(limit >= 1 && limit <= 86400)) {
      throw UserException.usage("--limit must be at least 1 and at most 86400, found " + limit);
    }
    if (budget.isPresent() && !(budget.get() > 0)) {
      throw UserException.usage("--budget must be above 0, found " + budget.get());
    }
    UserException.requireAtLeastOne("--at-once", atOnce);
    requireScript("--peer", peer);
    requireScript("--check", check);
    debug.ifPresent(switches -> {
      try {
        DebugSwitch.parse(switches);
      } catch (IllegalArgumentException e) {
        throw UserException.usage("--debug: " + e.getMessage());
      }
    });
  }

  private static void requireScript(String option, Optional<Path> script) {
    if (script.isPresent() && !Files.isReadable(script.get())) {
      throw UserException.usage(option + " must name a Python script, found no file " + script.get());
    }
  }

  /** Refuses to continue without a GPU, or without the libraries that it needs. */
  private void require(GpuLine machine) {
    if (machine.status() != Status.OK) {
      throw UserException.failure("there is no GPU to measure: " + machine.error().orElse(""));
    }
    String handicap = Json.MAPPER.treeToValue(machine.result(), GpuResult.Machine.class).handicap();
    boolean ownMatmuls = debug.orElse("").contains(DebugSwitch.OWN_MATMUL.word());
    if (!handicap.isEmpty() && !withoutCublasLt && !ownMatmuls) {
      throw UserException.failure("nothing was measured: " + handicap + "; or say --without-cublaslt");
    }
  }

  private List<String> arguments(GpuItem item) {
    List<String> arguments = new ArrayList<>(
        List.of("bench", "gpu", "--measure-here", item.id(), "--seconds", Double.toString(seconds)));
    peer.ifPresent(script -> arguments.addAll(List.of("--peer", script.toString())));
    check.ifPresent(script -> arguments.addAll(List.of("--check", script.toString())));
    return arguments;
  }

  private int measureHere(GpuItem item) {
    GpuBench.endWithParent();
    PrintStream answer = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    CudaEngine engine = new CudaEngine();
    Optional<String> missing = engine.unavailable();
    // Asked now: after a fault a driver may refuse to say.
    String card = missing.isPresent() ? "" : engine.card();
    GpuBench.Answer said;
    try {
      missing.ifPresent(reason -> {
        throw UserException.failure(reason);
      });
      GpuResult result = new GpuWork(engine, seconds, new GpuWork.Scripts(peer, check), System.err::println)
          .measure(item);
      said = new GpuBench.Answer(card, Optional.empty(), Json.MAPPER.valueToTree(result));
    } catch (Exception e) {
      if (!(e instanceof UserException)) {
        e.printStackTrace();
      }
      JsonNode nothing = Json.MAPPER.nullNode();
      said = new GpuBench.Answer(card, Optional.of(e.getMessage() == null ? e.toString() : e.getMessage()),
          nothing);
    }
    answer.println(Json.MAPPER.writeValueAsString(said));
    return said.error().isPresent() ? UserException.FAILURE : 0;
  }

  private static int finish(Path folder, GpuLog log) throws IOException {
    GpuPage page = GpuPage.of(log.read());
    write(folder, page);
    System.out.print(page.markdown());
    return page.holds() ? 0 : UserException.FAILURE;
  }

  private static void write(Path folder, GpuPage page) throws IOException {
    WholeFile.write(folder.resolve("gpu.json"),
        out -> out.write(page.json().getBytes(StandardCharsets.UTF_8)));
    WholeFile.write(folder.resolve("README.md"),
        out -> out.write(page.markdown().getBytes(StandardCharsets.UTF_8)));
  }
}
