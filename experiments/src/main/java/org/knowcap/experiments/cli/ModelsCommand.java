package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.UpdateRuleReader;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.ParameterCount;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the parts of a model and the cost of its training. */
@Command(
    name = "models",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Lists the architectures; or shows a model's parameters by component, its"
        + " program, and the operations and memory of a training step.")
final class ModelsCommand implements Callable<Integer> {
  private static final int MOST = 1 << 24;

  @Spec
  private CommandSpec command;

  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      description = "Such as gpt2-2-4, or gpt2-2-4-w16 for a head width of 16. Without one, the architectures"
          + " are listed.")
  private Optional<String> name;

  @Option(
      names = "--vocabulary",
      paramLabel = "V",
      defaultValue = "3275",
      description = "Tokens of the corpus's vocabulary. Default: ${DEFAULT-VALUE}, the paper's bioS")
  private int vocabulary;

  @Option(
      names = "--batch-size",
      paramLabel = "B",
      defaultValue = "12",
      description = "Sequences of a batch. Default: ${DEFAULT-VALUE}")
  private int batchSize;

  @Option(
      names = "--context-length",
      paramLabel = "T",
      defaultValue = "512",
      description = "Tokens of a sequence. Default: ${DEFAULT-VALUE}")
  private int contextLength;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of the cpu engine, each with buffers of its own. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--optimiser",
      paramLabel = "NAME",
      defaultValue = "adamw",
      description = "Optimiser whose state counts as memory: adamw, adafactor, lion, tiger, sgd or muon. Default: ${DEFAULT-VALUE}")
  private String optimiser;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    require("--vocabulary", vocabulary, 2);
    require("--batch-size", batchSize, 1);
    require("--context-length", contextLength, 1);
    require("--threads", threads, 1);
    PrintWriter out = command.commandLine().getOut();
    if (name.isEmpty()) {
      list(out);
      return 0;
    }
    ModelSpec model = UserException.judged(() -> ModelSpec.parse(name.get()));
    ParameterCount parameters = model.parameters(vocabulary);
    Program program = UserException
        .judged(() -> Program.training(model, new TokenIds(vocabulary, vocabulary - 1), batchSize,
            contextLength, UpdateRuleReader.named("--optimiser", optimiser)));
    long bytes = CpuEngine.bytes(program, new Execution(threads, Precision.FP32));
    if (json) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("model", model.name());
      answer.put("parameters", parameters);
      answer.put("total", parameters.total());
      answer.put("active", parameters.active());
      answer.put("frozen", parameters.frozen());
      answer.put("memory", parameters.inMemory());
      answer.put("flops", program.flops());
      answer.put("optimiser_bytes", 4 * program.stateCount());
      answer.put("cpu_bytes", bytes);
      out.println(Json.MAPPER.writeValueAsString(answer));
      return 0;
    }
    out.println(model.name() + ": " + model.layers() + " layers of width " + model.width() + ", "
        + ModelOption.describe(model));
    out.println("  embedding     " + Units.count(parameters.embedding()));
    if (parameters.positions() > 0) {
      out.println("  positions     " + Units.count(parameters.positions()));
    }
    out.println("  attention     " + Units.count(parameters.attention()));
    out.println("  feed-forward  " + Units.count(parameters.feedForward()));
    if (parameters.router() > 0) {
      out.println("  routers       " + Units.count(parameters.router()));
    }
    if (parameters.memory() > 0) {
      out.println("  memory        " + Units.count(parameters.memory()) + " in tables, "
          + Units.count(parameters.reading()) + " to read them");
    }
    out.println("  norms         " + Units.count(parameters.norms()));
    out.println("  head          " + Units.count(parameters.head())
        + (model.tied() ? ", tied to the embedding" : ""));
    if (parameters.frozen() > 0) {
      out.println("  all frozen    " + Units.count(parameters.frozen()));
      out.println("  adapters      " + Units.count(parameters.adapters()));
    }
    out.println(
        (parameters.frozen() > 0 ? "  trained       " : "  parameters    ") + Units.count(parameters.total())
            + (parameters.idle() == 0
                ? ""
                : ", of which " + Units.count(parameters.active()) + " active for a token"));
    out.println();
    print(program, model, out);
    out.println();
    out.println("A step of " + Units.count(program.rows()) + " tokens: " + Units.brief(program.flops())
        + " floating-point operations in matmuls"
        + (program.updateFlops() == 0
            ? ""
            : ", " + Units.brief(program.updateFlops()) + " of them in the update of " + optimiser));
    out.println("Memory of the cpu engine: " + Units.brief(bytes) + "B, of which parameters "
        + Units.brief(4 * parameters.stored()) + "B, gradients as much for each thread, state of " + optimiser
        + " " + Units.brief(4 * program.stateCount()) + "B");
    return 0;
  }

  /** Prints the families, each at one size that all of them have. */
  private void list(PrintWriter out) {
    int layers = 4;
    int heads = 4;
    List<ModelSpec> models = Arrays.stream(Family.values())
        .map(family -> family.model(layers, heads, ModelSpec.PAPER_HEAD_WIDTH))
        .toList();
    if (json) {
      Map<String, Object> answer = new LinkedHashMap<>();
      models.forEach(model -> answer.put(model.name(), model.parameters(vocabulary)));
      out.println(Json.MAPPER.writeValueAsString(answer));
      return;
    }
    String row = "%-18s %12s  %s%n";
    out.printf(Locale.ROOT, row, "such as", "parameters", "blocks");
    for (ModelSpec model : models) {
      out.printf(Locale.ROOT, row, model.name(), Units.count(model.parameters(vocabulary).total()),
          ModelOption.describe(model));
    }
    out.println("NAME is FAMILY-LAYERS-HEADS and options, see docs/architectures.md");
  }

  /** Prints the forward part; of equal blocks only one is printed. */
  private static void print(Program program, ModelSpec model, PrintWriter out) {
    String row = "  %-13s %-32s %14s %12s %10s %10s%n";
    out.printf(Locale.ROOT, row, "operation", "result", "shape", "parameters", "FLOPs", "bytes");
    int different = model.ngrams().isPresent()
        ? model.layers()
        : Math.min(model.layers(),
            model.mixers().size() * model.feedForward().experts().map(Experts::every).orElse(1));
    List<String> shown = IntStream.range(0, different).mapToObj(block -> "block." + block + ".").toList();
    for (ForwardOperation operation : program.forward()) {
      Tensor result = operation.out();
      if (shown.stream().anyMatch(result.name()::startsWith) || !result.name().startsWith("block.")) {
        long parameters = operation.reads()
            .stream()
            .filter(tensor -> tensor.role() == Tensor.Role.PARAMETER)
            .mapToLong(Tensor::size)
            .sum();
        out.printf(Locale.ROOT, row, operation.kind().toLowerCase(Locale.ROOT), result.name(),
            result.rows() + " x " + result.columns(), parameters == 0 ? "" : Units.count(parameters),
            operation.flops() == 0 ? "" : Units.brief(operation.flops()), Units.brief(operation.bytes()));
      }
    }
    if (model.layers() > different) {
      out.println("  "
          + (model.layers() == different + 1
              ? "Block " + different + " is"
              : "Blocks " + different + " to " + (model.layers() - 1) + " are")
          + " as " + (different == 1 ? "block 0" : "these, over and over") + "."
          + (model.tied() ? " The logits' parameters are the embedding's." : ""));
    }
  }

  private static void require(String option, int value, int least) {
    if (value < least || value > MOST) {
      throw UserException.usage(option + " must be from " + least + " to " + MOST + ", found " + value);
    }
  }
}
