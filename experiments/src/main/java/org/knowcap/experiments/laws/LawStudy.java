package org.knowcap.experiments.laws;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedSet;
import java.util.stream.Stream;
import org.knowcap.analysis.law.Arm;
import org.knowcap.analysis.law.LawVerdict;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.study.RunSpec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The study of some laws in one size: one directory, in which arms of several laws that are one setting are trained once. The
 * next runs follow from what is measured alone, so that a study that was stopped goes on where it was.
 *
 * @param size of the laws
 * @param laws in the order in which they are run
 */
public record LawStudy(LawSize size, List<Law> laws) {
  /** A run of an arm: what distinguishes it from the arm's others. */
  public record Cell(LawArm arm, double learningRate, long seed) {
    public RunSpec run() {
      return arm.run(learningRate, seed);
    }
  }

  /** The learning rates of an arm so far. */
  RateChoice rates(LawArm arm, LawRuns runs) {
    Map<Double, Double> ratios = new HashMap<>();
    RateChoice choice = RateChoice.of(arm.learningRates(), size.moreRates(), ratios);
    for (int before = -1; ratios.size() > before;) {
      before = ratios.size();
      for (double rate : choice.missing()) {
        ratio(arm, rate, runs).ifPresent(ratio -> ratios.put(rate, ratio));
      }
      choice = RateChoice.of(arm.learningRates(), size.moreRates(), ratios);
    }
    return choice;
  }

  /**
   * R of the run that chooses, with a learning rate; negative infinity if any run of the arm diverged with it. A mean over only
   * the seeds that did not diverge would be of chosen seeds.
   */
  private OptionalDouble ratio(LawArm arm, double rate, LawRuns runs) {
    LawArm choosing = arm.chooser().orElse(arm);
    boolean lost = Stream.of(choosing, arm)
        .flatMap(each -> size.seeds().stream().map(seed -> each.run(rate, seed)))
        .anyMatch(runs::diverged);
    return lost
        ? OptionalDouble.of(Double.NEGATIVE_INFINITY)
        : runs.ratio(choosing.run(rate, size.choosingSeed()));
  }

  /** Runs of an arm that can be done now; none where it is complete, or hopeless. */
  public List<Cell> next(LawArm arm, LawRuns runs) {
    RateChoice rates = rates(arm, runs);
    Optional<Double> best = rates.best();
    LawArm choosing = arm.chooser().orElse(arm);
    return best.isEmpty()
        ? rates.missing().stream().map(rate -> new Cell(choosing, rate, size.choosingSeed())).toList()
        : size.seeds()
            .stream()
            .map(seed -> new Cell(arm, best.get(), seed))
            // A model to round must be here.
            .filter(cell -> arm.quantiser()
                .map(how -> runs.rounded(cell.run(), how).isEmpty() && !runs.here(cell.run()))
                .orElseGet(() -> runs.result(cell.run()).isEmpty()))
            .toList();
  }

  /** Runs of an arm that are done or have diverged in the directory, with any learning rate that was tried. */
  private List<Cell> done(LawArm arm, LawRuns runs) {
    LawArm choosing = arm.chooser().orElse(arm);
    return rates(arm, runs).tried()
        .keySet()
        .stream()
        .flatMap(rate -> Stream.concat(Stream.of(new Cell(choosing, rate, size.choosingSeed())),
            size.seeds().stream().map(seed -> new Cell(arm, rate, seed))))
        .filter(cell -> runs.here(cell.run()))
        .toList();
  }

  /** Arms of a law whose learning rates have all lost: they have no next runs, and no result. */
  public List<LawArm> hopeless(Law law, LawRuns runs) {
    return law.arms().stream().filter(arm -> rates(arm, runs).allLost()).toList();
  }

  /** Runs of all laws that are done or have diverged in the directory. */
  public List<Cell> done(LawRuns runs) {
    return laws.stream()
        .flatMap(law -> law.arms().stream())
        .flatMap(arm -> done(arm, runs).stream())
        .toList();
  }

  /** Runs of all arms whose models are to be rounded and are not. */
  public List<Cell> unrounded(Law law, LawRuns runs) {
    return law.arms()
        .stream()
        .filter(arm -> arm.quantiser().isPresent())
        .flatMap(arm -> measured(arm, runs))
        .filter(cell -> runs.here(cell.run()) && runs.result(cell.run()).isPresent()
            && runs.rounded(cell.run(), cell.arm.quantiser().orElseThrow()).isEmpty())
        .toList();
  }

