package org.knowcap.experiments.cli;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.ClusterRequest;
import org.knowcap.experiments.runner.KubernetesLauncher;
import org.knowcap.experiments.runner.Launcher;
import org.knowcap.experiments.runner.SlurmLauncher;
import org.knowcap.experiments.runner.SlurmRequest;
import org.knowcap.experiments.runner.SparkRequest;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of 'knowcap run' that depend on where runs are trained. */
final class LauncherOptions {
  /** Where runs are trained. */
  enum Where {
    LOCAL, SLURM, SPARK, KUBERNETES;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Reads one from the command line. */
    static final class Converter implements ITypeConverter<Where> {
      @Override
      public Where convert(String text) {
        return Arrays.stream(values())
            .filter(where -> where.toString().equals(text))
            .findFirst()
            .orElseThrow(() -> new TypeConversionException(
                "expected local, slurm, spark or kubernetes, found '" + text + "'"));
      }
    }
  }

  private static final Map<String, Set<Where>> MEANT_FOR = Map.ofEntries(
      Map.entry("--time", EnumSet.of(Where.SLURM)), Map.entry("--partition", EnumSet.of(Where.SLURM)),
      Map.entry("--array-limit", EnumSet.of(Where.SLURM)), Map.entry("--sbatch", EnumSet.of(Where.SLURM)),
      Map.entry("--memory", EnumSet.of(Where.SLURM, Where.SPARK, Where.KUBERNETES)),
      Map.entry("--master", EnumSet.of(Where.SPARK)), Map.entry("--conf", EnumSet.of(Where.SPARK)),
      Map.entry("--workers", EnumSet.of(Where.LOCAL, Where.SLURM, Where.KUBERNETES)),
      Map.entry("--image", EnumSet.of(Where.KUBERNETES)), Map.entry("--claim", EnumSet.of(Where.KUBERNETES)),
      Map.entry("--minutes", EnumSet.of(Where.LOCAL)));

  @Option(
      names = "--time",
      paramLabel = "LIMIT",
      description = "Slurm: time limit of a task, as minutes, HH:MM:SS or D-HH:MM:SS. A task that reaches it is put back in"
          + " the queue and goes on from its checkpoint. Default: the partition's.")
  private Optional<String> time;

  @Option(
      names = "--partition",
      paramLabel = "NAME",
      description = "Slurm: partition. Default: the cluster's.")
  private Optional<String> partition;

  @Option(
      names = "--array-limit",
      paramLabel = "K",
      description = "Slurm: most tasks of an array; more runs make several arrays. Default: the cluster's MaxArraySize.")
  private Optional<Integer> arrayLimit;

  @Option(
      names = "--sbatch",
      paramLabel = "OPTION",
      description = "Slurm: another option of sbatch, such as \"--account=x\". May be given several times.")
  private List<String> sbatch = List.of();

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description = "Memory of a task, such as 8G or 500M. Default: the cluster's.")
  private Optional<String> memory;

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "Kubernetes: container image that has knowcap on its PATH.")
  private Optional<String> image;

  @Option(
      names = "--claim",
      paramLabel = "NAME",
      description = "Kubernetes: PersistentVolumeClaim of the volume that is mounted as the study's directory.")
  private Optional<String> claim;

  @Mixin
  private SparkOptions spark;

  @Option(
      names = "--dry-run",
      description = "Show what would be trained, and do nothing. For a cluster: write and print what would be submitted, and"
          + " submit nothing.")
  private boolean dryRun;

  /**
   * Refuses options of another launcher.
   *
   * @throws UserException naming the option and the launchers that it is for
   */
  void requireMeant(CommandSpec command, Where where) {
    MEANT_FOR.keySet().stream().sorted().forEach(option -> {
      if (!MEANT_FOR.get(option).contains(where)
          && command.commandLine().getParseResult().hasMatchedOption(option)) {
        throw UserException.usage(option + " is for "
            + MEANT_FOR.get(option)
                .stream()
                .map(launcher -> "--launcher " + launcher)
                .collect(Collectors.joining(" or "))
            + ", found --launcher " + where + hint(option, where));
      }
    });
    if (where == Where.KUBERNETES && !dryRun) {
      throw UserException.usage("--launcher kubernetes only writes a file for kubectl; add --dry-run");
    }
  }

  private static String hint(String option, Where where) {
    if (where == Where.SPARK && option.equals("--workers")) {
      return "; as many tasks run at a time as the cluster has cores for";
    }
    return where == Where.SLURM && option.equals("--minutes") ? "; --time limits a task of Slurm's" : "";
  }

  /** Whether nothing is to be trained or submitted. */
  boolean dryRun() {
    return dryRun;
  }

  /**
   * The cluster to submit to, with the options judged before anything is written.
   *
   * @return makes the launcher of a study, with who hears its lines
   * @throws UserException where an option has a wrong value, or is missing
   */
  BiFunction<StudyFolder, Consumer<String>, Launcher> cluster(Where where, ClusterRequest request) {
    return switch (where) {
      case LOCAL, SPARK -> throw new IllegalArgumentException("'knowcap run' waits for the end on " + where);
      case SLURM -> {
        SlurmRequest slurm = new SlurmRequest(time, partition, arrayLimit, sbatch);
        yield (study, out) -> new SlurmLauncher(study, request, slurm, dryRun, out);
      }
      case KUBERNETES -> {
        String container = required("--image", image);
        String volume = required("--claim", claim);
        yield (study, out) -> new KubernetesLauncher(study, request, container, volume, out);
      }
    };
  }

  /** What is asked of Spark. */
  SparkRequest spark() {
    return spark.request();
  }

  /** What the tasks of a cluster ask for. */
  ClusterRequest request(int threads, int concurrent, Optional<Integer> workers) {
    return new ClusterRequest(threads, concurrent, workers, memory);
  }

  private static String required(String option, Optional<String> value) {
    return value
        .orElseThrow(() -> UserException.usage(option + " is missing, which --launcher kubernetes needs"));
  }
}
