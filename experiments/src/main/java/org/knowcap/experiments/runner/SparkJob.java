package org.knowcap.experiments.runner;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.knowcap.experiments.UserException;

/**
 * One call of spark-submit: a command is run once for each line of a table, as a task of Spark, with the line's words behind
 * it. The command runs in a process of its own beside Spark's executor, with this program's Java and class path, whatever Java
 * Spark itself runs on.
 *
 * @param name of the job, for people
 * @param table file with a line for each task
 * @param command what each task runs
 * @param threads cores of a task
 * @param gpu whether each task has a GPU
 * @param request what the user asks for
 */
record SparkJob(String name, Path table, List<String> command, int threads, boolean gpu,
    SparkRequest request) {
  /** The program inside Spark, of the module that the profile 'spark' adds. */
  private static final String PROGRAM = "org.knowcap.spark.SparkTasks";
  /** A lost executor costs each of its tasks a try, however innocent. */
  private static final int MOST_TRIES = 20;
  private static final Pattern ENDED = Pattern.compile("knowcap-task (\\d+) (-?\\d+) (.*)");
  private static final Pattern COMPLAINT = Pattern.compile(
      "(?:Exception in thread \"main\" )?(?:[\\w.$]*\\.)?(\\w+(?:Exception|Error)): (.+)|.* (?:ERROR|FATAL) (.+)|Error: (.+)");
  private static final String NO_RESOURCES = "has not accepted any resources";

  /** Hears of each task that ended. */
  interface Listener {
    /**
     * @param task number of the table's line, from 0
     * @param exitCode of the command
     * @param said the last line that the command printed
     */
    void ended(int task, int exitCode, String said) throws IOException;
  }

  /**
   * The words of the call.
   *
   * @throws UserException where there is no Spark, or this program was built without it
   */
  List<String> words() {
    List<String> words = new ArrayList<>(
        List.of(sparkSubmit(System.getenv()), "--deploy-mode", "client", "--name", name, "--class", PROGRAM));
    request.master().ifPresent(master -> words.addAll(List.of("--master", master)));
    set(words, "spark.task.cpus=" + threads);
    // Two attempts of a run would wait for each other.
    set(words, "spark.speculation=false");
    set(words, "spark.task.maxFailures=" + MOST_TRIES);
    if (gpu) {
      set(words, "spark.task.resource.gpu.amount=1");
      set(words, "spark.executor.resource.gpu.amount=1");
    }
    // After Knowcap's, so that of two alike the user's counts.
    request.settings().forEach(setting -> set(words, setting));
    words.add(jar().toString());
    words.add(table.toAbsolutePath().toString());
    words.add("env");
    ChildProcess.environment(threads)
        .entrySet()
        .stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(variable -> words.add(variable.getKey() + "=" + variable.getValue()));
    words.addAll(command);
    return words;
  }

  private static void set(List<String> words, String setting) {
    words.addAll(List.of("--conf", setting));
  }

  private static String sparkSubmit(Map<String, String> environment) {
    String home = environment.getOrDefault("SPARK_HOME", "");
    if (home.isEmpty()) {
      return "spark-submit";
    }
    Path program = Path.of(home, "bin", "spark-submit");
    if (!Files.isExecutable(program)) {
      throw UserException.failure(
          "SPARK_HOME is " + home + ", but " + program + " is no program; set SPARK_HOME to a Spark 4");
    }
    return program.toString();
  }

  /** The jar that spark-submit gets: it is on the class path where the profile 'spark' was built. */
  private static Path jar() {
    URL program = SparkJob.class.getClassLoader().getResource(PROGRAM.replace('.', '/') + ".class");
    if (program == null || !program.getProtocol().equals("jar")) {
      throw UserException
          .failure("this Knowcap was built without Spark; 'export KNOWCAP_PROFILES=spark', and the"
              + " same command builds it with (docs/launching.md)");
    }
    String place = program.getPath();
    return Path.of(URI.create(place.substring(0, place.indexOf("!/"))));
  }

  /**
   * Runs the job to its end.
   *
   * @param log where Spark's own messages go
   * @param notes hears lines for people
   * @throws UserException where Spark refuses the job or gives it up
   */
  void run(Path log, Listener listener, Consumer<String> notes) throws IOException, InterruptedException {
    Process process = start();
    Thread stop = Thread.ofPlatform().unstarted(process::destroy);
    Runtime.getRuntime().addShutdownHook(stop);
    Messages messages = new Messages(log, notes);
    Thread listening = Thread.ofPlatform().name("spark-messages").start(() -> messages.keep(process));
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher ended = ENDED.matcher(line);
        if (ended.matches()) {
          listener.ended(Integer.parseInt(ended.group(1)), Integer.parseInt(ended.group(2)), ended.group(3));
        }
      }
      int exitCode = process.waitFor();
      listening.join();
      if (exitCode != 0) {
        throw UserException.failure("spark-submit ended with exit code " + exitCode
            + messages.complaint().map(said -> " (" + said + ")").orElse("") + "; see " + log);
      }
    } finally {
      process.destroy();
      try {
        Runtime.getRuntime().removeShutdownHook(stop);
      } catch (IllegalStateException ending) {
        // The hook runs just now.
      }
    }
  }

  private Process start() {
    List<String> words = words();
    try {
      return new ProcessBuilder(words).start();
    } catch (IOException e) {
      throw UserException.failure(words.getFirst()
          + " cannot be started: it is not on this machine's PATH; set SPARK_HOME, or train here with --launcher local");
    }
  }

  /** The call as a line of a shell. */
  String shown() {
    return ShellScript.command(words());
  }

  /** What Spark itself says, on standard error: it goes to a file, and some of it to people. */
  private static final class Messages {
    private final Path log;
    private final Consumer<String> notes;
    private volatile Optional<String> complaint = Optional.empty();

    Messages(Path log, Consumer<String> notes) {
      this.log = log;
      this.notes = notes;
    }

    Optional<String> complaint() {
      return complaint;
    }

    void keep(Process process) {
      boolean noted = false;
      try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8);
          BufferedWriter out = Files.newBufferedWriter(log, StandardOpenOption.CREATE,
              StandardOpenOption.APPEND)) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          out.write(line);
          out.newLine();
          out.flush();
          Matcher matcher = COMPLAINT.matcher(line);
          if (complaint.isEmpty() && matcher.matches()) {
            complaint = Optional.of(text(matcher));
          }
          if (!noted && line.contains(NO_RESOURCES)) {
            noted = true;
            notes.accept(
                "note: no task has begun yet: Spark has no executor with the cores and the memory that are"
                    + " asked for; its page for the cluster, and " + log + ", say more");
          }
        }
      } catch (IOException e) {
        notes.accept("note: " + log + " cannot be written: " + UserException.describe(e));
      }
    }

    private static String text(Matcher matcher) {
      if (matcher.group(1) != null) {
        return matcher.group(1) + ": " + matcher.group(2);
      }
      return matcher.group(3) != null ? matcher.group(3) : matcher.group(4);
    }
  }
}
