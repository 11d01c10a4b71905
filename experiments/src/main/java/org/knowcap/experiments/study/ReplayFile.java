package org.knowcap.experiments.study;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.files.Sha256;
import org.knowcap.files.WholeFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A file of texts that a model wrote, one JSON object a line. Only their tokens are replayed.
 *
 * @param name of the file, as the study leads there
 * @param file it
 * @param texts tokens of each
 */
public record ReplayFile(String name, Path file, List<int[]> texts) {
  /** Keeps a copy of the list. */
  public ReplayFile {
    texts = List.copyOf(texts);
  }

  /**
   * A line.
   *
   * @param person about whom the model was asked to write
   * @param text as people read it
   * @param tokens the end-of-text token, then those of the text
   */
  public record Line(long person, String text, int[] tokens) {}

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException if it is not there, cannot be read, or has a line without tokens
   */
  static ReplayFile read(String name, Path file) {
    List<int[]> texts = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        texts.add(tokens(file, texts.size() + 1, line));
      }
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          file + " is not there; 'knowcap measure RUN --texts " + name + "' makes it", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
    }
    if (texts.isEmpty()) {
      throw new IllegalArgumentException(file + " has no text");
    }
    return new ReplayFile(name, file, texts);
  }

  private static int[] tokens(Path file, int number, String line) {
    try {
      JsonNode tokens = Json.MAPPER.readTree(line).path("tokens");
      if (tokens.isArray() && !tokens.isEmpty()
          && tokens.valueStream().allMatch(token -> token.isIntegralNumber() && token.canConvertToInt())) {
        return tokens.valueStream().mapToInt(JsonNode::asInt).toArray();
      }
    } catch (JacksonException e) {
      // Said below.
    }
    throw new IllegalArgumentException("line " + number + " of " + file
        + " must be a JSON object with 'tokens', a list of numbers, as 'knowcap measure RUN --texts' writes it");
  }

  /** Writes a file. */
  public static void write(Path file, List<Line> lines) throws IOException {
    WholeFile.write(file, out -> {
      for (Line line : lines) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("person", line.person);
        entry.put("text", line.text);
        entry.put("tokens", line.tokens);
        out.write((Json.MAPPER.writeValueAsString(entry) + "\n").getBytes(StandardCharsets.UTF_8));
      }
    });
  }

  /** SHA-256 of the tokens: what else stands in the file does not matter. */
  String digest() {
    StringBuilder all = new StringBuilder();
    texts.forEach(text -> all.append(Arrays.toString(text)).append('\n'));
    return Sha256.of(all.toString());
  }
}
