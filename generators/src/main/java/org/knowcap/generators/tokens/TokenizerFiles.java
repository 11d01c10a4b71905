package org.knowcap.generators.tokens;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.knowcap.files.ParserMessage;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A vocabulary in the format of Hugging Face's tokenizers: GPT-2's byte-pair encoding with the corpus's numbers. To build its
 * tokens pair by pair, GPT-2 needs shorter tokens that never occur in the corpus: these, and single bytes, are
 * numbered V and on, where the model has no embedding. It encodes the corpus's texts with tokens 0..V-1, as GPT-2 would:
 * every merge that GPT-2 makes in them is included, so the first possible merge is GPT-2's at each step.
 */
public final class TokenizerFiles {
  /** Name of the file of tokens and merges. */
  public static final String TOKENIZER = "tokenizer.json";
  /** Name of the file of its settings. */
  public static final String CONFIG = "tokenizer_config.json";

  private static final int BYTES = 256;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Vocabulary vocabulary;
  /** GPT-2's ids by their bytes, with one char for each byte. */
  private final Map<String, Integer> gpt2 = new HashMap<>();

  public TokenizerFiles(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    for (int id = 0; id < Gpt2.EOS; id++) {
      gpt2.put(latin(id), id);
    }
  }

  private static String latin(int gpt2Id) {
    return new String(Gpt2.bytes(gpt2Id), StandardCharsets.ISO_8859_1);
  }

  /** The content of tokenizer.json. */
  public String tokenizer() {
    ObjectNode tokenizer = JSON.createObjectNode();
    tokenizer.put("version", "1.0");
    tokenizer.putNull("truncation").putNull("padding");
    ArrayNode added = tokenizer.putArray("added_tokens");
    added.add(added(vocabulary.eos(), Gpt2.EOS_TEXT, true));
    vocabulary.dedicated().forEach(text -> added.add(added(vocabulary.token(text), text, false)));
    tokenizer.putNull("normalizer");
    tokenizer.set("pre_tokenizer", byteLevel());
    tokenizer.set("post_processor", byteLevel());
    tokenizer.set("decoder", byteLevel());
    ObjectNode model = tokenizer.putObject("model");
    model.put("type", "BPE");
    model.putNull("dropout")
        .putNull("unk_token")
        .putNull("continuing_subword_prefix")
        .putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode tokens = model.putObject("vocab");
    int[] own = vocabulary.gpt2Ids();
    for (int token = 0; token < vocabulary.eos(); token++) {
      tokens.put(printable(latin(own[token])), token);
    }
    tokens.put(Gpt2.EOS_TEXT, vocabulary.eos());
    int next = vocabulary.size();
    for (int id : built()) {
      String text = latin(id);
      if (Arrays.binarySearch(own, id) < 0) {
        tokens.put(printable(text), next++);
      }
    }
    merges().forEach(model.putArray("merges")::add);
    return pretty(tokenizer);
  }

  /** The texts of tokens 0..V-1, bytes in GPT-2's way of writing them. */
  public List<String> texts() {
    List<String> texts = new ArrayList<>();
    for (int token = 0; token < vocabulary.eos(); token++) {
      texts.add(printable(latin(vocabulary.gpt2Ids()[token])));
    }
    texts.add(Gpt2.EOS_TEXT);
    texts.addAll(vocabulary.dedicated());
    return texts;
  }

  /** All merges, each of two texts with a space between them. */
  public List<String> merges() {
    List<String> merges = new ArrayList<>();
    for (int id : built()) {
      String text = latin(id);
      if (text.length() > 1) {
        int cut = cut(id);
        merges.add(printable(text.substring(0, cut)) + " " + printable(text.substring(cut)));
      }
    }
    return merges;
  }

  /** How many tokens tokenizer.json numbers, at least V. */
  public int size() {
    int[] own = vocabulary.gpt2Ids();
    return vocabulary.size() + (int) built().stream().filter(id -> Arrays.binarySearch(own, id) < 0).count();
  }

