package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.Launcher;
import org.knowcap.experiments.study.StudyReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs a study. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = "Trains and measures every run of a study, each in its own folder. Finished runs are skipped,"
        + " interrupted runs continue, and a run that fails does not stop the others.")
final class RunCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "SPEC", description = "Study file (YAML).")
  private Path spec;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(
      names = "--workers",
      paramLabel = "K",
      description = "Runs at a time, a process each. Default: one for each core; with engine: cuda one for each GPU. On a"
          + " cluster: tasks of an array at a time; default: as many as there is room for.")
  private Optional<Integer> workers;

  @Option(
      names = "--concurrent",
      paramLabel = "K",
      description = "Runs at a time in one process that share a GPU; those of the same model train as one. For"
          + " studies with engine: cuda, instead of --workers; where there are several GPUs, on each.")
  private Optional<Integer> concurrent;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of each run, for large models; small ones are fastest on one. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--launcher",
      paramLabel = "WHERE",
      defaultValue = "local",
      converter = LauncherOptions.Where.Converter.class,
      description = "Where runs are trained: local, slurm or kubernetes. Default: ${DEFAULT-VALUE}")
  private LauncherOptions.Where where;

  @Mixin
  private LauncherOptions launcher;

  @Option(
      names = "--again",
      paramLabel = "RUN",
      description = "Name of a run whose files are deleted, and that is trained again from the start. May be given several"
          + " times.")
  private List<String> again = List.of();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = command.commandLine().getOut();
    workers.ifPresent(value -> UserException.requireAtLeastOne("--workers", value));
    concurrent.ifPresent(value -> UserException.requireAtLeastOne("--concurrent", value));
    UserException.requireAtLeastOne("--threads", threads);
    boolean local = where == LauncherOptions.Where.LOCAL;
    if (local && workers.isPresent() && concurrent.isPresent()) {
      throw UserException
          .usage("give --workers, processes with a run each, or --concurrent, runs of one process"
              + " that share a GPU; not both");
    }
    launcher.requireMeant(command, where);
    Optional<BiFunction<StudyFolder, Consumer<String>, Launcher>> cluster = local
        ? Optional.empty()
        : Optional.of(launcher.cluster(where, launcher.request(threads, concurrent.orElse(1), workers)));
    StudyRun.requireSharing(StudyReader.read(spec), concurrent.orElse(1));
    StudyFolder study = StudyFolder.create(directory, spec);
    for (String name : again) {
      if (!study.runFolder(study.run(name)).forget()) {
        throw UserException.failure(name + " is being trained by another process; stop that first");
      }
    }
    if (cluster.isPresent()) {
      study.study().notices().forEach(out::println);
      cluster.get().apply(study, out::println).launch(study.states());
    } else {
      new StudyRun(out, study, workers, threads, concurrent.orElse(1)).execute();
    }
    return 0;
  }
}
