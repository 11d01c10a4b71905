package org.knowcap.experiments.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.experiments.run.Run;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.Progress;
import org.knowcap.models.training.TrainingListener;

/** Each check passes, and fails where a fault of the kind that it looks for is put into the instrument. */
class CalibrationTest {
  private static final long SEED = 5;
  private static final TrainingListener NOBODY = new TrainingListener() {
    @Override
    public void started(long finishedSteps, String notice) {}

    @Override
    public void progressed(Progress progress) {}
  };

  @TempDir
  Path directory;

  private static void assertPasses(List<Finding> findings) {
    assertFalse(findings.isEmpty());
    findings.forEach(finding -> assertEquals(Finding.Verdict.PASS, finding.verdict(), finding.toString()));
  }

  /** @param of the findings that must fail, a word in what they looked at */
  private static void assertFails(List<Finding> findings, String of) {
    List<Finding> concerned = findings.stream().filter(finding -> finding.what().contains(of)).toList();
    assertFalse(concerned.isEmpty(), findings.toString());
    concerned.forEach(finding -> assertEquals(Finding.Verdict.FAIL, finding.verdict(), finding.toString()));
  }

  private static Specimen specimen(List<Specimen> all, String kind) {
    return all.stream().filter(each -> each.kind().equals(kind)).findFirst().orElseThrow();
  }

  /** A measurement that thinks that it has seen each person 16 times: its standard errors are a quarter. */
  private static Measurement overconfident(Measurement measurement) {
    double[][] losses = Arrays.stream(measurement.losses())
        .map(part -> IntStream.range(0, 16).boxed().flatMapToDouble(_ -> Arrays.stream(part)).toArray())
        .toArray(double[][]::new);
    return new Measurement(measurement.knowledge(), 1000 * measurement.people(), losses, measurement.again(),
        measurement.answers(), measurement.unseen());
  }

