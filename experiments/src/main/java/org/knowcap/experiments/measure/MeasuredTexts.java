package org.knowcap.experiments.measure;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.knowcap.experiments.study.Json;
import org.knowcap.files.WholeFile;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Writes the texts in which people are measured, so that another program can take the losses of their names and
 * values.
 */
public final class MeasuredTexts {
  /** One line for each person measured. */
  public static final String TEXTS = "measured.jsonl";
  /** The file of counts from which bits are computed; it is written last. */
  public static final String ABOUT = "measured.json";

  private MeasuredTexts() {}

  /** A part of the knowledge, of which {@code count * (uniform_bits - loss / ln 2)} bits are stored. */
  private record Part(String part, int perItem, double count, double uniformBits, double maxBits,
      double exactBits) {
    static Part of(KnowledgePart part) {
      return new Part(part.name(), part.perItem(), part.count(), part.uniformBits(), part.maxBits(),
          part.entropyBits());
    }
  }

  private record About(String corpus, String digest, long people, int measured, int vocabulary,
      List<Part> parts) {}

  private record TextSpan(String attribute, String part, int start, int end, int charStart, int charEnd) {}

  private record Text(long person, String text, List<Integer> tokens, List<TextSpan> spans) {}

  /**
   * Writes the texts of all people who are measured.
   *
   * @param most people who are measured
   * @return how many there are
   */
  public static int write(Corpus corpus, long most, Path directory) throws IOException {
    Files.createDirectories(directory);
    MeasuredPeople measured = MeasuredPeople.of(corpus, most);
    WholeFile.write(directory.resolve(TEXTS), out -> {
      Writer lines = new OutputStreamWriter(out, StandardCharsets.UTF_8);
      for (int i = 0; i < measured.count(); i++) {
        lines.write(Json.MAPPER.writeValueAsString(text(corpus, measured.person(i), measured.item(i))));
        lines.write('\n');
      }
      lines.flush();
    });
    About about = new About(corpus.name(), corpus.digest(), corpus.measured().people(), measured.count(),
        corpus.vocabulary().size(), corpus.measured().bits().parts().stream().map(Part::of).toList());
    WholeFile.write(directory.resolve(ABOUT),
        out -> out.write(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(about)));
    return measured.count();
  }

  private static Text text(Corpus corpus, long person, AnnotatedItem item) {
    Vocabulary vocabulary = corpus.vocabulary();
    int[] tokens = item.tokens();
    // The number of characters in front of each token; token 0 is the end of text, which the text does not include.
    int[] characters = new int[tokens.length + 1];
    for (int i = 1; i < tokens.length; i++) {
      characters[i + 1] = characters[i] + begun(vocabulary.bytes(tokens[i]));
    }
    return new Text(person, vocabulary.decode(tokens, 1, tokens.length),
        Arrays.stream(tokens).boxed().toList(),
        item.spans()
            .stream()
            .map(span -> new TextSpan(span.attribute().key(), span.kind().partName(), span.start(),
                span.end(), characters[span.start()], characters[span.end()]))
            .toList());
  }

  /** The number of characters that begin in these bytes of UTF-8. */
  private static int begun(byte[] bytes) {
    int begun = 0;
    for (byte b : bytes) {
      begun += (b & 0xC0) == 0x80 ? 0 : 1;
    }
    return begun;
  }
}
