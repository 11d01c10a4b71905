package org.knowcap.experiments.cli;

import org.knowcap.files.Folders;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.SampleStudy;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The launcher runs this command once after a build, so that Java caches the classes of commands that only read. */
@Command(
    name = "warm-up",
    mixinStandardHelpOptions = true,
    hidden = true,
    description = "Makes a study of finished runs with made-up figures and reads it by status, results, curves and"
        + " report.")
final class WarmUpCommand implements Callable<Integer> {
  @Option(names = "--keep", paramLabel = "DIR", description = "Directory for the study, which then stays.")
  private Optional<Path> directory = Optional.empty();

  @Option(
      names = "--seeds",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seeds, 100 runs each. Default: ${DEFAULT-VALUE}")
  private int seeds;

  @Override
  public Integer call() throws IOException {
    UserException.requireAtLeastOne("--seeds", seeds);
    if (directory.isPresent()) {
      return read(directory.get());
    }
    Path temporary = Files.createTempDirectory("knowcap-warm-up");
    try {
      return read(temporary);
    } finally {
      Folders.delete(temporary);
    }
  }

  private int read(Path study) throws IOException {
    SampleStudy.write(study, seeds);
    int worst = 0;
    for (String name : List.of("status", "results", "curves", "report")) {
      CommandLine line = Knowcap.commandLine();
      line.setOut(new PrintWriter(Writer.nullWriter()));
      worst = Math.max(worst, line.execute(name, study.toString()));
    }
    return worst;
  }
}
