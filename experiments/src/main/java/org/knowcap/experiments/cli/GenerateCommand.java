package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.report.CorpusPage;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.measure.MeasuredTexts;
import org.knowcap.experiments.runner.SparkFiles;
import org.knowcap.experiments.runner.Worker;
import org.knowcap.experiments.study.CorpusRecipe;
import org.knowcap.experiments.study.CorpusSpec;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.StudyCorpora;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.experiments.survey.CorpusSurvey;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.export.CorpusExport;
import org.knowcap.generators.export.ExportSettings;
import org.knowcap.generators.export.Format;
import org.knowcap.generators.export.Manifest;
import org.knowcap.generators.export.TruthFormat;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes corpus files, or describes a corpus. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Writes a study's corpus to files that other programs read, with a table of what is true, vocab.json, and manifest.json"
        + " with bits by part and checksums; or compares such files with what they should be.",
    subcommands = {BioRPromptsCommand.class, BioRRewriteCommand.class})
final class GenerateCommand implements Callable<Integer> {
  private static final int THREADS = Runtime.getRuntime().availableProcessors();

  @Spec
  private CommandSpec command;

  @Parameters(arity = "0..1", paramLabel = "SPEC", description = "Study file (YAML).")
  private Optional<Path> spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory for the files. If an export was interrupted there, the same command goes on.")
  private Optional<Path> out;

  @Option(
      names = "--people",
      paramLabel = "N",
      description = "Which of the study's corpus sizes, if it has several.")
  private Optional<Long> people;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Which of the study's seeds of the corpus, if it has several.")
  private Optional<Long> seed;

  @Option(
      names = "--order-seed",
      paramLabel = "S",
      description = "Which of the seeds of the order that the study has with that seed of the corpus, if it has several.")
  private Optional<Long> orderSeed;

  @Option(
      names = "--exposures",
      paramLabel = "E",
      description = "How often each person is written. Default: once.")
  private long exposures = 1;

  @Option(
      names = "--format",
      split = ",",
      paramLabel = "FORMAT",
      defaultValue = "jsonl",
      description = "One or more of jsonl, parquet, txt, nanogpt, llmc, megatron, with commas. Default: ${DEFAULT-VALUE}")
  private List<String> formats;

  @Option(
      names = "--truth",
      paramLabel = "FORMAT",
      defaultValue = "parquet",
      description = "Table of what is true and where it stands: parquet, jsonl or none. Default: ${DEFAULT-VALUE}")
  private String truth;

  @Option(
      names = "--shard-size",
      paramLabel = "TOKENS",
      description = "About how many tokens go into a file. Default: 20000000")
  private long shardSize = ExportSettings.DEFAULT_SHARD_TOKENS;

  @Option(
      names = "--launcher",
      paramLabel = "WHERE",
      defaultValue = "local",
      converter = LauncherOptions.Where.Converter.class,
      description = "Where files are written: local, or spark, a task for each file. Default: ${DEFAULT-VALUE}")
  private LauncherOptions.Where where;

  @Mixin
  private SparkOptions spark;

  @Option(
      names = "--file",
      hidden = true,
      paramLabel = "NAME",
      description = "For tasks of a cluster: write only this file of an export that another process has begun, and print its entry"
          + " in the manifest as JSON.")
  private Optional<String> file;

  @Option(
      names = "--verify",
      paramLabel = "DIR",
      description = "Write nothing, but make the files of that directory again from its manifest alone, and compare.")
  private Optional<Path> verified;

  @Option(
      names = "--describe",
      description = "Write no corpus, but say what it is: bits, lengths, vocabulary, a text with"
          + " its spans. With --out, as a page with charts too (description.html).")
  private boolean describe;

  @Option(
      names = "--measured",
      description = "Write no corpus, but the texts that a run measures people by, with their spans"
          + " (measured.jsonl), and what the bits are computed from (measured.json).")
  private boolean measured;

