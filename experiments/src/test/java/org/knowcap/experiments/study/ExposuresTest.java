package org.knowcap.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;

/** What a study says of exposures and windows, what training then shows, and what should be known before. */
class ExposuresTest {
  private static final String BIO_S = "{kind: bioS, people: 60, pools: {first: 20, middle: 20, last: 20}}";
  /** Texts of some 30 tokens, and nothing to be warned of. */
  private static final String DENSE = "{kind: bioD, people: 460, attributes: 2, chunks: 8, diversity: 32, length: 2, "
      + "alphabet: 64, pools: {first: 10, middle: 10, last: 50}}";
  private static final String STUDY = """
      name: some
      corpus: %s
      models: gpt2-1-1
      exposures: %s
      training: {batch_size: 3, context_length: %s, packing: %s, warmup_steps: 1}
      """;

  @TempDir
  private Path directory;

  private Study study(Object... settings) throws IOException {
    Path file = Files.writeString(directory.resolve("study.yaml"), STUDY.formatted(settings));
    return StudyChecks.check(file, StudyReader.read(file));
  }

  private RunSpec only(Object... settings) throws IOException {
    return study(settings).runs().getFirst();
  }

  /** Complete biographies and value tokens behind names, counted in the windows that a run reads. */
  private static ExposureCounts counted(RunSpec run) {
    Corpus corpus = run.corpus();
    Source source = corpus.measured();
    Windows windows = run.training().windows();
    int length = windows.length();
    long count = run.steps(corpus) * run.training().effectiveBatchSize();
    WindowReader reader = new WindowReader(corpus, windows, Cursor.START);
    long tokens = 0;
    long complete = 0;
    long values = 0;
    long behind = 0;
    long item = 0;
    int[] inputs = new int[length];
    int[] targets = new int[length];
    for (long window = 0; window < count; window++) {
      reader.read(inputs, targets, 0);
      int at = 0;
      while (at < length && targets[at] != WindowReader.NO_TARGET) {
        // A window begins with an item or inside one; each item begins with an end of text.
        int begin = at++;
        while (at < length && inputs[at] != corpus.vocabulary().eos()) {
          at++;
        }
        boolean whole = inputs[begin] == corpus.vocabulary().eos()
            && (at < length || targets[length - 1] == corpus.vocabulary().eos());
        complete += whole ? 1 : 0;
        tokens += at - begin;
      }
    }
    long position = 0;
    for (; windows.packing() == Packing.STREAM && position < count * length; item++) {
      AnnotatedItem read = source.annotated(item);
      int name = 1;
      for (Span span : read.spans()) {
        for (int token = span.start(); span.kind() == KnowledgeKind.VALUE && token < span.end(); token++) {
          values++;
          behind += (position + token - 1) / length == (position + name) / length ? 1 : 0;
        }
      }
      position += read.tokens().length;
    }
    double people = source.people();
    return new ExposureCounts(tokens / source.meanItemTokens() / people, complete / people,
        values == 0 ? 1 : (double) behind / values);
  }

  @ParameterizedTest
  @CsvSource({"300,96,stream", "300,200,stream", "200,200,whole", "{complete: 200},130,stream",
      "{complete: 200},130,whole"})
  void aRunShowsWhatItSays(String exposures, int length, String packing) throws IOException {
    RunSpec run = only(BIO_S, exposures, length, packing);
    ExposureCounts said = run.exposureCounts(run.corpus());
    ExposureCounts counted = counted(run);
    assertEquals(counted.exposures(), said.exposures(), 0.01 * said.exposures());
    assertEquals(counted.completeExposures(), said.completeExposures(), 0.02 * said.completeExposures());
    assertEquals(counted.valueTokensBehindName(), said.valueTokensBehindName(), 0.01);
    long asked = Long.parseLong(exposures.replaceAll("\\D", ""));
    assertEquals(asked, run.exposures().complete() ? said.completeExposures() : said.exposures(), 1e-9);
    assertEquals(run.exposures().complete() ? Map.of("complete", asked) : asked,
        run.settings().get("exposures"));
    assertTrue(run.name().contains("_e" + asked + (run.exposures().complete() ? "c_" : "_")), run.name());
  }

