package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.knowcap.experiments.Spelling;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.Provenances;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.generators.bior.rewriting.RewritingException;
import org.knowcap.generators.export.ExportException;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.UnknownEngineException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/**
 * The {@code knowcap} command. Exit codes: 0 done, 1 something failed, 2 wrong usage or input, 75 the time was up or a run is
 * another process's, and the same command goes on.
 */
@Command(
    name = "knowcap",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Measures how many bits of knowledge a language model stores.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {QuickstartCommand.class, GenerateCommand.class, PlanCommand.class, RunCommand.class,
        StatusCommand.class, WatchCommand.class, CurvesCommand.class, TensorBoardCommand.class,
        ResultsCommand.class, QueryCommand.class, ReportCommand.class, FitCommand.class, CompareCommand.class,
        CapacityCommand.class, LawsCommand.class, MeasureCommand.class, ProbeCommand.class,
        ExportCommand.class, ImportCommand.class, QuantiseCommand.class, EnginesCommand.class,
        CalibrateCommand.class, ModelsCommand.class, BenchCommand.class, CompletionCommand.class,
        WorkerCommand.class, WarmUpCommand.class, TimeStepsCommand.class})
public final class Knowcap {
  private static final int LONGEST_LINE = 1000;

  private final ChildProcess.Starter starter;

  private Knowcap(ChildProcess.Starter starter) {
    this.starter = starter;
  }