  /**
   * The content of tokenizer_config.json. It names no padding: were that the end of text, the usual collators would leave
   * every end of text out of the loss.
   *
   * @param contextLength tokens of the windows that the model was trained on
   */
  public String config(int contextLength) {
    return pretty(JSON.createObjectNode()
        .put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("bos_token", Gpt2.EOS_TEXT)
        .put("eos_token", Gpt2.EOS_TEXT)
        .put("add_prefix_space", false)
        .put("clean_up_tokenization_spaces", false)
        .put("model_max_length", contextLength));
  }

  /**
   * Compares a tokenizer.json with the vocabulary.
   *
   * @return the first token that is missing or has another number; empty if all numbers agree
   */
  public Optional<String> difference(String tokenizer) {
    JsonNode root;
    try {
      root = JSON.readTree(tokenizer);
    } catch (JacksonException e) {
      return Optional.of("damaged: no JSON (" + ParserMessage.plain(e.getOriginalMessage()) + ")");
    }
    Map<String, Integer> added = new HashMap<>();
    root.path("added_tokens")
        .forEach(token -> added.put(token.path("content").asString(""), token.path("id").asInt(-1)));
    int[] own = vocabulary.gpt2Ids();
    for (int token = 0; token < vocabulary.size(); token++) {
      boolean plain = token < vocabulary.eos();
      String text = plain ? printable(latin(own[token])) : vocabulary.decode(new int[]{token}, 0, 1);
      int found = root.path("model").path("vocab").path(text).asInt(added.getOrDefault(text, -1));
      if (found != token) {
        return Optional.of("of another vocabulary: token '" + text + "' should be number " + token
            + ", found " + (found < 0 ? "none" : found));
      }
    }
    return Optional.empty();
  }

  private static ObjectNode added(int id, String text, boolean special) {
    return JSON.createObjectNode()
        .put("id", id)
        .put("content", text)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", special);
  }

  private static ObjectNode byteLevel() {
    return JSON.createObjectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }

  private static String pretty(JsonNode node) {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
  }

  /** All bytes, the vocabulary's GPT-2 tokens and what these are built from, as GPT-2 ids in ascending order. */
  private TreeSet<Integer> built() {
    TreeSet<Integer> built = new TreeSet<>();
    for (int id = 0; id < BYTES; id++) {
      built.add(id);
    }
    for (int id : vocabulary.gpt2Ids()) {
      if (id != Gpt2.EOS) {
        build(id, built);
      }
    }
    return built;
  }

  private void build(int id, TreeSet<Integer> built) {
    if (built.add(id)) {
      String text = latin(id);
      build(gpt2.get(text.substring(0, cut(id))), built);
      build(gpt2.get(text.substring(cut(id))), built);
    }
  }

  /**
   * Where the last merge joins a token: GPT-2's ids are in the order of its merges, so the merges before this one's leave
   * two parts.
   */
  private int cut(int id) {
    List<String> parts = new ArrayList<>(latin(id).chars().mapToObj(Character::toString).toList());
    while (parts.size() > 2) {
      int first = -1;
      int lowest = id;
      for (int i = 0; i + 1 < parts.size(); i++) {
        int merged = gpt2.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
        if (merged < lowest) {
          lowest = merged;
          first = i;
        }
      }
      parts.set(first, parts.get(first) + parts.remove(first + 1));
    }
    return parts.getFirst().length();
  }

  /** GPT-2's way of writing bytes: those that Latin-1 prints as themselves, the others from U+0100 on. */
  private static String printable(String latin) {
    StringBuilder text = new StringBuilder();
    latin.chars().forEach(value -> text.append((char) (prints(value) ? value : BYTES + ordinal(value))));
    return text.toString();
  }

  private static boolean prints(int value) {
    return value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xac || value >= 0xae && value <= 0xff;
  }

  /** The number of smaller values that do not print. */
  private static int ordinal(int value) {
    int count = 0;
    for (int earlier = 0; earlier < value; earlier++) {
      count += prints(earlier) ? 0 : 1;
    }
    return count;
  }
}
