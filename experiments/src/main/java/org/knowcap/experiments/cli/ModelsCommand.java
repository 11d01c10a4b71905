package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.spec.ModelSpec;
import org.knowcap.models.spec.ParameterCount;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What a model is made of, and what training it takes. */
@Command(name = "models", mixinStandardHelpOptions = true, versionProvider = Knowcap.Version.class, description = "Shows a model's parameters by component, and the operations and memory of a training step.")
final class ModelsCommand implements Callable<Integer> {
  private static final int MOST = 1 << 24;

  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "NAME", description = "Such as gpt2-2-4, or gpt2-2-4-w16 for a head width of 16.")
  private String name;

  @Option(names = "--vocabulary", paramLabel = "V", defaultValue = "3275", description = "Tokens of the corpus's vocabulary. Default: ${DEFAULT-VALUE}, the paper's bioS")
  private int vocabulary;

  @Option(names = "--windows", paramLabel = "W", defaultValue = "12", description = "Windows of a step. Default: ${DEFAULT-VALUE}")
  private int windows;

  @Option(names = "--window", paramLabel = "T", defaultValue = "512", description = "Tokens of a window. Default: ${DEFAULT-VALUE}")
  private int window;

  @Option(names = "--threads", paramLabel = "T", defaultValue = "1", description = "Threads of the cpu engine, each with buffers of its own. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    require("--vocabulary", vocabulary, 2);
    require("--windows", windows, 1);
    require("--window", window, 1);
    require("--threads", threads, 1);
    ModelSpec model;
    try {
      model = ModelSpec.parse(name);
    } catch (IllegalArgumentException e) {
      throw UserException.usage(e.getMessage());
    }
    ParameterCount parameters = model.parameters(vocabulary);
    Program program = Program.training(model, vocabulary, windows, window,
        new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01));
    long bytes = CpuEngine.bytes(program, threads);
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("model", model.name());
      answer.put("parameters", parameters);
      answer.put("total", parameters.total());
      answer.put("flops", program.flops());
      answer.put("cpu_bytes", bytes);
      out.println(Json.MAPPER.writeValueAsString(answer));
      return 0;
    }
    out.println(
        model.name() + ": " + model.layers() + " layers of width " + model.width() + ", " + model.heads()
            + " heads of " + model.headWidth() + (model.keyHeads() == model.heads()
                ? ""
                : ", " + model.keyHeads() + " of keys and values")
            + ", feed-forward of " + model.innerWidth());
    out.println("  embedding     " + Units.count(parameters.embedding()));
    out.println("  attention     " + Units.count(parameters.attention()));
    out.println("  feed-forward  " + Units.count(parameters.feedForward()));
    out.println("  norms         " + Units.count(parameters.norms()));
    out.println("  head          " + Units.count(parameters.head())
        + (model.tied() ? ", tied to the embedding" : ""));
    out.println("  parameters    " + Units.count(parameters.total()));
    out.println("A step of " + Units.count(program.rows()) + " tokens: " + Units.brief(program.flops())
        + " floating-point operations in products");
    out.println(
        "Memory of the cpu engine: " + Units.brief(bytes) + "B, of which parameters, gradients and AdamW's"
            + " moments 16 bytes a parameter, " + Units.brief(16 * parameters.total()) + "B");
    return 0;
  }

  private static void require(String option, int value, int least) {
    if (value < least || value > MOST) {
      throw UserException.usage(option + " must be from " + least + " to " + MOST + ", found " + value);
    }
  }
}
