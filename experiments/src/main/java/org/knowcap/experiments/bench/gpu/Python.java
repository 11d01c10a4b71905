package org.knowcap.experiments.bench.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.Peer;

/** The python3 on the path. */
final class Python {
  private Python() {}

  /**
   * What a script prints.
   *
   * @param command begins with python3
   * @throws UserException where there is no python3, or the script fails; its own message is on standard error
   */
  static String output(List<String> command) throws IOException, InterruptedException {
    Process process;
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
      // ChildProcess gave this process one thread that does not spin; PyTorch is to have what it has by itself.
      Peer.withoutTuning(builder.environment());
      process = builder.start();
    } catch (IOException e) {
      throw UserException
          .failure("there is no python3 on the PATH: install Python 3 with PyTorch and transformers,"
              + " or put its folder there");
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exitCode = process.waitFor();
    if (exitCode != 0) {
      throw UserException.failure("'" + String.join(" ", command) + "' ended with exit code " + exitCode
          + "; its own message is above");
    }
    return output;
  }
}
