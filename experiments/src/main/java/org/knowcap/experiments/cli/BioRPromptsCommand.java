package org.knowcap.experiments.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Iterator;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.RewritingSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.files.WholeFile;
import org.knowcap.generators.bior.rewriting.Prompt;
import org.knowcap.generators.bior.rewriting.Prompts;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the prompts for the texts of bioR. */
@Command(
    name = "bior-prompts",
    mixinStandardHelpOptions = true,
    description = "Writes the prompts for the texts of a study's bioR, one JSON object a line: person, draft, prompt.")
final class BioRPromptsCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "SPEC",
      description = "Study file (YAML) of kind bioR; its texts need not be there.")
  private Path spec;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "File for the prompts.")
  private Path file;

  @Option(
      names = "--texts",
      paramLabel = "K",
      defaultValue = "41",
      description = "Prompts about each person. One text is kept from training, to be measured. Default: ${DEFAULT-VALUE}")
  private int texts;

  /** The largest number of people in a study; its smaller corpora have the first of these people. */
  static RewritingSpec most(Path spec) {
    return StudyReader.rewritings(spec)
        .stream()
        .max(Comparator.comparing(RewritingSpec::people))
        .orElseThrow();
  }

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--texts", texts);
    RewritingSpec rewriting = most(spec);
    WholeFile.write(file, out -> {
      Iterator<Prompt> prompts = new Prompts(rewriting.who()).all(texts).iterator();
      while (prompts.hasNext()) {
        out.write((prompts.next().line() + "\n").getBytes(StandardCharsets.UTF_8));
      }
    });
    command.commandLine()
        .getOut()
        .println(Units.count(rewriting.people() * texts) + " prompts about " + Units.count(rewriting.people())
            + " people in " + file);
    return 0;
  }
}
