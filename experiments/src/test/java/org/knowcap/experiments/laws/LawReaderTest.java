package org.knowcap.experiments.laws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.laws.LawStudy.Cell;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyChecks;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;

/** The laws that Knowcap ships can be run in both sizes, and files that cannot are refused in one line. */
class LawReaderTest {
  @TempDir
  private Path directory;

  private static double maxRatio(LawArm arm) {
    Corpus corpus = arm.any().corpus();
    return corpus.measured().bits().totalBits() / parameters(arm, corpus);
  }

  private static long parameters(LawArm arm, Corpus corpus) {
    return arm.any().model().parameters(corpus.vocabulary().size()).total();
  }

  /** Arms of one setting are one run; the runs of the study's file are those that the laws look for. */
  @ParameterizedTest
  @ValueSource(strings = {"small", "paper"})
  void allTwelveCanBeRun(String size) throws IOException {
    LawReader.Laws laws = LawReader.shipped(size, List.of());
    assertEquals(IntStream.rangeClosed(1, LawReader.LAWS).boxed().toList(),
        laws.laws().stream().map(Law::number).toList());
    LawStudy study = new LawStudy(laws.size(), laws.laws());
    List<Cell> cells = new ArrayList<>();
    for (Law law : laws.laws()) {
      assertTrue(law.arms().size() >= 1 && !law.judgements().isEmpty());
      for (LawArm arm : law.arms()) {
        cells.addAll(study.planned(arm));
        assertTrue(arm.learningRates().size() >= 3, arm.name());
        assertTrue(arm.any().model().causal());
        long parameters = parameters(arm, arm.any().corpus());
        if (size.equals("paper")) {
          assertTrue(parameters >= 600_000 && parameters < 40_000_000, arm.name() + ": " + parameters);
          assertEquals("cuda", arm.any().engine());
        } else {
          assertTrue(parameters < 150_000, arm.name() + ": " + parameters);
        }
      }
    }
    Path file = Files.write(directory.resolve("study.yaml"), study.yaml(cells));
    Study read = StudyChecks.check(file, StudyReader.read(file));
    Set<RunSpec> wanted = new HashSet<>(cells.stream().map(Cell::run).toList());
    assertEquals(wanted, Set.copyOf(read.runs()));
    assertTrue(read.runs().size() < cells.size(), "laws share runs");
  }

  /** A claim of what a model can hold needs a corpus that has more; one of a full corpus needs one that has less. */
  @ParameterizedTest
  @CsvSource({"small, 3, 2.2", "small, 5, 2", "small, 8, 2.2", "small, 9, 2.2", "paper, 3, 2.2",
      "paper, 5, 2.6", "paper, 8, 2.2", "paper, 9, 1.8", "paper, 1, 1.5", "paper, 2, 2.2", "paper, 10, 3",
      "small, 10, 1.2", "small, 12, 1.2"})
  void corporaHaveRoom(String size, int number, double least) throws IOException {
    for (LawArm arm : LawReader.shipped(size, List.of(number)).laws().getFirst().arms()) {
      assertTrue(maxRatio(arm) >= least, arm.name() + ": R^max is " + maxRatio(arm));
    }
  }

  /** Junk leaves what is studied as it is. */
  @Test
  void junkChangesTheStreamAlone() throws IOException {
    Map<String, LawArm> arms = new TreeMap<>();
    LawReader.shipped("small", List.of(10, 11, 12))
        .laws()
        .forEach(law -> law.arms().forEach(arm -> arms.putIfAbsent(arm.name(), arm)));
    Corpus plain = arms.get("plain-100").any().corpus();
    for (String name : List.of("junk-100", "repeated-100", "token-100")) {
      Corpus junk = arms.get(name).any().corpus();
      assertEquals(plain.measured().bits().totalBits(), junk.measured().bits().totalBits(), 1e-9);
      assertEquals(8, (double) arms.get(name).any().steps(junk) / arms.get("plain-100").any().steps(plain),
          0.5, name);
    }
    assertEquals(plain.vocabulary().size() + 1, arms.get("token-100").any().corpus().vocabulary().size());
  }

  private static final String SIZES = """
      small:
        choosing_seed: 101
        seeds: [1, 2, 3]
        learning_rates: [0.005, 0.01]
        more_rates: 1
        study:
          corpus: {kind: bioS, people: 40}
          models: gpt2-1-1-w8
          exposures: 10
          training: {batch_size: 2, context_length: 64}
      """;

  private static final String LAW = """
      law: 1
      title: Tiny
      claim: Something.
      source: none
      small:
        base: {}
        longer: {exposures: 40}
      judge:
        - {factor: [longer, base], at_least: 2, margin: 1.41, limited_by: [model, learning]}
      """;

  private String complaint(String sizes, String law, String size, Integer... only) throws IOException {
    Files.writeString(directory.resolve("sizes.yaml"), sizes);
    Files.writeString(directory.resolve("law-01.yaml"), law);
    UserException refused = assertThrows(UserException.class,
        () -> LawReader.read(directory, size, List.of(only)));
    assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
    return refused.getMessage();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {"title: Tiny | tittle: Tiny | 'title' is missing", "law: 1 | law: 2 | 'law' must be 1",
          "base: {} | base: {people: 3} | unknown key",
          "base: {} | base: {models: gpt9-2-2} | no model is named",
          "base: {} | base: {exposures: [1, 2]} | must be one setting, found 2",
          "base: {} | base: {seeds: 3} | must not have the key 'seeds'",
          "base: {} | base: {of: longer} | an arm above it",
          "base: {} | base: {learning_rates: 0} | 'small.base.learning_rates' must be a number above 0",
          "factor: [longer, base] | factor: [longer, bass] | names the arm 'bass'",
          "factor: [longer, base] | factor: longer | must be two arms",
          "factor: [longer, base] | share: longer | must have one of the keys ratio, factor",
          "at_least: 2 | above: 2 | one of the keys at_least, at_most, about",
          "margin: 1.41 | margin: 0.5 | margin is a factor and must be at least 1",
          "limited_by: [model, learning] | limited_by: [modell] | 'judge[0].limited_by' must be of",
          "limited_by: [model, learning] | limited_by: model, why: 3 | unknown key 'judge[0].why'"})
  void whatIsWrongIsSaid(String right, String wrong, String complaint) throws IOException {
    assertTrue(LAW.contains(right), right);
    String message = complaint(SIZES, LAW.replace(right, wrong), "small");
    assertTrue(message.contains(complaint), message);
    assertTrue(message.contains("law-01.yaml"), message);
  }

  @Test
  void sizesAndNumbersMustBeThere() throws IOException {
    assertEquals("--size must be one of small, found 'huge'", complaint(SIZES, LAW, "huge"));
    assertEquals("--only must be of [1], found 13", complaint(SIZES, LAW, "small", 13));
    assertTrue(complaint(SIZES.replace("seeds: [1, 2, 3]", "seeds: [101, 2]"), LAW, "small")
        .contains("none of them the choosing seed 101"));
    assertTrue(complaint(SIZES, LAW.replace("  base: {}\n  longer: {exposures: 40}\n", "  {}\n"), "small")
        .contains("has no arms"));
  }
}
