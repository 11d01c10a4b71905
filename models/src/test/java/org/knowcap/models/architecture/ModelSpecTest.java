package org.knowcap.models.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;

class ModelSpecTest {
  /** Sizes that the paper's own points have, with its vocabulary of 3275. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-2, 816000", "gpt2-12-12, 87571200", "gpt2-1-2, 617728", "gpt2-4-4, 3997952",
      "gpt2-8-6, 15454080", "gpt2-28-16, 356049920"})
  void countsThePublishedSizes(String name, long parameters) {
    assertEquals(parameters, ModelSpec.parse(name).parameters(3275).total());
  }

  @Test
  void countsWhatTheProgramHoldsAtAnyShape() {
    for (int layers = 1; layers <= 3; layers++) {
      for (int heads = 1; heads <= 3; heads++) {
        for (int headWidth : new int[]{4, 6, 64}) {
          for (int vocabulary : new int[]{2, 3, 451, 3275}) {
            ModelSpec spec = Family.GPT2.model(layers, heads, headWidth, new Rotary(1, 10_000));
            long d = spec.width();
            long formula = 12 * layers * d * d + 13 * layers * d + 2 * d + vocabulary * d;
            assertEquals(formula, spec.parameters(vocabulary).total());
            assertEquals(formula, Program.scoring(spec, vocabulary, 1, 3).parameterCount());
          }
        }
      }
    }
  }

  /**
   * Mistral-7B as its configuration has it; LLaMA-2-7B but for an inner width of 10,922 where that has 11,008, the next
   * multiple of 256; and the paper's forms, worked out by hand at d = 128, two layers, V = 3275: GPT2 less 12 d^2 or
   * 16 d^2 and their biases, and LLaMA's 8 d^2 in three matrices of 342.
   */
  @ParameterizedTest
  @CsvSource({"mistral-32-32-w128, 32000, 7241732096", "llama-32-32-w128, 32000, 6704599040",
      "gpt2-quarter-2-2, 3275, 618624", "gpt2-nomlp-2-2, 3275, 552064", "llama-2-2, 3275, 1232768",
      "llama-2-2-tied, 3275, 813568", "llama-2-2-standard, 3275, 1232256", "mistral-2-2, 3275, 1281408"})
  void countsOtherArchitectures(String name, int vocabulary, long parameters) {
    assertEquals(parameters, ModelSpec.parse(name).parameters(vocabulary).total());
  }

  /**
   * GPT2-MoE by hand at d = 128, two layers, V = 3275: attention 2 (4 d^2 + 4 d), 32 experts of 2 d^2 + 2 d in each block,
   * routers of 32 d, norms 5 (2 d), the table; of the experts a token meets one. Mixtral-8x7B has 46.7 billion parameters,
   * 12.9 billion of which are active, as its paper rounds them.
   */
  @Test
  void countsWhatATokenMeets() {
    ParameterCount count = ModelSpec.parse("gpt2-moe32-2-2").parameters(3275);
    int d = 128;
    assertEquals(2 * (4 * d * d + 4 * d) + 2 * 32 * (2 * d * d + 2 * d) + 2 * 32 * d + 10 * d + 3275 * d,
        count.total());
    assertEquals(count.total() - 2 * 31 * (2 * d * d + 2 * d), count.active());
    ParameterCount twice = ModelSpec.parse("gpt2-moe32-2-2-top2").parameters(3275);
    assertEquals(count.total() - 2 * 30 * (2 * d * d + 2 * d), twice.active());
    assertEquals(count.total() - 2 * 30 * (2 * d * d + 2 * d),
        ModelSpec.parse("gpt2-moe32-2-2-expertchoice").parameters(3275).active());
    ParameterCount mixtral = ModelSpec.parse("mixtral-32-32-w128").parameters(32000);
    assertEquals(46_702_792_704L, mixtral.total());
    assertEquals(12_879_925_248L, mixtral.active());
    ParameterCount dense = ModelSpec.parse("gpt2-2-2").parameters(3275);
    assertEquals(dense.total(), dense.active());
  }

