package org.knowcap.experiments.runner;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import tools.jackson.core.JacksonException;

/**
 * Trains on this machine: starts worker processes for a study and reads their events. Each worker has a process of its own, with its own
 * threads and memory. If one dies in native code, only its present runs are lost, and they are marked as failed.
 */
public final class LocalLauncher implements Launcher {
  /** Exit codes after SIGINT and SIGTERM: the run is not marked as failed, and can continue later. */
  private static final Set<Integer> STOPPED_BY_THE_USER = Set.of(130, 143);

  private final StudyFolder study;
  private final int workers;
  private final int threads;
  private final int concurrent;
  private final List<String> gpus;
  private final Optional<Duration> limit;
  private final ChildProcess.Starter starter;
  private final StudyListener listener;
  private final Set<Process> living = ConcurrentHashMap.newKeySet();
  private volatile boolean timeIsUp;

  /** Receives the events of workers; several threads call it, one at a time. */
  public interface StudyListener {
    void onEvent(WorkerEvent event);
  }

  /**
   * @param workers processes at a time
   * @param threads of each run, for its engine's native libraries
   * @param concurrent runs at a time in each process
   * @param gpus that are dealt out to the workers; with fewer than two, each worker sees what this process sees
   * @param limit after which runs write a checkpoint and stop; the cheapest runs are then first
   * @param starter of the workers
   */
  public LocalLauncher(StudyFolder study, int workers, int threads, int concurrent, List<String> gpus,
      Optional<Duration> limit, ChildProcess.Starter starter, StudyListener listener) {
    this.study = study;
    this.workers = workers;
    this.threads = threads;
    this.concurrent = concurrent;
    this.gpus = List.copyOf(gpus);
    this.limit = limit;
    this.starter = starter;
    this.listener = listener;
  }

  /** Runs all runs that are not done, and waits for them. */
  @Override
  public void launch(List<RunStatus> states) throws IOException, InterruptedException {
    for (RunStatus status : states) {
      if (status.state() instanceof RunState.Failed) {
        study.runFolder(status.name()).clearFailure();
      }
    }
    List<Thread> supervised = new ArrayList<>();
    for (int i = 1; i <= needed(states); i++) {
      int number = i;
      supervised.add(Thread.ofPlatform().name("worker-" + number).start(() -> supervise(number)));
    }
    Thread clock = Thread.ofPlatform().daemon().name("time-limit").unstarted(this::stopInTime);
    if (limit.isPresent()) {
      clock.start();
    }
    for (Thread thread : supervised) {
      thread.join();
    }
    clock.interrupt();
  }

  /** Workers that have something to do. */
  private long needed(List<RunStatus> states) {
    long open = states.stream().filter(status -> !(status.state() instanceof RunState.Done)).count();
    return Math.min(workers, (open + concurrent - 1) / concurrent);
  }

  /** When the time is up, asks the workers to end; a worker then writes the checkpoints of its runs. */
  private void stopInTime() {
    try {
      Thread.sleep(limit.orElseThrow());
      timeIsUp = true;
      living.forEach(Process::destroy);
    } catch (InterruptedException allEndedBefore) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a worker, and a new one each time that a worker dies during a run. */
  private void supervise(int number) {
    String name = "worker " + number;
    try {
      boolean again = true;
      while (again && !timeIsUp) {
        Set<String> current = ConcurrentHashMap.newKeySet();
        Path log = study.path().resolve("logs").resolve("worker-" + number + ".log");
        int exitCode = listen(start(number, log), current);
        again = false;
        if (exitCode != 0 && !timeIsUp && !STOPPED_BY_THE_USER.contains(exitCode)) {
          String reason = "its process died with exit code " + exitCode + "; see " + log;
          if (current.isEmpty()) {
            hear(new WorkerEvent.Failed(name, reason));
          }
          for (String run : current) {
            remember(run, reason);
            hear(new WorkerEvent.Failed(run, reason));
            again = true;
          }
        }
      }
    } catch (IOException e) {
      hear(new WorkerEvent.Failed(name, UserException.describe(e)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void remember(String run, String reason) {
    try {
      study.runFolder(run).writeFailure(reason, false);
    } catch (IOException e) {
      // A full disk, say: the run counts as interrupted, and goes on at the next start.
    }
  }

  private void hear(WorkerEvent event) {
    synchronized (listener) {
      listener.onEvent(event);
    }
  }

  private Process start(int number, Path log) throws IOException {
    Files.createDirectories(log.getParent());
    List<String> command = new ArrayList<>(List.of("worker", study.path().toString(), "--while-input",
        "--events", "--threads", Integer.toString(threads), "--concurrent", Integer.toString(concurrent)));
    if (limit.isPresent()) {
      command.add("--cheapest-first");
    }
    Map<String, String> environment = gpus.size() > 1
        ? Map.of(Gpus.VISIBLE, gpus.get((number - 1) % gpus.size()))
        : Map.of();
    Process process = starter.start(threads, command, environment, Optional.of(log));
    living.add(process);
    if (timeIsUp) {
      process.destroy();
    }
    return process;
  }

  /** Passes on a worker's events until it ends. */
  private int listen(Process process, Set<String> current) throws IOException, InterruptedException {
    try (BufferedReader lines = new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("{")) {
          WorkerEvent event = parse(line);
          boolean over = event instanceof WorkerEvent.Finished || event instanceof WorkerEvent.Failed;
          if (over) {
            current.remove(event.run());
          } else {
            current.add(event.run());
          }
          hear(event);
        }
      }
      return process.waitFor();
    } finally {
      process.destroy();
      living.remove(process);
    }
  }

  private static WorkerEvent parse(String line) throws IOException {
    try {
      return Json.MAPPER.readValue(line, WorkerEvent.class);
    } catch (JacksonException e) {
      throw new IOException("a worker printed a line that is not an event: " + line, e);
    }
  }
}
