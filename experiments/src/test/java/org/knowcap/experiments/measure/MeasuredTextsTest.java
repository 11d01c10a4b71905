package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.experiments.study.Json;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.testing.TestSeed;
import tools.jackson.databind.JsonNode;

/** Another program, which has only the two files, finds the losses and bits that Knowcap measures. */
class MeasuredTextsTest {
  private static final PoolSizes SIZES = new PoolSizes(9, 9, 20, 12, 28, 60, 150, 20, 10, 25);
  private static final int PEOPLE = 90;
  private static final int MEASURED = 50;

  private final long seed = TestSeed.value();

  @TempDir
  private Path directory;

  /** The loss of a token behind all tokens before it, in nats: any number that depends on all of them. */
  private static float loss(long before, int token) {
    long mixed = (before * 31 + token) * 0x9E3779B97F4A7C15L;
    return (mixed >>> 40) / (float) (1 << 22);
  }

  private static long behind(long before, int token) {
    return before * 0x5851F42D4C957F2DL + token + 1;
  }

  /** The stand-in for a model, as Knowcap asks it: windows of equal length. */
  private static Measurement.Scorer scorer(int length) {
    return (tokens, targets, losses) -> {
      long before = 0;
      for (int i = 0; i < tokens.length; i++) {
        before = behind(i % length == 0 ? 0 : before, tokens[i]);
        losses[i] = loss(before, targets[i]);
      }
    };
  }

  @Test
  void theFilesHoldWhatIsMeasured() throws IOException {
    BioS bioS = new BioS(PEOPLE, seed, Pools.shipped(SIZES), Templates.shipped());
    assertSame(bioS, PEOPLE);
    assertSame(bioS.simple(), MEASURED);
    assertSame(new BioD(PEOPLE, new BioDShape(3, 2, 16, 3, 16), seed, Pools.shipped(SIZES)), MEASURED);
    assertSame(new RevisedCorpus(bioS, new Revision(0.3, Set.of(Attribute.EMPLOYER), seed), 3, 0.5),
        MEASURED);
  }

  private void assertSame(Corpus corpus, int most) throws IOException {
    String what = corpus.name() + ", seed " + seed;
    Path folder = directory.resolve("measured-" + corpus.digest());
    assertEquals(most, MeasuredTexts.write(corpus, most, folder));
    JsonNode about = Json.MAPPER.readTree(Files.readString(folder.resolve(MeasuredTexts.ABOUT)));
    List<String> lines = Files.readAllLines(folder.resolve(MeasuredTexts.TEXTS));
    assertEquals(most, lines.size(), what);
    assertEquals(List.of(PEOPLE, most, corpus.vocabulary().size()), List.of(about.path("people").asInt(),
        about.path("measured").asInt(), about.path("vocabulary").asInt()), what);
    Set<Long> people = new HashSet<>();
    Map<String, Double> sums = new TreeMap<>();
    for (String line : lines) {
      JsonNode text = Json.MAPPER.readTree(line);
      assertTrue(people.add(text.path("person").asLong()), what);
      add(sums, text);
      assertSpans(corpus, text, what);
    }

    Measurement measured = Measurement.of(corpus, most, scorer(corpus.longestItem() - 1));
    double stored = 0;
    List<String> parts = new ArrayList<>();
    for (JsonNode part : about.path("parts")) {
      String name = part.path("part").asString();
      parts.add(name);
      double loss = sums.getOrDefault(name, 0.0) / lines.size() / part.path("per_item").asInt();
      Knowledge known = measured.parts()
          .stream()
          .filter(each -> each.name().equals(name))
          .findFirst()
          .orElseThrow();
      assertEquals(known.lossNats(), loss, 1e-9 * known.lossNats(), what + ", " + name);
      double bits = part.path("count").asDouble()
          * (part.path("uniform_bits").asDouble() - loss / Math.log(2));
      assertEquals(known.storedBits(), bits, 1e-9 * known.totalBits(), what + ", " + name);
      assertEquals(known.totalBits(), part.path("count").asDouble() * part.path("max_bits").asDouble(),
          1e-9 * known.totalBits(), what);
      assertEquals(corpus.measured().bits().part(name).entropyBits(), part.path("exact_bits").asDouble(),
          what);
      stored += bits;
    }
    assertEquals(measured.parts().stream().map(Knowledge::name).toList(), parts, what);
    assertEquals(measured.capacity(1).storedBits(), stored, 1e-9 * measured.capacity(1).totalBits(), what);
  }

  /** Adds the losses of a text's spans to the sums of their parts. */
  private static void add(Map<String, Double> sums, JsonNode text) {
    JsonNode tokens = text.path("tokens");
    float[] losses = new float[tokens.size()];
    long before = 0;
    for (int i = 1; i < losses.length; i++) {
      before = behind(before, tokens.get(i - 1).asInt());
      losses[i] = loss(before, tokens.get(i).asInt());
    }
    for (JsonNode span : text.path("spans")) {
      for (int i = span.path("start").asInt(); i < span.path("end").asInt(); i++) {
        sums.merge(span.path("part").asString(), (double) losses[i], Double::sum);
      }
    }
  }

  /** The characters and the tokens of a span are the same words, and those of a value. */
  private static void assertSpans(Corpus corpus, JsonNode text, String what) {
    int[] characters = text.path("text").asString().codePoints().toArray();
    int[] tokens = text.path("tokens").valueStream().mapToInt(JsonNode::asInt).toArray();
    for (JsonNode span : text.path("spans")) {
      int from = span.path("char_start").asInt();
      String spanned = new String(characters, from, span.path("char_end").asInt() - from);
      assertEquals(corpus.vocabulary().decode(tokens, span.path("start").asInt(), span.path("end").asInt()),
          spanned, what);
      corpus.measured().values(text.path("person").asLong()).forEach((attribute, value) -> {
        if (attribute.key().equals(span.path("attribute").asString())) {
          assertTrue(value.contains(spanned.strip()), what + ": " + spanned + " of " + value);
        }
      });
    }
  }
}
