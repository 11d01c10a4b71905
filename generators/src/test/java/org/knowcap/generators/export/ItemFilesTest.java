package org.knowcap.generators.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.tokens.Vocabulary;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** JSONL, Parquet and text, as another program reads them. */
class ItemFilesTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** Exposures before the change. */
  private static final long UPDATED_AFTER = 2;

  @TempDir
  Path temp;

  private Corpus corpus(String kind) throws IOException {
    return switch (kind) {
      case "bioS" -> Exports.bioS(50, 1);
      case "bioD" -> Exports.bioD();
      case "mixture" -> Exports.mixture();
      case "update" -> new RevisedCorpus(Exports.bioS(50, 1), new Revision(0.4, Set.of(Attribute.MAJOR), 5),
          UPDATED_AFTER, 0.25);
      case "names to escape" -> {
        Path lists = Files.createDirectory(temp.resolve("lists"));
        Files.writeString(lists.resolve("first_name.txt"), "Zo\u00eb\nO\"Neil\nBack\\slash\n\u65e5\u672c\n");
        yield new BioS(50, 1, Pools.in(lists), Templates.shipped());
      }
      default -> throw new IllegalArgumentException(kind);
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"bioS", "bioD", "mixture", "update", "names to escape"})
  void otherProgramsReadWhatTheCorpusSays(String kind) throws Exception {
    Corpus corpus = corpus(kind);
    Path one = Exports.write(temp.resolve("one"), corpus,
        Exports.settings(TruthFormat.PARQUET, Format.JSONL, Format.TXT));
    Path other = Exports.write(temp.resolve("other"), corpus,
        Exports.settings(TruthFormat.JSONL, Format.PARQUET));
    assertTrue(Exports.files(one, ".jsonl").size() > 1);

    List<JsonNode> biographies = new ArrayList<>();
    List<JsonNode> truth = new ArrayList<>();
    for (int number = 0; number < corpus.stream().sources().size(); number++) {
      Source source = corpus.stream().sources().get(number);
      long items = switch (corpus) {
        case Source all -> Exports.EXPOSURES * all.people();
        case Mixture all -> number == 0
            ? Exports.EXPOSURES * source.people()
            : (long) Math.ceil(corpus.stream().tokens(Exports.EXPOSURES) * 0.75 / source.meanItemTokens());
        case RevisedCorpus _ -> switch (number) {
          case 0 -> UPDATED_AFTER * 50;
          case 1 -> Exports.EXPOSURES * 20;
          default -> (long) Math.ceil(Exports.EXPOSURES * 20 * 0.25 / 0.75);
        };
        default -> throw new IllegalStateException(corpus.name());
      };
      for (long item = 0; item < items; item++) {
        biographies.add(biography(number, source, item));
        truth.addAll(truth(number, source, item));
      }
    }
    try (Connection database = DriverManager.getConnection("jdbc:duckdb:")) {
      String json = "read_json('%s/*.jsonl', format = 'newline_delimited')";
      String parquet = "read_parquet('%s/*.parquet')";
      String order = " order by source, item";
      assertEquals(biographies, rows(database, json, one.resolve("jsonl"), order));
      assertEquals(biographies, rows(database, parquet, other.resolve("parquet"), order));
      order += ", start, \"end\" desc";
      assertEquals(truth, rows(database, parquet, one.resolve("truth"), order));
      assertEquals(truth, rows(database, json, other.resolve("truth"), order));
    }
    List<String> lines = new ArrayList<>();
    for (Path file : Exports.files(one, ".txt")) {
      lines.addAll(Files.readAllLines(file));
    }
    assertEquals(biographies.stream().map(line -> line.path("text").asString()).toList(), lines);
  }

  private static JsonNode biography(int number, Source source, long item) {
    AnnotatedItem annotated = source.annotated(item);
    int[] tokens = annotated.tokens();
    Vocabulary vocabulary = source.vocabulary();
    ObjectNode line = line(number, source, item);
    line.put("text", vocabulary.decode(tokens, 1, tokens.length));
    ArrayNode numbers = line.putArray("tokens");
    for (int token : tokens) {
      numbers.add(token);
    }
    ArrayNode spans = line.putArray("spans");
    for (Span span : annotated.spans()) {
      String before = vocabulary.decode(tokens, 1, span.start());
      String upTo = vocabulary.decode(tokens, 1, span.end());
      spans.addObject()
          .put("attribute", span.attribute().key())
          .put("part", span.kind().partName())
          .put("start", span.start())
          .put("end", span.end())
          .put("char_start", before.codePointCount(0, before.length()))
          .put("char_end", upTo.codePointCount(0, upTo.length()));
    }
    ArrayNode values = line.putArray("values");
    source.values(source.person(item))
        .forEach(
            (attribute, value) -> values.addObject().put("attribute", attribute.key()).put("value", value));
    // As the database's answers: all numbers of the type that they would be read as.
    return JSON.readTree(line.toString());
  }

  private static List<JsonNode> truth(int number, Source source, long item) {
    Map<Attribute, String> values = source.values(source.person(item));
    return source.annotated(item)
        .spans()
        .stream()
        .map(span -> JSON.readTree(line(number, source, item).put("attribute", span.attribute().key())
            .put("part", span.kind().partName())
            .put("value", values.get(span.attribute()))
            .put("start", span.start())
            .put("end", span.end())
            .toString()))
        .toList();
  }

  private static ObjectNode line(int number, Source source, long item) {
    return JSON.createObjectNode().put("source", number).put("item", item).put("person", source.person(item));
  }

  private static List<JsonNode> rows(Connection database, String table, Path directory, String order)
      throws SQLException {
    List<JsonNode> rows = new ArrayList<>();
    try (Statement statement = database.createStatement();
        ResultSet results = statement.executeQuery(
            "select to_json(t)::varchar from " + String.format(table, directory) + " t" + order)) {
      while (results.next()) {
        rows.add(JSON.readTree(results.getString(1)));
      }
    }
    return rows;
  }

  @Test
  void theFirstLineIsTheSameForEver() throws IOException {
    Path out = Exports.write(temp.resolve("out"), Exports.bioS(50, 1),
        Exports.settings(TruthFormat.NONE, Format.JSONL));
    try (InputStream golden = getClass().getResourceAsStream("bioS-50-first-line.jsonl")) {
      assertEquals(new String(golden.readAllBytes(), StandardCharsets.UTF_8),
          Files.readAllLines(Exports.files(out, ".jsonl").getFirst()).getFirst() + "\n");
    }
  }

  /** A corpus whose texts may hold the end of a line has no lines of text. */
  @Test
  void textsOfSeveralLinesAreNoTxt() {
    Mixture lines = new Mixture(1, List.of(new Mixture.Ingredient(Exports.bioS(50, 1), 1, "line\nline")));
    ExportSettings settings = Exports.settings(TruthFormat.NONE, Format.TXT);
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> new CorpusExport(lines, settings));
    assertTrue(fault.getMessage().contains("txt has one text a line"), fault.getMessage());
  }
}
