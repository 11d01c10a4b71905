package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.watch.WatchServer;
import org.knowcap.experiments.watch.WatchedStudy;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Serves a live page on a study. */
@Command(
    name = "watch",
    mixinStandardHelpOptions = true,
    description = "Serves a live page on a study to this machine's browsers: loss curves, tokens a second, time left, the state of each run,"
        + " and the law's chart as it grows. It only reads the study's files, and ends with Ctrl-C.")
final class WatchCommand implements Callable<Integer> {
  private static final int MOST_PORT = 65_535;

  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study, or a copy of it.")
  private Path directory;

  @Option(
      names = "--port",
      paramLabel = "P",
      defaultValue = "8405",
      description = "Port on loopback (127.0.0.1); 0 for any that is free. Default: ${DEFAULT-VALUE}")
  private int port;

  @Override
  public Integer call() throws Exception {
    if (port < 0 || port > MOST_PORT) {
      throw UserException.usage("--port must be from 0 to " + MOST_PORT + ", found " + port);
    }
    WatchedStudy study = new WatchedStudy(directory);
    try (WatchServer server = WatchServer.start(study, port)) {
      PrintWriter out = command.commandLine().getOut();
      out.println("watching " + directory + " at " + server.address() + " (Ctrl-C ends it)");
      out.flush();
      // Until the process is stopped.
      new CountDownLatch(1).await();
    }
    return 0;
  }
}
