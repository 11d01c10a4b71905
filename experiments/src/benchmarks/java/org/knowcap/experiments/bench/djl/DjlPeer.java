package org.knowcap.experiments.bench.djl;

import ai.djl.engine.Engine;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import org.knowcap.experiments.bench.PeerTask;
import org.knowcap.experiments.study.Json;

/** PyTorch on the CPU through DJL, as a process that {@code knowcap bench cpu} asks turn by turn. */
public final class DjlPeer {
  private DjlPeer() {}

  /** Trains the {@link PeerTask} of a folder while asked to by lines of standard input. */
  public static void main(String[] arguments) throws Exception {
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Path folder = Path.of(arguments[0]);
    PeerTask task = PeerTask.read(folder);
    System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(task.threads()));
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
    try (DjlTraining training = new DjlTraining(task, folder)) {
      List<Float> losses = new ArrayList<>();
      for (int step = 0; step < task.checkedSteps(); step++) {
        losses.add(training.step());
      }
      answers.println(Json.MAPPER.writeValueAsString(Map.of("mode", "fp32", "losses", losses)));
      answers.println(Json.MAPPER.writeValueAsString(
          Map.of("ready", "PyTorch " + Engine.getEngine("PyTorch").getVersion() + " through DJL")));
      Scanner questions = new Scanner(System.in, StandardCharsets.UTF_8);
      while (questions.hasNext()) {
        questions.next();
        double rate = rate(training, task, Double.parseDouble(questions.next()));
        answers.println(Json.MAPPER.writeValueAsString(Map.of("tokens_per_second", rate)));
      }
    }
  }

  private static double rate(DjlTraining training, PeerTask task, double seconds) {
    long began = System.nanoTime();
    long steps = 0;
    double elapsed = 0;
    while (elapsed < seconds) {
      training.step();
      steps++;
      elapsed = (System.nanoTime() - began) / 1e9;
    }
    return steps * (double) task.windows() * task.length() / elapsed;
  }
}
