package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.interchange.HuggingFaceFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Imports a model that another program trained or saved. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = "Makes a model that transformers saved a run of a study, to be measured or trained further.")
final class ImportCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "DIR",
      description = "Folder with config.json and model.safetensors, or with several files of weights and their index.")
  private Path directory;

  @Option(
      names = "--study",
      paramLabel = "SPEC",
      description = "Study file (YAML) with the corpus and the model. Default: the one in the folder, if 'knowcap export'"
          + " wrote it.")
  private Optional<Path> study;

  @Option(
      names = "--run",
      paramLabel = "NAME",
      description = "Which run of the study it is, if several have such a model.")
  private Optional<String> run;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the study to make, new or empty.")
  private Path out;

  @Override
  public Integer call() throws Exception {
    PrintWriter console = command.commandLine().getOut();
    HuggingFaceFolder.Imported imported = HuggingFaceFolder.read(directory, study, run, out);
    console.println(imported.spec().name() + ": weights in " + imported.run());
    if (!imported.vocabularyChecked()) {
      console.println("note: " + directory
          + " has no tokenizer.json; its tokens are taken to be numbered as the" + " corpus's");
    }
    if (imported.padding() > 0) {
      console.println("note: the embedding's last " + Units.count(imported.padding())
          + " rows belong to no token of the corpus and are left out; the probability that they took goes to the"
          + " others");
    }
    if (imported.spec().model().lowRank().isPresent()) {
      console.println(
          "note: the run's adapters are part of the folder's weights and stay so: these are the run's frozen"
              + " weights here, and its adapters begin anew and add nothing to them");
    }
    console.println("measure it: knowcap measure " + imported.run());
    return 0;
  }
}
