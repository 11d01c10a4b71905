package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.RewritingSpec;
import org.knowcap.generators.bior.rewriting.ChatServer;
import org.knowcap.generators.bior.rewriting.RetryPolicy;
import org.knowcap.generators.bior.rewriting.Rewriting;
import org.knowcap.generators.random.CounterRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks a language model for the texts of bioR. */
@Command(
    name = "bior-rewrite",
    mixinStandardHelpOptions = true,
    description = "Has a language model write the texts of a study's bioR into the file that the study names. A text"
        + " is kept if the name and all values are in it word for word, and asked for again if not. Stopped, the"
        + " same command goes on.")
final class BioRRewriteCommand implements Callable<Integer> {
  private static final String KEY = "OPENAI_API_KEY";
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "SPEC", description = "Study file (YAML) of kind bioR.")
  private Path spec;

  @Option(
      names = "--prompts",
      required = true,
      paramLabel = "FILE",
      description = "Prompts, as 'generate bior-prompts' writes them.")
  private Path prompts;

  @Option(
      names = "--endpoint",
      required = true,
      paramLabel = "URL",
      description = "Server that speaks OpenAI's chat completions, such as http://localhost:8000/v1.")
  private String endpoint;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "NAME",
      description = "Model, as the server calls it.")
  private String model;

  @Option(
      names = "--key-env",
      paramLabel = "VARIABLE",
      description = "Environment variable that holds the API key. Default: " + KEY + ", if it is set.")
  private Optional<String> keyVariable;

  @Option(
      names = "--concurrency",
      paramLabel = "K",
      defaultValue = "8",
      description = "Requests under way at a time. Default: ${DEFAULT-VALUE}")
  private int concurrency;

  @Option(
      names = "--asks",
      paramLabel = "K",
      defaultValue = "10",
      description = "How often a prompt is sent until the answer can be used; then it is given up. Default: ${DEFAULT-VALUE}")
  private int asks;

  @Option(
      names = "--attempts",
      paramLabel = "K",
      defaultValue = "10",
      description = "How often a request that the server fails is sent again, with growing pauses; then the command ends. Default: ${DEFAULT-VALUE}")
  private int attempts;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "300",
      description = "How long an answer may take. Default: ${DEFAULT-VALUE}")
  private int timeout;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--concurrency", concurrency);
    UserException.requireAtLeastOne("--asks", asks);
    UserException.requireAtLeastOne("--attempts", attempts);
    UserException.requireAtLeastOne("--timeout", timeout);
    if (Files.notExists(prompts)) {
      throw UserException.usage(prompts + " is not there; 'knowcap generate bior-prompts' writes it");
    }
    RewritingSpec rewriting = BioRPromptsCommand.most(spec);
    PrintWriter out = command.commandLine().getOut();
    RetryPolicy patience = new RetryPolicy(attempts, FIRST_PAUSE, LONGEST_PAUSE, Duration.ofSeconds(timeout));
    Rewriting.Tally tally;
    try (ChatServer server = UserException.judged(
        () -> new ChatServer(endpoint, model, key(), patience, new CounterRandom(System.nanoTime())))) {
      Rewriting work = new Rewriting(rewriting.who(), server, concurrency, asks);
      long all = work.count(prompts);
      try (RewritingProgress progress = new RewritingProgress(out, all)) {
        tally = work.run(prompts, rewriting.file(), progress);
      }
    }
    out.println(Units.count(tally.kept()) + " texts added to " + rewriting.file());
    if (!tally.again().isEmpty()) {
      out.println("asked again: " + listed(tally.again()));
    }
    out.flush();
    if (tally.lostPrompts() > 0) {
      throw UserException.failure(Units.count(tally.lostPrompts()) + " prompts were given up after " + asks
          + " answers that cannot be used, the last of which: " + listed(tally.lost())
          + "; the same command asks again");
    }
    return 0;
  }

  private Optional<String> key() {
    Optional<String> key = Optional.ofNullable(System.getenv(keyVariable.orElse(KEY)));
    if (keyVariable.isPresent() && key.isEmpty()) {
      throw UserException.usage("--key-env names " + keyVariable.get() + ", which is not set");
    }
    return key;
  }

  private static String listed(Map<String, Long> reasons) {
    return reasons.entrySet()
        .stream()
        .map(each -> each.getKey() + ": " + Units.count(each.getValue()))
        .collect(Collectors.joining("; "));
  }
}
