package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.Locale;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import picocli.CommandLine;

/**
 * The command line in the tests' own process, which saves a second of each command that reads or refuses something.
 * {@link org.knowcap.experiments.KnowcapProcess} is for commands that train, write to {@code System.out}, or are killed.
 */
public final class InProcess {
  private InProcess() {}

  /** Runs {@code knowcap} with these arguments. */
  public static Outcome run(Object... arguments) {
    // As main does.
    Locale.setDefault(Locale.ROOT);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Knowcap.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    int exitCode = line.execute(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  /** Runs {@code knowcap} with these arguments; it must end well. */
  public static Outcome succeeds(Object... arguments) {
    Outcome outcome = run(arguments);
    assertEquals(0, outcome.exitCode(), () -> Arrays.toString(arguments) + ": " + outcome);
    return outcome;
  }
}
