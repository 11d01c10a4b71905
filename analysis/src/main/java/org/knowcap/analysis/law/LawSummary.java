package org.knowcap.analysis.law;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.knowcap.analysis.results.PartBits;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

/**
 * A law's verdict in numbers and words alone, as pages, tables and JSON have it.
 *
 * @param law number of the law
 * @param title of a few words
 * @param claim one sentence
 * @param source figure of the paper
 * @param verdict supported, contradicted, undecided or "not run"
 * @param doubts why it is undecided; empty where it is not
 * @param sentence the verdict with its reasons, and whether it is of a small scale
 * @param judgements what was claimed of which number, and what was found
 * @param arms that are compared
 * @param notes what the verdict does not say
 * @param missing runs that are still to be done, at least
 */
public record LawSummary(int law, String title, String claim, String source, String verdict,
    List<String> doubts, String sentence, List<JudgementRow> judgements, List<ArmRow> arms,
    List<String> notes, int missing) {
  /**
   * A judgement: a row of laws.csv.
   *
   * @param law number of the law
   * @param title of the law
   * @param quantity such as "R of a over R of b"
   * @param direction at_least, at_most or about
   * @param published the paper's figure
   * @param margin factor by which less is still what the law claims
   * @param claimed the border that was tested, for people: such as "at least 4.44"
   * @param figure what was measured; absent where nothing was run, or an arm of a factor stores no bits
   * @param figureLow lower end of its 95 % interval
   * @param figureHigh upper end
   * @param figureSourceTold the figure if each name is credited with the bits that guessing its source costs; absent where that
   *        changes nothing
   * @param figureSourceToldLow lower end of its 95 % interval
   * @param figureSourceToldHigh upper end
   * @param seeds or pairs of equal seeds
   * @param supportP p of the test that the claim holds, by Holm's method over the law's judgements
   * @param contradictionP the same that it does not
   * @param verdict with its reasons
   */
  public record JudgementRow(int law, String title, String quantity, String direction, double published,
      double margin, String claimed, OptionalDouble figure, OptionalDouble figureLow,
      OptionalDouble figureHigh, OptionalDouble figureSourceTold, OptionalDouble figureSourceToldLow,
      OptionalDouble figureSourceToldHigh, int seeds, OptionalDouble supportP, OptionalDouble contradictionP,
      String verdict) {}

  /**
   * An arm.
   *
   * @param what model, corpus and exposures
   * @param learningRate that was chosen; absent before
   * @param rates that were tried with the choosing seed
   * @param ratio mean R over the measured seeds, bits per parameter
   * @param ratioLow lower end of its 95 % interval
   * @param ratioHigh upper end
   * @param nameRatio mean stored bits of names per parameter
   * @param valueRatio mean stored bits of values per parameter, those of the diversity of values included
   * @param sourceBits that each name costs because the model must guess which source of a mixture a text is from
   * @param maxRatio R^max
   * @param parameters P; 0 before any run
   * @param limitedBy what limits its runs
   * @param seeds that are measured
   * @param runs by their names
   * @param missing runs that are still to be done, at least
   */
  public record ArmRow(String name, String what, OptionalDouble learningRate, List<Rate> rates,
      OptionalDouble ratio, OptionalDouble ratioLow, OptionalDouble ratioHigh, OptionalDouble nameRatio,
      OptionalDouble valueRatio, double sourceBits, OptionalDouble maxRatio, long parameters,
      Optional<String> limitedBy, List<String> seeds, List<String> runs, int missing) {}

  /** A learning rate, with R of the choosing seed; absent if the rate has lost. */
  public record Rate(double learningRate, OptionalDouble capacityRatio) {}

  /** The summary of a verdict. */
  public static LawSummary of(LawVerdict law) {
    return new LawSummary(law.claim().number(), law.claim().title(), law.claim().claim(),
        law.claim().source(), law.verdict().word(),
        law.verdict() instanceof Verdict.Undecided undecided
            ? undecided.doubts().stream().map(Doubt::toString).toList()
            : List.of(),
        law.sentence(), law.judged().stream().map(each -> row(law.claim(), each)).toList(),
        law.arms().stream().map(LawSummary::row).toList(), law.notes(), law.missing());
  }

  private static JudgementRow row(LawClaim claim, Judged judged) {
    return new JudgementRow(claim.number(), claim.title(), judged.quantity(),
        judged.judgement().direction().key(), judged.judgement().published(), judged.judgement().margin(),
        judged.judgement().agrees(), value(judged.figure()), low(judged.figure()), high(judged.figure()),
        value(judged.sourceTold()), low(judged.sourceTold()), high(judged.sourceTold()), judged.seeds(),
        judged.supportP(), judged.contradictionP(), judged.verdict().toString());
  }

  private static OptionalDouble value(Optional<Estimate> figure) {
    return figure.map(each -> OptionalDouble.of(each.value())).orElse(OptionalDouble.empty());
  }

  private static OptionalDouble low(Optional<Estimate> figure) {
    return figure.map(Estimate::low).orElse(OptionalDouble.empty());
  }

  private static OptionalDouble high(Optional<Estimate> figure) {
    return figure.map(Estimate::high).orElse(OptionalDouble.empty());
  }

  /** Mean bits of a part per parameter; absent where a run's table does not say. */
  private static OptionalDouble part(Arm arm, Function<PartBits, OptionalDouble> bits) {
    return arm.runs().stream().anyMatch(run -> bits.apply(run.bits()).isEmpty())
        ? OptionalDouble.empty()
        : arm.runs()
            .stream()
            .mapToDouble(run -> bits.apply(run.bits()).getAsDouble() / run.parameters())
            .average();
  }

  private static ArmRow row(Arm arm) {
    List<Rate> rates = arm.rates()
        .stream()
        .map(each -> new Rate(each.learningRate(),
            Double.isFinite(each.capacityRatio())
                ? OptionalDouble.of(each.capacityRatio())
                : OptionalDouble.empty()))
        .toList();
    if (arm.runs().isEmpty()) {
      return new ArmRow(arm.name(), arm.what(), OptionalDouble.empty(), rates, OptionalDouble.empty(),
          OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(),
          arm.sourceBits(), OptionalDouble.empty(), 0, Optional.empty(), List.of(), List.of(), arm.missing());
    }
    Cell cell = arm.cell();
    Estimate ratio = cell.ratio();
    return new ArmRow(arm.name(), arm.what(), OptionalDouble.of(cell.learningRate()), rates,
        OptionalDouble.of(ratio.value()), ratio.low(), ratio.high(), part(arm, PartBits::nameStoredBits),
        part(arm, PartBits::knownValueBits), arm.sourceBits(), OptionalDouble.of(cell.maxCapacityRatio()),
        cell.parameters(), Optional.of(cell.limit().toString()),
        cell.seeds().stream().map(Seeds::label).toList(), cell.runs().stream().map(RunResult::run).toList(),
        arm.missing());
  }
}
