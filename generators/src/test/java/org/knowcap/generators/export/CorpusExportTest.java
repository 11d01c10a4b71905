package org.knowcap.generators.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.corpus.Corpus;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CorpusExportTest {
  private static final Corpus CORPUS = Exports.bioS(50, 1);
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir
  Path temp;

  @ParameterizedTest
  @ValueSource(strings = {"bioS", "mixture"})
  void theBytesAreTheSameOnAnyNumberOfThreads(String kind) throws IOException {
    Corpus corpus = kind.equals("bioS") ? CORPUS : Exports.mixture();
    Exports.write(Exports.export(corpus), temp.resolve("1"), 1, (_, _) -> {});
    Exports.write(Exports.export(corpus), temp.resolve("3"), 3, (_, _) -> {});
    Map<String, String> one = Exports.contents(temp.resolve("1"));
    assertTrue(one.size() > 30, one.keySet().toString());
    assertEquals(one, Exports.contents(temp.resolve("3")));
  }

  @Test
  void theManifestDescribesTheFiles() throws Exception {
    Path out = Exports.write(temp.resolve("out"), CORPUS,
        Exports.settings(TruthFormat.PARQUET, Format.values()));
    JsonNode manifest = JSON.readTree(out.resolve("manifest.json"));
    assertEquals("bioS(50)", manifest.path("corpus").asString());
    assertEquals(CORPUS.digest(), manifest.path("digest").asString());
    assertEquals(1, manifest.path("parameters").path("seed").asInt());
    assertEquals(400, manifest.path("parameters").path("pools").path("first").asInt());
    assertEquals("a test's", manifest.path("recipe").path("corpus").asString());
    assertEquals(100, manifest.path("sources").path(0).path("items").asInt());
    assertEquals(CORPUS.measured().bits().totalBits(), manifest.path("bits").path("total").asDouble());
    for (KnowledgePart part : CORPUS.measured().bits().parts()) {
      assertEquals(part.totalBits(), manifest.path("bits").path(part.name()).asDouble());
      assertEquals(part.entropyBits(), manifest.path("entropy_bits").path(part.name()).asDouble());
    }
    JsonNode files = manifest.path("files");
    assertEquals(files.size() + 1, Exports.files(out, "").size());
    long items = 0;
    long tokens = 0;
    for (Map.Entry<String, JsonNode> file : files.properties()) {
      byte[] bytes = Files.readAllBytes(out.resolve(file.getKey()));
      assertEquals(bytes.length, file.getValue().path("bytes").asLong());
      assertEquals(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
          file.getValue().path("sha256").asString());
      if (file.getKey().startsWith("jsonl")) {
        items += file.getValue().path("items").asLong();
        tokens += file.getValue().path("tokens").asLong();
      }
    }
    assertEquals(100, items);
    assertEquals(Files.size(out.resolve("nanogpt/train.bin")), 2 * tokens);
    assertEquals(CORPUS.vocabulary().size(), JSON.readTree(out.resolve("vocab.json")).size());
  }

  /** What stops an export after some files. */
  private static UncheckedIOException stop() {
    return new UncheckedIOException(new IOException("the power failed"));
  }

  @Test
  void anInterruptedExportGoesOn() throws IOException {
    Path whole = temp.resolve("whole");
    Exports.write(Exports.export(CORPUS), whole, 1, (_, _) -> {});
    Path out = temp.resolve("out");
    assertThrows(UncheckedIOException.class,
        () -> Exports.write(Exports.export(CORPUS), out, 1, (done, _) -> {
          if (done == 10) {
            throw stop();
          }
        }));
    assertFalse(Files.exists(out.resolve("manifest.json")));
    assertRefused(out, "its settings.exposures is 2, not 3",
        new CorpusExport(CORPUS, new ExportSettings(List.of(Format.values()), TruthFormat.PARQUET, 3,
            Windows.cut(Exports.WINDOW), Exports.SHARD_TOKENS)));
    assertRefused(out, "another export", Exports.export(Exports.bioS(50, 2)));

    // What a process leaves behind that dies at the worst of times, and a finished file cut short.
    Files.writeString(out.resolve("unfinished.jsonl"), "{\"name\":\"jso", StandardOpenOption.APPEND);
    Path aside = out.resolve("truth/.tmp-truth-00000-of-00004.parquet");
    Files.createDirectories(aside.getParent());
    Files.writeString(aside, "half of it");
    Files.writeString(out.resolve("vocab.json"), "[]");
    int all = Exports.export(CORPUS).files();
    assertEquals(all - 10 + 1, Exports.write(Exports.export(CORPUS), out, 2, (_, _) -> {}));
    assertEquals(Exports.contents(whole), Exports.contents(out));
    assertEquals(0, Exports.write(Exports.export(CORPUS), out, 2, (_, _) -> {}));
  }

  @Test
  void nothingElseIsTouched() throws IOException {
    Path out = Exports.write(temp.resolve("out"), CORPUS, Exports.settings(TruthFormat.NONE, Format.TXT));
    assertRefused(out, "its settings.formats is [\"txt\"], not [\"jsonl\"]",
        new CorpusExport(CORPUS, Exports.settings(TruthFormat.NONE, Format.JSONL)));
    Files.writeString(out.resolve("manifest.json"), "{");
    assertRefused(out, "is not valid JSON", Exports.export(CORPUS));
    Path other = Files.createDirectory(temp.resolve("other"));
    Files.writeString(other.resolve("notes.txt"), "mine");
    assertRefused(other, "is not empty and holds no manifest.json", Exports.export(CORPUS));
    assertRefused(other.resolve("notes.txt"), "is a file", Exports.export(CORPUS));
    assertEquals(Map.of("notes.txt", "mine"), Exports.contents(other));
    Path below = other.resolve("notes.txt").resolve("out");
    IOException fault = assertThrows(IOException.class,
        () -> Exports.write(Exports.export(CORPUS), below, 1, (_, _) -> {}));
    assertTrue(fault.getMessage().startsWith("cannot write the corpus to " + below), fault.getMessage());
  }

  @Test
  void oneAtATimeWrites() throws IOException {
    Path out = Files.createDirectory(temp.resolve("out"));
    try (Journal _ = Journal.open(out)) {
      IOException fault = assertThrows(IOException.class,
          () -> Exports.write(Exports.export(CORPUS), out, 1, (_, _) -> {}));
      assertTrue(fault.getMessage().contains("another process is writing there"), fault.getMessage());
    }
  }

  @Test
  void otherProcessesWriteTheFilesThatTheyAreTold() throws IOException {
    Path whole = temp.resolve("whole");
    Exports.write(Exports.export(CORPUS), whole, 1, (_, _) -> {});
    Path out = temp.resolve("out");
    CorpusExport elsewhere = Exports.export(CORPUS);
    assertThrows(ExportException.class, () -> elsewhere.writeFile(out, "vocab.json"));
    assertEquals(elsewhere.files(),
        Exports.export(CORPUS).write(out, Map.of(), (directory, names, written) -> {
          for (String name : names) {
            // A process that was given up has left half of it.
            Path aside = directory.resolve(name).resolveSibling(".tmp-x");
            Files.createDirectories(aside.getParent());
            Files.writeString(aside, "half of it");
            written.file(name, elsewhere.writeFile(directory, name));
          }
          assertThrows(ExportException.class, () -> elsewhere.writeFile(directory, "jsonl/other.jsonl"));
          CorpusExport other = Exports.export(Exports.bioS(50, 2));
          assertThrows(ExportException.class, () -> other.writeFile(directory, "vocab.json"));
        }, (_, _) -> {}));
    assertEquals(Exports.contents(whole), Exports.contents(out));
  }

  private static void assertRefused(Path out, String message, CorpusExport export) throws IOException {
    Map<String, String> before = Files.isDirectory(out) ? Exports.contents(out) : Map.of();
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> Exports.write(export, out, 1, (_, _) -> {}));
    assertTrue(fault.getMessage().contains(message), fault.getMessage());
    assertEquals(before, Files.isDirectory(out) ? Exports.contents(out) : Map.of());
  }

  @Test
  void verifyNamesWhatIsWrong() throws IOException {
    Path out = Exports.write(temp.resolve("out"), Exports.mixture(),
        Exports.settings(TruthFormat.PARQUET, Format.values()));
    CorpusExport export = Exports.export(Exports.mixture());
    assertEquals(List.of(), export.verify(out, 2, (_, _) -> {}));

    Path llmc = Exports.files(out.resolve("llmc"), "").get(1);
    byte[] tokens = Files.readAllBytes(llmc);
    tokens[1500] ^= 1;
    Files.write(llmc, tokens);
    Path jsonl = Exports.files(out, ".jsonl").get(1);
    List<String> lines = Files.readAllLines(jsonl);
    int changed = lines.get(0).length() + 1 + lines.get(1).indexOf("text");
    lines.set(1, lines.get(1).replace("text", "Text"));
    Files.write(jsonl, lines);
    Path txt = Exports.files(out, ".txt").getFirst();
    long size = Files.size(txt);
    Files.write(txt, new byte[]{'x'}, StandardOpenOption.APPEND);
    byte[] stream = Files.readAllBytes(out.resolve("nanogpt/train.bin"));
    Files.write(out.resolve("nanogpt/train.bin"), Arrays.copyOf(stream, 1000));
    Files.delete(out.resolve("vocab.json"));
    Path parquet = Exports.files(out.resolve("parquet"), "").getFirst();
    byte[] table = Files.readAllBytes(parquet);
    table[table.length / 2]++;
    Files.write(parquet, table);
    Files.writeString(out.resolve("txt/more.txt"), "mine");
    Path index = Exports.files(out, ".idx").getFirst();
    String manifest = Files.readString(out.resolve("manifest.json"), StandardCharsets.UTF_8);
    Files.writeString(out.resolve("manifest.json"),
        manifest.replace("\"vocabulary\" : ", "\"vocabulary\" : 1")
            .replaceFirst("(" + index.getFileName() + "(.|\\s)*?)\"sha256\" : \".", "$1\"sha256\" : \"x"));

    List<String> found = export.verify(out, 2, (_, _) -> {});
    int vocabulary = Exports.mixture().vocabulary().size();
    List<String> expected = List.of("manifest.json: vocabulary is 1" + vocabulary + ", not " + vocabulary,
        "vocab.json is missing",
        "jsonl/" + jsonl.getFileName() + " has been changed, first at byte " + changed
            + " (counted from 0), in line 2",
        "parquet/" + parquet.getFileName() + " has been changed, first at byte " + table.length / 2
            + " (counted from 0)",
        "txt/" + txt.getFileName() + " has 1 bytes too many behind its " + size,
        "nanogpt/train.bin is truncated: it has 1000 of " + stream.length + " bytes",
        "llmc/" + llmc.getFileName() + " has been changed, first at byte 1500 (counted from 0)",
        "manifest.json says of megatron/" + index.getFileName() + ": ",
        "txt/more.txt is not part of the export");
    assertEquals(expected.size(), found.size(), found.toString());
    for (int i = 0; i < found.size(); i++) {
      assertTrue(found.get(i).startsWith(expected.get(i)), found.get(i) + " is not " + expected.get(i));
    }

    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> Exports.export(CORPUS).verify(out, 2, (_, _) -> {}));
    assertTrue(fault.getMessage().contains("its lists have changed since"), fault.getMessage());
  }
}
