package org.knowcap.generators.tokens;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerFilesTest {
  /** GPT-2's way of cutting a text into words, which no merge crosses. */
  private static final Pattern WORDS = Pattern.compile(
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      Pattern.UNICODE_CHARACTER_CLASS);

  /** What tokenizers makes of a file of this form: merges in their order, the first that there is at each step. */
  private record Reader(Map<String, Integer> vocabulary, Map<String, Integer> merges) {
    static Reader of(String file) {
      JsonNode model = JsonMapper.builder().build().readTree(file).required("model");
      Map<String, Integer> vocabulary = new HashMap<>();
      model.required("vocab").properties().forEach(e -> vocabulary.put(e.getKey(), e.getValue().asInt()));
      Map<String, Integer> merges = new HashMap<>();
      for (JsonNode merge : model.required("merges")) {
        String[] parts = merge.asString().split(" ");
        // tokenizers refuses a file with a merge of or to a token that is none.
        for (String token : List.of(parts[0], parts[1], parts[0] + parts[1])) {
          assertTrue(vocabulary.containsKey(token), token);
        }
        merges.put(merge.asString(), merges.size());
      }
      return new Reader(vocabulary, merges);
    }

    int[] encode(String text) {
      List<Integer> ids = new ArrayList<>();
      Matcher words = WORDS.matcher(text);
      while (words.find()) {
        List<String> parts = new ArrayList<>();
        for (byte b : words.group().getBytes(StandardCharsets.UTF_8)) {
          parts.add(BYTES[b & 0xff]);
        }
        while (true) {
          int best = -1;
          int rank = Integer.MAX_VALUE;
          for (int i = 0; i + 1 < parts.size(); i++) {
            int found = merges.getOrDefault(parts.get(i) + " " + parts.get(i + 1), Integer.MAX_VALUE);
            if (found < rank) {
              rank = found;
              best = i;
            }
          }
          if (best < 0) {
            break;
          }
          parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
        parts.forEach(part -> ids.add(vocabulary.get(part)));
      }
      return ids.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** GPT-2's bytes_to_unicode. */
  private static final String[] BYTES = bytes();

  private static String[] bytes() {
    String[] bytes = new String[256];
    IntStream
        .concat(IntStream.rangeClosed('!', '~'),
            IntStream.concat(IntStream.rangeClosed(0xa1, 0xac), IntStream.rangeClosed(0xae, 0xff)))
        .forEach(b -> bytes[b] = Character.toString(b));
    int next = 256;
    for (int b = 0; b < 256; b++) {
      if (bytes[b] == null) {
        bytes[b] = Character.toString(next++);
      }
    }
    return bytes;
  }

  private static final List<String> TEXTS = List.of(" Zoltán O'Brien was born on September 12, 1996.",
      " She's majored in Electroencephalography at MIT!",
      " Anahí's 日本 company isn't Acme Inc.; it's Microsoft.", " She is at Acme Inc.. He's with Dow Inc., in",
      " Paramount+. Disney+, Apple+'s Dow Inc.'s", "\n\n  line  ends\t", " Supercalifragilistic naïveté");

  private static Vocabulary vocabulary(List<String> dedicated) {
    return new Vocabulary(TEXTS.stream().flatMapToInt(text -> Arrays.stream(Gpt2.encode(text))).toArray(),
        dedicated);
  }

  /** Texts of the corpus get the corpus's tokens, each below V, and any other text is GPT-2's cut as far as it goes. */
  @Test
  void encodesAsTheCorpusDoes() {
    Vocabulary vocabulary = vocabulary(List.of("<useful>"));
    Reader reader = Reader.of(new TokenizerFiles(vocabulary).tokenizer());
    for (String text : TEXTS) {
      int[] expected = Arrays.stream(Gpt2.encode(text)).map(vocabulary::token).toArray();
      assertArrayEquals(expected, reader.encode(text), text);
    }
    for (int id : reader.encode("Ünknown wörds, 中")) {
      assertTrue(id >= 0);
    }
  }

  /** Numbers 0..V-1 are the vocabulary's, those after it follow without a hole, and every byte has one. */
  @Test
  void numbersEachTokenOnce() {
    Vocabulary vocabulary = vocabulary(List.of("<useful>", "<junk>"));
    String file = new TokenizerFiles(vocabulary).tokenizer();
    Map<String, Integer> tokens = new HashMap<>(Reader.of(file).vocabulary);
    tokens.put("<useful>", vocabulary.eos() + 1);
    tokens.put("<junk>", vocabulary.eos() + 2);
    Set<Integer> ids = new HashSet<>(tokens.values());
    assertEquals(tokens.size(), ids.size());
    assertEquals(tokens.size(), new TokenizerFiles(vocabulary).size());
    assertTrue(IntStream.range(0, tokens.size()).allMatch(ids::contains));
    assertTrue(tokens.keySet().containsAll(Arrays.asList(BYTES)));
    JsonNode added = JsonMapper.builder().build().readTree(file).required("added_tokens");
    assertEquals("[\"<|endoftext|>\",\"<useful>\",\"<junk>\"]",
        added.valueStream().map(token -> token.required("content")).toList().toString().replace(", ", ","));
    assertEquals(List.of(vocabulary.eos(), vocabulary.eos() + 1, vocabulary.eos() + 2),
        added.valueStream().map(token -> token.required("id").asInt()).toList());
  }

  @Test
  void writesTheFiles() {
    TokenizerFiles files = new TokenizerFiles(new Vocabulary(Gpt2.encode(" the a"), List.of("<x>")));
    String file = files.tokenizer();
    assertTrue(
        file.replaceAll("\\s+", "")
            .contains("\"vocab\":{\"Ġa\":0,\"Ġthe\":1,\"<|endoftext|>\":2,\"!\":4,\"\\\"\":5,\"#\":6,"),
        file);
    assertTrue(file.contains("\"merges\" : [ \"Ġ t\", \"Ġ a\", \"h e\", \"Ġt he\" ]"), file);
    assertEquals("""
        {
          "tokenizer_class" : "PreTrainedTokenizerFast",
          "bos_token" : "<|endoftext|>",
          "eos_token" : "<|endoftext|>",
          "add_prefix_space" : false,
          "clean_up_tokenization_spaces" : false,
          "model_max_length" : 64
        }
        """, files.config(64));
  }

  @Test
  void findsNoDifferenceToItself() {
    Vocabulary vocabulary = vocabulary(List.of("<useful>"));
    TokenizerFiles files = new TokenizerFiles(vocabulary);
    assertEquals(Optional.empty(), files.difference(files.tokenizer()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"\"Ġa\" : 0 | \"Ġa\" : 7 | token 'Ġa' should be number 0, found 7",
          "\"Ġthe\" : 1 | \"Ġthat\" : 1 | token 'Ġthe' should be number 1, found none",
          "{ | [ | damaged: no JSON"})
  void findsTokensOfAnotherVocabulary(String from, String to, String expected) {
    TokenizerFiles files = new TokenizerFiles(new Vocabulary(Gpt2.encode(" the a"), List.of()));
    String found = files.difference(files.tokenizer().replace(from, to)).orElseThrow();
    assertTrue(found.contains(expected), found);
  }
}