  @Option(names = "--json", description = "With --describe: print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (verified.isPresent() && (spec.isPresent() || out.isPresent())) {
      throw UserException
          .usage("--verify takes all from the directory's manifest: give no SPEC and no --out");
    }
    if (measured && (describe || verified.isPresent())) {
      throw UserException.usage("--measured goes with neither --describe nor --verify");
    }
    for (String option : List.of("--format", "--truth", "--shard-size", "--exposures")) {
      if ((measured || describe) && command.commandLine().getParseResult().hasMatchedOption(option)) {
        throw UserException.usage((measured ? "--measured" : "--describe") + " writes no corpus, so that "
            + option + " does not go with it; leave one of them out");
      }
    }
    if (where != LauncherOptions.Where.LOCAL && where != LauncherOptions.Where.SPARK) {
      throw UserException.usage("generate goes with --launcher local or spark, found --launcher " + where);
    }
    if (where == LauncherOptions.Where.SPARK && (measured || describe || verified.isPresent())) {
      throw UserException.usage("--launcher spark is for writing corpus files; leave it out");
    }
    if (where == LauncherOptions.Where.LOCAL && spark.given()) {
      throw UserException.usage("--master and --conf are for --launcher spark, found --launcher local");
    }
    if (json && !describe) {
      throw UserException.usage("--json goes with --describe");
    }
    return verified.isPresent() ? verify(verified.get()) : make();
  }

  private int make() throws IOException {
    Path file = spec.orElseThrow(() -> UserException.usage("generate needs a SPEC, or --verify DIR"));
    if (out.isEmpty() && !describe) {
      throw UserException.usage("generate needs --out DIR, or --describe");
    }
    UserException.requireAtLeastOne("--exposures", exposures);
    StudyCorpora study = StudyReader.corpora(file);
    long n = choose(file, "--people", people,
        study.corpora().stream().map(CorpusSpec::people).distinct().toList());
    List<Integer> choices = IntStream.range(0, study.corpora().size())
        .filter(i -> study.corpora().get(i).people() == n)
        .boxed()
        .toList();
    if (choices.size() > 1) {
      throw UserException.usage(file + " has " + choices.size() + " corpora with " + n
          + " people; under 'corpus', give single values in place of the lists, but for the (first) number of people");
    }
    long corpusSeed = choose(file, "--seed", seed,
        study.seeds().stream().map(Seeds::corpusSeed).distinct().toList());
    long order = choose(file, "--order-seed", orderSeed,
        study.seeds()
            .stream()
            .filter(each -> each.corpusSeed() == corpusSeed)
            .map(Seeds::orderSeed)
            .distinct()
            .toList());
    CorpusRecipe recipe = CorpusRecipe.of(file, choices.getFirst(), corpusSeed, order);
    CorpusSpec chosen = study.corpora().get(recipe.choice());
    if (!json) {
      chosen.notices().forEach(command.commandLine().getOut()::println);
    }
    Corpus corpus = UserException.judged(() -> chosen.corpus(recipe.seed(), recipe.order()));
    if (measured) {
      return writeMeasured(out.orElseThrow(), corpus, StudyReader.measuredPeople(file));
    }
    return describe ? describe(corpus) : write(out.orElseThrow(), study, recipe, corpus, n);
  }

  private int writeMeasured(Path directory, Corpus corpus, long most) throws IOException {
    int people = MeasuredTexts.write(corpus, most, directory);
    command.commandLine()
        .getOut()
        .println(corpus.name() + ": the texts that " + Units.count(people) + " people are measured by are in "
            + directory.resolve(MeasuredTexts.TEXTS));
    return 0;
  }

  private int describe(Corpus corpus) throws IOException {
    CorpusDescription description = CorpusSurvey.of(corpus);
    PrintWriter console = command.commandLine().getOut();
    if (json) {
      console.println(Json.MAPPER.writeValueAsString(description));
    } else {
      DescriptionView.print(description, console, CommandLine.Help.Ansi.AUTO.enabled());
    }
    if (out.isPresent()) {
      new CorpusPage(description).write(out.get());
    }
    return 0;
  }

  private int write(Path directory, StudyCorpora study, CorpusRecipe recipe, Corpus corpus, long n)
      throws IOException {
    CorpusExport export = UserException
        .judged(() -> new CorpusExport(corpus, new ExportSettings(formats.stream().map(Format::of).toList(),
            TruthFormat.of(truth), exposures, study.windows(), shardSize)));
    PrintWriter console = command.commandLine().getOut();
    if (file.isPresent()) {
      // The task that waits for this line may be gone.
      Worker.dieWithParent(System.in);
      console.println(SparkFiles.line(export.writeFile(directory, file.get())));
      return 0;
    }
    CorpusExport.Writers writers = where == LauncherOptions.Where.SPARK
        ? new SparkFiles(task(directory, recipe, n), spark.request(), console::println)
        : export.threads(THREADS);
    int written;
    try (FileProgress progress = new FileProgress(console)) {
      written = export.write(directory, recipe.toMap(), writers, progress);
    }
    console.println(corpus.name() + ": vocabulary of " + Units.count(corpus.vocabulary().size()) + " tokens");
    corpus.measured()
        .bits()
        .parts()
        .forEach(part -> console.println("  " + part.name() + ": " + Units.bits(part.totalBits())));
    console.println("  all: " + Units.bits(corpus.measured().bits().totalBits()));
    console.println((written == export.files()
        ? written + " files"
        : written + " files, beside " + (export.files() - written) + " that were there,") + " in "
        + directory);
    return 0;
  }

  /** The command of a task that writes one of the files, whose name then follows. */
  private List<String> task(Path directory, CorpusRecipe recipe, long n) {
    return List.of("generate", spec.orElseThrow().toAbsolutePath().toString(), "--out",
        directory.toAbsolutePath().toString(), "--people", Long.toString(n), "--seed",
        Long.toString(recipe.seed()), "--order-seed", Long.toString(recipe.order()), "--exposures",
        Long.toString(exposures), "--format", String.join(",", formats), "--truth", truth, "--shard-size",
        Long.toString(shardSize), "--file");
  }

  private int verify(Path directory) throws IOException {
    Manifest manifest = Manifest.read(directory);
    Path file = directory.resolve(Manifest.NAME);
    Corpus corpus = CorpusRecipe.of(file, manifest.recipe()).corpus(file);
    CorpusExport export = UserException.judged(() -> new CorpusExport(corpus, manifest.settings()));
    PrintWriter console = command.commandLine().getOut();
    List<String> wrong;
    try (FileProgress progress = new FileProgress(console)) {
      wrong = export.verify(directory, THREADS, progress);
    }
    if (!wrong.isEmpty()) {
      wrong.forEach(console::println);
      throw UserException.failure(directory + " is not what it should be: " + wrong.size() + " faults");
    }
    console.println(corpus.name() + ": all " + export.files() + " files are what they should be");
    return 0;
  }

  private static long choose(Path file, String option, Optional<Long> chosen, List<Long> offered) {
    if (chosen.isEmpty() && offered.size() > 1) {
      throw UserException.usage(file + " has several values for " + option + ": " + offered + "; choose one");
    }
    if (chosen.isPresent() && !offered.contains(chosen.get())) {
      throw UserException
          .usage(option + " must be one of the study's " + offered + ", found " + chosen.get());
    }
    return chosen.orElse(offered.getFirst());
  }
}
