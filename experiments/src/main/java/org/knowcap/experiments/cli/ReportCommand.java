package org.knowcap.experiments.cli;

import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.report.FailedRun;
import org.knowcap.analysis.report.Provenance;
import org.knowcap.analysis.report.ReportPage;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the charts and the page of a study. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes results.csv and report/ (charts as SVG and PNG, a page) from the runs of a study that are done; or"
        + " with --out one page of several studies and tables.")
final class ReportCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "DIR|CSV",
      arity = "1..*",
      description = "Directory of a study; with --out also several, and tables that were written before.")
  private List<Path> sources;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory of the page. Default: report/ in the study's.")
  private Optional<Path> directory;

  @Override
  public Integer call() throws Exception {
    ResultsSources read = ResultsSources.read(sources);
    command.commandLine()
        .getOut()
        .println(directory.isPresent() ? together(read, directory.get()) : ofStudy(read));
    read.notes().forEach(note -> Knowcap.note(command, note));
    return 0;
  }

  private static Path ofStudy(ResultsSources read) throws Exception {
    if (read.studies().size() != 1 || !read.tables().isEmpty()) {
      throw UserException
          .usage("a report on tables or several studies needs --out DIR, where its page is written");
    }
    StudyReport study = read.studies().getFirst();
    try {
      Path page = study.writePage();
      study.writeResults();
      return page;
    } catch (FileSystemException e) {
      if (RunFolder.isReadOnly(e)) {
        throw UserException
            .failure(study.page() + " cannot be written: the folder is for reading only; give --out DIR");
      }
      throw e;
    }
  }

  private Path together(ResultsSources read, Path out) throws Exception {
    if (read.results().results().isEmpty()) {
      throw UserException.failure("there is no finished run to report on in "
          + sources.stream().map(Path::toString).collect(Collectors.joining(", ")));
    }
    String title = Stream.concat(read.studies().stream().map(StudyReport::name),
        read.tables()
            .stream()
            .map(table -> table.toAbsolutePath().normalize().resolveSibling("").getFileName() + "/"
                + table.getFileName()))
        .distinct()
        .collect(Collectors.joining(", "));
    List<FailedRun> failed = read.studies().stream().flatMap(study -> study.failed().stream()).toList();
    try {
      new ReportPage(title, read.results().results(), read.results().rounded(), failed,
          read.studies().stream().flatMap(study -> study.cautions().stream()).distinct().toList(),
          provenance(read)).write(out);
    } catch (ResultsException e) {
      throw UserException.failure(e.getMessage());
    }
    return out.resolve("index.html");
  }

  private static Provenance provenance(ResultsSources read) {
    Map<String, String> entries = new LinkedHashMap<>();
    read.studies()
        .forEach(study -> study.provenance()
            .entries()
            .forEach((what, value) -> entries.put(study.name() + ", " + what, value)));
    read.tables()
        .forEach(
            table -> entries.put("table " + table, "read as it is; it does not say where its runs were"));
    return new Provenance(entries);
  }
}
