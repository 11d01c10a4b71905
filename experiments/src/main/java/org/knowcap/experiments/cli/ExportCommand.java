package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.interchange.GgufFolder;
import org.knowcap.experiments.interchange.HuggingFaceFolder;
import org.knowcap.experiments.interchange.LossCheck;
import org.knowcap.experiments.interchange.SameDiffFolder;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.models.interchange.GgufType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Exports a run's model for other programs. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = "Writes a run's model as files that other programs load.")
final class ExportCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      index = "0",
      paramLabel = "RUN",
      description = "Folder of the run, such as DIR/runs/NAME; or a study's directory with one run.")
  private Path run;

  @Parameters(index = "1", paramLabel = "DIR", description = "Directory for the files, new or empty.")
  private Path directory;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "FORM",
      description = "huggingface: a folder that transformers loads, with tokenizer; samediff: the forward part as a graph that"
          + " Deeplearning4j loads; gguf: a file that llama.cpp loads.")
  private String target;

  @Option(
      names = "--check",
      description = "With huggingface or gguf: add our losses on random prompts, which scripts/check_hf_export.py compares"
          + " with those of transformers, and scripts/check_gguf_export.mjs with those of llama.cpp.")
  private boolean check;

  @Option(
      names = "--pad",
      description = "With huggingface: give the model a row of zeros for each of the tokenizer's tokens that the corpus does not"
          + " have, for programs that want as many rows as tokens, such as llama.cpp's converter.")
  private boolean pad;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "With gguf: what matrices are kept in, one of F32, F16, Q8_0, Q4_0 and Q4_K. Default: F32.")
  private Optional<String> type = Optional.empty();

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seed of the prompts of --check. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Override
  public Integer call() throws Exception {
    refuseStrangers();
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, 1);
    }
    PrintWriter out = command.commandLine().getOut();
    TrainedRun trained = TrainedRun.open(run);
    if (!trained.finished()) {
      out.println("note: the run is not finished; this is step " + Units.count(trained.step()) + " of "
          + Units.count(trained.spec().steps(trained.corpus())));
    }
    switch (target) {
      case "huggingface" -> huggingFace(trained, out);
      case "samediff" -> sameDiff(trained, out);
      case "gguf" -> gguf(trained, out);
      default ->
          throw UserException.usage("--to must be huggingface, samediff or gguf, found '" + target + "'");
    }
    return 0;
  }

  /** Options that another form has. */
  private void refuseStrangers() {
    if (type.isPresent() && !target.equals("gguf")) {
      throw UserException.usage("--type goes with --to gguf");
    }
    if (pad && !target.equals("huggingface")) {
      throw UserException.usage("--pad goes with --to huggingface");
    }
    if (check && target.equals("samediff")) {
      throw UserException.usage("--check goes with --to huggingface or gguf");
    }
  }

  private void gguf(TrainedRun trained, PrintWriter out) throws Exception {
    GgufType kept = type();
    GgufFolder.Written written = GgufFolder.write(trained, directory, kept,
        check ? Optional.of(run -> LossCheck.of(run, Run.engine(run.spec()), 1, seed)) : Optional.empty());
    Path file = directory.resolve(GgufFolder.MODEL);
    out.println(trained.spec().name() + ": " + Units.count(trained.parameters().length) + " parameters as "
        + written.architecture() + " in " + kept + " in " + file);
    if (!written.halves().isEmpty()) {
      out.println(
          "note: " + written.halves().size() + " matrices are in F16, because their rows do not consist of"
              + " whole blocks: " + String.join(", ", written.halves()));
    }
    if (check) {
      out.println("compare it with llama.cpp: node scripts/check_gguf_export.mjs " + directory);
    }
  }

  private GgufType type() {
    try {
      return GgufType.named(type.orElse("F32"));
    } catch (IllegalArgumentException e) {
      throw UserException.usage("--type " + e.getMessage());
    }
  }

  private void sameDiff(TrainedRun trained, PrintWriter out) throws Exception {
    SameDiffFolder.write(trained, directory);
    out.println(trained.spec().name() + ": " + Units.count(trained.parameters().length)
        + " parameters, windows of " + trained.spec().training().contextLength() + " tokens, in "
        + directory.resolve(SameDiffFolder.GRAPH));
  }

  private void huggingFace(TrainedRun trained, PrintWriter out) throws Exception {
    Optional<LossCheck> losses = check
        ? Optional.of(LossCheck.of(trained, Run.engine(trained.spec()), 1, seed))
        : Optional.empty();
    String type = HuggingFaceFolder.write(trained, directory, losses, pad);
    out.println(trained.spec().name() + ": " + Units.count(trained.parameters().length) + " parameters as "
        + type + " in " + directory);
    losses.ifPresent(written -> out
        .println("compare it with transformers: python3 scripts/check_hf_export.py " + directory));
  }
}
