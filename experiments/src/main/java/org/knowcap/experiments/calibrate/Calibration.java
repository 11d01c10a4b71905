package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;

/** Makes all checks, in the order in which they run; the cheap ones come first. */
public final class Calibration {
  /** Of the study of known answer, the people of the runs whose model has more to learn than it can hold. */
  private static final long OVERFULL = 600;
  private static final long FEW = 300;
  private static final long MANY = 4000;

  /** The check that a study of known answer lands in its interval. */
  public static final String KNOWN = "known";
  /** Names of the checks, in their order. */
  public static final List<String> NAMES = List.of("bounds", "planted", "leak", "engines", KNOWN, "repeat");

  private Calibration() {}

  /**
   * The checks of this machine.
   *
   * @param directory for checkpoints, empty
   * @param engine that trains and measures; other engines that are here are compared with it
   * @param seed of everything that is drawn
   * @param seeds how many runs of each kind the study of known answer has
   * @param names of the checks that are wanted: only the parts that these need are built
   */
  public static List<Check> checks(Path directory, Engine engine, long seed, int seeds, List<String> names)
      throws IOException {
    Training training = new Training(directory, engine, names.contains(KNOWN) ? seeds : 1);
    List<AgreementCheck.Way> ways = new ArrayList<>();
    ways.add(new AgreementCheck.Way(engine.name() + ", 1 thread", engine, 1));
    ways.add(new AgreementCheck.Way(engine.name() + ", 2 threads", engine, 2));
    Engines.all()
        .stream()
        .filter(other -> !other.name().equals(engine.name()) && other.unavailable().isEmpty())
        .forEach(other -> ways.add(new AgreementCheck.Way(other.name(), other, 1)));
    List<Specimen> few = names.contains("bounds") || names.contains("planted")
        ? Specimen.all(seed, FEW)
        : List.of();
    List<Specimen> many = names.contains("leak") ? Specimen.all(seed, MANY) : List.of();
    List<Check> all = List.of(new BoundsCheck(few, Measurement::of),
        new PlantedCheck(few.stream().filter(each -> List.of("bioS", "bioD").contains(each.kind())).toList(),
            seed, Measurement::of),
        new LeakCheck(many), new AgreementCheck(directory, ways),
        new KnownAnswerCheck(() -> training.measured().stream().map(Calibration::answer).toList()),
        new RepeatCheck(() -> training.run(OVERFULL).corpus(),
            (corpus, most) -> training.measure(OVERFULL, corpus, most), seed));
    return all.stream().filter(check -> names.contains(check.name())).toList();
  }

  private static KnownAnswerCheck.Answer answer(MeasuredRun run) {
    RunResult result = run.result();
    return new KnownAnswerCheck.Answer(
        result.corpus() + ", " + result.model() + ", seed " + result.seeds().weightsSeed(), result.people(),
        result.capacityRatio(), result.storedBitsStandardError() / result.parameters(),
        result.maxCapacityRatio());
  }
}
