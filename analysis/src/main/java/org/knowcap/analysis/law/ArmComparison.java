package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.math3.distribution.TDistribution;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;

/**
 * Two arms compared setting by setting.
 *
 * @param differences of the settings that both arms have
 * @param margin of equivalence, bits per parameter; absent where no equivalence was asked for
 * @param unmatched cells that only one arm has
 * @param warnings whole sentences
 */
public record ArmComparison(List<ArmDifference> differences, OptionalDouble margin, List<String> unmatched,
    List<String> warnings) {
  private static final String APART = "The arms differ in: ";
  /** Relative difference of parameters and bits below which arms count as equal in them. */
  private static final double SIZES_ALIKE = 0.02;
  /** Relative difference of complete exposures up to which two arms count as trained in equal windows. */
  private static final double COMPLETE_ALIKE = 0.02;

  /** The properties that are equal in both arms. */
  private record Setting(long people, long exposures, String size) {
    static Setting of(Cell cell) {
      return new Setting(cell.people(), cell.exposures(),
          ModelName.of(cell.model()).size().orElse("-" + cell.model()));
    }

    @Override
    public String toString() {
      return "N = " + people + ", " + exposures + " exposures, " + size.substring(1);
    }
  }

  /**
   * Compares.
   *
   * @param first runs of the first arm; each setting of N, exposures and size of model must be one cell
   * @param second runs of the second arm
   * @param margin of equivalence, bits per parameter, above 0
   * @throws LawException if the arms have no setting in common, or one has several cells in a setting
   */
  public static ArmComparison of(List<RunResult> first, List<RunResult> second, OptionalDouble margin) {
    margin.ifPresent(value -> {
      if (!(value > 0) || Double.isInfinite(value)) {
        throw new LawException("the margin must be above 0 bits per parameter, found " + value);
      }
    });
    Cells firstCells = Cells.of(first);
    Cells secondCells = Cells.of(second);
    Map<Setting, Cell> a = bySetting(firstCells, "first");
    Map<Setting, Cell> b = bySetting(secondCells, "second");
    List<ArmDifference> raw = new ArrayList<>();
    List<String> unmatched = new ArrayList<>();
    a.forEach((setting, cell) -> {
      if (b.containsKey(setting)) {
        raw.add(difference(setting, cell, b.get(setting)));
      } else {
        unmatched.add("first arm only: " + cell);
      }
    });
    b.forEach((setting, cell) -> {
      if (!a.containsKey(setting)) {
        unmatched.add("second arm only: " + cell);
      }
    });
    if (raw.isEmpty()) {
      throw new LawException(
          "the arms have no setting in common; the first has " + a.keySet() + ", the second " + b.keySet());
    }
    List<String> warnings = new ArrayList<>(
        Stream.concat(firstCells.warnings().stream(), secondCells.warnings().stream()).distinct().toList());
    long several = raw.stream()
        .filter(each -> each.caveats().stream().anyMatch(text -> text.startsWith(APART)))
        .count();
    if (several > 0) {
      warnings.add("In " + several + " of " + raw.size()
          + " settings the arms differ in more than one thing, and a verdict"
          + " does not say which of them matters.");
    }
    List<OptionalDouble> equivalences = raw.stream().map(each -> equivalence(each, margin)).toList();
    List<OptionalDouble> corrected = Holm.corrected(raw.stream().map(ArmDifference::pValue).toList());
    List<OptionalDouble> correctedEquivalences = Holm.corrected(equivalences);
    long tests = raw.stream().filter(each -> each.pValue().isPresent()).count();
    List<ArmDifference> decided = new ArrayList<>();
    for (int i = 0; i < raw.size(); i++) {
      decided.add(raw.get(i).decided(corrected.get(i), correctedEquivalences.get(i), tests));
    }
    return new ArmComparison(List.copyOf(decided), margin, List.copyOf(unmatched), List.copyOf(warnings));
  }

  private static Map<Setting, Cell> bySetting(Cells cells, String arm) {
    Map<Setting, Cell> settings = new LinkedHashMap<>();
    for (Cell cell : cells.cells()) {
      Cell other = settings.put(Setting.of(cell), cell);
      if (other != null) {
        throw new LawException("the " + arm + " arm has two cells with " + Setting.of(cell) + ": " + other
            + ", and " + cell + "; give arms of one family and one kind of corpus each");
      }
    }
    return settings;
  }

  private static ArmDifference difference(Setting setting, Cell a, Cell b) {
    Map<Seeds, RunResult> others = b.runs()
        .stream()
        .collect(Collectors.toMap(RunResult::seeds, Function.identity()));
    List<RunResult> own = a.runs().stream().filter(run -> others.containsKey(run.seeds())).toList();
    double[] ours = own.stream().mapToDouble(RunResult::capacityRatio).toArray();
    double[] theirs = own.stream().mapToDouble(run -> others.get(run.seeds()).capacityRatio()).toArray();
    double[] differences = new double[ours.length];
    double[] factors = new double[ours.length];
    for (int i = 0; i < ours.length; i++) {
      differences[i] = ours[i] - theirs[i];
      factors[i] = Math.log(ours[i] / theirs[i]);
    }
    double meanA = a.mean(RunResult::capacityRatio);
    double meanB = b.mean(RunResult::capacityRatio);
    String limits = a.limit() == b.limit() ? a.limit().toString() : a.limit() + ", " + b.limit();
    List<String> caveats = new ArrayList<>(caveats(a, b, own.stream().map(RunResult::seeds).toList()));
    boolean corpus = a.limit() == Limit.CORPUS || b.limit() == Limit.CORPUS;
    if (own.isEmpty()) {
      String reason = "no run of one arm has the seeds of one of the other";
      return new ArmDifference(setting.toString(), a.toString(), b.toString(), 0, meanA, meanB,
          Estimate.alone(meanA - meanB, reason), factor(meanA, meanB, reason), OptionalDouble.empty(),
          OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(), limits,
          List.copyOf(caveats), ArmDifference.Verdict.NO_VERDICT);
    }
    boolean independent = own.size() == 1 || Seeds.independent(own.stream().map(RunResult::seeds).toList());
    double size = Stream.of(ours, theirs).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElseThrow();
    Estimate difference = Estimate.mean(differences, "pairs", size);
    Optional<Estimate> factor = Stream.of(ours, theirs).flatMapToDouble(Arrays::stream).allMatch(r -> r > 0)
        ? Optional.of(Estimate.mean(factors, "pairs", 1).map(Math::exp))
        : factor(meanA, meanB, "a run stores no bits");
    if (!independent) {
      String reason = "two pairs share one of the seeds that vary, so they are not independent";
      difference = Estimate.alone(difference.value(), reason);
      factor = factor.map(found -> Estimate.alone(found.value(), reason));
    }
    OptionalDouble pValue = OptionalDouble.empty();
    if (difference.hasInterval() && !corpus) {
      TDistribution student = new TDistribution(null, own.size() - 1.0);
      double error = difference.standardError(own.size() - 1.0);
      pValue = OptionalDouble.of(2 * student.cumulativeProbability(-Math.abs(difference.value()) / error));
    }
    return new ArmDifference(setting.toString(), a.toString(), b.toString(), own.size(),
        Arrays.stream(ours).average().orElseThrow(), Arrays.stream(theirs).average().orElseThrow(),
        difference, factor, pValue, OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(),
        limits, List.copyOf(caveats), ArmDifference.Verdict.NO_VERDICT);
  }

  private static Optional<Estimate> factor(double a, double b, String reason) {
    return a > 0 && b > 0 ? Optional.of(Estimate.alone(a / b, reason)) : Optional.empty();
  }

  /** What a verdict over these cells does not say, in whole sentences. */
  private static List<String> caveats(Cell a, Cell b, List<Seeds> pairs) {
    List<String> caveats = new ArrayList<>();
    if (a.limit() == Limit.CORPUS || b.limit() == Limit.CORPUS) {
      caveats.add(
          "Over 98 % of the corpus of an arm are stored, so that R shows the corpus, not the model: train on more people.");
    } else if (a.nearlyFull() || b.nearlyFull()) {
      caveats
          .add("Over 90 % of the corpus of an arm are stored, so that the difference may show the corpus.");
    }
    if (a.limit() == Limit.LEARNING || b.limit() == Limit.LEARNING) {
      caveats.add(
          "An arm was still learning: the difference says which learns faster, not which can store more.");
    }
    List<String> apart = new ArrayList<>();
    apart(apart, "model", a.family(), b.family());
    apart(apart, "corpus", a.corpusKind(), b.corpusKind());
    apart(apart, "setting", a.variant(), b.variant());
    apart(apart, "engine", of(a, RunResult::engine), of(b, RunResult::engine));
    apart(apart, "learning rate", of(a, RunResult::learningRate), of(b, RunResult::learningRate));
    if (Math.abs(Math.log((double) a.parameters() / b.parameters())) > SIZES_ALIKE) {
      apart.add("parameters (" + Units.count(a.parameters()) + ", " + Units.count(b.parameters()) + ")");
    }
    if (Math.abs(Math.log(a.totalBits() / b.totalBits())) > SIZES_ALIKE) {
      apart.add("bits of the corpus (" + Units.bits(a.totalBits()) + ", " + Units.bits(b.totalBits()) + ")");
    }
    if (apart.size() > 1) {
      caveats.add(APART + String.join(", ", apart) + ".");
    }
    if (a.completeExposures().isPresent() && b.completeExposures().isPresent()) {
      double least = Math.min(a.completeExposures().getAsDouble(), b.completeExposures().getAsDouble());
      double most = Math.max(a.completeExposures().getAsDouble(), b.completeExposures().getAsDouble());
      if (least < (1 - COMPLETE_ALIKE) * most) {
        caveats.add("Of the exposures of one arm " + Units.number(least, 4)
            + " are complete, and of the other " + Units.number(most, 4)
            + ": their windows cut texts differently, and the difference may come from that.");
      }
    }
    List<RunResult> alone = Stream.concat(a.runs().stream(), b.runs().stream())
        .filter(run -> !pairs.contains(run.seeds()))
        .toList();
    if (!alone.isEmpty()) {
      caveats.add("Runs without a partner of equal seeds are left out: "
          + alone.stream().map(RunResult::run).collect(Collectors.joining(", ")) + ".");
    }
    return caveats;
  }

  private static String of(Cell cell, Function<RunResult, Object> what) {
    return cell.runs()
        .stream()
        .map(what)
        .map(Object::toString)
        .distinct()
        .collect(Collectors.joining(" and "));
  }

  private static void apart(List<String> apart, String what, String a, String b) {
    if (!a.equals(b)) {
      apart.add(what + " (" + (a.isEmpty() ? "none" : a) + ", " + (b.isEmpty() ? "none" : b) + ")");
    }
  }

  /** The greater p of two one-sided tests: that the difference is below the margin, and above its negative. */
  private static OptionalDouble equivalence(ArmDifference difference, OptionalDouble margin) {
    if (margin.isEmpty() || difference.pValue().isEmpty()) {
      return OptionalDouble.empty();
    }
    double error = difference.difference().standardError(difference.pairs() - 1.0);
    double inside = margin.getAsDouble() - Math.abs(difference.difference().value());
    return OptionalDouble
        .of(new TDistribution(null, difference.pairs() - 1.0).cumulativeProbability(-inside / error));
  }
}