  /** Tutel's rule: topK floor(factor ceil(T / E)), never more than there are tokens. */
  @ParameterizedTest
  @CsvSource({"gpt2-moe32-2-2, 512, 32, 128", "gpt2-moe32-2-2-top2-cap1, 512, 32, 256",
      "gpt2-moe32-2-2-top2, 512, 64, 256", "gpt2-moe32-2-2, 97, 8, 32", "gpt2-moe4-2-2-cap0.1, 9, 1, 9",
      "mixtral-2-2, 100, 100, 100", "gpt2-moe8-2-2-expertchoice, 64, 16, 16"})
  void givesExpertsTheirPlaces(String name, int length, int training, int test) {
    Experts experts = ModelSpec.parse(name).feedForward().experts().orElseThrow();
    assertEquals(training, experts.capacity(length, false));
    assertEquals(test, experts.capacity(length, true));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"gpt2-moe2-2-2-top3 | top_k) must be from 1 to the 2 experts",
          "gpt2-moe32-2-2-cap0 | capacity factor must be above 0, found 0.0",
          "glam1-2-2 | from 1 to the 1 experts", "gpt2-moe0-2-2 | no model is named",
          "gpt2-2-2-top2 | for families with experts", "gpt28-2-2 | no model is named",
          "gpt2-moe8-2-2-none | needs a feed-forward",
          "gpt2-moe8-2-2-top2-expertchoice | top_k must be 1 where experts choose"})
  void refusesMixturesThatCannotBe(String name, String reason) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"gpt2-1-1-canonba | letters of abcd in this order, found ba",
          "gpt2-1-1-canonaa | in this order, found aa", "gpt2-nomlp-1-1-canonac | need a feed-forward",
          "gpt2-moe2-1-1-canond | a feed-forward without experts"})
  void refusesCanonLayersThatCannotBe(String name, String reason) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  /** By hand at d = 128, heads of 64, with a vocabulary of 3275 and untied: 4 d^2 with the gate and the result, and what decays need. */
  @ParameterizedTest
  @CsvSource({"llama-1-2-gla, 1038848", "llama-1-2-gdn, 1037252"})
  void countsRecurrences(String name, long parameters) {
    int d = 128;
    long rest = 2 * 3275L * d + 3 * d * 342 + 3 * d;
    long own = name.endsWith("gla") ? 16 * d + 16 * d / 2 + d / 2 : 4 * 2 * d + 2 * 2 * d + 2 + 2;
    assertEquals(rest + 4 * d * d + own + 64, ModelSpec.parse(name).parameters(3275).total());
    assertEquals(parameters, ModelSpec.parse(name).parameters(3275).total());
  }

  @ParameterizedTest
  @CsvSource({"llama-4-2-gla2attention2, llama-4-2-gla2attention2", "llama-4-2-gla2, llama-4-2-gla",
      "llama-4-2-attention, llama-4-2", "llama-4-2-glaattentionglaattention, llama-4-2-glaattention",
      "llama-4-2-gla3attention-k1, llama-4-2-gla3attention-k1"})
  void namesMixersByTheShortestList(String name, String printed) {
    assertEquals(printed, ModelSpec.parse(name).name());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"llama-2-2-gla3attention | at most as many as there are, 2, found gla3attention",
          "llama-2-2-w5-gdn-nopos | its width must be even, found 5",
          "llama-2-2-gla-qknorm | QK-norm would change nothing: all blocks are gla",
          "llama-2-2-gdn-a8 | an attention window would change nothing",
          "llama-2-2-gdn-alibi | these positions would change nothing", "llama-2-2-gla1 | no model is named"})
  void refusesMixersThatCannotBe(String name, String reason) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"gpt2-1-1-lora0 | no model is named", "gpt2-1-1-lora9999 | from 1 to 4096, found 9999",
          "gpt2-1-1-lora4a0 | lora_alpha must be above 0 and at most 1000000, found 0.0",
          "gpt2-nomlp-1-1-lora4 | use 'lora_placement: attention'",
          "gpt2-moe2-1-1-lora4 | need a feed-forward without experts",
          "gpt2-2-1-attentiongla-lora4attention | all blocks must have attention",
          "gpt2-1-1-loops65 | loops must be from 1 to 64, found 65"})
  void refusesAdaptersThatCannotBe(String name, String reason) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  /** Products of GPT2 have 4 d and 2 d inputs and outputs in attention, and 5 d and 5 d in the feed-forward. */
  @ParameterizedTest
  @CsvSource({"gpt2-3-2-w8-lora5attention, 6", "gpt2-3-2-w8-lora5mlp, 10", "gpt2-3-2-w8-lora5, 16"})
  void trainsTheAdaptersAlone(String name, int widths) {
    ParameterCount count = ModelSpec.parse(name).parameters(11);
    assertEquals(3 * 5 * widths * 16, count.total());
    assertEquals(count.total(), count.active());
    assertEquals(ModelSpec.parse("gpt2-3-2-w8").parameters(11).total(), count.frozen());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"gpt2-2-1-ngram1 | ngram_slots must be from 2 to 16777216, found 1",
          "gpt2-2-1-ngram99999999 | ngram_slots must be from 2 to 16777216, found 99999999",
          "gpt2-2-1-ngram8n1 | ngram_longest must be from 2 to 8, found 1",
          "gpt2-2-1-ngram8n9 | ngram_longest must be from 2 to 8, found 9",
          "gpt2-2-1-ngram8h9 | ngram_heads must be from 1 to 8, found 9",
          "gpt2-2-1-ngram8w1025 | ngram_width must be from 2 to 1024, found 1025",
          "gpt2-2-1-ngram8w5 | ngram_width must be even, found 5",
          "gpt2-2-1-ngram8l3 | ngram_layers must be from 1 to 2, found 3",
          "gpt2-2-1-ngram8l1l1 | none twice, found [1, 1]", "gpt2-2-1-ngram0 | no model is named"})
  void refusesMemoriesThatCannotBe(String name, String reason) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  /** By hand: 2 blocks with 2 x 2 tables of 100 rows of 8, matrices of keys and values with biases, two gains; a token reads 4 rows. */
  @Test
  void countsMemoriesApart() {
    ParameterCount plain = ModelSpec.parse("gpt2-2-2-w8").parameters(11);
    ParameterCount count = ModelSpec.parse("gpt2-2-2-w8-ngram100w8l1l2").parameters(11);
    assertEquals(2 * 4 * 100 * 8, count.inMemory());
    assertEquals(plain.total() + count.inMemory() + 2 * (2 * (32 * 16 + 16) + 2 * 16), count.total());
    assertEquals(count.total() - 2 * 4 * 99 * 8, count.active());
    ParameterCount frozen = ModelSpec.parse("gpt2-2-2-w8-ngram100w8l1l2-lora2").parameters(11);
    assertEquals(0, frozen.inMemory());
    assertEquals(count.total(), frozen.frozen());
    assertEquals(frozen.total(), frozen.active());
  }

  @ParameterizedTest
  @CsvSource({"gpt2-4-2-ngram64n3h2w16l2, gpt2-4-2-ngram64", "gpt2-1-2-ngram64l1, gpt2-1-2-ngram64",
      "gpt2-4-2-ngram64l3l1, gpt2-4-2-ngram64l1l3"})
  void namesMemoriesByWhatIsNotUsual(String name, String printed) {
    assertEquals(printed, ModelSpec.parse(name).name());
  }

  @Test
  void refusesOtherNumbersOfExperts() {
    Experts fine = Experts.of(4, 1);
    record Wrong(String reason, Executable makes) {}
    for (Wrong wrong : List.of(new Wrong("experts must be at least 1, found 0", () -> Experts.of(0, 1)),
        new Wrong("found 0", () -> Experts.of(4, 0)),
        new Wrong("every 1st, 2nd or so, found 0", () -> fine.withEvery(0)),
        new Wrong("at test must be above 0, found -1.0",
            () -> fine.withCapacity(Optional.of(1.0), Optional.of(-1.0))),
        new Wrong("shared experts must be at least 0, found -1",
            () -> new Experts(4, Experts.Choice.TOKENS, 1, Optional.empty(), Optional.empty(), 1, -1, 0, 0)),
        new Wrong("load-balancing loss must be at least 0, found -0.1",
            () -> new Experts(4, Experts.Choice.TOKENS, 1, Optional.empty(), Optional.empty(), 1, 0, -0.1,
                0)),
        new Wrong("their loads are equal, found 0.1",
            () -> new Experts(4, Experts.Choice.EXPERTS, 1, Optional.empty(), Optional.empty(), 1, 0, 0.1,
                0)),
        new Wrong("z-loss must be at least 0, found NaN", () -> new Experts(4, Experts.Choice.TOKENS, 1,
            Optional.empty(), Optional.empty(), 1, 0, 0, Double.NaN)))) {
      String message = assertThrows(IllegalArgumentException.class, wrong.makes()).getMessage();
      assertTrue(message.contains(wrong.reason()), message);
    }
  }

  /** What is trained is scored with the places of the test; the same model otherwise. */
  @Test
  void scoresWithTheCapacityOfTheTest() {
    ModelSpec spec = ModelSpec.parse("gpt2-moe32-2-2");
    Program training = Program.training(spec, 11, 3, 512, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1));
    Program scoring = Program.scoring(spec, 11, 3, 512);
    assertEquals(training.parameters(), scoring.parameters());
    assertEquals(List.of(32, 32), places(training));
    assertEquals(List.of(128, 128), places(scoring));
    assertEquals(List.of(32),
        places(Program.training(
            ModelSpec.parse("gpt2-moe32-3-2")
                .with(ModelOption.EXPERTS, spec.feedForward().experts().map(experts -> experts.withEvery(2))),
            11, 3, 512, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1))));
  }

  private static List<Integer> places(Program program) {
    return program.forward()
        .stream()
        .filter(Route.class::isInstance)
        .map(o -> ((Route) o).routing().capacity())
        .toList();
  }

  @Test
  void countsWhatTheProgramHoldsWhateverTheOptions() {
    for (Family family : Family.values()) {
      boolean mixed = family.model(1, 1, 8).feedForward().experts().isPresent();
      for (String options : List.of("", "-k1", "-a3", "-k1-a2-layernorm", "-rmsnorm", "-standard",
          "-gated-gelu", mixed ? "-top1-cap1.25" : "-none", "-silu", "-relu2", "-loops3",
          "-biased-qknorm-loops2", "-glaattention-loops2", "-biased", "-unbiased-tied", "-untied",
          "-rotary0.5", "-rotary1b500.25", "-rotary0.5-ntk1.5", "-rotary1-ntk8", "-learned5",
          "-tied-learned17", "-nopos", "-rotary1b9-rerope3", "-rotary1-leaky2k1.25", "-alibi", "-document",
          "-alibi-document", "-k1-qknorm", "-biased-qknorm-nopos", "-gla", "-gdn-canonb-document",
          "-glagdn-k1", "-gdnattention-canona", "-ngram9", "-biased-loops2-ngram9n4h1w2l1l2s7",
          "-document-ngram16777216h1w2l1", mixed ? "-canonabc" : "-standard-canonabcd",
          "-k1-canonab-document", mixed || family == Family.GPT2_NOMLP ? "-silu" : "-k1-gated-lora5a2.5",
          mixed ? "-silu" : "-learned5-lora16attention",
          mixed || family == Family.GPT2_NOMLP ? "-silu" : "-gdn-lora4mlp",
          mixed ? "-ngram2" : "-ngram7l2-lora3attention")) {
        ModelSpec spec = ModelSpec.parse(family.prefix() + "-2-3-w8" + options);
        Program program = Program.scoring(spec, new TokenIds(11, 3), 2, 5);
        assertEquals(spec.parameters(11).stored(), program.parameterCount(), spec.name());
        assertEquals(spec.parameters(11).total(), program.trainedCount(), spec.name());
        assertEquals(spec, ModelSpec.parse(spec.name()));
      }
    }
  }

  @Test
  void printsTheNameItReads() {
    assertEquals("gpt2-12-4", ModelSpec.parse("gpt2-12-4").name());
    assertEquals("gpt2-2-3-w32", ModelSpec.parse("gpt2-2-3").with(ModelOption.HEAD_WIDTH, 32).name());
    assertEquals(Family.GPT2.model(2, 3, 32), ModelSpec.parse("gpt2-2-3-w32"));
    assertEquals("gpt2-2-3", ModelSpec.parse("gpt2-2-3-w64").name());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2", "gpt2-0-2", "gpt2-2", "gpt2-2-2-2", "gpt3-2-2", "gpt2-a-b", "gpt2--1-2",
          "gpt2-2-2-w", "gpt2-2-2-w0", ""})
  void refusesOtherNames(String name) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains("'" + name + "'"), message);
  }

  /** Two models that differ in positions differ in name; what the family has anyway is not said. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-2-rotary0.25b10000, gpt2-2-2", "gpt2-2-2-rotary0.50b500.0, gpt2-2-2-rotary0.5b500",
      "llama-2-2-rotary1-ntk4, llama-2-2-ntk4", "gpt2-2-2-ntk1, gpt2-2-2-ntk1",
      "gpt2-2-2-rotary1-ntk2.5, gpt2-2-2-rotary1-ntk2.5", "gpt2-2-2-w5-nopos, gpt2-2-2-w5-nopos",
      "gpt2-2-2-rotary0.25-leaky64k8.0, gpt2-2-2-leaky64k8", "gpt2-2-2-w5-alibi, gpt2-2-2-w5-alibi"})
  void namesPositions(String name, String printed) {
    assertEquals(printed, ModelSpec.parse(name).name());
  }

  /** GPT-2 itself but for its vocabulary, 124,439,808 parameters: 1,024 places and 50,257 tokens of width 768. */
  @Test
  void countsLearnedPositions() {
    assertEquals(124_439_808, ModelSpec.parse("gpt2-12-12-learned1024").parameters(50_257).total());
  }

  /** bloc97's formula: the slowest angle, at i = w/2 - 1, is s times slower, and the fastest is as it was. */
  @Test
  void ntkStretchesTheSlowestAngle() {
    Positions.Ntk ntk = new Positions.Ntk(new Rotary(0.5, 10_000), 8);
    double slowest = Math.pow(ntk.scaled(64).base(), -30.0 / 32);
    assertEquals(Math.pow(10_000, -30.0 / 32) / 8, slowest, 1e-12);
  }

  @ParameterizedTest
  @CsvSource({"gpt2-2-2-rotary0, above 0", "gpt2-2-2-rotary1.5, 1.5", "gpt2-2-2-rotary0.5b1, above 1",
      "gpt2-2-2-ntk0.5, at least 1", "gpt2-2-2-w8-ntk2, at least 4 components", "gpt2-2-2-w12, even number",
      "gpt2-2-2-leaky8k0.5, at least 1", "gpt2-2-2-rerope0, no model is named",
      "gpt2-2-2-learned0, no model is named", "gpt2-2-2-rotary0.5-nopos, no model is named"})
  void refusesPositionsThatCannotBe(String name, String complaint) {
    String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(name)).getMessage();
    assertTrue(message.contains(complaint), message);
  }

  @Test
  void refusesWindowsLongerThanLearnedPositions() {
    ModelSpec spec = ModelSpec.parse("gpt2-1-1-learned7");
    String message = assertThrows(IllegalArgumentException.class, () -> Program.scoring(spec, 11, 1, 8))
        .getMessage();
    assertTrue(message.contains("7 learned positions") && message.contains("8 tokens"), message);
  }

  @Test
  void refusesOddRotaryWidths() {
    String message = assertThrows(IllegalArgumentException.class,
        () -> ModelSpec.parse("gpt2-2-2").with(ModelOption.HEAD_WIDTH, 20)).getMessage();
    assertTrue(message.contains("0.25") && message.contains("20"), message);
  }

  /** Forward and backward cost 6 operations per parameter and token, plus causal attention; the table counts as head. */
  @Test
  void flopsFollowTheUsualRule() {
    ModelSpec spec = ModelSpec.parse("gpt2-3-2");
    Program program = Program.training(spec, 100, 2, 16, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1));
    long d = spec.width();
    long products = 6L * (12 * 3 * d * d + 100 * d) * 32;
    long attention = 6L * 2 * 3 * d * (16 * 17 / 2) * 2;
    assertEquals(products + attention, program.flops());
    assertEquals(program.flops(), 3 * Program.scoring(spec, 100, 2, 16).flops());
  }
}
