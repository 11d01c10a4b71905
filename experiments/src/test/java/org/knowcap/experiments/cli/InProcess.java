package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.runner.ChildProcess;
import picocli.CommandLine;

/**
 * The command line in the tests' own process, which saves the start of one. What a command would have other processes do, such as
 * training, is done here too ({@link ThreadProcess}). {@link org.knowcap.experiments.KnowcapProcess} is for commands that write to
 * {@code System.out}, are killed, or must be met as their users meet them.
 */
public final class InProcess {
  private InProcess() {}

  /** Runs {@code knowcap} with these arguments. */
  public static Outcome run(Object... arguments) {
    return run(ThreadProcess::start, arguments);
  }

  /** Runs it so that its workers are processes. */
  public static Outcome runWithWorkers(Object... arguments) {
    return run(ChildProcess::start, arguments);
  }

  private static Outcome run(ChildProcess.Starter starter, Object... arguments) {
    // As main does.
    Locale.setDefault(Locale.ROOT);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Knowcap.commandLine(starter);
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    int exitCode = line.execute(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  /** Trains a study; it must end well. */
  public static void train(Path spec, Path out) {
    succeeds("run", spec, "--out", out);
  }

  /** Runs {@code knowcap} with these arguments; it must end well. */
  public static Outcome succeeds(Object... arguments) {
    Outcome outcome = run(arguments);
    assertEquals(0, outcome.exitCode(), () -> Arrays.toString(arguments) + ": " + outcome);
    return outcome;
  }
}
