package org.knowcap.experiments.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.Worker;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;

/**
 * What a command starts this program again for, done by a thread of the tests' own process. There the engine's loops have been
 * compiled, which costs a worker process eight seconds of processor time.
 */
final class ThreadProcess extends Process {
  private final PipedInputStream output = new PipedInputStream(1 << 16);
  private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
  private final Optional<Path> log;
  private final StringBuffer errors = new StringBuffer();
  private volatile Runnable stop = () -> {};

  private ThreadProcess(Optional<Path> log) {
    this.log = log;
  }

  /** A {@link org.knowcap.experiments.runner.ChildProcess.Starter}. */
  static Process start(int threads, List<String> arguments, Map<String, String> environment,
      Optional<Path> log) throws IOException {
    ThreadProcess process = new ThreadProcess(log);
    PrintStream out = new PrintStream(new PipedOutputStream(process.output), true, StandardCharsets.UTF_8);
    Thread.ofPlatform().daemon().name(arguments.getFirst()).start(() -> {
      int code = UserException.FAILURE;
      try (out) {
        code = process.execute(threads, arguments, out);
      } catch (UserException e) {
        process.complain("knowcap: " + e.getMessage() + "\n");
        code = e.exitCode();
      } catch (Exception e) {
        process.complain("knowcap: " + e + "\n");
      } finally {
        process.exitCode.complete(code);
      }
    });
    return process;
  }

  private int execute(int threads, List<String> arguments, PrintStream out)
      throws IOException, InterruptedException {
    switch (arguments.getFirst()) {
      case "worker" -> {
        StudyFolder study = StudyFolder.open(Path.of(arguments.get(1)));
        int concurrent = Integer.parseInt(arguments.get(arguments.indexOf("--concurrent") + 1));
        Worker.Order order = arguments.contains("--cheapest-first")
            ? Worker.Order.CHEAPEST_FIRST
            : Worker.Order.COSTLIEST_FIRST;
        Worker worker = new Worker(study, threads, concurrent, order,
            event -> out.println(Json.MAPPER.writeValueAsString(event)));
        stop = worker::stop;
        worker.work(study.study().runs());
        return 0;
      }
      case "time-steps" -> {
        // The real command times each shape of step for three seconds. What is made of the times is tested with these.
        out.println(Json.MAPPER.writeValueAsString(StudyReader.read(Path.of(arguments.get(1)))
            .runs()
            .stream()
            .collect(Collectors.toMap(RunSpec::name, _ -> 1e-3))));
        return 0;
      }
      default -> {
        Outcome outcome = InProcess.run(arguments.toArray());
        out.print(outcome.out());
        complain(outcome.err());
        return outcome.exitCode();
      }
    }
  }

  private void complain(String text) {
    errors.append(text);
    log.ifPresent(file -> {
      try {
        Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
  }

  @Override
  public OutputStream getOutputStream() {
    return OutputStream.nullOutputStream();
  }

  @Override
  public InputStream getInputStream() {
    return output;
  }

  /** All that it says, after its end. */
  @Override
  public InputStream getErrorStream() {
    exitCode.join();
    return new ByteArrayInputStream(errors.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int waitFor() {
    return exitCode.join();
  }

  @Override
  public int exitValue() {
    if (!exitCode.isDone()) {
      throw new IllegalThreadStateException("has not ended");
    }
    return exitCode.join();
  }

  /** As SIGTERM does, ends a worker after the present step of each run. */
  @Override
  public void destroy() {
    stop.run();
  }
}
