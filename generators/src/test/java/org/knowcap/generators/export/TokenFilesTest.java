package org.knowcap.generators.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.questions.QuestionedCorpus;
import org.knowcap.generators.questions.Timing;
import org.knowcap.generators.tokens.Vocabulary;

/** Token files byte by byte, against their formats' definitions. */
class TokenFilesTest {
  @TempDir
  Path temp;

  /** The pieces of the training stream: items, or windows. */
  private static List<int[]> stream(Corpus corpus, Windows windows) {
    List<int[]> pieces = new ArrayList<>();
    switch (corpus) {
      case Source source when windows.packing() == Packing.STREAM -> {
        int[] item = new int[source.longestItem()];
        for (long s = 0; s < Exports.EXPOSURES * source.people(); s++) {
          pieces.add(Arrays.copyOf(item, source.write(s, item, 0)));
        }
      }
      default -> {
        WindowReader reader = new WindowReader(corpus, windows, Cursor.START);
        while (pieces.size() < corpus.stream().windows(Exports.EXPOSURES, windows)) {
          int[] window = new int[windows.length()];
          int[] targets = new int[windows.length()];
          reader.read(window, targets, 0);
          pieces.add(window);
          assertArrayEquals(targets, targets(window, windows, corpus, targets[windows.length() - 1]));
        }
      }
    }
    return pieces;
  }

  /**
   * What docs/corpora.md says to another trainer: each token is followed by the next, but nothing is predicted from an end of
   * text, of whole texts, that stands before another or at the end of the window.
   *
   * @param last what follows the window
   */
  private static int[] targets(int[] window, Windows windows, Corpus corpus, int last) {
    int[] targets = new int[window.length];
    for (int i = 0; i < window.length; i++) {
      boolean ends = i == window.length - 1;
      boolean fills = windows.packing() == Packing.WHOLE && window[i] == corpus.vocabulary().eos()
          && (ends || window[i + 1] == corpus.vocabulary().eos());
      targets[i] = fills ? WindowReader.NO_TARGET : ends ? last : window[i + 1];
    }
    return targets;
  }

