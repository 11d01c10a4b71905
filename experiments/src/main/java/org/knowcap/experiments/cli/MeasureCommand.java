package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.PeopleTable;
import org.knowcap.experiments.measure.Recall;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.LossFile;
import org.knowcap.experiments.study.ReplayFile;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.tokens.Vocabulary;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures what the weights of a run hold. */
@Command(
    name = "measure",
    mixinStandardHelpOptions = true,
    description = "Measures the bits that a run's checkpoint holds, and changes nothing: of a run before it is done, or of one that"
        + " was imported.")
final class MeasureCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "RUN",
      description = "Folder of the run, such as DIR/runs/NAME; or a study's directory with one run.")
  private Path run;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of the engine. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--people",
      paramLabel = "FILE",
      description = "Write a Parquet table too, one row for each value of each person who is measured: its loss, and whether"
          + " it is recalled, generated and answered.")
  private Optional<Path> people;

  @Option(
      names = "--texts",
      paramLabel = "FILE",
      description = "Write what the model writes from each measured person's name alone, one JSON object a line: texts that"
          + " another run can replay ('corpus.replay_texts').")
  private Optional<Path> texts;

  @Option(
      names = "--losses",
      paramLabel = "FILE",
      description = "Write what the values of each person of the corpus cost, as JSON: by this another run can choose the people"
          + " whom it goes on with ('corpus.exposure.pruned').")
  private Optional<Path> losses;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--threads", threads);
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, threads);
    }
    TrainedRun trained = TrainedRun.open(run);
    Measurement measurement;
    Recall recall;
    try (TrainedModel model = trained.model(threads)) {
      long most = trained.spec().measuredPeople();
      measurement = Measurement.of(model, most);
      recall = Recall.of(model, most);
      if (people.isPresent()) {
        PeopleTable.of(model, most, recall).write(people.get());
      }
      if (texts.isPresent()) {
        ReplayFile.write(texts.get(), written(trained, model, most));
      }
      if (losses.isPresent()) {
        valueLosses(trained, model).write(losses.get());
      }
    }
    // P as in tables: of a model with adapters, which are merged here, only the adapters.
    long parameters = trained.spec().model().parameters(trained.corpus().vocabulary().size()).total();
    Capacity capacity = measurement.capacity(parameters);
    List<Knowledge> parts = measurement.parts();
    Memorisation memorisation = measurement.memorisation(parameters);
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("run", trained.spec().name());
      answer.put("step", trained.step());
      answer.put("parameters", parameters);
      answer.put("stored_bits", capacity.storedBits());
      answer.put("total_bits", capacity.totalBits());
      answer.put("capacity_ratio", capacity.capacityRatio());
      answer.put("saturation", capacity.saturation());
      if (memorisation.ofStrings()) {
        answer.put("memorisation", memorisation);
      }
      answer.put("parts", parts);
      answer.put("answers", measurement.answers());
      answer.put("recall", recall.shares());
      answer.put("recall_by_attribute", recall.byAttribute());
      out.println(Json.MAPPER.writeValueAsString(answer));
      return 0;
    }
    out.println(trained.spec().name()
        + (trained.step() == 0 ? ", imported" : ", step " + Units.count(trained.step())));
    parts.forEach(part -> print(part, out));
    out.println("stored: " + Units.bits(capacity.storedBits(), capacity.storedBitsStandardError()) + " of "
        + Units.bits(capacity.totalBits()) + ", " + Units.percent(capacity.saturation()) + ", "
        + Units.ratio(capacity.capacityRatio(), capacity.capacityRatioStandardError()) + " bits a parameter");
    measurement.answers().forEach(answer -> print(answer, out));
    if (memorisation.ofStrings()) {
      print(memorisation, out);
    }
    out.println(
        "said right, of people whose values are all right (with standard errors; in brackets: of people never seen):");
    print("all values", recall.shares(), out);
    recall.byAttribute().forEach(each -> print(each.attribute(), each.shares(), out));
    return 0;
  }

  private static List<ReplayFile.Line> written(TrainedRun trained, TrainedModel model, long most) {
    List<Recall.Written> written = Recall.written(model, most);
    if (written.isEmpty()) {
      throw UserException
          .usage("--texts: " + trained.spec().model().name() + " on " + trained.spec().corpusSpec().name()
              + " cannot write about people: either it looks at later tokens, or its corpus has no names");
    }
    Vocabulary vocabulary = trained.spec().corpus().vocabulary();
    return written.stream()
        .map(each -> new ReplayFile.Line(each.person(),
            vocabulary.decode(each.tokens(), 1, each.tokens().length), each.tokens()))
        .toList();
  }

  private static LossFile.Content valueLosses(TrainedRun trained, TrainedModel model) {
    RunSpec spec = trained.spec();
    String people = LossFile.people(spec.corpusSpec(), spec.seeds().corpusSeed())
        .orElseThrow(() -> UserException
            .usage("--losses: people are chosen in corpora of bioS, bioS-simple and bioD without questions; "
                + spec.name() + " is of " + spec.corpusSpec().name()));
    if (spec.people() > Exposure.MOST_PEOPLE) {
      throw UserException.usage(
          "--losses: at most " + Exposure.MOST_PEOPLE + " people can be chosen from, found " + spec.people());
    }
    return new LossFile.Content(spec.name(), trained.step(), people, Measurement.valueLosses(model));
  }

  private static void print(Memorisation memorisation, PrintWriter out) {
    out.println("memorised, no string below 0: "
        + Units.bits(memorisation.memorisedBits().orElseThrow(),
            memorisation.memorisedBitsStandardError().orElseThrow())
        + ", " + Units.ratio(memorisation.memorisedRatio().orElseThrow())
        + " bits a parameter; of as many strings never seen: memorised "
        + Units.bits(memorisation.unseenMemorisedBits().orElseThrow()) + ", stored "
        + Units.bits(memorisation.unseenStoredBits().orElseThrow()));
  }

  private static void print(String what, RecallShares shares, PrintWriter out) {
    out.println("  " + what + ": recalled "
        + shown(shares.recalled(), shares.recalledStandardError(), shares.recalledUnseen()) + ", generated "
        + shown(shares.generated(), shares.generatedStandardError(), shares.generatedUnseen())
        + (Double.isNaN(shares.extractable())
            ? ""
            : ", extractable "
                + shown(shares.extractable(), shares.extractableStandardError(), shares.extractableUnseen())
                + ", of people asked about " + Units.percent(shares.extractableAsked())));
  }

  private static String shown(double share, OptionalDouble error, double unseen) {
    return Double.isNaN(share)
        ? "not measured"
        : Units.percent(share) + (error.isPresent() ? " ± " + Units.percent(error.getAsDouble()) : "")
            + (Double.isNaN(unseen) ? "" : " (" + Units.percent(unseen) + ")");
  }

  private static void print(Knowledge part, PrintWriter out) {
    out.println("  " + part.name() + ": loss " + Units.measured(part.lossNats(), part.lossStandardError(), 4)
        + " nats, " + Units.bits(part.storedBits(), part.storedBitsStandardError()) + " of "
        + Units.bits(part.totalBits()));
  }
}
