package org.knowcap.generators.export;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.knowcap.generators.corpus.KnowledgePart;
import org.knowcap.generators.corpus.Part;
import org.knowcap.generators.corpus.Probe;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.tokens.Vocabulary;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes the first rounds of a corpus's training stream to a directory of four files.
 *
 * <ul>
 * <li>{@code biographies.jsonl}: one {@link Line} an item.
 * <li>{@code tokens.bin}: the stream's tokens, 0..V-1, as unsigned 16-bit integers, little-endian, with no
 * header (the layout nanoGPT reads). The end of text stands in front of each biography.
 * <li>{@code vocab.json}: each token's text, and its GPT-2 id unless it is dedicated to the corpus.
 * <li>{@code manifest.json}: what all this is, with the SHA-256 of the other files. It is written last, so
 * where it stands, the export is whole.
 * </ul>
 */
public final class CorpusExport {
  private static final String BIOGRAPHIES = "biographies.jsonl";
  private static final String TOKENS = "tokens.bin";
  private static final String VOCABULARY = "vocab.json";
  private static final String MANIFEST = "manifest.json";
  /** In the order in which they appear. */
  private static final List<String> NAMES = List.of(BIOGRAPHIES, TOKENS, VOCABULARY, MANIFEST);
  private static final String ASIDE = ".tmp-";
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int MAX_VOCABULARY = 1 << Short.SIZE;
  /** Items between two calls for progress. */
  private static final int PROGRESS_STEP = 1000;

  private static final JsonMapper JSON = JsonMapper.builder()
      .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
      .build();

  /**
   * A line of {@code biographies.jsonl}.
   *
   * @param round  0..rounds-1
   * @param person 0..N-1
   * @param text   begins with a space
   * @param tokens the end of text, then the text's tokens, 0..V-1
   * @param spans  [attribute, start, end, charStart, charEnd]: from and to which of {@code tokens}, and
   *               from and to which character of {@code text} (Unicode code points); the ends are exclusive
   * @param values what is true of the person, by attribute
   */
  public record Line(long round, long person, String text, int[] tokens, List<List<Object>> spans,
      Map<String, String> values) {}

  /** What the manifest says of a file, by its name. */
  private record FileEntry(long bytes, String sha256) {}

  /** What goes into a file. */
  private interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private final Source corpus;
  private final long rounds;
  private final long items;

  /**
   * @param corpus what to write; at most 65,536 tokens in its vocabulary
   * @param rounds exposures of every person, at least 1
   * @throws IllegalArgumentException if the vocabulary is too large, or the rounds are out of range
   */
  public CorpusExport(Source corpus, long rounds) {
    long most = Long.MAX_VALUE / corpus.people();
    if (rounds < 1 || rounds > most) {
      throw new IllegalArgumentException("exposures must be 1.." + most + ", found " + rounds);
    }
    if (corpus.vocabulary().size() > MAX_VOCABULARY) {
      throw new IllegalArgumentException(
          TOKENS + " has 16 bits a token, for vocabularies up to " + MAX_VOCABULARY + ", but that of "
              + corpus.name() + " has " + corpus.vocabulary().size());
    }
    this.corpus = corpus;
    this.rounds = rounds;
    items = rounds * corpus.people();
  }

  /**
   * Writes the four files, aside first and then into place. A failure leaves the directory as it was.
   *
   * @param directory new, or empty, or the place of an earlier export of the same corpus, which is replaced
   * @param progress  told how many items of {@code biographies.jsonl}, by far the longest part, are done
   * @throws IllegalArgumentException if something else is in the directory
   * @throws IOException              if it cannot be written; the message says where and why
   */
  public void write(Path directory, LongConsumer progress) throws IOException {
    check(directory);
    boolean isNew = Files.notExists(directory);
    try {
      Files.createDirectories(directory);
      try {
        Map<String, FileEntry> files = new LinkedHashMap<>();
        files.put(BIOGRAPHIES, writeAside(directory, BIOGRAPHIES, out -> writeBiographies(out, progress)));
        files.put(TOKENS, writeAside(directory, TOKENS, this::writeTokens));
        files.put(VOCABULARY, writeAside(directory, VOCABULARY, out -> out.write(vocabulary())));
        writeAside(directory, MANIFEST, out -> out.write(manifest(files)));
        for (String name : NAMES) {
          Files.move(aside(directory, name), directory.resolve(name), StandardCopyOption.ATOMIC_MOVE,
              StandardCopyOption.REPLACE_EXISTING);
        }
      } finally {
        for (String name : NAMES) {
          Files.deleteIfExists(aside(directory, name));
        }
        if (isNew && isEmpty(directory)) {
          Files.delete(directory);
        }
      }
    } catch (IOException e) {
      throw new IOException("cannot write the corpus to " + directory + ": " + reason(e), e);
    }
  }

  private void writeBiographies(OutputStream out, LongConsumer progress) throws IOException {
    for (long item = 0; item < items; item++) {
      out.write(JSON.writeValueAsBytes(line(item)));
      out.write('\n');
      if ((item + 1) % PROGRESS_STEP == 0 || item + 1 == items) {
        progress.accept(item + 1);
      }
    }
  }

