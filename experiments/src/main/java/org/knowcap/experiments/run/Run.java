package org.knowcap.experiments.run;

import org.knowcap.experiments.measure.RareTokens;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.Recall;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.measure.TrainingPoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.analysis.results.Acquisition;
import org.knowcap.analysis.results.Completeness;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.Cautions;
import org.knowcap.experiments.study.ExposureCounts;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.MeasurementSettings;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.architecture.ParameterCount;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.quantisation.StraightThrough;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.Schedule;
import org.knowcap.models.training.Trainer;
import org.knowcap.models.training.TrainingListener;
import org.knowcap.models.training.TrainingSpec;
import tools.jackson.core.JacksonException;

/** Trains one run in its folder, from its checkpoint if it has one, and measures it. */
public final class Run {
  /** Time between checkpoints; the system property is for tests and for machines that are often interrupted. */
  private static final Duration BETWEEN_CHECKPOINTS = Duration
      .ofSeconds(Long.getLong("knowcap.checkpoint.seconds", 30));
  /** Number of reports of a run, approximately. */
  private static final long REPORTS = 200;

  private final RunSpec spec;
  private final RunFolder folder;
  private final int threads;
  private final Sessions sessions;

  /**
   * @param threads of the CPU that the engine may use
   * @param sessions opens the session that the run trains in
   */
  public Run(RunSpec spec, RunFolder folder, int threads, Sessions sessions) {
    this.spec = spec;
    this.folder = folder;
    this.threads = threads;
    this.sessions = sessions;
  }

  private static long reportEvery(long steps) {
    return Math.max(1, steps / REPORTS);
  }

  /** The engine a run asks for: by name, or the machine's preferred one. */
  public static Engine engine(RunSpec spec) {
    return spec.engine().equals(StudyReader.AUTO) ? Engines.preferred() : Engines.named(spec.engine());
  }

  /**
   * Runs to the end and writes the result. The caller holds the folder's lock.
   *
   * @param listener receives progress, besides the folder's metrics
   */
  public MeasuredRun execute(TrainingListener listener) throws IOException, InterruptedException {
    folder.writeSpec(spec);
    Engine engine = engine(spec);
    Corpus corpus = spec.corpus();
    Program program = spec.program(corpus);
    Schedule schedule = spec.schedule(corpus);
    long tokens = schedule.steps() * program.stepRows();
    TrainingSpec training = new TrainingSpec(schedule, spec.initialisation(corpus),
        RareTokens.of(corpus, spec.training().contextLength(), tokens), reportEvery(schedule.steps()),
        BETWEEN_CHECKPOINTS, spec.fingerprint(), spec.identity(corpus));
    MetricsRecorder metrics;
    float[] parameters;
    try (Session session = sessions.open(engine, program, new Execution(threads, spec.training().precision(),
        spec.training().weights().map(StraightThrough::new)))) {
      metrics = new MetricsRecorder(listener, () -> point(engine, corpus, session));
      CorpusBatches batches = new CorpusBatches(corpus, spec.training().effectiveBatchSize(),
          spec.training().windows());
      new Trainer(program, session, training, folder.checkpoint()).run(batches, metrics);
      parameters = session.state().get(Session.PARAMETERS);
    }
    Optional<QuantisedModel> rounded = spec.rounded(corpus, parameters, folder.checkpoint());
    Measurement losses;
    Recall recall;
    OptionalDouble unseen;
    try (TrainedModel model = TrainedModel.load(engine, threads, spec.model(),
        rounded.map(QuantisedModel::parameters).orElse(parameters), corpus, folder.checkpoint())) {
      losses = Measurement.of(model, spec.measuredPeople());
      recall = Recall.of(model, spec.measuredPeople());
      unseen = TrainingPoints.unseen(model, spec.measuredPeople());
    }
    OptionalDouble lateShare = new LossCurve(folder.readMetrics()).lateShare(corpus,
        losses.capacity(parameters.length).storedBits());
    MeasuredRun run = measured(spec, spec.name(), engine, threads, corpus, losses, recall, metrics.last(),
        tokens, lateShare, Optional.empty())
        .with(acquisition(unseen, losses, spec.exposureCounts(corpus).exposures(), schedule.steps()))
        .trainedTogether(sessions.replicas())
        .with(rounded.map(model -> StoredWeights.of(spec.training().weights().orElseThrow(), model))
            .or(() -> StoredWeights.of(spec.training().updateRule().masterWeights(), parameters.length)))
        .madeFrom(folder.origin());
    folder.writeResult(run);
    Files.deleteIfExists(Checkpoint.previous(folder.checkpoint()));
    return run;
  }

