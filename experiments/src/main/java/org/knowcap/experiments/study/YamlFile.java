package org.knowcap.experiments.study;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.knowcap.experiments.UserException;
import org.knowcap.files.ParserMessage;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLParser;

/** A YAML file that a person wrote: one document, no key twice, no aliases. */
public final class YamlFile {
  private static final YAMLMapper YAML = YAMLMapper.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .build();

  private YamlFile() {}

  /**
   * What a file holds.
   *
   * @param what the file is, for messages: such as "study"
   * @throws UserException where it cannot be read, or is no such YAML
   */
  public static JsonNode read(Path file, String what) {
    try {
      String text = Files.readString(file);
      requireOnePlainDocument(file, what, text);
      return YAML.readTree(text);
    } catch (NoSuchFileException e) {
      throw UserException.usage(file + ": there is no such " + what + " file");
    } catch (CharacterCodingException e) {
      throw UserException.usage(file + ": the " + what + " file is not valid UTF-8");
    } catch (IOException e) {
      throw UserException.usage(file + ": the " + what + " file cannot be read (" + e.getMessage() + ")");
    } catch (JacksonException e) {
      // What is nested too deep has no place.
      String where = Optional.ofNullable(e.getLocation()).map(at -> ", line " + at.getLineNr()).orElse("");
      throw UserException
          .usage(file + where + ": no valid YAML: " + ParserMessage.plain(e.getOriginalMessage()));
    }
  }

  /**
   * Refuses YAML that Jackson would silently read as something else: it takes an alias for the text of its name, and
   * reads only the first of several documents.
   */
  private static void requireOnePlainDocument(Path file, String what, String text) {
    try (YAMLParser parser = (YAMLParser) YAML.createParser(text)) {
      int depth = 0;
      boolean ended = false;
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (ended) {
          throw UserException.usage(file + ", line " + parser.currentTokenLocation().getLineNr()
              + ": a second YAML document begins; a " + what
              + " is one, so remove the line '---' or what follows it");
        }
        if (parser.isCurrentAlias()) {
          throw UserException.usage(
              file + ", line " + parser.currentTokenLocation().getLineNr() + ": '*" + parser.getString()
                  + "' is a YAML alias, which a " + what + " must not have; write the value in its place");
        }
        depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        ended = depth == 0;
      }
    }
  }
}
