package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.CountedCorpora;
import org.knowcap.experiments.study.ExposureCounts;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyChecks;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.WeightRounding;
import org.knowcap.models.program.Program;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints what a study would cost. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = "Shows what would run: parameters, tokens, operations, memory, and the time it would take, estimated"
        + " from a few steps of each model on this machine.")
final class PlanCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "SPEC", description = "Study file (YAML).")
  private Path spec;

  @Option(
      names = "--workers",
      paramLabel = "K",
      description = "Runs at a time. Default: one for each core; one with engine: cuda.")
  private Optional<Integer> workers;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of each run, for large models; small ones are fastest on one. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--untimed",
      description = "Leave out the time, and so the few steps of each model that it takes to estimate it.")
  private boolean untimed;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /**
   * One line of the plan.
   *
   * @param nameBits total bits of the names
   * @param exactNameBits log2 of the number of sets of N names
   * @param valueBits total bits of the values
   * @param diversityBits total bits of the choice of bioD's strings
   * @param maxCapacityRatio R^max, bits per parameter
   * @param exposures of each person, counted by tokens
   * @param completeExposures biographies of each person that lie in one window
   * @param valueTokensBehindName share of the value tokens that are trained with the whole name before them in the
   *        window
   * @param flops floating-point operations of the whole training
   * @param bytes memory of parameters, optimiser, activations and rounded weights
   * @param seconds estimated, if its engine is on this machine
   */
  private record Row(String run, long parameters, double nameBits, double exactNameBits, double valueBits,
      double diversityBits, double maxCapacityRatio, double exposures, double completeExposures,
      double valueTokensBehindName, long steps, long tokens, double flops, long bytes,
      Optional<Double> seconds) {
    /** The line of another run of the same cell. */
    Row of(String other) {
      return new Row(other, parameters, nameBits, exactNameBits, valueBits, diversityBits, maxCapacityRatio,
          exposures, completeExposures, valueTokensBehindName, steps, tokens, flops, bytes, seconds);
    }
  }

  @Override
  public Integer call() throws Exception {
    workers.ifPresent(value -> UserException.requireAtLeastOne("--workers", value));
    UserException.requireAtLeastOne("--threads", threads);
    CountedCorpora corpora = new CountedCorpora();
    Study study = StudyChecks.check(spec, StudyReader.read(spec), corpora);
    Map<String, Double> secondsPerStep = untimed ? Map.of() : TimeStepsCommand.start(command, spec, threads);
    List<Row> rows = new ArrayList<>();
    Map<RunSpec, Row> ofCell = new HashMap<>();
    for (RunSpec run : study.runs()) {
      Row known = ofCell.get(run.cell());
      if (known != null) {
        rows.add(known.of(run.name()));
        continue;
      }
      Corpus corpus = corpora.of(run);
      Program program = run.program(corpus);
      long steps = run.steps(corpus);
      ExposureCounts exposures = run.exposureCounts(corpus);
      Row row = new Row(run.name(), program.trainedCount(), bits(corpus, KnowledgeKind.NAME),
          bits(corpus, KnowledgeKind.NAME, KnowledgePart::entropyBits), bits(corpus, KnowledgeKind.VALUE),
          bits(corpus, KnowledgeKind.FIRST_CHUNK),
          corpus.measured().bits().totalBits() / program.trainedCount(), exposures.exposures(),
          exposures.completeExposures(), exposures.valueTokensBehindName(), steps, steps * program.stepRows(),
          (double) program.flops() * steps,
          program.memoryBytes() + (run.training().weights().isPresent() ? WeightRounding.bytes(program) : 0),
          Optional.ofNullable(secondsPerStep.get(run.name())).map(seconds -> seconds * steps));
      ofCell.put(run.cell(), row);
      rows.add(row);
    }
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(rows));
    } else {
      study.notices().forEach(out::println);
      print(out, rows, workers.isPresent() ? workers.get() : StudyRun.workers(study));
      out.println("next: 'knowcap run " + spec + " --out DIR' trains them");
    }
    return 0;
  }

  /** Total bits of a part; 0 if the corpus does not have the part. */
  private static double bits(Corpus corpus, KnowledgeKind kind) {
    return bits(corpus, kind, KnowledgePart::totalBits);
  }

  private static double bits(Corpus corpus, KnowledgeKind kind, ToDoubleFunction<KnowledgePart> count) {
    return corpus.measured()
        .bits()
        .parts()
        .stream()
        .filter(part -> part.kind() == kind)
        .mapToDouble(count)
        .sum();
  }

  private void print(PrintWriter out, List<Row> rows, int together) {
    Map<String, List<String>> columns = new LinkedHashMap<>();
    columns.put("run", rows.stream().map(Row::run).toList());
    columns.put("P", column(rows, row -> Units.count(row.parameters)));
    columns.put("exposures", column(rows, row -> exposures(row.exposures)));
    columns.put("complete", column(rows, row -> exposures(row.completeExposures)));
    columns.put("named", column(rows, row -> Units.percent(row.valueTokensBehindName)));
    columns.put("in names", column(rows, row -> Units.bits(row.nameBits)));
    columns.put("exact names", column(rows, row -> Units.bits(row.exactNameBits)));
    columns.put("in values", column(rows, row -> Units.bits(row.valueBits)));
    columns.put("in diversity", column(rows, row -> Units.bits(row.diversityBits)));
    columns.put("R^max", column(rows, row -> Units.ratio(row.maxCapacityRatio)));
    columns.put("steps", column(rows, row -> Units.count(row.steps)));
    columns.put("tokens", column(rows, row -> Units.brief(row.tokens)));
    columns.put("operations", column(rows, row -> Units.brief(row.flops)));
    columns.put("memory", column(rows, row -> Units.brief(row.bytes) + "B"));
    if (!untimed) {
      columns.put("time", column(rows, row -> row.seconds.map(Units::seconds).orElse("unknown")));
    }
    TextTable.Fitted fitted = TextTable.fitted(columns, 4);
    out.println(fitted.text());
    if (!fitted.omitted().isEmpty()) {
      out.println(
          TextTable.wrapped("No room for " + String.join(", ", fitted.omitted()) + ". --json has them."));
    }
    out.printf(Locale.ROOT, "%d runs, %s tokens", rows.size(),
        Units.brief(rows.stream().mapToLong(Row::tokens).sum()));
    if (rows.stream().allMatch(row -> row.seconds.isPresent())) {
      double[] seconds = rows.stream().mapToDouble(row -> row.seconds.orElseThrow()).toArray();
      double atLeast = Math.max(Arrays.stream(seconds).max().orElse(0),
          Arrays.stream(seconds).sum() / together);
      out.printf(Locale.ROOT,
          "; about %s with %d at a time, if they run as fast side by side (%d thread(s) each) as the timed"
              + " steps did alone",
          Units.seconds(atLeast), together, threads);
    }
    out.println();
  }

  /** Runs of one cell differ in their names only, and thousands of them are formatted at once. */
  private static List<String> column(List<Row> rows, Function<Row, String> figure) {
    Map<Row, String> ofCell = new HashMap<>();
    return rows.stream().map(row -> ofCell.computeIfAbsent(row.of(""), figure)).toList();
  }

  /** Few exposures with their fractions, as windows may complete 4.6 of 5. */
  private static String exposures(double count) {
    return count < 100 ? Units.number(count, 3) : Units.count(Math.round(count));
  }
}