  @Test
  void boundsSeeLossesThatAreCountedWrongly() throws Exception {
    List<Specimen> few = Specimen.all(SEED, 60);
    assertPasses(new BoundsCheck(few, Measurement::of).findings());
    assertFails(new BoundsCheck(few,
        (corpus, most, scorer) -> Measurement.of(corpus, most, (tokens, targets, out) -> {
          scorer.losses(tokens, targets, out);
          // As if a token's loss were taken where the token before is predicted.
          System.arraycopy(out, 0, out, 1, out.length - 1);
        })).findings(), "knows all");
    assertFails(new BoundsCheck(few,
        (corpus, most, scorer) -> Measurement.of(corpus, most, (tokens, targets, out) -> {
          scorer.losses(tokens, targets, out);
          for (int i = 0; i < out.length; i++) {
            out[i] *= 1.01f;
          }
        })).findings(), "guesses");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1})
  void boundsSeeSpansThatHoldLessOrMore(int tokens) throws Exception {
    Specimen bioS = specimen(Specimen.all(SEED, 60), "bioS");
    Specimen changed = new Specimen("bioS",
        altered(bioS.corpus().measured(),
            item -> new AnnotatedItem(item.tokens(),
                item.spans()
                    .stream()
                    .map(span -> span.attribute().equals(Attribute.UNIVERSITY)
                        ? new Span(span.kind(), span.attribute(), span.start(), span.end() + tokens)
                        : span)
                    .toList())),
        bioS.everybody());
    List<Finding> findings = new BoundsCheck(List.of(changed), Measurement::of).findings();
    assertFails(findings, "spans");
  }

  private interface Change {
    AnnotatedItem of(AnnotatedItem item);
  }

  private static Source altered(Source source, Change change) {
    return new WatchedSource(source, (_, item) -> change.of(item));
  }

  @Test
  void plantedSeesABiasAndAnErrorThatIsTooSmall() throws Exception {
    List<Specimen> all = Specimen.all(SEED, 300);
    List<Specimen> two = List.of(specimen(all, "bioS"), specimen(all, "bioD"));
    assertPasses(new PlantedCheck(two, SEED, Measurement::of).findings());
    assertFails(new PlantedCheck(two, SEED,
        (corpus, most, scorer) -> Measurement.of(corpus, most, (tokens, targets, out) -> {
          scorer.losses(tokens, targets, out);
          for (int i = 0; i < out.length; i++) {
            out[i] *= 0.9f;
          }
        })).findings(), "25 %");
    assertFails(new PlantedCheck(two.subList(0, 1), SEED, (corpus, most, scorer) -> {
      Measurement found = Measurement.of(corpus, most, scorer);
      Measurement sure = overconfident(found);
      return new Measurement(sure.knowledge(), found.people() * 16, sure.losses(), sure.again(),
          sure.answers(), sure.unseen());
    }).findings(), "bioS");
  }

  @Test
  void theAttackFindsACityThatStandsBeforeItsEmployer() throws Exception {
    Specimen bioS = specimen(Specimen.all(SEED, 2000), "bioS");
    assertPasses(new LeakCheck(List.of(bioS)).findings());
    Specimen leaky = new Specimen("bioS, leaky",
        altered(bioS.corpus().measured(), CalibrationTest::cityFirst), bioS.everybody());
    List<Finding> findings = new LeakCheck(List.of(leaky)).findings();
    assertFails(findings, "leaky");
    assertTrue(findings.getFirst().found().contains("employer by employer_city"), findings.toString());
  }

  /** The text with the employer's city right behind the name, where it costs nothing. */
  private static AnnotatedItem cityFirst(AnnotatedItem item) {
    Span city = item.spans()
        .stream()
        .filter(span -> span.attribute().equals(Attribute.EMPLOYER_CITY))
        .findFirst()
        .orElseThrow();
    int at = item.spans().getFirst().end();
    int length = city.end() - city.start();
    int[] tokens = new int[item.tokens().length + length];
    System.arraycopy(item.tokens(), 0, tokens, 0, at);
    System.arraycopy(item.tokens(), city.start(), tokens, at, length);
    System.arraycopy(item.tokens(), at, tokens, at + length, item.tokens().length - at);
    List<Span> spans = new ArrayList<>(List.of(item.spans().getFirst(),
        new Span(KnowledgeKind.IMPLIED, Attribute.EMPLOYER_CITY, at, at + length)));
    item.spans()
        .stream()
        .skip(1)
        .filter(span -> span != city)
        .forEach(span -> spans
            .add(new Span(span.kind(), span.attribute(), span.start() + length, span.end() + length)));
    return new AnnotatedItem(tokens, spans);
  }

  /** Somebody's texts begin with a sentence that the major chooses. */
  @Test
  void theAttackFindsAnOrderThatFollowsFromAValue() throws Exception {
    Specimen bioS = specimen(Specimen.all(SEED, 2000), "bioS");
    Source source = bioS.corpus().measured();
    Source leaky = new WatchedSource(source, (person, item) -> {
      boolean he = source.values(person).get(Attribute.GENDER).equals("He");
      AnnotatedItem chosen = item;
      for (long draw = 0; he != chosen.spans().get(1).attribute().equals(Attribute.MAJOR)
          && draw < 40; draw++) {
        chosen = source.measuringItem(person, draw + 100_000);
      }
      return chosen;
    });
    List<Finding> findings = new LeakCheck(List.of(new Specimen("leaky", leaky, bioS.everybody())))
        .findings();
    assertFails(findings, "leaky");
    assertTrue(findings.getFirst().found().contains("gender by"), findings.toString());
  }

  @Test
  void repeatSeesAnErrorThatIsTooSmall() throws Exception {
    Corpus corpus = specimen(Specimen.all(SEED, 300), "bioS").corpus();
    RepeatCheck.Measuring sound = (watched, most) -> Measurement.of(watched, most, (tokens, targets, out) -> {
      for (int i = 0; i < out.length; i++) {
        out[i] = targets[i] % 7 * 0.1f;
      }
    });
    assertPasses(new RepeatCheck(() -> corpus, sound, SEED).findings());
    assertFails(
        new RepeatCheck(() -> corpus, (watched, most) -> overconfident(sound.measure(watched, most)), SEED)
            .findings(),
        "people each time");
  }

  @Test
  void knownSeesAnotherAnswer() throws Exception {
    assertPasses(new KnownAnswerCheck(() -> answers(0, 1)).findings());
    assertFails(new KnownAnswerCheck(() -> answers(-5.1, 1)).findings(), "corpus");
    assertFails(new KnownAnswerCheck(() -> answers(5.1, 1)).findings(), "corpus");
    // What no single run shows, the mean of several does.
    assertPasses(new KnownAnswerCheck(() -> answers(-4, 1)).findings());
    assertFails(new KnownAnswerCheck(() -> answers(-4, 8)).findings(), "mean of 8 seeds");
    assertPasses(new KnownAnswerCheck(() -> answers(-1, 8)).findings());
  }

  /** @param off how far from the mean of what is known each is, in standard deviations */
  private static List<KnownAnswerCheck.Answer> answers(double off, int seeds) {
    return KnownAnswerCheck.KNOWN.stream()
        .flatMap(each -> IntStream.range(0, seeds)
            .mapToObj(_ -> new KnownAnswerCheck.Answer("corpus", each.people(),
                each.mean() + off * each.deviation(), 0, 4)))
        .toList();
  }

  /**
   * The study's smaller run passes, but not where each token's loss is 0.3 nats too high, or the parameters are counted without
   * the embedding.
   */
  @Test
  void knownSeesShiftedLosses() throws Exception {
    Engine cpu = Engines.named("cpu");
    RunSpec run = Training.runs(directory.resolve("known.yaml"), cpu, "").getFirst();
    RunFolder folder = new RunFolder(directory.resolve("run"));
    MeasuredRun trained = new Run(run, folder, 1, Engine::compile).execute(NOBODY);
    assertPasses(known(trained, trained.result().capacityRatio()));
    Corpus corpus = run.corpus();
    float[] weights = Checkpoint
        .read(folder.checkpoint(), Program.scoring(run.model(), RunSpec.ids(corpus), 1, 1))
        .state()
        .get(Session.PARAMETERS);
    for (float shift : new float[]{0, 0.3f}) {
      try (TrainedModel model = TrainedModel.load(new Faulty(cpu, false, 1, shift), 1, run.model(), weights,
          corpus, folder.checkpoint())) {
        Measurement measured = Measurement.of(model, run.measuredPeople());
        double ratio = measured.capacity(weights.length).capacityRatio();
        if (shift == 0) {
          assertEquals(trained.result().capacityRatio(), ratio, 1e-6);
          long counted = weights.length - (long) corpus.vocabulary().size() * run.model().width();
          assertFails(known(trained, measured.capacity(counted).capacityRatio()), "bioD");
        } else {
          assertFails(known(trained, ratio), "bioD");
        }
      }
    }
  }

  private static List<Finding> known(MeasuredRun run, double ratio) throws Exception {
    return new KnownAnswerCheck(() -> List.of(new KnownAnswerCheck.Answer(run.result().corpus(),
        run.result().people(), ratio, 0, run.result().maxCapacityRatio()))).findings();
  }

  /** An engine that makes its sessions otherwise. */
  private record Faulty(Engine engine, boolean forgetful, double rate, float shift) implements Engine {
    @Override
    public String name() {
      return engine.name();
    }

    @Override
    public int rank() {
      return engine.rank();
    }

    @Override
    public Optional<String> unavailable() {
      return engine.unavailable();
    }

    @Override
    public String description() {
      return engine.description();
    }

    @Override
    public Session compile(Program program, Execution execution) {
      return new FaultySession(engine.compile(program, execution), forgetful, rate, shift);
    }
  }

  /** Takes up no more than the parameters of a checkpoint, steps a little further than it is told, or shifts losses. */
  private record FaultySession(Session session, boolean forgetful, double rate,
      float shift) implements Session {
    @Override
    public void step(int[] tokens, int[] targets, double learningRate, long step) {
      session.step(tokens, targets, rate * learningRate, step);
    }

    @Override
    public OptionalDouble gradientNorm() {
      return session.gradientNorm();
    }

    @Override
    public double loss() {
      return session.loss();
    }

    @Override
    public void losses(int[] tokens, int[] targets, float[] losses) {
      session.losses(tokens, targets, losses);
      for (int i = 0; i < losses.length; i++) {
        losses[i] += shift;
      }
    }

    @Override
    public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {
      session.score(tokens, targets, losses, predictions);
    }

    @Override
    public Map<String, float[]> state() {
      return session.state();
    }

    @Override
    public float[] parameter(Parameter parameter) {
      return session.parameter(parameter);
    }

    @Override
    public void load(Map<String, float[]> state) {
      session.load(forgetful ? Map.of(PARAMETERS, state.get(PARAMETERS)) : state);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  @Test
  void enginesSeeOneThatForgetsAndOneThatStepsTooFar() throws Exception {
    Engine cpu = Engines.named("cpu");
    AgreementCheck.Way sound = new AgreementCheck.Way("cpu", cpu, 1);
    assertPasses(new AgreementCheck(directory,
        List.of(sound, new AgreementCheck.Way("nd4j", Engines.named("nd4j"), 1))).findings());
    assertFails(new AgreementCheck(Files.createDirectory(directory.resolve("a")),
        List.of(new AgreementCheck.Way("cpu", new Faulty(cpu, true, 1, 0), 1))).findings(), "resumed");
    assertFails(
        new AgreementCheck(Files.createDirectory(directory.resolve("b")),
            List.of(sound, new AgreementCheck.Way("hasty", new Faulty(cpu, false, 1.2, 0), 1))).findings(),
        "hasty, trained");
  }
}