  /** @param unseen loss of values of people whom training does not show, nats */
  private Acquisition acquisition(OptionalDouble unseen, Measurement losses, double exposures, long steps)
      throws IOException {
    List<Acquisition.Point> points = folder.readMetrics()
        .stream()
        .flatMap(metric -> metric.measured()
            .map(point -> new Acquisition.Point(metric.step(), point.valueLossNats()))
            .stream())
        .toList();
    OptionalDouble plateau = Acquisition.plateau(points, losses.uniformValueNats());
    return new Acquisition(unseen, plateau,
        plateau.isPresent()
            ? OptionalDouble.of(plateau.getAsDouble() / steps * exposures)
            : OptionalDouble.empty());
  }

  /** What the model in a session holds. */
  private TrainingPoint point(Engine engine, Corpus corpus, Session session) {
    float[] parameters = session.state().get(Session.PARAMETERS);
    try (TrainedModel model = TrainedModel.load(engine, threads, spec.model(),
        spec.rounded(corpus, parameters, folder.checkpoint())
            .map(QuantisedModel::parameters)
            .orElse(parameters),
        corpus, folder.checkpoint())) {
      return TrainingPoints.of(model, spec.measuredPeople());
    }
  }

  /**
   * The result of a run.
   *
   * @param name of the row of results
   * @param losses of the run's model, or of a model that was made from it
   * @param recall of that model
   * @param last metric of the training
   * @param tokens trained on
   * @param lateShare share of the bits that were stored in the second half of the training
   * @param limitedBy what limited the training, where the model is not what was trained
   */
  public static MeasuredRun measured(RunSpec spec, String name, Engine engine, int threads, Corpus corpus,
      Measurement losses, Recall recall, RunFolder.Metric last, long tokens, OptionalDouble lateShare,
      Optional<Limit> limitedBy) {
    Optional<SampleSummary> names = losses.named()
        ? Optional.of(losses.summary(KnowledgeKind.NAME))
        : Optional.empty();
    SampleSummary values = losses.summary(KnowledgeKind.VALUE);
    ParameterCount parameters = spec.model().parameters(corpus.vocabulary().size());
    Capacity capacity = losses.capacity(parameters.total());
    ExposureCounts exposures = spec.exposureCounts(corpus);
    RunResult result = RunResult.of(name,
        new RunResult.Learnt(corpus.name(), spec.people(), Math.round(exposures.exposures()), spec.seeds(),
            new Completeness(OptionalDouble.of(exposures.completeExposures()),
                OptionalDouble.of(exposures.valueTokensBehindName())),
            exactNameBits(corpus)),
        new RunResult.Model(spec.model().name(), spec.model().headWidth(), parameters.total(),
            parameters.active(), parameters.frozen(), parameters.inMemory(), spec.model().causal()),
        new RunResult.Training(engine.name(), spec.setting(), spec.training().learningRate(), last.step(),
            tokens, last.seconds(), last.loss()),
        names, values, capacity, lateShare,
        limitedBy.orElseGet(() -> Limit.of(capacity.saturation(), lateShare)), recall.shares(),
        losses.memorisation(parameters.total()));
    return new MeasuredRun(result,
        Stream.concat(capacity.parts().stream(), losses.answers().stream()).toList(), values.size(),
        Provenances.of(engine, threads, corpus), last.routing(), recall.byAttribute(), exactBits(corpus),
        Cautions.of(spec, corpus), losses.frequencies(corpus, exposures.exposures()), Optional.empty(),
        Optional.empty(), recall.beside());
  }

