package org.knowcap.experiments.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what a shell needs to complete Knowcap's commands and options. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Prints a script for bash and zsh that completes commands, options and files: source <(./knowcap completion)")
final class CompletionCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Override
  public Integer call() {
    command.commandLine().getOut().print(AutoComplete.bash("knowcap", Knowcap.commandLine()));
    command.commandLine().getOut().flush();
    return 0;
  }
}
