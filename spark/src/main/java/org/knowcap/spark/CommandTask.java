package org.knowcap.spark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/**
 * A Spark task that runs a command in a process of its own, and ends that process if it is stopped itself. The process has
 * a standard input that closes when Spark's executor is gone, by which it can tell that nobody waits for it any more.
 */
final class CommandTask implements Function<String, String> {
  private static final long serialVersionUID = 1;
  /** The command's exit code for work that another process has in hand. */
  private static final int LATER = 75;
  private static final int SECONDS_UNTIL_LATER = 10;
  /** Exit codes from here on are signals, such as the one by which Linux ends a process that takes too much memory. */
  private static final int FIRST_SIGNAL = 128;
  private static final int MOST_TRIES = 3;
  private static final int SECONDS_TO_STOP = 25;

  private final ArrayList<String> command;

  CommandTask(ArrayList<String> command) {
    this.command = command;
  }

  /**
   * Runs the command with a line's words behind it.
   *
   * @return the exit code and the last line that the command printed
   * @throws IOException if it was killed by a signal and another try may help
   */
  @Override
  public String call(String line) throws IOException, InterruptedException {
    TaskContext context = TaskContext.get();
    String said = once(context, line);
    while (said.startsWith(LATER + " ")) {
      TimeUnit.SECONDS.sleep(SECONDS_UNTIL_LATER);
      said = once(context, line);
    }
    int code = Integer.parseInt(said.substring(0, said.indexOf(' ')));
    if (code >= FIRST_SIGNAL && context.attemptNumber() + 1 < MOST_TRIES) {
      throw new IOException("the process of " + line + " ended by a signal (exit code " + code + ")");
    }
    return said;
  }

  private String once(TaskContext context, String line) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(command);
    words.addAll(List.of(line.split(" ")));
    ProcessBuilder builder = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT);
    if (context.resourcesJMap().containsKey("gpu")) {
      builder.environment()
          .put("CUDA_VISIBLE_DEVICES", String.join(",", context.resourcesJMap().get("gpu").addresses()));
    }
    Process process = builder.start();
    // Only the wait for the process, not reading from it, ends when Spark stops this task.
    FutureTask<String> last = new FutureTask<>(() -> lastLine(process));
    Thread reader = new Thread(last, "output of a command");
    reader.setDaemon(true);
    reader.start();
    try {
      int code = process.waitFor();
      return code + " " + last.get();
    } catch (ExecutionException e) {
      throw new IOException("cannot read what the process of " + line + " printed", e.getCause());
    } finally {
      process.destroy();
      if (!process.waitFor(SECONDS_TO_STOP, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }

  private static String lastLine(Process process) throws IOException {
    String last = "";
    try (BufferedReader lines = new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String next = lines.readLine(); next != null; next = lines.readLine()) {
        last = next;
      }
    }
    return last;
  }
}
