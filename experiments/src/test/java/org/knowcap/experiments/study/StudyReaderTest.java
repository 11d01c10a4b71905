package org.knowcap.experiments.study;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Optimiser.Muon.AdjustLearningRate;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;
import org.knowcap.models.training.LearningRateShape;
import org.knowcap.models.training.InitialParameters;
import org.knowcap.models.training.Initialisation;
import org.knowcap.models.training.Schedule;

class StudyReaderTest {
  /** Says everything that a study can say. */
  private static final String FULL = """
      name: grid-1
      corpus:
        kind: bioS
        people: [20, 50]
        pools: {first: 5, middle: 4, last: 10, months: 6, days: 7, years: 8, birth_cities: 9,
          universities: 11, majors: 12, employers: 13}
      models:
        - gpt2-1-1
        - {name: gpt2-2-4, head_width: 16, rotary_fraction: 0.5, rotary_base: 500}
      exposures: [100, 200]
      seeds: [3, 4]
      engine: nd4j
      training:
        batch_size: 2
        context_length: 32
        learning_rate: 0.002
        final_learning_rate_fraction: 0.2
        warmup_steps: 10
        beta1: 0.8
        beta2: 0.95
        epsilon: 1.0e-7
        weight_decay: 0.1
      measurement: {people: 15}
      """;

  @TempDir
  private Path directory;

