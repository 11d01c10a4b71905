package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;

/**
 * Quantised skills (arXiv 2303.13506): where people are written by Zipf's law with the exponent a, the stored bits of values should grow as
 * T^(1/a) with all exposures T, and the loss above that of known values fall as T^-((a-1)/a). docs/laws.md derives this.
 *
 * @param model short name
 * @param parameters P
 * @param corpus name
 * @param setting what the lists of its study chose
 * @param zipf a
 * @param points by exposures
 * @param stored bits of values over T; absent if fewer than two points can be used
 * @param loss nats above that of known values, over T: of a population without end; absent if fewer than two points can be used
 * @param summary whole sentences, the most important first
 * @param checklist of the fit
 */
public record SkillsLaw(String model, long parameters, String corpus, String setting, double zipf,
    List<Point> points, Optional<PowerLaw> stored, Optional<PowerLaw> loss, List<String> summary,
    Checklist checklist) {
  /** Of all bits of values: with less, few people are known; with more, hardly any are left to learn. */
  private static final double LEAST_SHARE = 0.01;
  private static final double MOST_SHARE = 0.5;
  /** Of the excess loss that may be imputed: with more, the figure is rather an assumption than a measurement. */
  private static final double MOST_IMPUTED = 0.5;
  private static final String UNIT = "numbers of exposures";

  /**
   * Runs of one number of exposures.
   *
   * @param exposures mean of a person
   * @param total T, exposures of all people together
   * @param seeds number of runs
   * @param storedBits of values, mean over seeds with its interval
   * @param storedShare of all bits of values
   * @param excessLoss nats an exposure, mean over seeds with its interval: loss of values, with that of the people beyond N who
   *        would be unknown
   * @param imputedShare of the excess loss: that of the people beyond N
   * @param used whether the law of stored bits goes through it
   * @param usedForLoss whether the law of the loss goes through it
   */
  public record Point(long exposures, double total, int seeds, Estimate storedBits, double storedShare,
      Estimate excessLoss, double imputedShare, boolean used, boolean usedForLoss) {}

  private record Group(String model, String corpus, String setting) {}

  /** What one run says. */
  private record Run(FrequencyRow first, double storedBits, double totalBits, double excessLoss,
      double imputed) {
    static Run of(List<FrequencyRow> rows) {
      FrequencyRow first = rows.getFirst();
      double people = sum(rows, FrequencyBucket::bucketPeople);
      double share = sum(rows, FrequencyBucket::share);
      if (people > first.people() || Math.abs(share - 1) > 0.01) {
        throw new LawException("the buckets of run " + first.run() + " hold " + Math.round(people)
            + " of its " + first.people() + " people and " + Units.percent(share)
            + " of the exposures: rows are missing or there twice");
      }
      double measured = sum(rows, FrequencyBucket::measuredPeople);
      if (measured < people) {
        // The few people who are written most often are seldom in a sample, and their buckets are joined to others.
        throw new LawException("run " + first.run() + " measured " + Math.round(measured) + " of "
            + Math.round(people) + " people; the laws need all of them: train it with 'measurement: {people: "
            + Math.round(people) + "}', or fit the other runs alone");
      }
      double total = sum(rows, bucket -> bucket.bucketPeople() * bucket.valueBits());
      double nats = total / people * Math.log(2);
      double loss = sum(rows, bucket -> bucket.share() * bucket.weightedValueLoss());
      double imputed = nats * beyond(first.people(), zipf(first));
      return new Run(first, sum(rows, bucket -> bucket.bucketPeople() * bucket.valueStoredBits()), total,
          loss + imputed, imputed);
    }

    private static double zipf(FrequencyRow row) {
      return row.zipf().orElseThrow();
    }

    private static double sum(List<FrequencyRow> rows, ToDoubleFunction<FrequencyBucket> figure) {
      return rows.stream().mapToDouble(row -> figure.applyAsDouble(row.bucket())).sum();
    }
  }

  /** The sum of k^-a over all ranks beyond N, over that up to N, by Euler and Maclaurin's formula. */
  static double beyond(long people, double zipf) {
    double all = IntStream.rangeClosed(1, Math.toIntExact(people)).mapToDouble(k -> Math.pow(k, -zipf)).sum();
    double n = people;
    return (Math.pow(n, 1 - zipf) / (zipf - 1) - Math.pow(n, -zipf) / 2 + zipf * Math.pow(n, -zipf - 1) / 12)
        / all;
  }

  /**
   * One law for each model and corpus that was measured after at least two different numbers of exposures.
   *
   * @throws LawException if there is none, an exponent of Zipf's law is not above 1, or a run measured a sample of its people
   */
  public static List<SkillsLaw> of(List<FrequencyRow> rows) {
    for (FrequencyRow row : rows) {
      if (row.zipf().isEmpty()) {
        throw new LawException("run " + row.run()
            + " has groups or cohorts of people: laws of skills are for exposures by Zipf's law; fit the other runs alone");
      }
      if (!(Run.zipf(row) > 1)) {
        throw new LawException("run " + row.run() + " has 'zipf: " + Units.number(Run.zipf(row), 4)
            + "': there is no power law of the loss unless the exponent is above 1");
      }
    }
    Map<String, List<FrequencyRow>> byRun = rows.stream()
        .collect(Collectors.groupingBy(FrequencyRow::run, LinkedHashMap::new, Collectors.toList()));
    List<SkillsLaw> laws = byRun.values()
        .stream()
        .map(Run::of)
        .collect(Collectors.groupingBy(
            run -> new Group(run.first.model(), run.first.corpus(), run.first.setting().orElse("")),
            LinkedHashMap::new, Collectors.toList()))
        .values()
        .stream()
        .filter(runs -> runs.stream().mapToLong(run -> run.first.exposures()).distinct().count() > 1)
        .map(SkillsLaw::fit)
        .toList();
    if (laws.isEmpty()) {
      throw new LawException(rows.isEmpty()
          ? "there are no runs whose people had unequal exposures: train on a corpus with 'exposure: {zipf: 1.5}'"
          : "no model was measured on one corpus after two different numbers of exposures; train again with others, such as"
              + " 'exposures: [10, 20, 40, 80, 160]'");
    }
    return laws;
  }

  private static SkillsLaw fit(List<Run> runs) {
    FrequencyRow first = runs.getFirst().first;
    List<Point> points = new ArrayList<>();
    Map<String, List<String>> leftOut = new LinkedHashMap<>();
    List<String> warnings = new ArrayList<>();
    runs.stream()
        .collect(Collectors.groupingBy(run -> run.first.exposures(), TreeMap::new, Collectors.toList()))
        .forEach((exposures, alike) -> {
          List<Seeds> seeds = alike.stream().map(run -> run.first.seeds()).distinct().toList();
          if (seeds.size() < alike.size()) {
            throw new LawException("two runs of " + first.model() + " on " + first.corpus() + " after "
                + exposures
                + " exposures have the same seeds: they differ in something that the table does not show; fit them apart");
          }
          Estimate bits = estimate(alike, run -> run.storedBits);
          double share = bits.value() / mean(alike, run -> run.totalBits);
          Estimate excess = estimate(alike, run -> run.excessLoss);
          double imputed = mean(alike, run -> run.imputed) / excess.value();
          boolean used = share > LEAST_SHARE && share < MOST_SHARE;
          points.add(new Point(exposures, (double) exposures * first.people(), alike.size(), bits, share,
              excess, imputed, used, used && imputed <= MOST_IMPUTED));
          if (used && imputed > MOST_IMPUTED) {
            leftOut.computeIfAbsent(
                "only of the law of the loss, as more than half of the loss above that of known values is imputed to people"
                    + " beyond N and not measured: train with more people",
                _ -> new ArrayList<>()).add(exposures + " exposures");
          }
          if (!used) {
            leftOut
                .computeIfAbsent(
                    share < MOST_SHARE
                        ? "less than 1 % of the values' bits are stored"
                        : "half of the values' bits or more are stored, so that few people are left to learn",
                    _ -> new ArrayList<>())
                .add(exposures + " exposures");
          }
        });
    List<Point> used = points.stream().filter(Point::used).toList();
    Optional<PowerLaw> stored = law(used, point -> point.storedBits().value());
    Optional<PowerLaw> loss = law(used.stream().filter(Point::usedForLoss).toList(),
        point -> point.excessLoss().value());
    double a = Run.zipf(first);
    List<String> summary = stored.isEmpty()
        ? List.of("No law goes through " + used.size() + " of " + points.size()
            + " numbers of exposures: it needs those after which 1 to 50 % of the values' bits are stored.")
        : List.of(
            sentence("The stored bits of values grow as T^x with x", stored.get().gamma(), "1/a", 1 / a),
            loss.map(law -> sentence("The loss above that of known values falls as T^-y with y",
                negative(law.gamma()), "(a - 1)/a", (a - 1) / a))
                .orElse(
                    "The loss has no law: after too few of these numbers of exposures is at least half of the loss above that"
                        + " of known values measured, and not imputed to people beyond N; train with more people."));
    if (points.stream().anyMatch(point -> point.seeds() == 1)) {
      warnings.add(
          "Points of one seed alone are in the fit; their error shows in the scatter about the law only.");
    }
    warnings
        .add("Runs of different exposures are trainings of their own, each with its learning-rate schedule.");
    Checklist checklist = new Checklist("stored bits ~ T^x, loss above that of known values ~ T^-y",
        "bits of values by uniform guessing less the loss; nats an exposure of all values of a person, with those of the people"
            + " beyond N as if they were unknown; T is N times the mean exposures",
        used.size(), leftOut, Checklist.PARAMETER_COUNT,
        "means over seeds, of 1 to 50 % of the values' bits stored; of the law of the loss also at most half of it imputed ("
            + used.stream().filter(Point::usedForLoss).count() + " points)",
        "squares of logarithms, each number of exposures once",
        "closed form (linear regression on logarithms)", "none needed", "none",
        "95 %, Student's t over the numbers of exposures",
        points.stream().mapToInt(Point::seeds).min().orElse(0) + " to "
            + points.stream().mapToInt(Point::seeds).max().orElse(0),
        first.parameters(), first.parameters(), Checklist.extrapolation(first.parameters()),
        List.copyOf(warnings));
    return new SkillsLaw(first.model(), first.parameters(), first.corpus(), first.setting().orElse(""), a,
        List.copyOf(points), stored, loss, summary, checklist);
  }

  private static Optional<PowerLaw> law(List<Point> used, ToDoubleFunction<Point> figure) {
    return used.size() < 2
        ? Optional.empty()
        : Optional.of(PowerLaw.fit(used.stream()
            .map(point -> new PowerLaw.Point(point.total(), figure.applyAsDouble(point)))
            .toList(), UNIT));
  }

  private static Estimate negative(Estimate slope) {
    return slope.hasInterval()
        ? Estimate.within(-slope.value(), -slope.high().getAsDouble(), -slope.low().getAsDouble(),
            slope.method())
        : new Estimate(-slope.value(), slope.low(), slope.high(), slope.method());
  }

  private static String sentence(String what, Estimate found, String symbol, double derived) {
    return what + " = " + found + "; derived: " + symbol + " = " + Units.ratio(derived)
        + (found.hasInterval()
            ? found.low().getAsDouble() <= derived && derived <= found.high().getAsDouble()
                ? ", which the interval holds (this does not establish it)."
                : ", which the interval does not hold."
            : ".");
  }

  private static Estimate estimate(List<Run> runs, ToDoubleFunction<Run> figure) {
    return Estimate.mean(runs.stream().mapToDouble(figure).toArray(), "seeds");
  }

  private static double mean(List<Run> runs, ToDoubleFunction<Run> figure) {
    return runs.stream().mapToDouble(figure).average().orElseThrow();
  }

  /** For people: "gpt2-2-2-w16 on bioD(1000, 2, 8, 16, 2, 16) zipf 1.5". */
  public String name() {
    return model + " on " + corpus + (setting.isEmpty() ? "" : ", " + setting);
  }
}
