package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;

/**
 * One of the paper's laws, and what runs say of it.
 *
 * @param claim of the law
 * @param arms that are compared
 * @param judged each judgement with its figure
 * @param verdict supported if every judgement is, contradicted if one is, else undecided
 * @param notes whole sentences: what the verdict does not say
 */
public record LawVerdict(LawClaim claim, List<Arm> arms, List<Judged> judged, Verdict verdict,
    List<String> notes) {
  /** One-sided, so that a verdict agrees with the 95 % interval. */
  private static final double LEVEL = (1 - Estimate.CONFIDENCE) / 2;

  /**
   * Judges a law.
   *
   * @param judgements at least one; each names arms among these
   */
  public static LawVerdict of(LawClaim claim, List<Judgement> judgements, List<Arm> arms) {
    List<Judged> judged = judged(judgements, arms);
    if (arms.stream().anyMatch(arm -> arm.sourceBits() > 0)) {
      List<Judged> told = judged(judgements, arms.stream().map(Arm::sourceTold).toList());
      judged = IntStream.range(0, judged.size()).mapToObj(bothWays(judged, told)).toList();
    }
    return new LawVerdict(claim, List.copyOf(arms), judged, together(judged), notes(claim, arms, judged));
  }

  private static IntFunction<Judged> bothWays(List<Judged> charged, List<Judged> told) {
    return i -> charged.get(i).withSourceTold(told.get(i));
  }

  private static List<Judged> judged(List<Judgement> judgements, List<Arm> arms) {
    Map<String, Arm> byName = new LinkedHashMap<>();
    arms.forEach(arm -> byName.put(arm.name(), arm));
    List<ClaimTest> tests = judgements.stream().map(judgement -> ClaimTest.of(judgement, byName)).toList();
    List<OptionalDouble> support = Holm.corrected(tests.stream().map(ClaimTest::support).toList());
    List<OptionalDouble> contradiction = Holm
        .corrected(tests.stream().map(ClaimTest::contradiction).toList());
    List<Judged> judged = new ArrayList<>();
    for (int i = 0; i < tests.size(); i++) {
      ClaimTest test = tests.get(i);
      judged.add(new Judged(judgements.get(i), test.quantity(), test.figure(), Optional.empty(), test.seeds(),
          support.get(i), contradiction.get(i), verdict(test, support.get(i), contradiction.get(i))));
    }
    return List.copyOf(judged);
  }

  private static Verdict verdict(ClaimTest test, OptionalDouble support, OptionalDouble contradiction) {
    if (!test.doubts().isEmpty()) {
      return new Verdict.Undecided(test.doubts());
    }
    if (support.orElseThrow() < LEVEL) {
      return new Verdict.Supported();
    }
    return contradiction.orElseThrow() < LEVEL
        ? new Verdict.Contradicted()
        : new Verdict.Undecided(List.of(Doubt.INTERVAL_TOO_WIDE));
  }

  private static Verdict together(List<Judged> judged) {
    List<Verdict> verdicts = judged.stream().map(Judged::verdict).toList();
    if (verdicts.stream().anyMatch(Verdict.Contradicted.class::isInstance)) {
      return new Verdict.Contradicted();
    }
    List<Doubt> doubts = verdicts.stream()
        .filter(Verdict.Undecided.class::isInstance)
        .flatMap(each -> ((Verdict.Undecided) each).doubts().stream())
        .toList();
    return doubts.isEmpty() ? new Verdict.Supported() : new Verdict.Undecided(doubts);
  }

  private static List<String> notes(LawClaim claim, List<Arm> arms, List<Judged> judged) {
    List<String> notes = new ArrayList<>();
    arms.forEach(arm -> arm.rates()
        .stream()
        .filter(Arm.TriedRate::lost)
        .findFirst()
        .ifPresent(rate -> notes.add("Training of " + arm.name() + " diverged with the learning rate "
            + Units.number(rate.learningRate(), 3)
            + ", so that this rate and greater ones have lost, whatever the other seeds stored with them.")));
    List<Arm> run = arms.stream().filter(arm -> !arm.runs().isEmpty()).toList();
    if (run.isEmpty()) {
      return notes;
    }
    long supported = judged.stream().filter(each -> each.verdict() instanceof Verdict.Supported).count();
    if (supported > 0 && supported < judged.size()) {
      notes.add(supported + " of the " + judged.size() + " judgements are supported.");
    }
    if (judged.size() < claim.judgements()) {
      notes.add("Of the " + claim.judgements() + " judgements of this law, this size can make "
          + judged.size() + ".");
    }
    String fast = run.stream()
        .filter(arm -> List.of(Limit.LEARNING, Limit.UNDECIDED).contains(arm.cell().limit()))
        .map(Arm::name)
        .collect(Collectors.joining(", "));
    if (!fast.isEmpty()) {
      notes.add("Of these arms more training would store more, or nothing tells whether it would: " + fast
          + ". What is said of them is how fast they learn, not what they can hold.");
    }
    if (run.stream().anyMatch(arm -> arm.sourceBits() > 0)) {
      notes.add("A text does not say which source of a mixture it is from, so that each name also costs "
          + run.stream()
              .filter(arm -> arm.sourceBits() > 0)
              .map(arm -> Units.number(arm.sourceBits(), 3) + " bits in " + arm.name())
              .collect(Collectors.joining(", "))
          + ". Each judgement is made with and without these bits, and is decided where both agree.");
    }
    long most = run.stream()
        .flatMap(arm -> arm.runs().stream())
        .mapToLong(RunResult::parameters)
        .max()
        .orElseThrow();
    double factor = Checklist.extrapolation(most);
    if (factor > 1) {
      notes.add(String.format(Locale.ROOT,
          "At this scale: the largest model here has %s parameters, %.0f times fewer than the paper's smallest.",
          Units.count(most), factor));
    }
    return List.copyOf(notes);
  }

  /** Whether its models are smaller than all of the paper's, so that it says nothing of the paper's scale. */
  public boolean small() {
    return notes.stream().anyMatch(note -> note.startsWith("At this scale"));
  }

  /** For people: such as "supported at this scale", or "undecided: interval too wide". */
  public String sentence() {
    boolean decided = !(verdict instanceof Verdict.Undecided);
    return verdict + (decided && small() ? " at this scale" : "")
        + (decided && judged.size() < claim.judgements()
            ? ", in " + judged.size() + " of " + claim.judgements() + " judgements"
            : "");
  }

  /** Runs that are still to be done, at least. */
  public int missing() {
    return arms.stream().mapToInt(Arm::missing).sum();
  }
}
