package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.export.PlannedFile.Content;
import org.knowcap.generators.export.Sequences.Items;
import org.knowcap.generators.export.Sequences.OfWindows;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * All files of an export except the manifest, which lists them. Formats of items have the items
 * of each source, one source after the other; formats of tokens have the training stream: the items of a
 * source, or the windows of a corpus of several sources.
 */
final class ExportPlan {
  static final String VOCABULARY = "vocab.json";
  private static final int MOST_SHARDS = 99_999;
  /** The formats whose shards are sections of the training stream. */
  private static final Set<Format> STREAM_SHARDS = Set.of(Format.LLMC, Format.MEGATRON);
  /** The formats that have the training stream, and no texts. */
  private static final Set<Format> TOKENS = Set.of(Format.NANOGPT, Format.LLMC, Format.MEGATRON);

  /** A source's entry in the manifest. */
  private record SourceEntry(String corpus, long people, long items) {}

  private final Corpus corpus;
  private final ExportSettings settings;
  /** All items of each source. */
  private final List<Items> items;
  private final List<Items> itemShards;
  private final List<? extends Sequences> streamShards;
  private final LineFiles lines;
  private final ParquetFiles parquet;
  private final List<PlannedFile> files = new ArrayList<>();

  /** @throws IllegalArgumentException if the corpus cannot be written like this */
  ExportPlan(Corpus corpus, ExportSettings settings) {
    this.corpus = corpus.forExposures(settings.exposures());
    this.settings = settings;
    items = items();
    itemShards = items.stream().flatMap(this::itemShards).toList();
    check(itemShards.size());
    streamShards = isOfItems()
        ? itemShards
        : settings.formats().stream().anyMatch(STREAM_SHARDS::contains) ? windowShards() : List.of();
    lines = new LineFiles(corpus.vocabulary());
    parquet = new ParquetFiles(corpus.vocabulary());
    files.add(new PlannedFile(VOCABULARY, Map.of(), "entries", this::writeVocabulary));
    settings.formats().forEach(this::plan);
    planTruth();
  }

  /** Whether the training stream is one source's items, end to end, and not windows of several sources or of whole texts. */
  private boolean isOfItems() {
    return corpus instanceof Source && settings.windows().packing() == Packing.STREAM;
  }

  /** Whether there are files of windows; windows may be too short for whole texts, where there are none. */
  private boolean writesWindows() {
    return !isOfItems() && settings.formats().stream().anyMatch(TOKENS::contains);
  }

  /** The files, in the order of the manifest. */
  List<PlannedFile> files() {
    return List.copyOf(files);
  }

  /** The manifest's entries except the files. */
  Map<String, Object> header() {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("corpus", corpus.name());
    header.put("digest", corpus.digest());
    header.put("parameters", corpus.parameters());
    header.put("settings", settings.toMap());
    header.put("people", corpus.measured().people());
    header.put("sources",
        items.stream()
            .map(all -> new SourceEntry(all.source().name(), all.source().people(), all.count()))
            .toList());
    if (writesWindows() || !isOfItems() && settings.windows().packing() == Packing.STREAM) {
      header.put("windows", windows());
    }
    header.put("vocabulary", corpus.vocabulary().size());
    header.put("end_of_text", corpus.vocabulary().eos());
    header.put("encoding", "GPT-2 byte pairs (r50k_base), renumbered as in " + VOCABULARY);
    header.put("bits", bits(KnowledgePart::totalBits));
    header.put("entropy_bits", bits(KnowledgePart::entropyBits));
    return header;
  }

  private Map<String, Double> bits(ToDoubleFunction<KnowledgePart> count) {
    Map<String, Double> bits = new LinkedHashMap<>();
    corpus.measured().bits().parts().forEach(part -> bits.put(part.name(), count.applyAsDouble(part)));
    bits.put("total", corpus.measured().bits().parts().stream().mapToDouble(count).sum());
    return bits;
  }

  private long windows() {
    return (long) Math.ceil(corpus.stream().windows(settings.exposures(), settings.windows()));
  }

  /** The items of each source that the stream takes until the exposures are complete. */
  private List<Items> items() {
    long most = Long.MAX_VALUE / corpus.measured().people();
    if (settings.exposures() > most) {
      throw new IllegalArgumentException("exposures must be 1.." + most + ", found " + settings.exposures());
    }
    List<Items> items = new ArrayList<>();
    for (Source source : corpus.stream().sources()) {
      int number = items.size();
      items.add(new Items(source, number, 0,
          (long) Math.ceil(corpus.stream().items(number, settings.exposures()))));
    }
    return List.copyOf(items);
  }

