package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Callable;
import org.knowcap.analysis.law.ArmComparison;
import org.knowcap.analysis.law.ArmDifference;
import org.knowcap.analysis.law.LawException;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares two arms of an experiment. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description = "Compares R of two arms where N, exposures and size of model are one: runs of equal seeds are pairs. Prints the"
        + " difference and the factor with 95 %% intervals, p by Holm's method, the least difference that the design could"
        + " have seen, and a verdict.")
final class CompareCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      index = "0",
      paramLabel = "A",
      description = "Directory of a study or table of results: the first arm.")
  private Path first;

  @Parameters(index = "1", paramLabel = "B", description = "The second arm.")
  private Path second;

  @Option(
      names = "--margin",
      paramLabel = "M",
      description = "Also test whether the arms are equivalent: whether R differs by less than M bits per parameter (two one-sided"
          + " t-tests).")
  private Optional<Double> margin;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /** Both arms may be of one study, with the same cautions. */
  private final Set<String> noted = new HashSet<>();

  @Override
  public Integer call() throws Exception {
    List<RunResult> a = ResultsSources.runs(List.of(first), this::note);
    List<RunResult> b = ResultsSources.runs(List.of(second), this::note);
    ArmComparison comparison;
    try {
      comparison = ArmComparison.of(a, b, margin.map(OptionalDouble::of).orElse(OptionalDouble.empty()));
    } catch (LawException e) {
      throw UserException.usage(e.getMessage());
    }
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(comparison));
      return 0;
    }
    for (ArmDifference each : comparison.differences()) {
      out.println(each.setting() + ": " + each.verdict());
      out.println("  A " + each.a() + ": R = " + Units.ratio(each.ratioA()));
      out.println("  B " + each.b() + ": R = " + Units.ratio(each.ratioB()));
      out.println("  A less B: " + each.difference() + " bits per parameter, over " + each.pairs()
          + " pairs; A over B: "
          + each.factor().map(Object::toString).orElse("no factor, as an arm stores no bits"));
      each.correctedPValue()
          .ifPresent(p -> out.println("  " + Units.pValue(each.pValue().orElseThrow()) + ", by Holm's method "
              + Units.pValue(p) + "; such a comparison shows a difference of "
              + Units.ratio(each.leastDetectable().orElseThrow()) + " in four of five studies"));
      each.equivalencePValue()
          .ifPresent(p -> out.println("  of a difference beyond "
              + Units.number(comparison.margin().orElseThrow(), 3) + ": " + Units.pValue(p)));
      out.println("  limited by: " + each.limitedBy());
      each.caveats().forEach(text -> out.println("  " + text));
    }
    comparison.unmatched().forEach(this::note);
    comparison.warnings().forEach(this::note);
    return 0;
  }

  private void note(String text) {
    if (noted.add(text)) {
      Knowcap.note(command, text);
    }
  }
}
