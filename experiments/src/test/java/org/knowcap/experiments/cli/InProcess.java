package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.Worker;
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

  /**
   * Does what {@code knowcap run} does to its end, for tests that need a trained study. It trains in this process, where earlier
   * tests have had the engine's loops compiled; a worker spends some eight seconds of processor time on that.
   */
  public static void train(Path spec, Path out) throws IOException, InterruptedException {
    StudyFolder study = StudyFolder.create(out, spec);
    new Worker(study, 1, 1, Worker.Order.COSTLIEST_FIRST, _ -> {}).work(study.study().runs());
    succeeds("run", spec, "--out", out);
  }

  /** Runs {@code knowcap} with these arguments; it must end well. */
  public static Outcome succeeds(Object... arguments) {
    Outcome outcome = run(arguments);
    assertEquals(0, outcome.exitCode(), () -> Arrays.toString(arguments) + ": " + outcome);
    return outcome;
  }
}
