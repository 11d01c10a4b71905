package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.ClusterRequest;
import org.knowcap.experiments.runner.Launcher;
import org.knowcap.experiments.runner.SparkLauncher;
import org.knowcap.experiments.runner.SparkRequest;
import org.knowcap.experiments.study.RunSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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

  @Parameters(
      paramLabel = "SPEC",
      description = "Study file (YAML); or the directory of a study, whose own study.yaml is then run there.")
  private Path spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory of the study; needed with a study file. What is done there stays: seeds, models or corpora that"
          + " were added to the file are trained beside it.")
  private Optional<Path> directory;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "Time for training here, the cheapest runs first. What is not done by then is left at a checkpoint for the"
          + " next call, and the exit code is 75. Default: until all is done")
  private Optional<Double> minutes;

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
      description = "Where runs are trained: local, slurm, spark or kubernetes. Default: ${DEFAULT-VALUE}")
  private LauncherOptions.Where where;

  @Mixin
  private LauncherOptions launcher;

  @Option(
      names = "--again",
      paramLabel = "RUN",
      description = "Name of a run whose files are deleted, and that is trained again from the start. May be given several"
          + " times.")
  private List<String> again = List.of();

  @Option(
      names = "--tensorboard",
      description = "Write DIR/tensorboard/ meanwhile: event files for TensorBoard, a folder for each run.")
  private boolean tensorboard;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = command.commandLine().getOut();
    workers.ifPresent(value -> UserException.requireAtLeastOne("--workers", value));
    concurrent.ifPresent(value -> UserException.requireAtLeastOne("--concurrent", value));
    UserException.requireAtLeastOne("--threads", threads);
    minutes.ifPresent(UserException::requireMinutes);
    boolean local = where == LauncherOptions.Where.LOCAL;
    boolean spark = where == LauncherOptions.Where.SPARK;
    if (local && workers.isPresent() && concurrent.isPresent()) {
      throw UserException
          .usage("give --workers, processes with a run each, or --concurrent, runs of one process"
              + " that share a GPU; not both");
    }
    if (tensorboard && !local) {
      throw UserException.usage("--tensorboard is for --launcher local, found --launcher " + where
          + "; wherever a study trains, 'knowcap tensorboard DIR --follow' writes the same");
    }
    launcher.requireMeant(command, where);
    ClusterRequest request = launcher.request(threads, concurrent.orElse(1), workers);
    SparkRequest ofSpark = launcher.spark();
    Optional<BiFunction<StudyFolder, Consumer<String>, Launcher>> cluster = local || spark
        ? Optional.empty()
        : Optional.of(launcher.cluster(where, request));
    Path file = Files.isDirectory(spec) ? StudyFolder.specFile(spec) : spec;
    StudyFolder study = StudyFolder.preview(directory(), file);
    StudyRun.requireSharing(study.study(), concurrent.orElse(1));
    boolean preview = local && launcher.dryRun();
    if (!preview) {
      study.update(file);
    }
    for (String name : again) {
      again(study, study.run(name), preview);
    }
    if (cluster.isPresent()) {
      study.study().notices().forEach(out::println);
      cluster.get().apply(study, out::println).launch(study.states());
      return 0;
    }
    if (spark && launcher.dryRun()) {
      new SparkLauncher(study, request, ofSpark, out::println, _ -> {}).show(study.states());
      return 0;
    }
    StudyRun run = new StudyRun(command, study, workers, threads, concurrent.orElse(1))
        .within(minutes.map(time -> Duration.ofMillis(Math.max(1, Math.round(60e3 * time)))));
    if (spark) {
      run.on("Spark", (listener, notes) -> new SparkLauncher(study, request, ofSpark, notes, listener));
    }
    if (preview) {
      run.preview();
      return 0;
    }
    if (tensorboard) {
      try (EventFollower _ = new EventFollower(study, out)) {
        run.execute();
      }
    } else {
      run.execute();
    }
    out.println("next: 'knowcap results " + study.path() + "' prints the table, 'knowcap query "
        + study.path() + " \"SELECT ...\"' answers questions about it");
    return 0;
  }

  /** Where the study is trained. */
  private Path directory() throws IOException {
    if (!Files.isDirectory(spec)) {
      return directory.orElseThrow(() -> new ParameterException(command.commandLine(),
          "Missing required option: '--out=DIR', the directory of the study"));
    }
    if (!StudyFolder.exists(spec)) {
      throw UserException.usage(spec + " holds no study (no study.yaml in it); give a study file");
    }
    if (directory.isPresent()
        && !(Files.exists(directory.get()) && Files.isSameFile(spec, directory.get()))) {
      throw UserException
          .usage(spec + " is the directory of a study, which is trained there: leave out --out,"
              + " or give a study file");
    }
    return spec;
  }

  private void again(StudyFolder study, RunSpec run, boolean preview) throws IOException {
    if (preview) {
      command.commandLine().getOut().println(run.name() + " would be forgotten, and trained anew");
    } else if (!study.runFolder(run).forget()) {
      throw UserException.failure(run.name() + " is being trained by another process; stop that first");
    }
  }
}