  /** The output of --version. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return lines().toArray(String[]::new);
    }

    private List<String> lines() {
      return List.of("knowcap " + Provenances.version(), "commit " + Provenances.commit(),
          "java " + System.getProperty("java.vm.version"));
    }
  }

  public static void main(String[] arguments) {
    // Files and tables must be the same whatever the machine's language is, also where a library writes them.
    Locale.setDefault(Locale.ROOT);
    StandardOutput output = StandardOutput.ofProcess();
    CommandLine line = commandLine();
    line.setOut(output.writer());
    int exitCode = line.execute(arguments);
    line.getOut().flush();
    System.out.flush();
    System.exit(exitCode == 0 && output.failure().isPresent() ? unwritten(output.failure().get()) : exitCode);
  }

  private static int unwritten(IOException failure) {
    // A reader that has seen enough, such as 'head', closes its pipe: that is no news to anybody.
    if (!String.valueOf(failure.getMessage()).contains("Broken pipe")) {
      System.err.println(
          "knowcap: standard output: " + failure.getMessage() + "; what was printed is not complete");
    }
    return UserException.FAILURE;
  }

  static CommandLine commandLine() {
    return commandLine(ChildProcess::start);
  }

  /** @param starter by which commands start this program again */
  static CommandLine commandLine(ChildProcess.Starter starter) {
    CommandLine line = new CommandLine(new Knowcap(starter));
    line.getSubcommands().values().forEach(sub -> sub.getCommandSpec().versionProvider(new Version()));
    line.registerConverter(Path.class, new UserPath());
    line.setExecutionStrategy(parsed -> {
      requireKnownWords(parsed);
      try {
        return new CommandLine.RunLast().execute(parsed);
      } catch (OutOfMemoryError e) {
        line.getErr()
            .println(
                "knowcap: out of memory (" + e.getMessage() + "): the study is too large for it, or a file"
                    + " that is read as a whole has no end; more for Java: KNOWCAP_JAVA_OPTS=-Xmx8g");
        return UserException.FAILURE;
      }
    });
    line.setExecutionExceptionHandler((exception, command, parsed) -> complain(exception, command));
    line.setParameterExceptionHandler((exception, arguments) -> {
      PrintWriter err = exception.getCommandLine().getErr();
      err.println("knowcap: " + shortened(wrong(exception)));
      err.println("Try '" + exception.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
      return UserException.USAGE;
    });
    return line;
  }

  /** What is wrong with a command line. A misspelt word comes first: what is missing may be what it was to give. */
  private static String wrong(CommandLine.ParameterException exception) {
    CommandLine command = exception.getCommandLine();
    List<String> unknown = exception instanceof CommandLine.UnmatchedArgumentException unmatched
        ? unmatched.getUnmatched()
        : command.getUnmatchedArguments();
    if (unknown.isEmpty()) {
      return exception.getMessage();
    }
    String word = unknown.getFirst().split("=", 2)[0];
    boolean option = word.startsWith("-");
    Map<String, String> words = new LinkedHashMap<>();
    for (String each : option
        ? command.getCommandSpec().optionsMap().keySet()
        : visible(command.getSubcommands()).keySet()) {
      words.put(each.replaceFirst("^-+", ""), each);
    }
    String hint = Spelling.closest(word.replaceFirst("^-+", ""), words.keySet())
        .map(closest -> ". Did you mean " + words.get(closest) + "?")
        .orElse("");
    return (exception instanceof CommandLine.UnmatchedArgumentException
        ? exception.getMessage()
        : "Unknown " + (option ? "option" : "argument") + ": '" + word + "'") + hint;
  }

  private static Map<String, CommandLine> visible(Map<String, CommandLine> commands) {
    Map<String, CommandLine> visible = new LinkedHashMap<>(commands);
    visible.values().removeIf(each -> each.getCommandSpec().usageMessage().hidden());
    return visible;
  }

  /** Refuses words that no command takes: picocli lets them pass beside --help and --version. */
  private static void requireKnownWords(ParseResult parsed) {
    ParseResult last = parsed;
    while (true) {
      if (!last.unmatched().isEmpty()) {
        throw new CommandLine.UnmatchedArgumentException(last.commandSpec().commandLine(), last.unmatched());
      }
      if (!last.hasSubcommand()) {
        return;
      }
      last = last.subcommand();
    }
  }

  /** By what a command starts this program again. */
  static ChildProcess.Starter starter(CommandSpec command) {
    return ((Knowcap) command.root().userObject()).starter;
  }

  /** Writes a note beside a command's output to standard error. */
  static void note(CommandSpec command, String text) {
    command.commandLine().getErr().println("note: " + shortened(text));
  }

  /** A message with lines of a readable length: a value of the user's may be as long as a file. */
  private static String shortened(String message) {
    return message == null
        ? "failed without a message"
        : message.lines()
            .map(line -> line.length() <= LONGEST_LINE
                ? line
                : line.substring(0, LONGEST_LINE / 2) + " ... "
                    + line.substring(line.length() - LONGEST_LINE / 2))
            .collect(Collectors.joining("\n"));
  }

  private static int complain(Exception exception, CommandLine command) {
    PrintWriter err = command.getErr();
    switch (exception) {
      case UserException e -> {
        err.println("knowcap: " + shortened(e.getMessage()));
        return e.exitCode();
      }
      case UnknownEngineException e -> {
        err.println("knowcap: " + shortened(e.getMessage()));
        return UserException.USAGE;
      }
      case EngineUnavailableException e -> err.println("knowcap: " + shortened(e.getMessage()));
      case ExportException e -> {
        err.println("knowcap: " + shortened(e.getMessage()));
        return UserException.USAGE;
      }
      case RewritingException e -> {
        err.println("knowcap: " + shortened(e.getMessage()));
        return UserException.USAGE;
      }
      case IOException e -> err.println("knowcap: " + UserException.describe(e));
      case UncheckedIOException e -> err.println("knowcap: " + UserException.describe(e.getCause()));
      default -> {
        err.println(
            "knowcap: internal error. This is a fault of Knowcap's, not of your input. Please report it to the"
                + " project's issue tracker with the command, the study file and the lines below:");
        new Version().lines().forEach(err::println);
        exception.printStackTrace(err);
      }
    }
    return UserException.FAILURE;
  }
}