  private Line line(long item) {
    Vocabulary vocabulary = corpus.vocabulary();
    Probe probe = corpus.annotated(item);
    List<List<Object>> spans = new ArrayList<>();
    int token = 1;
    int character = 0;
    for (Span span : probe.spans()) {
      if (span.part() == Part.FIRST_CHUNK) {
        continue;
      }
      int start = character + characters(vocabulary.decode(probe.tokens(), token, span.start()));
      int end = start + characters(vocabulary.decode(probe.tokens(), span.start(), span.end()));
      spans.add(List.of(span.attribute().key(), span.start(), span.end(), start, end));
      token = span.end();
      character = end;
    }
    long person = corpus.person(item);
    Map<String, String> values = new LinkedHashMap<>();
    corpus.values(person).forEach((attribute, value) -> values.put(attribute.key(), value));
    return new Line(item / corpus.people(), person,
        vocabulary.decode(probe.tokens(), 1, probe.tokens().length), probe.tokens(), spans, values);
  }

  private static int characters(String text) {
    return text.codePointCount(0, text.length());
  }

  private void writeTokens(OutputStream out) throws IOException {
    int[] tokens = new int[corpus.longestItem()];
    ByteBuffer bytes = ByteBuffer.allocate(tokens.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long item = 0; item < items; item++) {
      int length = corpus.write(item, tokens, 0);
      bytes.clear();
      for (int i = 0; i < length; i++) {
        bytes.putShort((short) tokens[i]);
      }
      out.write(bytes.array(), 0, bytes.position());
    }
  }

  private byte[] vocabulary() {
    Vocabulary vocabulary = corpus.vocabulary();
    int[] gpt2Ids = vocabulary.gpt2Ids();
    List<Map<String, Object>> tokens = new ArrayList<>();
    for (int token = 0; token < vocabulary.size(); token++) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("id", token);
      if (token < gpt2Ids.length) {
        entry.put("gpt2_id", gpt2Ids[token]);
      }
      entry.put("text", vocabulary.decode(new int[]{token}, 0, 1));
      tokens.add(entry);
    }
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(tokens);
  }

  private byte[] manifest(Map<String, FileEntry> files) {
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("corpus", corpus.name());
    manifest.put("digest", corpus.digest());
    manifest.put("knowcap_version",
        Optional.ofNullable(CorpusExport.class.getPackage().getImplementationVersion()).orElse("unpackaged"));
    manifest.put("parameters", corpus.parameters());
    manifest.put("rounds", rounds);
    manifest.put("items", items);
    manifest.put("tokens", files.get(TOKENS).bytes() / Short.BYTES);
    manifest.put("token_type", "uint16, little-endian");
    manifest.put("vocabulary", corpus.vocabulary().size());
    manifest.put("end_of_text", corpus.vocabulary().eos());
    manifest.put("encoding", "GPT-2 byte pairs (r50k_base), renumbered as in " + VOCABULARY);
    manifest.put("merging_joints", corpus.mergingJoints());
    Map<String, Object> bits = new LinkedHashMap<>();
    for (KnowledgePart part : corpus.bits().parts()) {
      bits.put(part.name(), part.totalBits());
    }
    bits.put("total", corpus.bits().totalBits());
    manifest.put("bits", bits);
    manifest.put("files", files);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest);
  }

  /** Writes a file under its name for the time being; returns what the manifest says of it. */
  private static FileEntry writeAside(Path directory, String name, Content content) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    Path file = aside(directory, name);
    try (OutputStream out = new BufferedOutputStream(
        new DigestOutputStream(Files.newOutputStream(file), digest), BUFFER_BYTES)) {
      content.writeTo(out);
    }
    return new FileEntry(Files.size(file), HexFormat.of().formatHex(digest.digest()));
  }

  private static Path aside(Path directory, String name) {
    return directory.resolve(ASIDE + name);
  }

  private void check(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return;
    }
    if (!Files.isDirectory(directory)) {
      throw new IllegalArgumentException(directory + " is a file: name a new or an empty directory");
    }
    if (isEmpty(directory)) {
      return;
    }
    Path manifest = directory.resolve(MANIFEST);
    if (Files.notExists(manifest)) {
      throw new IllegalArgumentException(
          directory + " is not empty and holds no " + MANIFEST + ": name a new or an empty directory");
    }
    String found;
    try {
      found = JSON.readTree(Files.readAllBytes(manifest)).path("digest").asString("none");
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          manifest + " is not valid JSON: name a new or an empty directory", e);
    }
    if (!found.equals(corpus.digest())) {
      throw new IllegalArgumentException(directory + " holds another corpus (digest " + found + ", not "
          + corpus.digest() + "): name a new or an empty directory");
    }
  }

  /** Whether there is nothing in the directory but what a killed export may have left aside. */
  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.allMatch(entry -> entry.getFileName().toString().startsWith(ASIDE));
    }
  }

  /** File system exceptions carry the file in their message and the reason in their name. */
  private static String reason(IOException e) {
    return e instanceof FileSystemException
        ? e.getClass().getSimpleName() + ": " + e.getMessage()
        : e.getMessage();
  }
}
