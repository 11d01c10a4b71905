package org.knowcap.generators.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.generators.corpus.BioS;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CorpusExportTest {
  private static final Source CORPUS = corpus(50, 1);
  private static final Set<String> FILES = Set.of("biographies.jsonl", "tokens.bin", "vocab.json",
      "manifest.json");
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir
  Path temp;

  @Test
  void theFirstLineIsTheSameForEver() throws IOException {
    Path out = export(CORPUS, 1);
    try (InputStream golden = getClass().getResourceAsStream("bioS-50-first-line.jsonl")) {
      assertEquals(new String(golden.readAllBytes(), StandardCharsets.UTF_8),
          Files.readAllLines(out.resolve("biographies.jsonl")).getFirst() + "\n");
    }
  }

  @Test
  void tokensAreTheStreamByteForByte() throws IOException {
    Path out = export(CORPUS, 3);
    ByteBuffer bytes = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    int[] item = new int[CORPUS.longestItem()];
    for (long s = 0; s < 150; s++) {
      int length = CORPUS.write(s, item, 0);
      for (int i = 0; i < length; i++) {
        bytes.putChar((char) item[i]);
      }
    }
    assertArrayEquals(Arrays.copyOf(bytes.array(), bytes.position()),
        Files.readAllBytes(out.resolve("tokens.bin")));
  }

  @Test
  void linesSpansAndVocabularyAgreeWithEachOther() throws IOException {
    Path out = export(CORPUS, 2);
    JsonNode vocabulary = JSON.readTree(out.resolve("vocab.json"));
    assertEquals(CORPUS.vocabulary().size(), vocabulary.size());
    List<String> lines = Files.readAllLines(out.resolve("biographies.jsonl"));
    assertEquals(100, lines.size());
    for (String json : lines) {
      JsonNode line = JSON.readTree(json);
      String text = line.path("text").asString();
      Map<Boolean, List<String>> tokens = line.path("tokens").valueStream().map(
          token -> vocabulary.get(token.asInt()).path("text").asString()).collect(
              Collectors.partitioningBy("<|endoftext|>"::equals));
      assertEquals(1, tokens.get(true).size());
      assertEquals(text, String.join("", tokens.get(false)));
      for (JsonNode span : line.path("spans")) {
        String byTokens = String.join("",
            tokens.get(false).subList(span.get(1).asInt() - 1, span.get(2).asInt() - 1));
        String byCharacters = text.substring(span.get(3).asInt(), span.get(4).asInt());
        assertEquals(byTokens, byCharacters);
        String value = line.path("values").path(span.get(0).asString()).asString();
        assertTrue(value.contains(byCharacters.strip()), value + " in " + json);
      }
    }
  }

  @Test
  void theManifestDescribesTheFiles() throws Exception {
    Path out = export(CORPUS, 2);
    JsonNode manifest = JSON.readTree(out.resolve("manifest.json"));
    assertEquals("bioS(50)", manifest.path("corpus").asString());
    assertEquals(CORPUS.digest(), manifest.path("digest").asString());
    assertEquals(1, manifest.path("parameters").path("seed").asInt());
    assertEquals(400, manifest.path("parameters").path("pools").path("first").asInt());
    assertEquals(100, manifest.path("items").asInt());
    assertEquals(Files.size(out.resolve("tokens.bin")), 2 * manifest.path("tokens").asLong());
    assertEquals(CORPUS.bits().totalBits(), manifest.path("bits").path("total").asDouble());
    assertEquals(0, manifest.path("merging_joints").asInt(-1));
    for (String name : List.of("biographies.jsonl", "tokens.bin", "vocab.json")) {
      byte[] bytes = Files.readAllBytes(out.resolve(name));
      JsonNode entry = manifest.path("files").path(name);
      assertEquals(bytes.length, entry.path("bytes").asLong());
      assertEquals(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
          entry.path("sha256").asString());
    }
    assertEquals(FILES, names(out));
  }

  @Test
  void anExportOfTheSameCorpusIsReplacedAndNothingElseIs() throws IOException {
    Path out = export(CORPUS, 1);
    new CorpusExport(CORPUS, 2).write(out, _ -> {});
    assertEquals(100, Files.readAllLines(out.resolve("biographies.jsonl")).size());

    assertRefused(out, "holds another corpus", corpus(50, 2));
    Files.writeString(out.resolve("manifest.json"), "{");
    assertRefused(out, "is not valid JSON", CORPUS);
    Path other = Files.createDirectory(temp.resolve("other"));
    Files.writeString(other.resolve("notes.txt"), "mine");
    assertRefused(other, "is not empty and holds no manifest.json", CORPUS);
    assertEquals(Set.of("notes.txt"), names(other));
    assertRefused(other.resolve("notes.txt"), "is a file", CORPUS);
    assertEquals("mine", Files.readString(other.resolve("notes.txt")));
  }

  @Test
  void whatFailsLeavesNothingBehind() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "");
    IOException fault = assertThrows(IOException.class,
        () -> new CorpusExport(CORPUS, 1).write(file.resolve("out"), _ -> {}));
    assertTrue(fault.getMessage().startsWith("cannot write the corpus to " + file.resolve("out")),
        fault.getMessage());

    Path fresh = temp.resolve("fresh");
    assertThrows(UncheckedIOException.class, () -> new CorpusExport(CORPUS, 1).write(fresh, _ -> {
      throw new UncheckedIOException(new IOException("No space left on device"));
    }));
    assertFalse(Files.exists(fresh));

    Path earlier = export(CORPUS, 1);
    byte[] before = Files.readAllBytes(earlier.resolve("biographies.jsonl"));
    assertThrows(UncheckedIOException.class, () -> new CorpusExport(CORPUS, 2).write(earlier, _ -> {
      throw new UncheckedIOException(new IOException("No space left on device"));
    }));
    assertArrayEquals(before, Files.readAllBytes(earlier.resolve("biographies.jsonl")));
    assertEquals(FILES, names(earlier));
  }

  @Test
  void progressReachesTheNumberOfItems() throws IOException {
    List<Long> progress = new ArrayList<>();
    new CorpusExport(CORPUS, 30).write(temp.resolve("progress"), progress::add);
    assertEquals(List.of(1000L, 1500L), progress);
  }

  @Test
  void noRoundsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new CorpusExport(CORPUS, 0));
  }

  private Path export(Source corpus, long rounds) throws IOException {
    Path out = temp.resolve("out");
    new CorpusExport(corpus, rounds).write(out, _ -> {});
    return out;
  }

  private static void assertRefused(Path out, String message, Source corpus) {
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> new CorpusExport(corpus, 1).write(out, _ -> {}));
    assertTrue(fault.getMessage().contains(message), fault.getMessage());
  }

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  private static Source corpus(long people, long seed) {
    return new BioS(people, seed, Pools.shipped(PoolSizes.PAPER), Templates.shipped());
  }
}
