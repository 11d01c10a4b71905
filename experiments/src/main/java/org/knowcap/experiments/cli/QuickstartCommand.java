package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.report.Findings;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a whole study, from corpus to chart, in minutes. */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    description = "Generates small corpora, trains models on them, measures the bits they hold, and draws the chart:"
        + " the study in experiments/studies/quickstart.yaml.")
final class QuickstartCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "runs/quickstart",
      description = "Directory of the study. Default: ${DEFAULT-VALUE}")
  private Path directory;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = command.commandLine().getOut();
    StudyFolder study = StudyFolder.create(directory, studyFile());
    StudyReport measured = new StudyRun(command, study, Optional.empty(), 1, 1).execute();
    out.println();
    Findings.of(measured.results().results()).forEach(sentence -> out.println(wrapped(sentence)));
    out.println();
    out.println("Open " + measured.page().toAbsolutePath().toUri() + " to see the chart.");
    return 0;
  }

  /** The sentence in lines of at most 100 characters, broken between words. */
  private static String wrapped(String sentence) {
    return sentence.replaceAll("(.{1,100})(?: +|$)", "$1\n").stripTrailing();
  }

  private static Path studyFile() throws IOException {
    Path folder = Files.createTempDirectory("knowcap");
    Path file = folder.resolve("quickstart.yaml");
    file.toFile().deleteOnExit();
    folder.toFile().deleteOnExit();
    try (InputStream study = QuickstartCommand.class.getResourceAsStream("/studies/quickstart.yaml")) {
      Files.copy(study, file, StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }
}
