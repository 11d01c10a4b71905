package org.knowcap.experiments.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Charts and page. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes results.csv and report/ (chart as SVG and PNG, a page) from the runs that are done.")
final class ReportCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Override
  public Integer call() throws Exception {
    StudyReport report = StudyReport.of(StudyFolder.open(directory));
    Path page = report.writePage();
    report.writeResults();
    command.commandLine().getOut().println(page);
    return 0;
  }
}