  private Stream<Items> itemShards(Items all) {
    long each = Math.max(1, (long) (settings.shardTokens() / all.source().meanItemTokens()));
    check(Math.ceilDiv(all.count(), each));
    return LongStream.range(0, Math.ceilDiv(all.count(), each))
        .map(shard -> shard * each)
        .mapToObj(first -> new Items(all.source(), all.number(), first, Math.min(each, all.count() - first)));
  }

  /** Reads the whole stream once to find out where each shard begins. */
  private List<OfWindows> windowShards() {
    int contextLength = settings.windows().length();
    long each = Math.max(1, settings.shardTokens() / contextLength);
    long all = windows();
    check(Math.ceilDiv(all, each));
    List<OfWindows> shards = new ArrayList<>();
    WindowReader reader = new WindowReader(corpus, settings.windows(), Cursor.START);
    int[] tokens = new int[contextLength];
    int[] targets = new int[contextLength];
    for (long first = 0; first < all; first += each) {
      OfWindows shard = new OfWindows(corpus, settings.windows(), reader.cursor(),
          Math.min(each, all - first));
      shards.add(shard);
      for (long i = 0; i < shard.count(); i++) {
        reader.read(tokens, targets, 0);
      }
    }
    return List.copyOf(shards);
  }

  private static void check(long shards) {
    if (shards > MOST_SHARDS) {
      throw new IllegalArgumentException("with shards of that size there would be " + shards
          + " of them, but at most " + MOST_SHARDS + " are written: choose a larger size");
    }
  }

  private void plan(Format format) {
    int size = corpus.vocabulary().size();
    switch (format) {
      case JSONL -> shards("jsonl/biographies", ".jsonl", itemShards, "tokens", lines::jsonl);
      case PARQUET -> shards("parquet/biographies", ".parquet", itemShards, "tokens", parquet::biographies);
      case TXT -> {
        if (!lines.textsAreLines()) {
          throw new IllegalArgumentException("txt has one text a line, but texts of " + corpus.name()
              + " may have several: choose jsonl or parquet");
        }
        shards("txt/biographies", ".txt", itemShards, "tokens", lines::txt);
      }
      case NANOGPT -> {
        if (size > TokenFiles.SHORT_VOCABULARY) {
          throw new IllegalArgumentException(
              "nanogpt has 16 bits a token, for vocabularies up to " + TokenFiles.SHORT_VOCABULARY
                  + ", but that of " + corpus.name() + " has " + size + ": choose llmc or megatron");
        }
        // nanoGPT reads one file, however long.
        Sequences all = isOfItems()
            ? items.getFirst()
            : new OfWindows(corpus, settings.windows(), Cursor.START, windows());
        files.add(new PlannedFile("nanogpt/train.bin", about(all), "tokens", TokenFiles.nanoGpt(all)));
        files.add(new PlannedFile("nanogpt/meta.pkl", Map.of(), "entries",
            TokenFiles.nanoGptMeta(corpus.vocabulary())));
      }
      case LLMC ->
          shards("llmc/biographies", ".bin", streamShards, "tokens", shard -> TokenFiles.llmC(shard, size));
      case MEGATRON -> {
        shards("megatron/biographies", ".bin", streamShards, "tokens",
            shard -> TokenFiles.megatron(shard, size));
        shards("megatron/biographies", ".idx", streamShards, "sequences",
            shard -> TokenFiles.megatronIndex(shard, size));
      }
    }
  }

  private void planTruth() {
    switch (settings.truth()) {
      case PARQUET -> shards("truth/truth", ".parquet", itemShards, "rows", parquet::truth);
      case JSONL -> shards("truth/truth", ".jsonl", itemShards, "rows", lines::truth);
      case NONE -> {
        // No table.
      }
    }
  }

  private <S extends Sequences> void shards(String path, String extension, List<? extends S> shards,
      String unit, Function<S, Content> content) {
    for (int i = 0; i < shards.size(); i++) {
      files.add(
          new PlannedFile(String.format(Locale.ROOT, "%s-%05d-of-%05d%s", path, i, shards.size(), extension),
              about(shards.get(i)), unit, content.apply(shards.get(i))));
    }
  }

  private static Map<String, Object> about(Sequences shard) {
    Map<String, Object> about = new LinkedHashMap<>();
    switch (shard) {
      case Items part -> {
        about.put("source", part.number());
        about.put("first_item", part.first());
        about.put("items", part.count());
      }
      case OfWindows part -> {
        about.put("first_window", part.start().window());
        about.put("windows", part.count());
      }
    }
    return about;
  }

  /** Writes each token's number, text, and GPT-2 id unless it is a dedicated token. */
  private long writeVocabulary(OutputStream out) throws IOException {
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
    out.write(Manifest.JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(tokens));
    return tokens.size();
  }
}
