package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.tensorboard.TensorBoardFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes what runs have reported as TensorBoard's event files. */
@Command(
    name = "tensorboard",
    mixinStandardHelpOptions = true,
    description = "Writes what the runs of a study have reported, and what they measured, as event files that TensorBoard reads. Only what is"
        + " new is written; 'run --tensorboard' does it while a study trains.")
final class TensorBoardCommand implements Callable<Integer> {
  private static final long BETWEEN_UPDATES_MILLIS = 2000;

  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory of the event files, for tensorboard's --logdir. Default: tensorboard/ in the study's.")
  private Optional<Path> out;

  @Option(names = "--follow", description = "Go on until every run is over.")
  private boolean follow;

  @Override
  public Integer call() throws Exception {
    StudyFolder study = StudyFolder.open(directory);
    Path folder = out.orElse(TensorBoardFolder.of(study));
    try (TensorBoardFolder events = TensorBoardFolder.open(study, folder)) {
      write(events);
    } catch (FileSystemException e) {
      if (RunFolder.isReadOnly(e)) {
        throw UserException
            .failure(folder + " cannot be written: the folder is for reading only; give --out DIR");
      }
      throw e;
    }
    return 0;
  }

  private void write(TensorBoardFolder events) throws IOException, InterruptedException {
    PrintWriter to = command.commandLine().getOut();
    Set<String> said = new HashSet<>();
    TensorBoardFolder.Updated updated = update(events, said);
    if (updated.reported() == 0 && !follow) {
      throw UserException
          .failure(directory + " has no run that has reported yet; see 'knowcap status " + directory + "'");
    }
    to.println(
        "events of " + Units.count(updated.reported()) + (updated.reported() == 1 ? " run: " : " runs: ")
            + events.path() + " (tensorboard --logdir " + events.path() + ")");
    to.flush();
    while (follow && !updated.finished()) {
      Thread.sleep(BETWEEN_UPDATES_MILLIS);
      updated = update(events, said);
    }
  }

  private TensorBoardFolder.Updated update(TensorBoardFolder events, Set<String> said) throws IOException {
    TensorBoardFolder.Updated updated = events.update();
    updated.problems().stream().filter(said::add).forEach(problem -> Knowcap.note(command, problem));
    return updated;
  }
}