  /** log2 of the number of sets of names; absent where there are no names. */
  private static OptionalDouble exactNameBits(Corpus corpus) {
    return corpus.measured()
        .bits()
        .parts()
        .stream()
        .filter(part -> part.kind() == KnowledgeKind.NAME)
        .mapToDouble(KnowledgePart::entropyBits)
        .findFirst();
  }

  /** log2 of the number of ways that each part of the knowledge can turn out. */
  private static Map<String, Double> exactBits(Corpus corpus) {
    Map<String, Double> bits = new LinkedHashMap<>();
    corpus.measured().bits().parts().forEach(part -> bits.put(part.name(), part.entropyBits()));
    return bits;
  }

  /** Writes progress to the folder's metrics, and adds the seconds of earlier processes. */
  private final class MetricsRecorder implements TrainingListener {
    private final TrainingListener next;
    private final Supplier<TrainingPoint> measuring;
    private Optional<RunFolder.Metric> last = Optional.empty();
    private double earlierSeconds;
    private long began;

    /** @param measuring the model as it is */
    MetricsRecorder(TrainingListener next, Supplier<TrainingPoint> measuring) {
      this.next = next;
      this.measuring = measuring;
    }

    private Optional<TrainingPoint> measured(Progress progress) {
      boolean due = spec.measurement().along() == MeasurementSettings.Along.LOG
          && TrainingPoints.due(progress.step(), progress.steps(), reportEvery(progress.steps()));
      if (!due) {
        return Optional.empty();
      }
      long before = System.nanoTime();
      TrainingPoint point = measuring.get();
      // Measuring is no training: its time does not count.
      began += System.nanoTime() - before;
      return Optional.of(point);
    }

    RunFolder.Metric last() {
      return last.orElseThrow(() -> new IllegalStateException("no step was reported by " + spec.name()));
    }

    @Override
    public void started(long finishedSteps, String remembered) {
      // The checkpoint says what was reported by its step: metrics.jsonl may have lost lines.
      last = remembered.isEmpty() ? Optional.empty() : Optional.of(reported(remembered));
      try {
        folder.rewindMetrics(finishedSteps, last);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      earlierSeconds = last.map(RunFolder.Metric::seconds).orElse(0.0);
      began = System.nanoTime();
      next.started(finishedSteps, remembered);
    }

    /** A checkpoint of an earlier version may remember a report that this one cannot read. */
    private RunFolder.Metric reported(String remembered) {
      try {
        return Json.MAPPER.readValue(remembered, RunFolder.Metric.class);
      } catch (JacksonException e) {
        throw UserException
            .failure(folder.checkpoint() + ": the last report that it remembers is no report of"
                + " this version of Knowcap's; 'knowcap run' with --again " + spec.name()
                + " trains the run again");
      }
    }

    @Override
    public String toRemember() {
      return last.map(Json.MAPPER::writeValueAsString).orElse("");
    }

    @Override
    public void wentBack(String problem) {
      next.wentBack(problem);
    }

    @Override
    public boolean stops() {
      return next.stops();
    }

    @Override
    public void progressed(Progress progress) {
      double seconds = earlierSeconds + (System.nanoTime() - began) / 1e9;
      OptionalDouble norm = progress.gradientNorm();
      RunFolder.Metric metric = new RunFolder.Metric(progress.step(), progress.loss(),
          progress.learningRate(), progress.tokensPerSecond(), seconds,
          norm.isPresent() ? Optional.of(norm.getAsDouble()) : Optional.empty(),
          Optional.of(progress.outliers().all()), Optional.of(progress.outliers().rare()), progress.routing(),
          measured(progress));
      last = Optional.of(metric);
      try {
        folder.appendMetric(metric);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      next.progressed(progress);
    }
  }
}
