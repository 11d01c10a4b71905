package org.knowcap.generators.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;
import org.knowcap.files.ParserMessage;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** The content of {@code manifest.json}: everything that is needed to make the export again, and its files. */
public record Manifest(JsonNode tree) {
  public static final String NAME = "manifest.json";
  static final String FILES = "files";
  static final JsonMapper JSON = JsonMapper.builder()
      .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
      .build();

  private static final String RECIPE = "recipe";
  private static final String VERSION = "knowcap_version";
  /** Logarithms may differ in their last digits between machines. */
  private static final double ROUNDING = 1e-9;

  /**
   * The manifest's entry for a file.
   *
   * @param count  of tokens, rows or what else the file has
   * @param bytes  size of the file
   * @param sha256 in hexadecimal
   */
  public record Entry(long count, long bytes, String sha256) {}

  /**
   * Reads the manifest of an export.
   *
   * @throws ExportException if there is none, or it is not valid
   * @throws IOException              if it cannot be read
   */
  public static Manifest read(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    try {
      JsonNode tree = JSON.readTree(Files.readAllBytes(file));
      if (!tree.path(FILES).isObject()) {
        throw new ExportException(file + " is not the manifest of a corpus: it lists no files");
      }
      return new Manifest(tree);
    } catch (NoSuchFileException e) {
      throw new ExportException(
          directory + " holds no " + NAME + ": it is not a corpus, or one whose writing has not ended", e);
    } catch (JacksonException e) {
      throw new ExportException(file + " is not valid JSON: " + ParserMessage.plain(e.getOriginalMessage()),
          e);
    }
  }

  /** A manifest without files, from {@link ExportPlan#header}. */
  static Manifest of(Map<String, Object> header) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put(VERSION, currentVersion());
    all.putAll(header);
    // As if it had been read: numbers have the same types then.
    return new Manifest(JSON.readTree(JSON.writeValueAsBytes(all)));
  }

  /** The version of the running Knowcap. */
  public static String currentVersion() {
    return Optional.ofNullable(Manifest.class.getPackage().getImplementationVersion()).orElse("unpackaged");
  }

  /** The version of Knowcap that wrote the export. */
  public String version() {
    return tree.path(VERSION).asString("unknown");
  }

  /** The recipe by which the writer can make the corpus again. */
  public JsonNode recipe() {
    return tree.path(RECIPE);
  }

  /** @throws ExportException if there are none, or impossible ones */
  public ExportSettings settings() {
    try {
      return ExportSettings.of(tree.path("settings"));
    } catch (IllegalArgumentException e) {
      throw new ExportException(NAME + ": 'settings': " + e.getMessage(), e);
    }
  }

  String digest() {
    return tree.path("digest").asString("none");
  }

  /** The file's entry, if it is complete. */
  Optional<Entry> entry(PlannedFile file) {
    JsonNode entry = tree.path(FILES).path(file.name());
    return entry.path(file.unit()).isIntegralNumber() && entry.path("bytes").isIntegralNumber()
        && entry.path("sha256").isString()
            ? Optional.of(new Entry(entry.path(file.unit()).asLong(), entry.path("bytes").asLong(),
                entry.path("sha256").asString()))
            : Optional.empty();
  }

  /** The complete manifest, with a recipe and the files, as JSON. */
  byte[] complete(Map<String, Object> recipe, Map<PlannedFile, Entry> entries) {
    Map<String, Object> all = new LinkedHashMap<>();
    tree.propertyStream().forEach(property -> all.put(property.getKey(), property.getValue()));
    all.put(RECIPE, recipe);
    Map<String, Object> files = new LinkedHashMap<>();
    entries.forEach((file, entry) -> {
      Map<String, Object> one = new LinkedHashMap<>(file.about());
      one.put(file.unit(), entry.count());
      one.put("bytes", entry.bytes());
      one.put("sha256", entry.sha256());
      files.put(file.name(), one);
    });
    all.put(FILES, files);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(all);
  }

  /**
   * The first difference between the corpora and settings of two exports, such as
   * "settings.exposures is 1, not 2". Recipes and files are not compared.
   *
   * @param anyVersion whether to ignore the version of Knowcap as well
   */
  Optional<String> difference(Manifest expected, boolean anyVersion) {
    SequencedSet<String> names = names(tree, expected.tree);
    names.removeAll(Set.of(FILES, RECIPE));
    if (anyVersion) {
      names.remove(VERSION);
    }
    return names.stream()
        .flatMap(name -> difference(name, tree.path(name), expected.tree.path(name)).stream())
        .findFirst();
  }

  private static SequencedSet<String> names(JsonNode one, JsonNode other) {
    SequencedSet<String> names = new LinkedHashSet<>(one.propertyNames());
    names.addAll(other.propertyNames());
    return names;
  }

  private static Optional<String> difference(String path, JsonNode found, JsonNode expected) {
    if (found.isObject() && expected.isObject()) {
      return names(expected, found).stream()
          .flatMap(name -> difference(path + "." + name, found.path(name), expected.path(name)).stream())
          .findFirst();
    }
    boolean same = found.isNumber() && expected.isNumber()
        ? Math.abs(found.asDouble() - expected.asDouble()) <= ROUNDING * Math.abs(expected.asDouble())
        : found.equals(expected);
    return same
        ? Optional.empty()
        : Optional.of(path + " is " + (found.isMissingNode() ? "missing" : found) + ", not "
            + (expected.isMissingNode() ? "missing" : expected));
  }
}
