package org.knowcap.generators.export;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** Small corpora, and ways to write them. */
final class Exports {
  static final int WINDOW = 64;
  static final long EXPOSURES = 2;
  /** Several shards for each of the corpora below. */
  static final long SHARD_TOKENS = 2000;

  private Exports() {}

  static BioS bioS(long people, long seed) {
    return new BioS(people, seed, Pools.shipped(PoolSizes.PAPER), Templates.shipped());
  }

  static BioD bioD() {
    return new BioD(40, new BioDShape(3, 2, 20, 2, 7), 1, Pools.shipped(PoolSizes.PAPER));
  }

  static Mixture mixture() {
    return new Mixture(1,
        List.of(new Ingredient(bioS(50, 1), 0.25, "<useful>"), new Ingredient(bioD().from(50), 0.75, "")));
  }

  static ExportSettings settings(TruthFormat truth, Format... formats) {
    return new ExportSettings(List.of(formats), truth, EXPOSURES, Windows.cut(WINDOW), SHARD_TOKENS);
  }

  /** The same with windows that cut no text. */
  static ExportSettings whole(TruthFormat truth, Format... formats) {
    return new ExportSettings(List.of(formats), truth, EXPOSURES, new Windows(2 * WINDOW, Packing.WHOLE),
        SHARD_TOKENS);
  }

  static CorpusExport export(Corpus corpus) {
    return new CorpusExport(corpus, settings(TruthFormat.PARQUET, Format.values()));
  }

  /** Writes an export by threads of this process; returns the number of files that were missing. */
  static int write(CorpusExport export, Path directory, int threads, CorpusExport.Progress progress)
      throws IOException {
    return export.write(directory, Map.of(), export.threads(threads), progress);
  }

  /** Writes a corpus and returns where to. */
  static Path write(Path directory, Corpus corpus, ExportSettings settings) throws IOException {
    CorpusExport export = new CorpusExport(corpus, settings);
    export.write(directory, Map.of("corpus", "a test's"), export.threads(2), (_, _) -> {});
    return directory;
  }

  /** The files below a directory whose paths end so, in order. */
  static List<Path> files(Path directory, String ending) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(file -> Files.isRegularFile(file) && file.toString().endsWith(ending))
          .sorted()
          .toList();
    }
  }

  /** All files below a directory, with what is in them, as characters of one byte each. */
  static Map<String, String> contents(Path directory) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    for (Path file : files(directory, "")) {
      contents.put(directory.relativize(file).toString(), latin(file));
    }
    return contents;
  }

  private static String latin(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