  private static byte[] bytes(List<int[]> pieces, int width) {
    int count = pieces.stream().mapToInt(piece -> piece.length).sum();
    ByteBuffer bytes = ByteBuffer.allocate(count * width).order(ByteOrder.LITTLE_ENDIAN);
    for (int[] piece : pieces) {
      for (int token : piece) {
        if (width == Short.BYTES) {
          bytes.putChar((char) token);
        } else {
          bytes.putInt(token);
        }
      }
    }
    return bytes.array();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bioS", "mixture", "bioS whole", "mixture whole", "tuned"})
  void filesAreWhatTheirFormatsSay(String kind) throws IOException {
    Corpus corpus = kind.startsWith("bioS")
        ? Exports.bioS(50, 1)
        : kind.equals("tuned")
            ? new QuestionedCorpus(Exports.bioS(50, 1), 0.5, new Timing.Afterwards(3))
            : Exports.mixture();
    Format[] formats = {Format.NANOGPT, Format.LLMC, Format.MEGATRON};
    ExportSettings settings = kind.endsWith("whole")
        ? Exports.whole(TruthFormat.NONE, formats)
        : Exports.settings(TruthFormat.NONE, formats);
    Path out = Exports.write(temp.resolve("out"), corpus, settings);
    assertEquals(settings, Manifest.read(out).settings());
    List<int[]> stream = stream(corpus.forExposures(Exports.EXPOSURES), settings.windows());
    assertArrayEquals(bytes(stream, 2), Files.readAllBytes(out.resolve("nanogpt/train.bin")));

    List<Path> llmc = Exports.files(out.resolve("llmc"), ".bin");
    assertTrue(llmc.size() > 2, llmc.toString());
    int done = 0;
    for (int shard = 0; shard < llmc.size(); shard++) {
      assertEquals(String.format("biographies-%05d-of-%05d.bin", shard, llmc.size()),
          llmc.get(shard).getFileName().toString());
      byte[] found = Files.readAllBytes(llmc.get(shard));
      byte[] index = Files.readAllBytes(Exports.files(out.resolve("megatron"), ".idx").get(shard));
      int count = (int) ByteBuffer.wrap(index).order(ByteOrder.LITTLE_ENDIAN).getLong(18);
      List<int[]> pieces = stream.subList(done, done + count);
      done += count;
      byte[] tokens = bytes(pieces, 2);
      ByteBuffer expected = ByteBuffer.allocate(1024 + tokens.length).order(ByteOrder.LITTLE_ENDIAN);
      expected.putInt(20240520).putInt(1).putInt(tokens.length / 2).position(1024).put(tokens);
      assertArrayEquals(expected.array(), found);
      assertArrayEquals(tokens,
          Files.readAllBytes(Exports.files(out.resolve("megatron"), ".bin").get(shard)));
      assertArrayEquals(megatronIndex(pieces, 8, 2), index);
    }
    assertEquals(stream.size(), done);
  }

  private static byte[] megatronIndex(List<int[]> pieces, int type, int width) {
    ByteBuffer index = ByteBuffer.allocate(34 + 20 * pieces.size() + 8).order(ByteOrder.LITTLE_ENDIAN);
    index.put("MMIDIDX".getBytes(StandardCharsets.US_ASCII)).put((byte) 0).put((byte) 0);
    index.putLong(1).put((byte) type).putLong(pieces.size()).putLong(pieces.size() + 1);
    pieces.forEach(piece -> index.putInt(piece.length));
    long pointer = 0;
    for (int[] piece : pieces) {
      index.putLong(pointer);
      pointer += (long) piece.length * width;
    }
    IntStream.rangeClosed(0, pieces.size()).forEach(index::putLong);
    return index.array();
  }

  /** 40,000 symbols, and names of more than 26,000 different tokens. */
  @Test
  void tokensBeyond16BitsAreWidenedOrRefused() throws IOException {
    Path lists = Files.createDirectory(temp.resolve("lists"));
    Vocabulary all = new Vocabulary(IntStream.range(0, 50256).toArray(), List.of());
    List<String> words = IntStream.range(0, 50256)
        .mapToObj(id -> all.decode(new int[]{id}, 0, 1))
        .filter(text -> text.matches(" [A-Za-z]+"))
        .map(String::strip)
        .distinct()
        .toList();
    Files.write(lists.resolve("first_name.txt"), words);
    BioD wide = new BioD(30, new BioDShape(1, 1, 1000, 1, 40_000), 1, Pools.in(lists));
    int size = wide.vocabulary().size();
    assertTrue(size > 65_536, "only " + size);

    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> new CorpusExport(wide, Exports.settings(TruthFormat.NONE, Format.NANOGPT)));
    assertTrue(fault.getMessage().contains("up to 65536") && fault.getMessage().contains("has " + size),
        fault.getMessage());

    Path out = Exports.write(temp.resolve("out"), wide,
        Exports.settings(TruthFormat.NONE, Format.LLMC, Format.MEGATRON));
    byte[] tokens = bytes(stream(wide, Windows.cut(Exports.WINDOW)), 4);
    ByteBuffer expected = ByteBuffer.allocate(1024 + tokens.length).order(ByteOrder.LITTLE_ENDIAN);
    expected.putInt(20240801).putInt(7).putInt(tokens.length / 4).position(1024).put(tokens);
    assertArrayEquals(expected.array(),
        Files.readAllBytes(out.resolve("llmc/biographies-00000-of-00001.bin")));
    assertArrayEquals(tokens, Files.readAllBytes(out.resolve("megatron/biographies-00000-of-00001.bin")));
    assertArrayEquals(megatronIndex(stream(wide, Windows.cut(Exports.WINDOW)), 4, 4),
        Files.readAllBytes(out.resolve("megatron/biographies-00000-of-00001.idx")));
  }

  @Test
  void metaIsAPickledDictionary() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    // "!" is GPT-2's token 0.
    TokenFiles.nanoGptMeta(new Vocabulary(new int[]{0}, List.of(" \u00eb\\\n"))).writeTo(out);
    assertEquals("""
        (dVvocab_size
        I3
        sVitos
        (dI0
        V!
        sI1
        V<|endoftext|>
        sI2
        V \\u00eb\\u005c\\u000a
        ssVstoi
        (dV!
        I0
        sV<|endoftext|>
        I1
        sV \\u00eb\\u005c\\u000a
        I2
        ss.""", out.toString(StandardCharsets.US_ASCII));
  }
}