  /** As {@code run} and {@code plan} read it. */
  private static Study checked(Path file) {
    return StudyChecks.check(file, StudyReader.read(file));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("study.yaml"), text);
  }

  /** What is read where there are no lists. */
  private static <T> Swept<T> only(T value) {
    return new Swept<>(value, "");
  }

  private static CorpusSpec bioS(long people, Lists lists) {
    return new CorpusSpec.BioSSpec(people, lists);
  }

  @Test
  void aMappingSaysWhatAShortNameSays() throws IOException {
    Study study = StudyReader.read(file(
        """
                name: architectures
                corpus: {kind: bioS, people: 1000}
                models:
                  - {name: llama-2-4, head_width: 16, key_heads: 2, attention_window: 64, norm: layer, feed_forward: standard,
                     activation: gelu, biases: true, tied: true}
                  - mistral-2-4
                exposures: 1000
            """));
    String name = "llama-2-4-w16-k2-a64-layernorm-standard-gelu-biased-tied";
    assertEquals(List.of(ModelSpec.parse(name), ModelSpec.parse("mistral-2-4")), models(study));
    assertEquals(name, models(study).getFirst().name());
  }

  @Test
  void positionsAreSaidByNameOrByKeys() throws IOException {
    Study study = StudyReader.read(file("""
        name: positions
        corpus: {kind: bioS, people: 1000}
        models:
          - {name: gpt2-2-4, head_width: 16, rotary_fraction: 1}
          - {name: gpt2-2-4-w16-rotary0.5b500-ntk2, ntk_scale: 4}
          - {name: gpt2-2-4-ntk8, positions: rotary, rotary_base: 500}
          - {name: gpt2-2-4, positions: ntk, ntk_scale: 2}
          - {name: gpt2-2-4, positions: learned, learned_positions: 512}
          - {name: gpt2-2-4-nopos, head_width: 5}
          - {name: gpt2-2-4, positions: alibi}
          - {name: gpt2-2-4, positions: rerope, rerope_window: 64}
          - {name: gpt2-2-4-rerope64, rerope_window: 32, mask: document}
          - {name: gpt2-2-4, positions: leaky-rerope, rerope_window: 64, rerope_slowness: 8}
          - {name: gpt2-2-4-leaky64k8-document, rerope_slowness: 2, mask: causal}
        exposures: 1000
        """));
    assertEquals(
        List.of("gpt2-2-4-w16-rotary1", "gpt2-2-4-w16-rotary0.5b500-ntk4", "gpt2-2-4-rotary0.25b500",
            "gpt2-2-4-ntk2", "gpt2-2-4-learned512", "gpt2-2-4-w5-nopos", "gpt2-2-4-alibi",
            "gpt2-2-4-rerope64", "gpt2-2-4-rerope32-document", "gpt2-2-4-leaky64k8", "gpt2-2-4-leaky64k2"),
        models(study).stream().map(ModelSpec::name).toList());
    Set<String> fingerprints = study.runs().stream().map(RunSpec::fingerprint).collect(Collectors.toSet());
    assertEquals(study.runs().size(), fingerprints.size());
  }

  @Test
  void aFullStudyIsReadAsWritten() throws IOException {
    Study study = StudyReader.read(file(FULL));
    ModelSpec second = Family.GPT2.model(2, 4, 16, new Rotary(0.5, 500));
    Lists lists = new Lists.Shipped(new PoolSizes(5, 4, 10, 6, 7, 8, 9, 11, 12, 13));
    TrainingSettings training = new TrainingSettings(2, 32, Packing.STREAM, 0.002, 0.2, new Warmup.Steps(10),
        LearningRateShape.COSINE, OptionalDouble.empty(), Precision.FP32, Optional.empty(),
        UpdateRule.by(new Optimiser.AdamW(0.8, 0.95, 1e-7, 0.1)), Optional.empty());
    Grid grid = new Grid(List.of(only(bioS(20, lists)), only(bioS(50, lists))),
        List.of(ModelSpec.parse("gpt2-1-1"), second), List.of(Exposures.of(100), Exposures.of(200)),
        List.of(Seeds.all(3), Seeds.all(4)), "nd4j", List.of(only(training)),
        new MeasurementSettings(15, MeasurementSettings.Along.END));
    assertEquals(new Study("grid-1", grid.runs(), List.of()), study);

    List<RunSpec> runs = study.runs();
    assertEquals(16, runs.size());
    assertEquals(new RunSpec(bioS(20, lists), ModelSpec.parse("gpt2-1-1"), Exposures.of(100), Seeds.all(3),
        training, new MeasurementSettings(15, MeasurementSettings.Along.END), "nd4j", ""), runs.getFirst());
    assertEquals(new RunSpec(bioS(50, lists), second, Exposures.of(200), Seeds.all(4), training,
        new MeasurementSettings(15, MeasurementSettings.Along.END), "nd4j", ""), runs.getLast());
    assertEquals(16, runs.stream().map(RunSpec::name).distinct().count());
  }

  @Test
  void whatAStudyDoesNotSayIsThePapers() throws IOException {
    Study study = StudyReader.read(file("""
        name: least
        corpus: {kind: bioS, people: 1000}
        models: gpt2-2-2
        exposures: 1000
        """));
    Grid grid = new Grid(List.of(only(bioS(1000, new Lists.Shipped(PoolSizes.PAPER)))),
        List.of(ModelSpec.parse("gpt2-2-2")), List.of(Exposures.of(1000)), List.of(Seeds.all(1)), "auto",
        List.of(only(new TrainingSettings(12, 512, Packing.STREAM, 0.001, 0.1, new Warmup.Fraction(0.05),
            LearningRateShape.COSINE, OptionalDouble.empty(), Precision.FP32, Optional.empty(),
            UpdateRule.by(new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01)), Optional.empty()))),
        new MeasurementSettings(2000, MeasurementSettings.Along.END));
    assertEquals(new Study("least", grid.runs(), List.of()), study);
  }

  /** A grid changes keys of the top, mappings key by key; a run that two grids have is there once. */
  @Test
  void gridsAddUp() throws IOException {
    String top = """
        name: several
        corpus: {kind: bioS, people: 20, pools: {years: 5, first: 10}}
        exposures: 100
        training: {batch_size: 2, context_length: 64, learning_rate: 0.002}
        """;
    Study study = StudyReader.read(file(
        top + """
            grids:
              - {models: [gpt2-1-1, gpt2-1-2], seeds: [1, 2]}
              - {models: gpt2-1-2, seeds: [2, 3]}
              - {models: llama-1-1, corpus: {people: 30}, training: {learning_rate: 0.004}}
              - {models: gpt2-1-1, corpus: {kind: bioD, people: 30, attributes: 1, chunks: 2, diversity: 4, length: 2, alphabet: 8}}
            """));
    List<String> names = new ArrayList<>(names(top + "models: [gpt2-1-1, gpt2-1-2]\nseeds: [1, 2]\n"));
    names.addAll(names(top + "models: gpt2-1-2\nseeds: 3\n"));
    names.addAll(
        names(top.replace("people: 20", "people: 30").replace("0.002", "0.004") + "models: llama-1-1\n"));
    assertEquals(names, study.runs().stream().map(RunSpec::name).toList().subList(0, 6));
    assertEquals(7, study.runs().size());
    assertEquals("bioD", study.corpora().getLast().settings().get("kind"));
  }

  @Test
  void badGridsAreRefused() throws IOException {
    String top = """
        name: several
        corpus: {kind: bioS, people: 20}
        models: gpt2-1-1
        exposures: 100
        """;
    for (List<String> each : List.of(List.of("grids: []", "'grids' must be a list of mappings"),
        List.of("grids: [{seeds: 1}, 5]", "'grids' must be a mapping"),
        List.of("grids: [{name: other}]", "'grids[0]' must not have the key 'name'"),
        List.of("grids: [{seeds: 1}, {learning: 1}]", "unknown key 'grids[1].learning'"), List.of(
            "grids: [{seeds: 1}, {training: {batch_size: 0}}]", "'grids[1].training.batch_size' must be"))) {
      UserException e = assertThrows(UserException.class,
          () -> StudyReader.read(file(top + each.getFirst())));
      assertTrue(e.getMessage().contains(each.getLast()), e.getMessage());
    }
  }

  @Test
  void aRunsNameFollowsFromItsSettingsAlone() throws IOException {
    List<String> names = names(FULL);
    assertEquals(names, names(FULL.replace("0.002", "2.0e-3").replace("name: grid-1", "name: grid-2")));
    List<String> others = names(FULL.replace("beta1: 0.8", "beta1: 0.81"));
    assertEquals(names, names(FULL.replace("beta1: 0.8", "beta1: 0.8\n  precision: fp32")));
    assertNotEquals(names, names(FULL.replace("beta1: 0.8", "beta1: 0.8\n  precision: bf16")));
    for (int i = 0; i < names.size(); i++) {
      assertNotEquals(names.get(i), others.get(i));
    }
    assertEquals(names.subList(0, 8), names(FULL.replace("people: [20, 50]", "people: 20")));
    // Folders of finished runs are found by name: it must not change with this code.
    assertEquals("bioS-20_gpt2-1-1_e100_s3-05167f6b", names.getFirst());
  }

  @Test
  void eachSeedChangesWhatItIsOf() throws IOException {
    List<RunSpec> runs = StudyReader.read(
        file(FULL.replace("[3, 4]", "{corpus: [3, 8, 3, 3], weights: [3, 3, 8, 3], order: [3, 3, 3, 8]}")
            .replace("[100, 200]", "100")
            .replace("[20, 50]", "50")))
        .runs()
        .subList(0, 4);
    assertEquals(List.of("s3", "c8w3o3", "c3w8o3", "c3w3o8"),
        runs.stream().map(run -> run.name().replaceAll(".*_e100_|-.*", "")).toList());
    RunSpec all = runs.getFirst();
    assertEquals(Map.of("corpus", 3L, "weights", 8L, "order", 3L), setting(runs.get(2), "seeds"));
    assertEquals(all.corpus().digest(), runs.get(2).corpus().digest());
    assertEquals(all.corpus().measured().values(0), runs.get(3).corpus().measured().values(0));
    assertNotEquals(all.corpus().measured().values(0), runs.get(1).corpus().measured().values(0));
    assertNotEquals(all.corpus().digest(), runs.get(3).corpus().digest());
    assertEquals(List.of(true, false, true),
        runs.subList(1, 4).stream().map(run -> run.weightsSeed() == all.weightsSeed()).toList());
    assertEquals(4, runs.stream().map(RunSpec::fingerprint).distinct().count());
  }

  /** What two families have in common would otherwise begin with the same numbers. */
  @Test
  void modelsOfOneSeedShareNoInitialValues() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(BIOD.replace("people: [20, 50]", "people: 50")
        .replace("gpt2-1-1", "[gpt2-1-1-w8, llama-1-1-w8, gpt2-2-1-w8, gpt2-1-1-w8-alibi]"))).runs();
    List<Set<Float>> drawn = new ArrayList<>();
    for (RunSpec run : runs) {
      Set<Float> values = new HashSet<>();
      Program program = run.program(run.corpus());
      float[] flat = InitialParameters.of(program,
          ((Initialisation.Drawn) run.initialisation(run.corpus())).seed());
      program.parameters()
          .stream()
          .filter(parameter -> parameter.initial() instanceof Parameter.Initial.Normal)
          .forEach(parameter -> {
            for (long i = parameter.offset(); i < parameter.offset() + parameter.tensor().size(); i++) {
              values.add(flat[(int) i]);
            }
          });
      assertTrue(values.size() > 1000, run.name());
      drawn.add(values);
    }
    for (int one = 0; one < drawn.size(); one++) {
      for (int other = 0; other < one; other++) {
        Set<Float> common = new HashSet<>(drawn.get(one));
        common.retainAll(drawn.get(other));
        // A few of some thousand fp32 numbers meet by chance.
        assertTrue(common.size() < 20,
            runs.get(one).name() + ", " + runs.get(other).name() + ": " + common.size());
      }
    }
    assertEquals(runs.getFirst().weightsSeed(),
        StudyReader
            .read(file(BIOD.replace("gpt2-1-1", "gpt2-1-1-w8").replace("exposures: 1", "exposures: 2")))
            .runs()
            .getFirst()
            .weightsSeed());
  }

  @Test
  void aWarmupIsAPartOfTheRunOrANumberOfSteps() throws IOException {
    RunSpec usual = StudyReader.read(file(FULL.replace("  warmup_steps: 10\n", ""))).runs().getFirst();
    RunSpec half = StudyReader.read(file(FULL.replace("warmup_steps: 10", "warmup_fraction: 0.5")))
        .runs()
        .getFirst();
    long steps = usual.steps(usual.corpus());
    assertTrue(steps > 100);
    assertEquals(Math.round(0.05 * steps), usual.schedule(usual.corpus()).warmupSteps());
    assertEquals(Math.round(0.5 * steps), half.schedule(half.corpus()).warmupSteps());
    assertEquals(0.05, setting(usual, "training", "warmup_fraction"));
    assertNotEquals(usual.fingerprint(), half.fingerprint());
    // A run of one step has no room for any.
    assertEquals(0, new Warmup.Fraction(0.99).steps(1));

    assertTrue(checked(file(FULL)).remarks().stream().noneMatch(remark -> remark.contains("warm-up")));
    Study longer = checked(file(FULL.replace("warmup_steps: 10", "warmup_steps: 600")));
    long expected = longer.runs().stream().filter(run -> 600 > 0.2 * run.steps(run.corpus())).count();
    assertTrue(expected > 1 && expected < 16, "runs with a long warm-up: " + expected);
    String found = String.join("\n", longer.remarks());
    assertTrue(found.startsWith("warm-up takes more than 20 % of " + expected + " runs: 600 of the ")
        && found.contains(" steps of " + longer.runs().getFirst().name()), found);
  }

  @Test
  void aNumberThatMayHaveBeenMeantAsACountIsRemarkedOn() throws IOException {
    assertEquals(List.of("seeds: 3 is one run with the seed 3; 3 runs are seeds: [1, 2, 3]"),
        StudyReader.read(file(FULL.replace("seeds: [3, 4]", "seeds: 3"))).remarks());
    for (String plain : List.of("seeds: 1", "seeds: [3]", "seeds: 2026", "seeds: {corpus: 3}")) {
      assertEquals(List.of(), StudyReader.read(file(FULL.replace("seeds: [3, 4]", plain))).remarks(), plain);
    }
  }

  @Test
  void aCorpusOfFrozenTextsIsAnotherRun() throws IOException {
    Study study = StudyReader.read(file(FULL.replace("kind: bioS", "kind: bioS-simple")));
    RunSpec run = study.runs().getFirst();
    assertEquals("bioS-simple(20)", run.corpus().name());
    assertTrue(run.name().startsWith("bioS-simple-20_gpt2-1-1_e100_s3-"), run.name());
    assertEquals("bioS-simple", setting(run, "corpus", "kind"));
    assertNotEquals(StudyReader.read(file(FULL)).runs().getFirst().fingerprint(), run.fingerprint());
  }

  @Test
  void listsOfADirectoryDetermineTheRun() throws IOException {
    Path lists = Files.createDirectory(directory.resolve("fields"));
    Files.writeString(lists.resolve("first_name.txt"), "Ada\r\nBea\r\nCleo\r\n");
    String text = FULL.replace("pools: {first: 5, middle: 4,", "pools: {dir: fields, first: 2, middle: 4,");
    RunSpec run = StudyReader.read(file(text)).runs().getFirst();
    for (long person = 0; person < run.people(); person++) {
      String name = run.corpus().measured().values(person).get(Attribute.NAME);
      assertTrue(name.startsWith("Ada ") || name.startsWith("Bea "), name);
    }
    List<String> names = names(text);
    Files.writeString(lists.resolve("first_name.txt"), "Ada\nBea\n");
    assertEquals(names, names(text), "what is cut off does not count");
    Files.writeString(lists.resolve("first_name.txt"), "Ada\nBee\n");
    assertNotEquals(names, names(text));
    Path whole = file(text.replace("first: 2, ", ""));
    assertEquals(2,
        StudyReader.read(whole).runs().getFirst().corpusSpec().lists().getFirst().pools().first().size());

    for (String mistake : List.of("Ada\nAda\n", "Ada\n\nBea\n")) {
      Files.writeString(lists.resolve("first_name.txt"), mistake);
      UserException e = assertThrows(UserException.class, () -> StudyReader.read(whole));
      assertTrue(e.getMessage().contains("'corpus.pools.dir'")
          && e.getMessage().contains(lists.resolve("first_name.txt") + ", line 2"), e.getMessage());
    }
  }

  private static final String BIOD = """
      name: grid-2
      corpus: {kind: bioD, people: [20, 50], attributes: 3, chunks: 2, diversity: 5, length: 2, alphabet: 4,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-1-1
      exposures: 1000
      training: {context_length: 32, warmup_steps: 1}
      """;

  @Test
  void bioDIsReadAsWritten() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(BIOD)).runs();
    assertEquals(List.of("bioD(20, 3, 2, 5, 2, 4)", "bioD(50, 3, 2, 5, 2, 4)"),
        runs.stream().map(run -> run.corpus().name()).toList());
    assertTrue(runs.getFirst().name().startsWith("bioD-20-3-2-5-2-4_gpt2-1-1_e1000_s1-"),
        runs.getFirst().name());
    assertNotEquals(names(BIOD).getFirst(), names(BIOD.replace("first: 5", "first: 6")).getFirst());
  }

  private static Stream<Mistake> bioDMistakes() {
    return Stream.of(
        mistake("attributes: 3", "attributes: 51", "'corpus'", "attributes (K)", "1..50", "found 51"),
        mistake("chunks: 2", "chunks: 0", "'corpus'", "chunks (C)", "1..50", "found 0"),
        mistake("diversity: 5", "diversity: 17", "'corpus'", "diversity (D)", "4^2 = 16", "found 17"),
        mistake("length: 2", "length: two", "'corpus.length'", "\"two\"", "a whole number"),
        mistake("length: 2, ", "", "'corpus.length' is missing", "a whole number"),
        mistake("alphabet: 4", "alphabet: 40001", "'corpus'", "alphabet (T)", "1..40000", "found 40001"),
        mistake("context_length: 32", "context_length: 30", "'training.context_length'", "30",
            "bioD(20, 3, 2, 5, 2, 4)", "up to 31 tokens", "measured whole"),
        mistake("last: 10", "majors: 10", "unknown key 'corpus.pools.majors'", "first, middle, last"),
        mistake("last: 10", "last: 2", "'corpus.people'", "found 50", "1..40"),
        mistake("kind: bioD", "kind: bioS", "unknown key 'corpus.attributes'", "kind, pools, people"));
  }

  @ParameterizedTest
  @MethodSource("bioDMistakes")
  void aMistakeInBioDIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(BIOD, mistake);
  }

  @Test
  void aCorpusOfNoBitsIsRefused() throws IOException {
    Path file = file(BIOD.replace("people: [20, 50]", "people: 200")
        .replace("diversity: 5", "diversity: 1")
        .replace("alphabet: 4", "alphabet: 1"));
    UserException e = assertThrows(UserException.class, () -> checked(file));
    assertTrue(e.getMessage().contains("nothing to know in bioD(200, 3, 2, 1, 2, 1)"), e.getMessage());
  }

  private static final String MIXTURE = """
      name: junk
      corpus:
        kind: mixture
        sources:
          - {share: 0.125, token: <useful>, corpus: {kind: bioS, people: [20, 30], pools: {last: 10}}}
          - {share: 0.875, corpus: {kind: bioS-simple, people: 40, pools: {last: 10}}}
      models: gpt2-1-1
      exposures: 100
      training: {context_length: 64, warmup_steps: 1}
      """;

  @Test
  void theSourcesOfAMixtureHaveDifferentPeople() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(MIXTURE)).runs();
    assertEquals(2, runs.size());
    RunSpec run = runs.getLast();
    assertEquals(30, run.people());
    assertTrue(run.name().startsWith("bioS-30-in-mixture-of-2_gpt2-1-1_e100_s1-"), run.name());
    Corpus mixture = run.corpus();
    assertEquals("0.125 <useful> bioS(30) + 0.875 bioS-simple(40)", mixture.name());
    List<String> people = new ArrayList<>();
    for (Source source : mixture.stream().sources()) {
      for (long person = 0; person < source.people(); person++) {
        people.add(source.values(person).get(Attribute.NAME));
      }
    }
    assertEquals(70, people.stream().distinct().count());
    // 100 exposures of the useful people are an eighth of all.
    Corpus alone = mixture.stream().sources().getFirst();
    assertEquals(8 * alone.stream().tokens(100) / (12 * 64), run.steps(mixture), 1);
    assertNotEquals(names(MIXTURE), names(MIXTURE.replace("token: <useful>, ", "")));
  }

  /** One that knows both sources by heart expects a useful name with 1 / N, times the share where nothing tells the source. */
  @Test
  void aNameCostsTheBitsOfItsSourceUnlessATokenTellsIt() throws IOException {
    assertEquals(0, sourceBits(MIXTURE));
    assertEquals(3, sourceBits(MIXTURE.replace("token: <useful>, ", "")), 1e-12);
    assertEquals(3,
        sourceBits(MIXTURE.replace("token: <useful>, ", "").replace("0.875, ", "0.875, token: <junk>, ")),
        1e-12);
    assertEquals(3, sourceBits(MIXTURE.replace("0.875, ", "0.875, token: <useful>, ")), 1e-12);
    Path file = file(MIXTURE.replace("token: <useful>, ", ""));
    assertTrue(
        StudyReader.read(file).notices().stream().anyMatch(notice -> notice.contains("costs about 3 bits")),
        "a notice");
  }

  private double sourceBits(String study) throws IOException {
    return StudyReader.read(file(study)).runs().getFirst().corpusSpec().sourceBits();
  }

  private static Stream<Mistake> mixtureMistakes() {
    return Stream.of(mistake("share: 0.875", "share: 0.75", "'corpus.sources'", "sum to 1", "0.125 + 0.75"),
        mistake("share: 0.875, ", "", "'corpus.sources.share' is missing", "a number"),
        mistake("share: 0.125", "share: -1", "'corpus.sources'", "above 0", "-1.0"),
        mistake("<useful>", "two words", "'corpus.sources.token'", "'two words'", "without spaces"),
        mistake("token:", "tokens:", "unknown key 'corpus.sources.tokens'", "share, token, corpus"),
        mistake("people: 40", "people: 1599990", "'corpus.sources'", "found 1599990", "taken by others"),
        mistake("bioS-simple", "mixture", "'corpus.sources.corpus.kind'", "bioS, bioS-simple or bioD",
            "'mixture'"),
        mistake("bioS-simple", "bioR", "'corpus.sources.corpus.kind'", "inside another corpus", "'bioR'"));
  }

  @ParameterizedTest
  @MethodSource("mixtureMistakes")
  void aMistakeInAMixtureIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(MIXTURE, mistake);
  }

  private static final String QUESTIONED = """
      name: questioned
      corpus:
        kind: bioS
        people: [20, 30]
        questions: {share: 0.5, per_exposure: 2}
      models: gpt2-1-1
      exposures: 100
      training: {context_length: 64, warmup_steps: 1}
      """;

  @Test
  void questionsAreAPartOfTheCorpus() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(QUESTIONED)).runs();
    assertEquals(List.of(10L, 15L),
        runs.stream().map(run -> run.corpus().questions().orElseThrow().asked()).toList());
    Set<String> names = new HashSet<>(names(QUESTIONED));
    for (String[] change : new String[][]{{"share: 0.5", "share: 0.25"}, {", per_exposure: 2", ""},
        {"kind: bioS", "kind: bioS-simple"}, {"  questions: {share: 0.5, per_exposure: 2}\n", ""}}) {
      assertTrue(QUESTIONED.contains(change[0]));
      names.addAll(names(QUESTIONED.replace(change[0], change[1])));
    }
    assertEquals(10, names.size());
  }

  private static final String TUNED = """
      name: tuned
      corpus:
        kind: bioS
        people: 200
        questions: {share: 0.5, tuning_exposures: 30}
      models: gpt2-1-1
      exposures: 100
      training: {context_length: 64, warmup_steps: 10, learning_rate: 0.002}
      """;

  /** The first phase is the run without questions; the second has steps, tokens and learning rates of its own. */
  @Test
  void tuningFollowsTheRunAsItWouldBeWithoutIt() throws IOException {
    Study study = StudyReader.read(file(TUNED));
    assertEquals(List.of(),
        StudyChecks.check(file(TUNED), study)
            .remarks()
            .stream()
            .filter(remark -> !remark.contains("shorter than four texts"))
            .toList());
    RunSpec tuned = study.runs().getFirst();
    RunSpec alone = StudyReader
        .read(file(TUNED.replace("  questions: {share: 0.5, tuning_exposures: 30}\n", "")))
        .runs()
        .getFirst();
    Corpus corpus = tuned.corpus();
    Schedule schedule = tuned.schedule(corpus);
    Schedule plain = alone.schedule(alone.corpus());
    assertEquals(plain.steps(), schedule.steps() - schedule.tuningSteps());
    double questions = 100 * 5 * 30 * corpus.stream().sources().getLast().meanItemTokens();
    assertEquals(questions / 64 / 12, schedule.tuningSteps(), 1);
    for (long step : new long[]{1, 10, 11, plain.steps()}) {
      assertEquals(plain.learningRate(step), schedule.learningRate(step));
    }
    assertEquals(0.002, schedule.learningRate(plain.steps() + 1), 0.002 / schedule.tuningSteps() + 1e-12);
    assertEquals(0, schedule.learningRate(schedule.steps()));
    assertEquals(alone.exposureCounts(alone.corpus()), tuned.exposureCounts(corpus));
    for (String exposures : List.of("100", "{complete: 57}")) {
      RunSpec run = StudyReader.read(file(TUNED.replace("exposures: 100", "exposures: " + exposures)))
          .runs()
          .getFirst();
      Schedule its = run.schedule(run.corpus());
      long first = 12 * (its.steps() - its.tuningSteps());
      Windows windows = run.training().windows();
      assertEquals(0, run.corpus().stream().sourceOf(first - 13, windows), exposures);
      assertEquals(1, run.corpus().stream().sourceOf(first, windows), exposures);
    }
    String slower = TUNED.replace("learning_rate: 0.002",
        "learning_rate: 0.002, tuning_learning_rate: 0.0001");
    RunSpec slow = StudyReader.read(file(slower)).runs().getFirst();
    assertEquals(0.0001 / 2,
        slow.schedule(corpus).learningRate(schedule.steps() - schedule.tuningSteps() / 2),
        0.0001 / schedule.tuningSteps());
    assertEquals(3, Stream.of(tuned, slow, alone).map(RunSpec::name).distinct().count());
    assertTrue(tuned.corpus().name().equals("bioS(200) with questions about 100, 30 times afterwards"));
  }

  private static Stream<Mistake> tuningMistakes() {
    return Stream.of(
        mistake("exposures: 30", "exposures: 0", "'corpus.questions.tuning_exposures'", "from 1 to",
            "found 0"),
        mistake("exposures: 30", "exposures: 2.5", "'corpus.questions.tuning_exposures'", "found 2.5"),
        mistake("share: 0.5", "share: 1", "'corpus.questions'", "between 0 and 1", "found 1"),
        mistake("exposures: 30", "exposures: 30, per_exposure: 1", "'corpus.questions.per_exposure' mixes",
            "leave out one of them"),
        mistake("exposures: 30", "exposures: 30, then: 1", "unknown key 'corpus.questions.then'",
            "tuning_exposures"),
        mistake("warmup_steps: 10", "packing: whole", "'packing: whole'", "a window must hold the longest"),
        mistake("warmup_steps: 10", "warmup_steps: 2000", "steps before its tuning"),
        mistake("warmup_steps: 10", "tuning_learning_rate: 0", "'training.tuning_learning_rate'", "above 0"),
        mistake("tuning_exposures: 30}\nmodels: gpt2-1-1\nexposures: 100\ntraining: {",
            "per_exposure: 1}\nmodels: gpt2-1-1\nexposures: 100\ntraining: {tuning_learning_rate: 0.1, ",
            "'training.tuning_learning_rate' is for a tuning on questions"));
  }

  @ParameterizedTest
  @MethodSource("tuningMistakes")
  void aMistakeInTuningIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(TUNED, mistake);
  }

  private static Stream<Mistake> questionMistakes() {
    return Stream.of(mistake("0.5", "0.01", "'corpus.questions'", "0.01 of 20 people is nobody"),
        mistake("0.5", "0.99", "'corpus.questions'", "leaves nobody to ask"),
        mistake("0.5", "2", "'corpus.questions'", "between 0 and 1", "found 2"),
        mistake("share: 0.5, ", "", "'corpus.questions.share' is missing", "a number"),
        mistake("per_exposure", "exposures", "unknown key 'corpus.questions.exposures'", "per_exposure"),
        mistake("kind: bioS\n  people: [20, 30]",
            "kind: revised\n  of: {kind: bioS, people: 20}\n  share: 0.5\n  attributes: [major]\n  before: 3",
            "'corpus.questions'", "bioS, bioS-simple, bioD", "found 'revised'"));
  }

  @ParameterizedTest
  @MethodSource("questionMistakes")
  void aMistakeInQuestionsIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(QUESTIONED, mistake);
  }

  private static final String REVISED = """
      name: revised
      corpus:
        kind: revised
        of: {kind: bioS, people: [20, 30], pools: {last: 10}}
        share: 0.25
        attributes: [employer, birth_date]
        before: 100
        replay: 0.5
      models: gpt2-1-1
      exposures: 100
      training: {context_length: 64, warmup_steps: 1}
      """;

  @Test
  void aRevisedCorpusIsThatOfTheSeed() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(REVISED)).runs();
    assertEquals(List.of(20L, 30L), runs.stream().map(RunSpec::people).toList());
    Corpus corpus = runs.getFirst().corpus();
    assertEquals(List.of(5L, 5L, 15L),
        corpus.sideMeasurements().stream().map(question -> question.source().people()).toList());
    assertNotEquals(runs.getFirst().corpusSpec().corpus(1, 1).digest(),
        runs.getFirst().corpusSpec().corpus(2, 2).digest());
    Set<String> names = new HashSet<>(names(REVISED));
    for (String[] change : new String[][]{{"share: 0.25", "share: 0.5"}, {"before: 100", "before: 99"},
        {"  replay: 0.5\n", ""}, {", birth_date]", "]"}, {"kind: bioS,", "kind: bioS-simple,"}}) {
      assertTrue(REVISED.contains(change[0]));
      names.addAll(names(REVISED.replace(change[0], change[1])));
    }
    assertEquals(12, names.size());
    assertEquals(List.of("bioD-20-3-2-5-2-4-revised"),
        StudyReader
            .read(file(REVISED
                .replace("bioS, people: [20, 30]",
                    "bioD, people: 20, attributes: 3, chunks: 2, diversity: 5, length: 2, alphabet: 4")
                .replace("[employer, birth_date]", "id_2")))
            .corpora()
            .stream()
            .map(CorpusSpec::name)
            .toList());
  }

  @Test
  void aBudgetOfParametersBecomesAModelOfEachDepth() throws IOException {
    Study study = StudyReader.read(file(
        MODEL.replace("{name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms," + " tied: false}",
            "[gpt2-1-1, {family: llama, parameters: 2000000, depths: [1, 2, 8], head_width: 16}]")));
    int vocabulary = study.corpora().getFirst().corpus(1, 1).vocabulary().size();
    assertEquals(List.of(1, 1, 2, 8), models(study).stream().map(ModelSpec::layers).toList());
    for (ModelSpec model : models(study).subList(1, 4)) {
      long found = model.parameters(vocabulary).total();
      for (int heads : new int[]{model.heads() - 1, model.heads() + 1}) {
        long other = Family.LLAMA.model(model.layers(), heads, 16).parameters(vocabulary).total();
        assertTrue(Math.abs(found - 2_000_000) <= Math.abs(other - 2_000_000), model.name());
      }
      assertTrue(study.notices()
          .stream()
          .anyMatch(notice -> notice.startsWith(model.name() + ": ")
              && notice.endsWith(" than the 2,000,000 asked for")),
          study.notices().toString());
    }
  }

  /** Without a width of heads it is chosen, too: the number is met to 1 % wherever steps of the width are small enough. */
  @Test
  void theWidthOfHeadsVariesToMeetANumberOfParameters() throws IOException {
    String text = MODEL.replace(
        "{name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms," + " tied: false}",
        "[{family: llama, parameters: 2000000, depths: [1, 2, 5]}, {family: llama, parameters: 32000, depths: [1, 2]},"
            + " {family: gpt2, parameters: 9000000, depths: 4}, {family: mistral, parameters: 1000000, depths: 3}]");
    Study study = StudyReader.read(file(text));
    int vocabulary = study.corpora().getFirst().corpus(1, 1).vocabulary().size();
    List<Long> asked = List.of(2_000_000L, 2_000_000L, 2_000_000L, 32_000L, 32_000L, 9_000_000L, 1_000_000L);
    for (int i = 0; i < asked.size(); i++) {
      ModelSpec model = models(study).get(i);
      double miss = Math.abs(model.parameters(vocabulary).total() / (double) asked.get(i) - 1);
      boolean steps = asked.get(i) == 32_000L;
      assertTrue(steps || miss < 0.01, model.name() + " misses " + asked.get(i) + " by " + miss);
      if (steps) {
        // Nothing of the same depth is closer: an even width more or less is further off.
        for (int width : new int[]{model.width() - 2, model.width() + 2}) {
          assertTrue(
              Math.abs(Family.LLAMA.model(model.layers(), 1, width).parameters(vocabulary).total() / 32_000.0
                  - 1) >= miss);
        }
      } else {
        assertTrue(model.headWidth() >= 32 && model.headWidth() <= 160, model.name());
      }
    }
  }

  @Test
  void modelsAreDescribedByTheirShape() throws IOException {
    String model = "{name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms, tied: false}";
    String shape = "{family: llama, layers: 2, width: 96, heads: 4, tied: true}";
    assertTrue(MODEL.contains(model));
    assertEquals("llama-2-4-w24-tied",
        models(StudyReader.read(file(MODEL.replace(model, shape)))).getFirst().name());
    for (Mistake mistake : List.of(
        mistake("heads: 4", "heads: 5", "'models.heads'", "a divisor of the width 96", "5"),
        mistake("width: 96", "width: 4096, head_width: 7", "unknown key 'models.head_width'"),
        mistake("layers: 2, ", "", "'parameters' and 'depths', or 'layers', 'width' and 'heads'"),
        mistake("layers: 2", "layers: 2, parameters: 5000", "'models.depths' is missing"),
        mistake("width: 96", "width: 12", "rotary fraction 1.0 of head width 3"))) {
      assertNamed(MODEL.replace(model, shape), mistake);
    }
  }

  @Test
  void optimisersAndSchedulesHaveSettings() throws IOException {
    String text = MODEL + "training: {optimiser: adamw, weight_decay: 0.5}\n";
    Set<String> fingerprints = new HashSet<>();
    Map<String, Optimiser> expected = Map.of("adamw", new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.5), "lion",
        new Optimiser.Lion(0.9, 0.99, 0.5), "tiger", new Optimiser.Tiger(0.965, 0.5), "sgd",
        new Optimiser.Sgd(0.9, 0.5), "adafactor", new Optimiser.Adafactor(1, false, 0.5), "muon",
        new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true, AdjustLearningRate.MATCH_RMS_ADAMW,
            0.9, 0.98, 1e-6, 0.5));
    for (String name : expected.keySet()) {
      RunSpec run = StudyReader.read(file(text.replace("adamw", name))).runs().getFirst();
      assertEquals(Set.of("adafactor", "lion", "tiger").contains(name), expected.get(name).forgetsSize());
      assertEquals(expected.get(name), run.training().optimiser());
      fingerprints.add(run.fingerprint());
    }
    assertEquals(6, fingerprints.size());
    for (String name : List.of("adafactor", "lion", "tiger")) {
      String gpt2 = BIOD.replace("warmup_steps: 1", "warmup_steps: 1, optimiser: " + name);
      assertNamed(gpt2, mistake("people: [20, 50]", "people: 20", "'training.optimiser' is " + name,
          "gpt2-1-1 has biases of keys", "which " + name + " makes into steps", "gpt2-1-1-unbiased"));
      assertEquals("gpt2-1-1-unbiased",
          models(checked(file(gpt2.replace("gpt2-1-1", "{name: gpt2-1-1, biases: false}")))).getFirst()
              .name());
    }
    assertNamed(text, mistake("adamw", "sgd, epsilon: 1.0e-6", "unknown key 'training.epsilon'"));
    assertNamed(text, mistake("adamw", "adam", "'training.optimiser'",
        "adamw, adafactor, lion, tiger, sgd or muon", "adam"));
    RunSpec linear = StudyReader.read(file(text.replace("adamw", "adamw, decay: linear"))).runs().getFirst();
    assertEquals(LearningRateShape.LINEAR, linear.training().learningRateShape());
    assertTrue(fingerprints.add(linear.fingerprint()));
    assertNamed(text,
        mistake("adamw", "adamw, decay: fast", "'training.decay'", "cosine, linear, constant, wsd"));
    assertNamed(text, mistake("adamw", "sgd, momentum: 1", "'training'", "momentum", "below 1", "found 1.0"));
  }

  @Test
  void muonHasSettings() throws IOException {
    String text = MODEL
        + "training: {optimizer: muon, orthogonalizer: polar_express, orthogonaliser_steps: 7,"
        + " momentum: 0.9, nesterov: false, adjust_learning_rate: original, beta2: 0.95, weight_decay: 0.5}\n";
    RunSpec run = StudyReader.read(file(text)).runs().getFirst();
    assertEquals(new Optimiser.Muon(Orthogonaliser.POLAR_EXPRESS, 7, 0.9, false, AdjustLearningRate.ORIGINAL,
        0.9, 0.95, 1e-6, 0.5), run.training().optimiser());
    assertEquals("muon", run.training().optimiserName());
    for (Mistake mistake : List.of(
        mistake("polar_express", "svd", "'training.orthogonaliser'", "newton_schulz, polar_express", "svd"),
        mistake("steps: 7", "steps: 21", "'training.orthogonaliser_steps'", "from 1 to 20", "21"),
        mistake("momentum: 0.9", "momentum: 1", "'training'", "momentum", "below 1", "found 1.0"),
        mistake("nesterov: false", "nesterov: 1", "'training.nesterov'", "true or false"),
        mistake("original", "adamw", "'training.adjust_learning_rate'", "match_rms_adamw, original"),
        mistake("beta2: 0.95", "clip_threshold: 1", "unknown key 'training.clip_threshold'"))) {
      assertNamed(text, mistake);
    }
    assertNamed(
        BIOD.replace("warmup_steps: 1", "warmup_steps: 1, optimiser: muon")
            .replace("gpt2-1-1", "gpt2-1-2-w1-k1-nopos"),
        mistake("people: [20, 50]", "people: 20", "'training.optimiser' is muon", "gpt2-1-2-w1-k1-nopos",
            "block.0.attention.qkv.weight", "2 x 1 numbers, a vector"));
  }

  @Test
  void aStepCanDoMore() throws IOException {
    String text = MODEL + "training: {context_length: 64, weight_decay: 0.5}\n";
    RunSpec plain = StudyReader.read(file(text)).runs().getFirst();
    UpdateRule adamW = UpdateRule.by(new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.5));
    Map<String, UpdateRule> expected = Map.of("weight_decay: {matrices: 0.5, embeddings: 0}",
        adamW.withDecays(0, 0), "weight_decay: {matrices: 0.5, vectors: 0.1}", adamW.withDecays(0.5, 0.1),
        "weight_decay: 0.5, gradient_clip: 1", adamW.withClip(1), "weight_decay: 0.5, accumulation: 4",
        adamW.withAccumulation(4));
    Set<String> fingerprints = new HashSet<>(Set.of(plain.fingerprint()));
    for (String keys : expected.keySet()) {
      RunSpec run = StudyReader.read(file(text.replace("weight_decay: 0.5", keys))).runs().getFirst();
      assertEquals(expected.get(keys), run.training().updateRule(), keys);
      assertTrue(fingerprints.add(run.fingerprint()), keys);
    }
    for (String off : List.of("weight_decay: 0.5, gradient_clip: 0, accumulation: 1",
        "weight_decay: {matrices: 0.5}")) {
      assertEquals(plain.fingerprint(),
          StudyReader.read(file(text.replace("weight_decay: 0.5", off))).runs().getFirst().fingerprint());
    }
    RunSpec four = StudyReader.read(file(text.replace("decay: 0.5", "decay: 0.5, accumulation: 4")))
        .runs()
        .getFirst();
    assertEquals(Math.ceil(plain.corpus().stream().tokens(1000) / (4 * 12 * 64)), four.steps(four.corpus()));
    assertEquals(4 * 12 * 64, four.program(four.corpus()).stepRows());
  }

  private static Stream<Mistake> learningMistakes() {
    return Stream.of(
        mistake("0.5", "{matrices: 0.5, biases: 0}", "unknown key 'training.weight_decay.biases'",
            "matrices, embeddings, vectors"),
        mistake("0.5", "{embeddings: -1}", "'training'", "weight_decay of embeddings", "at least 0",
            "found -1"),
        mistake("0.5", "{vectors: -1}", "'training'", "weight_decay of vectors", "at least 0", "found -1"),
        mistake("0.5", "[[0.5]]", "'training.weight_decay'", "a number", "[0.5]"),
        mistake("0.5", "0.5, gradient_clip: -1", "'training.gradient_clip'", "above 0", "found '-1.0'"),
        mistake("0.5", "0.5, gradient_clip: yes", "'training.gradient_clip'", "a number"),
        mistake("0.5", "0.5, accumulation: 0", "'training.accumulation'", "from 1", "found 0"),
        mistake("0.5", "0.5, accumulation: 1000000", "'training.accumulation'", "at most 21845", "1000000"),
        mistake("0.5", "0.5, optimiser: adafactor, clip_threshold: 0", "'training'", "clip_threshold",
            "above 0", "found 0"),
        mistake("0.5", "0.5, optimiser: adafactor, relative_step: 1", "'training.relative_step'",
            "true or false"));
  }

  @ParameterizedTest
  @MethodSource("learningMistakes")
  void aMistakeInAStepIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(MODEL + "training: {context_length: 64, weight_decay: 0.5}\n", mistake);
  }

  /** Leaves a checkpoint of the first run of a study, as its training would. */
  private RunSpec checkpointOf(String text, Path folder) throws IOException {
    RunSpec run = StudyReader.read(file(text)).runs().getFirst();
    Corpus corpus = run.corpus();
    Program program = run.program(corpus);
    Files.createDirectories(folder);
    float[] numbers = InitialParameters.of(program, 1);
    new Checkpoint(new Checkpoint.Head(run.fingerprint(), 7, 9, new long[0], run.identity(corpus), ""),
        Map.of(Session.PARAMETERS, numbers, StateBuffer.FIRST_MOMENT.key(), numbers,
            StateBuffer.SECOND_MOMENT.key(), numbers))
        .write(folder.resolve(InitialisationSpec.CHECKPOINT), program);
    return run;
  }

  @Test
  void aRunCanStartFromAnother() throws IOException {
    RunSpec earlier = checkpointOf(BIOD, directory.resolve("a"));
    String text = BIOD.replace("warmup_steps: 1", "warmup_steps: 1, start: {run: a, optimiser: true}");
    RunSpec run = StudyReader.read(file(text)).runs().getFirst();
    assertEquals(earlier.fingerprint(), setting(run, "training", "start", "fingerprint"));
    assertEquals(7L, setting(run, "training", "start", "step"));
    assertEquals(true, setting(run, "training", "start", "optimiser"));
    assertEquals(new Warmup.Steps(1), run.training().warmup());
    assertNull(setting(earlier, "training", "start"));
    RunSpec warm = StudyReader
        .read(file(text.replace("optimiser: true", "rewarm: false").replace("warmup_steps: 1, ", "")))
        .runs()
        .getFirst();
    assertEquals(new Warmup.Steps(0), warm.training().warmup());
    // Not the place counts but what lies there.
    Set<String> fingerprints = new HashSet<>(Set.of(earlier.fingerprint(), warm.fingerprint()));
    assertTrue(fingerprints.add(run.fingerprint()));
    checkpointOf(BIOD, directory.resolve("b/c"));
    assertFalse(fingerprints
        .add(StudyReader.read(file(text.replace("run: a", "run: b/c"))).runs().getFirst().fingerprint()));
    checkpointOf(BIOD.replace("context_length: 32", "context_length: 40"), directory.resolve("b/c"));
    assertTrue(fingerprints
        .add(StudyReader.read(file(text.replace("run: a", "run: b/c"))).runs().getFirst().fingerprint()));
  }

  @Test
  void aMixtureCanStartFromItsModelWithoutExperts() throws IOException {
    checkpointOf(BIOD.replace("gpt2-1-1", "gpt2-quarter-1-1"), directory.resolve("a"));
    String text = BIOD.replace("gpt2-1-1", "gpt2-moe3-1-1")
        .replace("warmup_steps: 1", "warmup_steps: 1, start: {run: a}");
    RunSpec run = StudyReader.read(file(text)).runs().getFirst();
    assertInstanceOf(Initialisation.Grown.class, run.initialisation(run.corpus()));
    assertNamed(text,
        mistake("run: a", "run: a, optimiser: true", "without experts", "leave 'optimiser: true' out"));
    assertNamed(text, mistake("moe3-1-1", "moe3-1-2-w32", "'training.start'", "\"heads\":1"));
  }

  @Test
  void memoriesOfNgramsAreReadAsWritten() throws IOException {
    String text = BIOD.replace("models: gpt2-1-1",
        "models: {name: gpt2-2-1, ngram_slots: 50, ngram_heads: 1, ngram_layers: [2, 1], ngram_seed: 3}");
    RunSpec run = checked(file(text)).runs().getFirst();
    assertEquals("gpt2-2-1-ngram50h1l1l2s3", run.model().name());
    assertEquals(List.of(1, 2), setting(run, "model", "ngram_layers"));
    assertNamed(text,
        mistake("slots: 50", "slots: 1", "'models.ngram_slots'", "from 2 to 16777216", "found 1"));
    assertNamed(text, mistake("heads: 1", "heads: 9", "'models.ngram_heads'", "from 1 to 8", "found 9"));
    assertNamed(text, mistake("heads: 1", "longest: 1", "'models.ngram_longest'", "from 2 to 8", "found 1"));
    assertNamed(text, mistake("heads: 1", "width: 7", "'models.ngram_width'", "must be even", "found 7"));
    assertNamed(text, mistake("[2, 1]", "[2, 3]", "'models'", "ngram_layers must be from 1 to 2", "found 3"));
    assertNamed(text, mistake("[2, 1]", "[1, 1]", "'models.ngram_layers'", "none twice"));
    assertNamed(text,
        mistake("seed: 3", "seed: -1", "'models.ngram_seed'", "from 0 to 999999999", "found -1"));
    assertNamed(text, mistake("ngram_slots: 50, ", "", "unknown key 'models.ngram_heads'"));
    // Shapes are equal, but other n-grams share rows.
    checkpointOf(text, directory.resolve("a"));
    String started = text.replace("warmup_steps: 1", "warmup_steps: 1, start: {run: a}");
    checked(file(started));
    assertNamed(started, mistake("seed: 3", "seed: 4", "'training.start'", "\"ngram_seed\":3"));
  }

  @Test
  void adaptersStartFromTheModelWithoutThem() throws IOException {
    checkpointOf(BIOD, directory.resolve("a"));
    String text = BIOD
        .replace("models: gpt2-1-1", "models: {name: gpt2-1-1, lora_rank: 4, lora_placement: mlp}")
        .replace("warmup_steps: 1", "warmup_steps: 1, start: {run: a}");
    RunSpec run = checked(file(text)).runs().getFirst();
    assertEquals("gpt2-1-1-lora4mlp", run.model().name());
    assertEquals(4.0, setting(run, "model", "lora_alpha"));
    assertInstanceOf(Initialisation.Grown.class, run.initialisation(run.corpus()));
    assertNamed(text, mistake(", start: {run: a}", "", "'models': gpt2-1-1-lora4mlp has adapters",
        "give that run in 'training.start: {run: FOLDER}'"));
    assertNamed(text, mistake("run: a}", "run: b}", "'training.start.run'", "there is no "));
    assertNamed(text, mistake("gpt2-1-1", "gpt2-1-2-w32", "'training.start'", "\"heads\":1", "needs "));
    assertNamed(text, mistake("rank: 4", "rank: 0", "'models.lora_rank'", "from 1 to 4096", "found 0"));
    assertNamed(text,
        mistake("rank: 4", "rank: 4, lora_alpha: -1", "'models.lora_alpha'", "above 0", "found -1"));
    assertNamed(text, mistake("lora_rank: 4, ", "", "unknown key 'models.lora_placement'"));
    assertNamed(text, mistake("mlp", "head", "'models.lora_placement'", "attention, mlp, all", "head"));
    assertNamed(text, mistake("run: a}", "run: a, optimiser: true}", "without experts or adapters"));
    assertNamed(text,
        mistake("{run: a}", "{run: a}, weights: {method: ternary}", "'training.weights'", "are frozen"));
    assertNamed(text, mistake("gpt2-1-1", "gpt2-moe3-1-1", "'models'", "without experts"));
  }

  private static Stream<Mistake> startMistakes() {
    return Stream.of(
        mistake("run: a", "run: b", "'training.start.run'", "there is no ", "b/checkpoint.safetensors",
            "folder of a run"),
        mistake("run: a", "run: short", "'training.start.run'", "truncated"),
        mistake("run: a", "run: old", "'training.start'", "whose checkpoints do not name their model"),
        mistake("run: a", "rum: a", "'training.start.run' is missing"),
        mistake("run: a", "run: a, state: true", "unknown key 'training.start.state'", "run, optimiser"),
        mistake("run: a", "run: a, rewarm: false", "rewarm", "'training.warmup_steps' must not be there"),
        mistake("run: a", "run: a, optimiser: adamw", "'training.start.optimiser'", "true or false"),
        mistake("{run: a}", "{run: a, optimiser: true}, optimiser: sgd", "'training.start'",
            "the state of adamw", "trained by sgd"),
        // As wide, and of as many parameters, but another model all the same.
        mistake("gpt2-1-1", "gpt2-1-2-w32", "'training.start'", "\"heads\":1", "\"heads\":2"),
        // As many tokens, but others.
        mistake("length: 2, alphabet: 4", "length: 2, alphabet: 5", "'training.start'",
            "another vocabulary"));
  }

  @ParameterizedTest
  @MethodSource("startMistakes")
  void aStartThatCannotBeIsRefused(Mistake mistake) throws IOException {
    checkpointOf(BIOD, directory.resolve("a"));
    byte[] sound = Files.readAllBytes(directory.resolve("a").resolve(InitialisationSpec.CHECKPOINT));
    Files.createDirectories(directory.resolve("short"));
    Files.write(directory.resolve("short").resolve(InitialisationSpec.CHECKPOINT),
        Arrays.copyOf(sound, sound.length - 4));
    Files.createDirectories(directory.resolve("old"));
    Files.writeString(directory.resolve("old").resolve(InitialisationSpec.CHECKPOINT),
        new String(sound, StandardCharsets.ISO_8859_1).replace("\"model\"", "\"medel\""),
        StandardCharsets.ISO_8859_1);
    assertNamed(BIOD.replace("warmup_steps: 1", "warmup_steps: 1, start: {run: a}"), mistake);
  }

  private static final String MODEL = """
      name: model
      corpus: {kind: bioS, people: 1000}
      models: {name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms, tied: false}
      exposures: 1000
      """;

  private static final String EXPERTS = """
      name: experts
      corpus: {kind: bioS, people: 1000}
      models: {name: gpt2-moe8-2-2, top_k: 2, capacity_factor: 1.5, test_capacity_factor: none, experts_every: 2,
               shared_experts: 1, balance_loss: 0.02, z_loss: 0.001}
      exposures: 1000
      """;

  @Test
  void expertsHaveTheirSettings() throws IOException {
    RunSpec run = StudyReader.read(file(EXPERTS)).runs().getFirst();
    assertEquals(
        new Experts(8, Experts.Choice.TOKENS, 2, Optional.of(1.5), Optional.empty(), 2, 1, 0.02, 0.001),
        run.model().feedForward().experts().orElseThrow());
    String json = Json.MAPPER.writeValueAsString(run.settings());
    assertTrue(
        json.contains("\"experts\":{\"count\":8,\"choice\":\"tokens\",\"top_k\":2,\"capacity_factor\":1.5,"
            + "\"test_capacity_factor\":null,\"every\":2,\"shared\":1,\"balance\":0.02,\"z_loss\":0.001}"),
        json);
    assertEquals(true, setting(run, "model", "causal"));
    RunSpec choosing = StudyReader
        .read(file(EXPERTS.replace("top_k: 2", "choice: experts").replace("balance_loss: 0.02, ", "")))
        .runs()
        .getFirst();
    assertTrue(Json.MAPPER.writeValueAsString(choosing.settings()).contains("\"causal\":false"));
    assertTrue(choosing.name().contains("expertchoice"), choosing.name());
  }

  /** A setting of {@code run.json} by the keys that lead to it. */
  private static Object setting(RunSpec run, String... keys) {
    Object value = Json.MAPPER.convertValue(run.settings(), Map.class);
    for (String key : keys) {
      assertTrue(((Map<?, ?>) value).containsKey(key), () -> key + " is not in " + run.settings());
      value = ((Map<?, ?>) value).get(key);
    }
    return value;
  }

  @Test
  void everySettingIsWrittenAlsoWhereItIsTheDefault() throws IOException {
    RunSpec run = StudyReader.read(file(MODEL)).runs().getFirst();
    assertEquals(2, setting(run, "format"));
    assertEquals(Map.of("corpus", 1L, "weights", 1L, "order", 1L), setting(run, "seeds"));
    assertEquals("bioS", setting(run, "corpus", "kind"));
    assertEquals("llama", setting(run, "model", "family"));
    assertEquals("rotary", setting(run, "model", "positions", "kind"));
    assertNull(setting(run, "model", "feed_forward", "experts"));
    assertEquals("causal", setting(run, "model", "mask"));
    assertEquals("fp32", setting(run, "training", "precision"));
    assertEquals("cosine", setting(run, "training", "decay"));
    assertEquals("adamw", setting(run, "training", "optimiser", "name"));
    assertEquals(0.98, setting(run, "training", "optimiser", "beta2"));
    assertEquals(0.01, setting(run, "training", "weight_decay", "matrices"));
    assertEquals(1, setting(run, "training", "accumulation"));
    assertNull(setting(run, "training", "start"));
  }

  private static Stream<Mistake> expertMistakes() {
    return Stream.of(mistake("top_k: 2", "top_k: 9", "'models'", "from 1 to the 8 experts", "found 9"),
        mistake("top_k: 2", "top_k: 0", "'models.top_k'", "from 1", "found 0"),
        mistake("gpt2-moe8", "gpt2-moe0", "no model is named 'gpt2-moe0-2-2'"),
        mistake("top_k: 2", "experts: 0", "'models.experts'", "from 1", "found 0"),
        mistake("capacity_factor: 1.5", "capacity_factor: 0", "'models'", "capacity factor must be above 0",
            "found 0"),
        mistake("capacity_factor: 1.5", "capacity_factor: much", "'models.capacity_factor'", "a number",
            "much"),
        mistake("test_capacity_factor: none", "test_capacity_factor: -1", "at test must be above 0",
            "found -1"),
        mistake("experts_every: 2", "experts_every: 0", "'models.experts_every'", "from 1", "found 0"),
        mistake("shared_experts: 1", "shared_experts: -1", "'models.shared_experts'", "from 0", "found -1"),
        mistake("balance_loss: 0.02", "balance_loss: -2", "load-balancing loss must be at least 0",
            "found -2"),
        mistake("top_k: 2", "choice: experts", "load-balancing loss must be 0", "found 0.02"),
        mistake("top_k: 2", "choice: nobody", "'models.choice'", "tokens, experts", "nobody"),
        mistake("gpt2-moe8-2-2", "gpt2-2-2", "unknown key 'models.top_k'"));
  }

  @ParameterizedTest
  @MethodSource("expertMistakes")
  void namesWhatIsWrongWithExperts(Mistake mistake) throws IOException {
    assertNamed(EXPERTS, mistake);
  }

  private static Stream<Mistake> modelMistakes() {
    return Stream.of(mistake("key_heads: 2", "key_heads: 3", "'models'", "divide the 4 heads", "found 3"),
        mistake("key_heads: 2", "key_heads: 8", "'models.key_heads'", "from 1 to 4", "found 8"),
        mistake("attention_window: 64", "attention_window: 0", "'models.attention_window'", "from 1",
            "found 0"),
        mistake("norm: rms", "norm: batch", "'models.norm'", "layer, rms", "batch"),
        mistake("tied: false", "tied: maybe", "'models.tied'", "true or false", "maybe"),
        mistake("llama-2-4", "lama-2-4", "no model is named 'lama-2-4'", "llama"),
        mistake("{name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms, tied: false}",
            "{family: lama, parameters: 9, depths: 2}", "'models.family'", "llama", "lama"),
        mistake("{name: llama-2-4, key_heads: 2, attention_window: 64, norm: rms, tied: false}",
            "{family: llama, depths: 2}", "there must be 'parameters' and 'depths'"),
        mistake("tied: false", "tie: false", "unknown key 'models.tie'", "'models.tied'?"));
  }

  @ParameterizedTest
  @MethodSource("modelMistakes")
  void refusesModelsThatCannotBe(Mistake mistake) throws IOException {
    assertNamed(MODEL, mistake);
  }

  private static Stream<Mistake> revisedMistakes() {
    return Stream.of(
        mistake("share: 0.25", "share: 0.001", "'corpus'", "share of 0.001 of 20 people is nobody"),
        mistake("share: 0.25", "share: 1.5", "'corpus'", "at most 1", "found 1.5"),
        mistake("  share: 0.25\n", "", "'corpus.share' is missing"),
        mistake("birth_date]", "employer_city]", "'corpus'", "[gender, birth_date", "employer_city"),
        mistake("employer, birth_date", "employer, employer", "'corpus.attributes'", "none twice"),
        mistake("employer, birth_date", "employer, 7", "'corpus.attributes'", "must be names of attributes",
            "7"),
        mistake("before: 100", "before: -1", "'corpus.before'", "a whole number from 0"),
        mistake("before: 100", "before: 0", "'corpus.before' is 0", "'training.start'"),
        mistake("before: 100", "before: 100\n  replay_texts: none.jsonl", "'corpus.replay_texts'",
            "is not there"),
        mistake("replay: 0.5", "replay: 1", "'corpus'", "replay", "below 1", "found 1.0"),
        mistake("replay: 0.5", "repay: 0.5", "unknown key 'corpus.repay'", "'corpus.replay'?"),
        mistake("kind: bioS,", "kind: revised,", "'corpus.of.kind'", "inside another corpus", "'revised'"));
  }

  @ParameterizedTest
  @MethodSource("revisedMistakes")
  void aMistakeInARevisionIsNamedToo(Mistake mistake) throws IOException {
    assertNamed(REVISED, mistake);
  }

  private List<String> names(String text) throws IOException {
    return StudyReader.read(file(text)).runs().stream().map(RunSpec::name).toList();
  }

  /**
   * A mistake in a study file.
   *
   * @param replaced part of the full study
   * @param by what stands there instead
   * @param complaint what the message must contain besides the file: place, value found, what is allowed
   */
  private record Mistake(String replaced, String by, List<String> complaint) {
    @Override
    public String toString() {
      return by.isBlank() ? "no " + replaced.strip() : by.strip();
    }
  }

  private static Mistake mistake(String replaced, String by, String... complaint) {
    return new Mistake(replaced, by, List.of(complaint));
  }

  private static Stream<Mistake> mistakes() {
    return Stream.of(
        mistake("seeds:", "sedes:", "unknown key 'sedes'", "name, grids, corpus, models", "'seeds'?"),
        mistake("months: 6", "moons: 6", "unknown key 'corpus.pools.moons'", "middle, last, months",
            "'corpus.pools.months'?"),
        mistake("head_width: 16", "headwidth: 16", "unknown key 'models.headwidth'", "'models.head_width'?"),
        mistake("batch_size: 2", "learning_curve: yes", "unknown key 'training.learning_curve'",
            "batch_size, context_length,"),
        mistake("batch_size: 2", "lr: 0.1\n  batch_size: 2", "unknown key 'training.lr'",
            "'training.learning_rate'?"),
        mistake("exposures: [100, 200]", "exposure: 100", "'exposures' is missing", "Is 'exposure' meant"),
        mistake("exposures: [100, 200]", "exposures: &e 100\nseeds: *e", "*e'", "YAML alias"),
        mistake("name: grid-1", "---\nname: grid-1\n---", "a second YAML document begins"),
        mistake("name: grid-1", "name: " + "[".repeat(3000), "no valid YAML"),
        mistake("measurement: {people: 15}", "measurement: {persons: 15}",
            "unknown key 'measurement.persons'", "allowed here: people"),

        mistake("people: [20, 50]", "people: [20, many]", "'corpus.people'", "\"many\"",
            "a whole number from 1"),
        mistake("people: [20, 50]", "people: 20.5", "'corpus.people'", "20.5", "a whole number from 1"),
        mistake("people: [20, 50]", "people: {a: 1}", "'corpus.people'", "{\"a\":1}",
            "a whole number from 1"),
        mistake("exposures: [100, 200]", "exposures: \"100\"", "'exposures'", "\"100\"",
            "a whole number from 1"),
        mistake("exposures: [100, 200]", "exposures:", "'exposures'", "null", "a whole number from 1"),
        mistake("name: grid-1", "name: 7", "'name'", "7", "text"),
        mistake("pools: {first: 5,", "pools: [first, 5, {", "line 6", "no valid YAML"),
        mistake("measurement: {people: 15}", "measurement: 15", "'measurement'", "15", "a mapping"),
        mistake("- gpt2-1-1", "- 12", "'models'", "12", "mappings with 'name'"),

        mistake("name: grid-1\n", "", "'name' is missing", "text"),
        mistake("exposures: [100, 200]\n", "", "'exposures' is missing", "a whole number from 1"),
        mistake("  people: [20, 50]\n", "", "'corpus.people' is missing", "a whole number from 1"),
        mistake("{name: gpt2-2-4, head", "{head", "'models.name' is missing", "text"),

        mistake("name: grid-1", "name: a/b", "'name'", "'a/b'", "letters, digits"),
        mistake("name: grid-1", "name: ..", "'name'", "'..'", "letters, digits"),
        mistake("kind: bioS", "kind: bioX", "'corpus.kind'", "'bioX'", "bioS-simple"),
        mistake("people: [20, 50]", "people: [20, 201]", "'corpus.people'", "201", "1..200"),
        mistake("people: [20, 50]", "people: 160000001", "'corpus.people'", "160000001", "1 to 160000000"),
        mistake("people: [20, 50]", "people: 0", "'corpus.people'", "0", "a whole number from 1"),
        mistake("people: [20, 50]", "people: 99999999999999999999", "'corpus.people'", "99999999999999999999",
            "a whole number from 1"),
        mistake("first: 5", "dir: nowhere, first: 5", "'corpus.pools.dir'", "nowhere", "not a directory"),
        mistake("first: 5", "dir: [], first: 5", "'corpus.pools.dir'", "[]", "at least one entry"),
        mistake("first: 5", "dir: ., first: 5", "'corpus.pools.dir'", "holds none of the lists"),
        mistake("first: 5", "first: 401", "'corpus.pools'", "found 401", "1..400"),
        mistake("first: 5", "first: 0", "'corpus.pools'", "first", "found 0", "1..400"),
        mistake("last: 10", "last: 1001", "'corpus.pools'", "last", "found 1001", "1..1000"),
        mistake("employers: 13", "employers: 264", "'corpus.pools'", "employers", "found 264", "1..263"),
        mistake("employers: 13", "employers: -1", "'corpus.pools'", "employers", "found -1", "1..263"),
        mistake("- gpt2-1-1", "- gpt3-1-1", "'models'", "'gpt3-1-1'", "FAMILY-LAYERS-HEADS"),
        mistake("name: gpt2-2-4", "name: gpt2-0-4", "'models.name'", "'gpt2-0-4'", "FAMILY-LAYERS-HEADS"),
        mistake("head_width: 16", "head_width: 6", "'models'", "is 3.0", "even"),
        mistake("head_width: 16", "head_width: 0", "'models.head_width'", "0", "a whole number from 1"),
        mistake("rotary_fraction: 0.5", "rotary_fraction: 1.5", "'models'", "1.5", "at most 1"),
        mistake("rotary_base: 500", "rotary_base: 1.0e+308", "would have a name of", "systems take 255",
            "rotary0.5b1000"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: absolute", "'models.positions'",
            "'absolute'", "rotary, ntk"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: none, rotary_base: 500",
            "unknown key 'models.rotary_base'"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: ntk", "'models.ntk_scale' is missing",
            "a number"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: ntk, ntk_scale: 0.9",
            "'models.ntk_scale'", "0.9", "at least 1"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: rerope",
            "'models.rerope_window' is missing"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: rerope, rerope_window: 0",
            "'models.rerope_window'", "0", "from 1"),
        mistake("rotary_fraction: 0.5, rotary_base: 500",
            "positions: leaky-rerope, rerope_window: 8, rerope_slowness: 0.5", "'models.rerope_slowness'",
            "0.5", "at least 1"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: alibi, rerope_window: 8",
            "unknown key 'models.rerope_window'"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "mask: documents", "'models.mask'", "documents",
            "causal, document"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: learned, learned_positions: 31",
            "gpt2-2-4-w16-learned31", "31 learned positions", "32 tokens"),
        mistake("rotary_fraction: 0.5, rotary_base: 500", "positions: learned, learned_positions: 512",
            "'training.context_length' is 32", "gpt2-2-4-w16-learned512", "give training a longer context"),
        mistake("exposures: [100, 200]", "exposures: [0]", "'exposures'", "0", "a whole number from 1"),
        mistake("exposures: [100, 200]", "exposures: []", "'exposures'", "[]", "at least one"),
        mistake("exposures: [100, 200]", "exposures: [100, 100]", "'exposures'", "[100,100]", "none twice"),
        mistake("seeds: [3, 4]", "seeds: [3, -4]", "'seeds'", "-4", "a whole number from 0"),
        mistake("seeds: [3, 4]", "seeds: [3, 4, 3]", "'seeds'", "[3,4,3]", "none twice"),
        mistake("seeds: [3, 4]", "seeds: {corpus: [1, 2], order: [1, 2, 3]}", "'seeds'", "of one length",
            "corpus: [1, 2], weights: [1], order: [1, 2, 3]"),
        mistake("seeds: [3, 4]", "seeds: {corpus: [1, 1], weights: [2, 2]}", "'seeds'",
            "different in every run", "seeds corpus 1, weights 2, order 1 twice"),
        mistake("seeds: [3, 4]", "seeds: {corpus: [1, 2], weights: []}", "'seeds.weights'", "[]",
            "at least one"),
        mistake("seeds: [3, 4]", "seeds: {corpus: [1, x]}", "'seeds.corpus'", "\"x\"",
            "a whole number from 0"),
        mistake("seeds: [3, 4]", "seeds: {people: 1}", "unknown key 'seeds.people'",
            "corpus, weights, order"),
        mistake("engine: nd4j", "engine: abacus", "'engine'", "'abacus'", "nd4j"),
        mistake("batch_size: 2", "batch_size: 0", "'training.batch_size'", "0", "a whole number from 1"),
        mistake("batch_size: 2", "windows: 2", "'training.windows' is now called 'training.batch_size'"),
        mistake("context_length: 32", "window: 32",
            "'training.window' is now called 'training.context_length'"),
        mistake("context_length: 32", "context_length: 1", "'training.context_length'", "1",
            "a whole number from 2"),
        mistake("learning_rate: 0.002", "learning_rate: 0", "'training'", "learning rate", "found 0",
            "above 0"),
        mistake("learning_rate: 0.002", "learning_rate: fast", "'training.learning_rate'", "\"fast\"",
            "a number"),
        mistake("learning_rate: 0.002", "learning_rate: .nan", "'training.learning_rate'", "NaN", "a number"),
        mistake("fraction: 0.2", "fraction: 1.2", "'training'", "1.2", "from 0 to 1"),
        mistake("beta1: 0.8", "beta1: 1", "'training'", "beta1", "1.0"),
        mistake("weight_decay: 0.1", "weight_decay: -0.1", "'training'", "weight_decay", "-0.1"),
        mistake("warmup_steps: 10", "warmup_steps: 100000", "warmup_steps", "100000", "steps"),
        mistake("warmup_steps: 10", "warmup_steps: 10\n  warmup_fraction: 0.1", "'training.warmup_steps'",
            "'training.warmup_fraction'", "leave out one"),
        mistake("warmup_steps: 10", "warmup_fraction: 1", "'training.warmup_fraction'", "below 1",
            "found 1.0"),
        mistake("warmup_steps: 10", "warmup_fraction: 10 %", "'training.warmup_fraction'", "\"10 %\"",
            "a number"),
        mistake("people: 15", "people: 1", "'measurement.people'", "1", "a whole number from 2"),

        mistake("engine: nd4j", "engine: nd4j\nname: again", "line 13", "name"),
        mistake("engine: nd4j", "engine: 'nd4j", "line 12", "no valid YAML"),
        mistake("seeds: [3, 4]", "seeds: [3, 4", "line 12", "no valid YAML"),
        mistake(FULL, "", "nothing", "mapping"), mistake(FULL, "just words", "\"just words\"", "mapping"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsNamedWithItsPlaceItsValueAndWhatIsAllowed(Mistake mistake) throws IOException {
    assertNamed(FULL, mistake);
  }

  private void assertNamed(String study, Mistake mistake) throws IOException {
    assertTrue(study.contains(mistake.replaced));
    Path file = file(study.replace(mistake.replaced, mistake.by));
    UserException e = assertThrows(UserException.class, () -> checked(file));
    assertEquals(UserException.USAGE, e.exitCode());
    assertAll(Stream.concat(Stream.of(file.toString()), mistake.complaint.stream())
        .map(part -> () -> assertTrue(e.getMessage().contains(part),
            () -> "'" + part + "' is not in: " + e.getMessage())));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void aFileThatCannotBeReadIsNamed() {
    for (Path file : List.of(directory.resolve("none.yaml"), directory)) {
      UserException e = assertThrows(UserException.class, () -> checked(file));
      assertEquals(UserException.USAGE, e.exitCode());
      assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    }
  }

  @Test
  void theShippedStudiesAreSound() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("studies"))) {
      List<Path> studies = files.filter(file -> file.toString().endsWith(".yaml")).toList();
      assertTrue(studies.size() >= 4);
      for (Path file : studies) {
        String name = file.getFileName().toString().replace(".yaml", "");
        // What goes on from another study needs its run.
        if (Files.exists(file.resolveSibling(name + "-base.yaml"))
            && Files.notExists(Path.of("../runs/" + name + "-base"))) {
          UserException refused = assertThrows(UserException.class, () -> checked(file));
          assertTrue(refused.getMessage().matches(".*(there is no |is not there).*"), refused.getMessage());
          continue;
        }
        Study study = checked(file);
        assertEquals(file.getFileName().toString(), study.name() + ".yaml");
        assertEquals(study.runs().size(),
            study.runs().stream().map(RunSpec::name).collect(Collectors.toSet()).size());
      }
    }
  }

  /** The models of a study, each once. */
  private static List<ModelSpec> models(Study study) {
    return study.runs().stream().map(RunSpec::model).distinct().toList();
  }

  @Test
  void anyListUnderTrainingAndCorpusSpansRunsWhoseNamesTellThemApart() throws IOException {
    Study study = StudyReader.read(file(FULL.replace("[100, 200]", "100")
        .replace("[3, 4]", "3")
        .replace("  - {name: gpt2-2-4, head_width: 16, rotary_fraction: 0.5, rotary_base: 500}\n", "")
        .replace("learning_rate: 0.002", "learning_rate: [0.002, 1.0e-3]")
        .replace("weight_decay: 0.1", "weight_decay: [0.1, {matrices: [0.2, 0.3]}]")
        .replace("last: 10", "last: [10, 20]")));
    List<RunSpec> runs = study.runs();
    assertEquals(2 * 2 * 2 * 3, runs.size());
    assertEquals(runs.size(), runs.stream().map(RunSpec::setting).distinct().count() * 2,
        "people have their column");
    assertEquals(
        List.of("last-10_lr0.002_weight-decay-0.1", "last-10_lr0.002_weight-decay-no2_matrices-0.2",
            "last-10_lr0.002_weight-decay-no2_matrices-0.3", "last-10_lr0.001_weight-decay-0.1"),
        runs.stream().limit(4).map(RunSpec::setting).toList());
    RunSpec last = runs.getLast();
    assertEquals("bioS-50_gpt2-1-1_e100_s3_last-20_lr0.001_weight-decay-no2_matrices-0.3-"
        + last.fingerprint().substring(0, 8), last.name());
    // What a list chose is in no hash: a study of that value alone has the run.
    String alone = FULL.replace("learning_rate: 0.002", "learning_rate: 0.001")
        .replace("weight_decay: 0.1", "weight_decay: {matrices: 0.3}")
        .replace("last: 10", "last: 20");
    assertTrue(StudyReader.read(file(alone))
        .runs()
        .stream()
        .map(RunSpec::fingerprint)
        .toList()
        .contains(last.fingerprint()));
  }

  /** The name is what the first grid says; the run is one. */
  @Test
  void aRunOfSeveralGridsIsOneWhateverListsItIsFrom() throws IOException {
    List<RunSpec> runs = StudyReader.read(file(FULL.replace("exposures: [100, 200]", """
        exposures: 100
        grids:
          - training: {learning_rate: [0.002, 0.004]}
          - training: {learning_rate: [0.004, 0.008]}
        """))).runs();
    assertEquals(3 * 8, runs.size());
    assertEquals(List.of("lr0.002", "lr0.004", "lr0.008"),
        runs.stream().map(RunSpec::setting).distinct().toList());
  }

  @Test
  void listsOfOtherCorporaAreSweptToo() throws IOException {
    assertEquals(List.of("share-0.5", "share-0.75"), StudyReader
        .read(file(
            REVISED.replace("share: 0.25", "share: [0.5, 0.75]").replace("people: [20, 30]", "people: 20")))
        .runs()
        .stream()
        .map(RunSpec::setting)
        .distinct()
        .toList());
  }

  private static Stream<Mistake> mistakesInLists() {
    return Stream.of(
        mistake("learning_rate: 0.002", "learning_rate: []", "'training.learning_rate'",
            "at least one entry"),
        mistake("learning_rate: 0.002", "learning_rate: [0.1, 0.1]", "'training.learning_rate'",
            "none twice"),
        mistake("learning_rate: 0.002", "learning_rate: [0.1, 1.0e-1, 0.10]", "'training.learning_rate'",
            "none twice"),
        mistake("learning_rate: 0.002", "learning_rate: [1, 1.0]", "'training'", "equal settings twice"),
        mistake("learning_rate: 0.002", "learning_rate: [[0.1]]", "'training.learning_rate'", "a number",
            "[0.1]"),
        mistake("learning_rate: 0.002", "learning_rate: [0.1, fast]", "'training.learning_rate'", "a number",
            "fast"),
        mistake("last: 10", "last: [10, 0]", "'corpus.pools'", "0"));
  }

  @ParameterizedTest
  @MethodSource("mistakesInLists")
  void aMistakeInAListIsRefused(Mistake mistake) throws IOException {
    assertNamed(FULL, mistake);
  }
}