  /** Runs that an arm is measured by; none before its learning rate is chosen. */
  private Stream<Cell> measured(LawArm arm, LawRuns runs) {
    return rates(arm, runs).best()
        .stream()
        .flatMap(rate -> size.seeds().stream().map(seed -> new Cell(arm, rate, seed)));
  }

  /** Runs of a law that can be done now, each once; none where all its arms are complete. */
  public List<Cell> next(Law law, LawRuns runs) {
    SequencedSet<RunSpec> seen = new LinkedHashSet<>();
    return law.arms()
        .stream()
        .flatMap(arm -> next(arm, runs).stream())
        .filter(cell -> seen.add(cell.run()))
        .toList();
  }

  /** What the runs so far say of a law. */
  public LawVerdict verdict(Law law, LawRuns runs) {
    return LawVerdict.of(law.claim(), law.judgements(),
        law.arms().stream().map(arm -> arm(arm, runs)).toList());
  }

  private Arm arm(LawArm arm, LawRuns runs) {
    RateChoice rates = rates(arm, runs);
    List<RunResult> measured = measured(arm, runs).map(Cell::run)
        .flatMap(run -> arm.quantiser()
            .map(how -> runs.rounded(run, how))
            .orElseGet(() -> runs.result(run))
            .stream())
        .toList();
    RunSpec any = arm.any();
    String what = any.model().name() + arm.quantiser().map(how -> ", " + how.label()).orElse("") + " on "
        + any.corpus().name() + " after " + any.exposures().count() + " exposures";
    // Rates of another arm say nothing of which is best for this one.
    List<Arm.TriedRate> tried = arm.chooser().isPresent()
        ? List.of()
        : rates.tried()
            .entrySet()
            .stream()
            .map(each -> new Arm.TriedRate(each.getKey(), each.getValue()))
            .toList();
    int missing = rates.allLost() ? 0 : rates.missing().size() + size.seeds().size() - measured.size();
    return new Arm(arm.name(), what, measured, tried, missing, any.corpusSpec().sourceBits());
  }

  /** Runs that an arm takes if its best learning rate is none at an end. */
  public List<Cell> planned(LawArm arm) {
    return Stream
        .concat(
            arm.chooser().isPresent()
                ? Stream.<Cell>empty()
                : arm.learningRates().stream().map(rate -> new Cell(arm, rate, size.choosingSeed())),
            size.seeds().stream().map(seed -> new Cell(arm, arm.learningRates().getFirst(), seed)))
        .toList();
  }

  /** The study file of some runs. */
  public byte[] yaml(Collection<Cell> cells) {
    record Setting(ObjectNode keys, double learningRate) {}
    Map<Setting, List<Long>> settings = new LinkedHashMap<>();
    cells.forEach(cell -> {
      List<Long> seeds = settings.computeIfAbsent(new Setting(cell.arm.keys(), cell.learningRate),
          _ -> new ArrayList<>());
      if (!seeds.contains(cell.seed)) {
        seeds.add(cell.seed);
      }
    });
    ArrayNode grids = JsonNodeFactory.instance.arrayNode();
    settings.forEach((setting, seeds) -> grids
        .add(grid(setting.keys, setting.learningRate, seeds.stream().sorted().toList())));
    return new YAMLMapper().writeValueAsBytes(file(size, grids));
  }

  /** A study file of these grids. */
  static ObjectNode file(LawSize size, ArrayNode grids) {
    ObjectNode file = JsonNodeFactory.instance.objectNode();
    file.put("name", size.studyName());
    file.setAll(size.study());
    file.set("grids", grids);
    return file;
  }

  /** The grid of an arm with one learning rate. */
  static ObjectNode grid(ObjectNode keys, double learningRate, List<Long> seeds) {
    ObjectNode grid = keys.deepCopy();
    ObjectNode training = grid.path("training") instanceof ObjectNode own
        ? own
        : JsonNodeFactory.instance.objectNode();
    training.put("learning_rate", learningRate);
    grid.set("training", training);
    ArrayNode numbers = grid.putArray("seeds");
    seeds.forEach(numbers::add);
    return grid;
  }
}
