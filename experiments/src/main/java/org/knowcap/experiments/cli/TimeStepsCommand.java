package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.study.CountedCorpora;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.InitialParameters;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;

/** Times a few steps of every model of a study, for 'knowcap plan', with the threads that a worker would have. */
@Command(
    name = "time-steps",
    mixinStandardHelpOptions = true,
    hidden = true,
    description = "Prints the seconds that a step of each run takes, as one JSON object.")
final class TimeStepsCommand implements Callable<Integer> {
  /** Least length of a stretch of steps that is timed. */
  private static final double LEAST_SECONDS = 1;
  /**
   * Least number of stretches. Java compiles the loops while they run, so stretches are timed until one is not much
   * faster than the last.
   */
  private static final int LEAST_STRETCHES = 3;
  private static final int MOST_STRETCHES = 10;
  private static final double MUCH_FASTER = 0.9;
  private static final int LEAST_STEPS = 3;

  @Parameters(paramLabel = "SPEC", description = "Study file (YAML).")
  private Path spec;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of each run. Default: ${DEFAULT-VALUE}")
  private int threads;

  /**
   * Times steps in a process of its own. Returns the seconds of a step by the name of the run; runs whose engine is
   * missing here are left out.
   */
  static Map<String, Double> start(CommandSpec command, Path spec, int threads)
      throws IOException, InterruptedException {
    OwnProcess.Answer answer = OwnProcess.ask(command, threads,
        List.of("time-steps", spec.toString(), "--threads", Integer.toString(threads)));
    if (answer.exitCode() != 0) {
      throw UserException.failure("timing this machine's steps failed, see above");
    }
    return Json.MAPPER.readValue(answer.output(), new TypeReference<Map<String, Double>>() {
    });
  }

  @Override
  public Integer call() {
    PrintStream answer = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Map<List<Object>, Double> byShape = new HashMap<>();
    Map<String, Double> byRun = new LinkedHashMap<>();
    try {
      CountedCorpora corpora = new CountedCorpora();
      for (RunSpec run : StudyReader.read(spec).runs()) {
        Corpus corpus = corpora.of(run);
        byRun.put(run.name(),
            byShape.computeIfAbsent(
                List.of(run.model(), RunSpec.ids(corpus), run.training().batchSize(),
                    run.training().contextLength(), run.training().precision(), run.training().updateRule()),
                key -> stepSeconds(run, corpus)));
      }
    } catch (EngineUnavailableException e) {
      // A study for another machine: what else is known of it can still be shown.
      System.err.println("knowcap: " + e.getMessage() + "; so times are unknown");
    }
    answer.println(Json.MAPPER.writeValueAsString(byRun));
    return 0;
  }

  private double stepSeconds(RunSpec run, Corpus corpus) {
    Program program = run.program(corpus);
    int[] tokens = new int[program.stepRows()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = i % program.vocabulary();
    }
    try (Session session = Run.engine(run)
        .compile(program, new Execution(threads, run.training().precision()))) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, run.weightsSeed())));
      double last = steps(session, tokens);
      for (int stretch = 2; stretch <= MOST_STRETCHES; stretch++) {
        double next = steps(session, tokens);
        if (stretch >= LEAST_STRETCHES && next > MUCH_FASTER * last) {
          return Math.min(next, last);
        }
        last = next;
      }
      return last;
    }
  }

  private static double steps(Session session, int[] tokens) {
    long began = System.nanoTime();
    double seconds = 0;
    int steps = 0;
    while (steps < LEAST_STEPS || seconds < LEAST_SECONDS) {
      session.step(tokens, tokens, 1e-4, ++steps);
      session.loss();
      seconds = (System.nanoTime() - began) / 1e9;
    }
    return seconds / steps;
  }
}