  /** Texts of 30 tokens in windows of 64: worked out in ItemLayoutTest. */
  @Test
  void textsOfThirtyTokensInWindowsOf64() throws IOException {
    RunSpec run = only(
        "{kind: bioD, people: 700, attributes: 2, chunks: 8, diversity: 64, length: 1, alphabet: 64,"
            + " pools: {first: 20, middle: 20, last: 50}}",
        1000, 64, "stream");
    assertEquals(30, run.corpus().measured().meanItemTokens(), 1e-9);
    assertEquals(562.5, run.exposureCounts(run.corpus()).completeExposures(), 1e-9);
    assertEquals(1 - counted(run).valueTokensBehindName(),
        1 - run.exposureCounts(run.corpus()).valueTokensBehindName(), 1e-3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {"{complete: 5} | 8 | stream | no text of bioS(60) lies in a window of 8 tokens",
          "5 | 70 | whole | with 'packing: whole' no text is cut, so a window must hold the longest",
          "{complete: 0} | 128 | stream | 'exposures.complete' must be a whole number from 1",
          "{whole: 5} | 128 | stream | 'exposures.complete' is missing", "[5, 5] | 128 | stream | none twice",
          "[{complete: 5}, {complete: [5, 6]}] | 128 | stream | must hold none twice",
          "5 | 128 | padded | 'training.packing' must be stream, whole"})
  void badInputIsOneLine(String exposures, int length, String packing, String expected) {
    String message = assertThrows(UserException.class, () -> only(BIO_S, exposures, length, packing))
        .getMessage();
    assertTrue(message.contains(expected) && message.lines().count() == 1, message);
  }

  /** Unequal exposures: their mean is what the study says, by tokens and by complete texts. */
  @ParameterizedTest
  @CsvSource({"20, stream, 128", "20, whole, 128"})
  void unequalExposuresHaveTheirMean(String exposures, String packing, int length) throws IOException {
    RunSpec run = only(BIO_S.replace("people: 60", "people: 60, exposure: {zipf: 1.5}"), exposures, length,
        packing);
    Corpus corpus = run.corpus();
    ExposureCounts told = run.exposureCounts(corpus);
    ExposureCounts equal = only(BIO_S, exposures, length, packing).exposureCounts(corpus);
    assertEquals(equal, told);
    assertEquals(told.completeExposures(), counted(run).completeExposures(), 0.03 * told.completeExposures());
    assertEquals("bioS(60) zipf 1.5", corpus.name());
    assertTrue(run.name().startsWith("bioS-60-zipf1.5_"), run.name());
  }

  /** Every kind of exposure is a sweep's choice, and trains as many windows as equal exposures. */
  @Test
  void exposuresAreSwept() throws IOException {
    String kinds = "[uniform, {zipf: 1.5}, {groups: [{share: 0.1, times: 8}, {share: 0.9, times: 1}]}, "
        + "{spaced: {ratio: 4, cohorts: 5}}, {warm_up_subset: 0.25}, {pruned: {keep: 0.5, choose: random}}]";
    List<RunSpec> runs = study(BIO_S.replace("people: 60", "people: 60, exposure: " + kinds), "20", 128,
        "stream").runs();
    assertEquals(
        List.of("bioS-60", "bioS-60-zipf1.5", "bioS-60-groups2", "bioS-60-spaced4.0", "bioS-60-warmup0.25",
            "bioS-60-pruned0.5random"),
        runs.stream().map(run -> run.name().substring(0, run.name().indexOf("_gpt2"))).toList());
    RunSpec equal = runs.getFirst();
    assertEquals(only(BIO_S, "20", 128, "stream").fingerprint(), equal.fingerprint());
    for (RunSpec run : runs) {
      Corpus corpus = run.corpus();
      assertEquals(equal.steps(equal.corpus()), run.steps(corpus));
      assertEquals(equal.exposureCounts(equal.corpus()), run.exposureCounts(corpus));
      long[] persons = new long[60 * 20];
      corpus.measured().rounds().persons(0, persons);
      long[] counts = new long[60];
      LongStream.of(persons).forEach(person -> counts[(int) person]++);
      for (int person = 0; person < 60; person++) {
        assertEquals(60 * 20 * corpus.measured().rounds().share(person), counts[person], 3, run.name());
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
          "people: 60, exposure: {zipf: 0}|'corpus.exposure'. the exponent of Zipf's law must be above 0",
          "people: 60, exposure: {}|'corpus.exposure' must have one of zipf, groups, spaced, warm_up_subset, pruned, found none of them",
          "people: 60, exposure: {zipf: 1.5, a: 2}|unknown",
          "people: 60, exposure: {zipf: 1.5}, questions: {share: 0.5}|do not go together",
          "people: 60, exposure: {zipf: a}|'corpus.exposure.zipf' must be a number",
          "people: 60, exposure: even|'corpus.exposure' must be uniform or a mapping with one of zipf, groups",
          "people: 60, exposure: {zipf: 1, spaced: {ratio: 2}}|found zipf and spaced",
          "people: 60, exposure: {groups: [{share: 1, times: 2}]}|'corpus.exposure'. there must be 2 to 100 groups, found 1",
          "people: 60, exposure: {groups: 3}|'corpus.exposure'. there must be 2 to 100 groups",
          "people: 60, exposure: {groups: [{share: 0.5}, {share: 0.5, times: 2}]}|'corpus.exposure.groups.times' is missing",
          "people: 60, exposure: {groups: [{share: 0.001, times: 1}, {share: 0.999, times: 2}]}|group 1 is empty",
          "people: 60, exposure: {spaced: {}}|'corpus.exposure.spaced.ratio' is missing",
          "people: 60, exposure: {spaced: {ratio: 2, cohorts: 90}}|more cohorts, 90, than people, 60",
          "people: 60, exposure: {spaced: {ratio: 2, gap: 3}}|unknown key 'corpus.exposure.spaced.gap'",
          "people: 60, exposure: {warm_up_subset: 2}|'corpus.exposure'. the share of people in the warm-up must lie between 0 and 1",
          "people: 60, exposure: {warm_up_subset: 0.5, warm_up: 1}|the warm-up's share of all texts must lie between",
          "people: 60, exposure: {pruned: {choose: random}}|'corpus.exposure.pruned.keep' is missing",
          "people: 60, exposure: {pruned: {keep: 0.5}}|'corpus.exposure.pruned.losses' is missing",
          "people: 60, exposure: {pruned: {keep: 0.5, losses: none.json}}|none.json is not there; 'knowcap measure RUN --losses FILE' makes it",
          "people: 60, exposure: {pruned: {keep: 0.5, choose: best}}|must be lowest_loss, highest_loss, random, found \"best\"",
          "people: 60, exposure: {pruned: {keep: 1.5, choose: random}}|'corpus.exposure'. the share of people to keep must lie between",
          "people: 60, exposure: {pruned: {keep: 0.001, choose: random}}|a share of 0.001 of 60 people is nobody",
          "people: 60, exposure: {pruned: {keep: 0.5, choose: random, after: 0.5}}|unknown key 'corpus.exposure.pruned.after'"})
  void badUnequalExposuresAreRefused(String settings, String expected) {
    String message = assertThrows(UserException.class,
        () -> only(BIO_S.replace("people: 60", settings), "20", 128, "stream")).getMessage();
    assertTrue(Pattern.compile(expected).matcher(message).find() && message.lines().count() == 1, message);
  }

  @Test
  void onlyGeneratedTextsHaveUnequalExposures() {
    String mixture = "{kind: mixture, exposure: {zipf: 1.5}, sources: {share: 1, corpus: " + BIO_S + "}}";
    String message = assertThrows(UserException.class, () -> only(mixture, "20", 128, "stream")).getMessage();
    assertTrue(
        message.contains("'corpus.exposure' goes with the kinds bioS, bioS-simple, bioD, found 'mixture'"),
        message);
  }

  @Test
  void whatShouldBeKnownIsSaid() throws IOException {
    String strings = "{kind: bioD, people: %d, attributes: 2, chunks: 8, diversity: %d, length: %d, alphabet: 64, "
        + "pools: {first: 10, middle: 10, last: %d}}";
    assertCautions(List.of("windows of 64 tokens are shorter than four texts",
        "uses all T^L = D = 64 strings", "has fewer people than D log2 N = 566"),
        strings.formatted(460, 64, 1, 50), 64);
    assertCautions(List.of(), strings.formatted(460, 32, 2, 50), 512);
    assertCautions(List.of("uses D = 500 of only T^L = 4096 strings", "fewer people than D log2 N"),
        strings.formatted(460, 500, 2, 50), 512);
    assertCautions(List.of("has all 500 possible names: there are 0 bits to know of names"),
        strings.formatted(500, 32, 2, 5), 512);
    // log2 C(1000, 200), by the entropy of 0.2 and Stirling's next term: 1000 H(0.2) - log2(2 pi 1000 0.2 0.8) / 2.
    double entropy = -0.2 * Math.log(0.2) - 0.8 * Math.log(0.8);
    long exact = Math.round((1000 * entropy - Math.log(2 * Math.PI * 160) / 2) / Math.log(2));
    assertCautions(List.of("counts 464 bits of names, the set of names has log2 C(N0, N) = " + exact),
        strings.formatted(200, 16, 2, 10), 512);
    assertCautions(List.of("has only one possibility for each value"), strings.formatted(460, 1, 1, 50), 512);
    String none = assertThrows(UserException.class,
        () -> study(strings.formatted(460, 16, 2, 50).replace("attributes: 2", "attributes: 0"), 100, 512,
            "stream"))
        .getMessage();
    assertTrue(none.contains("attributes (K) must be 1..50, found 0") && none.lines().count() == 1, none);
  }

  /** Cautions depend on the windows: a sweep over them has one for each that is too short. */
  @Test
  void everyWindowOfASweepIsWarnedOf() throws IOException {
    List<String> remarks = study(DENSE, 100, "[64, 96, 512]", "[stream, whole]").remarks();
    assertEquals(2, remarks.size(), remarks.toString());
    assertTrue(
        remarks.get(0).startsWith("windows of 64 tokens are shorter than four texts")
            && remarks.get(1).startsWith("windows of 96 tokens are shorter than four texts"),
        remarks.toString());
    // The warning is not lost where a run that needs none comes first.
    remarks = study(DENSE, 100, 96, "[whole, stream]").remarks();
    assertTrue(remarks.size() == 1 && remarks.getFirst().startsWith("windows of 96 tokens"),
        remarks.toString());
  }

  private void assertCautions(List<String> expected, String corpus, int length) throws IOException {
    List<String> remarks = study(corpus, 100, length, "stream").remarks();
    assertEquals(expected.size(), remarks.size(), remarks.toString());
    for (int i = 0; i < expected.size(); i++) {
      assertTrue(remarks.get(i).contains(expected.get(i)), remarks.get(i));
    }
  }
}
