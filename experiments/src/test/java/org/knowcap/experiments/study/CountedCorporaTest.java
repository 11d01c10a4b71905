package org.knowcap.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.testing.TestSeed;

/** What is counted in a corpus does not depend on its seeds, which lets runs that differ only in seeds share one. */
class CountedCorporaTest {
  private static final String POOLS = "pools: {first: 9, middle: 7, last: 30}";

  @TempDir
  private Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {"{kind: bioS, people: 40, " + POOLS + "}", "{kind: bioS-simple, people: 40, " + POOLS + "}",
          "{kind: bioS, people: 40, exposure: {zipf: 1.3}, " + POOLS + "}",
          "{kind: bioS, people: 40, questions: {share: 0.3}, " + POOLS + "}",
          "{kind: bioS, people: 40, questions: {share: 0.3, tuning_exposures: 7}, " + POOLS + "}",
          "{kind: bioD, people: 40, attributes: 3, chunks: 2, diversity: 9, length: 2, alphabet: 5, " + POOLS
              + "}",
          "{kind: strings, strings: 50, length: 4, alphabet: 6}",
          "{kind: revised, of: {kind: bioS, people: 40, " + POOLS
              + "}, share: 0.3, attributes: [university], before: 3, replay: 0.2}",
          "{kind: mixture, sources: [{share: 0.3, token: <a>, corpus: {kind: bioS, people: 40, " + POOLS
              + "}}, {share: 0.7, corpus: {kind: bioD, people: 60, attributes: 2, chunks: 1, diversity: 3, length: 2,"
              + " alphabet: 4, " + POOLS + "}}]}"})
  void doNotDependOnSeeds(String kind) throws IOException {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(TestSeed.value());
    Path file = Files.writeString(directory.resolve("study.yaml"), String.format(Locale.ROOT, """
        name: counted
        corpus: %s
        models: gpt2-1-1
        exposures: [5, {complete: 3}]
        seeds: {corpus: [1, %d, %d], weights: 1, order: [1, %d, %d]}
        training: {batch_size: 3, context_length: 256, warmup_fraction: 0.1}
        """, kind, random.nextInt(2, 1_000_000), random.nextInt(2, 1_000_000), random.nextInt(2, 1_000_000),
        random.nextInt(2, 1_000_000)));
    CountedCorpora counted = new CountedCorpora();
    for (RunSpec run : StudyReader.read(file).runs()) {
      Corpus own = run.corpus();
      Corpus shared = counted.of(run);
      assertEquals(own.measured().bits(), shared.measured().bits());
      assertEquals(own.vocabulary().digest(), shared.vocabulary().digest());
      assertEquals(own.longestItem(), shared.longestItem());
      assertEquals(own.name(), shared.name());
      assertEquals(run.exposureCounts(own), run.exposureCounts(shared));
      assertEquals(run.schedule(own), run.schedule(shared));
      assertEquals(run.identity(own), run.identity(shared));
      assertEquals(run.schedule(own), run.cell().schedule(counted.of(run.cell())));
      assertEquals(Cautions.of(run, own), Cautions.of(run, shared));
    }
  }
}
