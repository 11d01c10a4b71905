package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.CorpusSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.export.CorpusExport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Corpus files. */
@Command(name = "generate", mixinStandardHelpOptions = true, description = "Writes a study's corpus to files: biographies.jsonl with knowledge spans, tokens.bin (16-bit"
    + " little-endian ids), vocab.json, and manifest.json with bits by part and checksums.", subcommands = {
        BioRPromptsCommand.class, BioRRewriteCommand.class})
final class GenerateCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  // Neither is declared as required: then the subcommands would ask for them too.
  @Parameters(paramLabel = "SPEC", arity = "0..1", description = "Study file (YAML).")
  private Path spec;

  @Option(names = "--out", paramLabel = "DIR", description = "Directory for the files.")
  private Path directory;

  @Option(names = "--people", paramLabel = "N", description = "Which of the study's corpus sizes, if it has several.")
  private Optional<Long> people;

  @Option(names = "--seed", paramLabel = "S", description = "Which of the study's seeds, if it has several.")
  private Optional<Long> seed;

  @Option(names = "--exposures", paramLabel = "E", description = "How often each person is written. Default: once.")
  private long exposures = 1;

  @Override
  public Integer call() throws Exception {
    if (spec == null || directory == null) {
      throw new ParameterException(command.commandLine(), "Missing "
          + (spec == null ? "required parameter: 'SPEC'" : "required option: '--out=DIR'"));
    }
    if (exposures < 1) {
      throw UserException.usage("--exposures must be at least 1, found " + exposures);
    }
    Study study = StudyReader.read(spec);
    long n = choose("--people", people, study.corpora().stream().map(CorpusSpec::people).toList());
    CorpusSpec chosen = study.corpora().stream().filter(each -> each.people() == n).findFirst().orElseThrow();
    Source corpus = switch (chosen) {
      case CorpusSpec.SourceSpec source -> source.corpus(choose("--seed", seed, study.seeds()));
      case CorpusSpec.MixtureSpec _,CorpusSpec.RevisedSpec _ -> throw UserException.usage(spec
          + ": a mixture or a revised corpus is a stream of windows, not of texts; write its sources by themselves");
    };
    new CorpusExport(corpus, exposures).write(directory, items -> {});
    PrintWriter out = command.commandLine().getOut();
    chosen.notices().forEach(out::println);
    out.println(
        corpus.name() + ": " + Units.count(corpus.people() * exposures) + " biographies, vocabulary of "
            + Units.count(corpus.vocabulary().size()) + " tokens");
    corpus.bits().parts()
        .forEach(part -> out.println("  " + part.name() + ": " + Units.bits(part.totalBits())));
    out.println("  all: " + Units.bits(corpus.bits().totalBits()));
    out.println("in " + directory);
    return 0;
  }

  private long choose(String option, Optional<Long> chosen, List<Long> offered) {
    if (chosen.isEmpty() && offered.size() > 1) {
      throw UserException.usage(spec + " has several values for " + option + ": " + offered + "; choose one");
    }
    if (chosen.isPresent() && !offered.contains(chosen.get())) {
      throw UserException
          .usage(option + " must be one of the study's " + offered + ", found " + chosen.get());
    }
    return chosen.orElse(offered.getFirst());
  }
}
