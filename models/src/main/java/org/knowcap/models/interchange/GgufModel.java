package org.knowcap.models.interchange;

import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.program.Program;
import org.knowcap.models.quantisation.GgufBlocks;

/** One of our models as llama.cpp loads it: a GGUF file. */
public final class GgufModel {
  /** Kinds of tokens. */
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  private final GgufArchitecture architecture;
  private final ModelSpec model;
  private final GgufType type;
  private final Program program;
  private final List<Counterpart> counterparts;

  /**
   * The tokens of a model.
   *
   * @param texts of all V tokens, in GPT-2's way of writing bytes
   * @param merges of byte-pair encoding, as tokenizer.json has them
   * @param endOfText the token that separates texts
   * @param added tokens that are found in a text before it is split
   */
  public record Tokens(List<String> texts, List<String> merges, int endOfText, Set<Integer> added) {}

  private GgufModel(GgufArchitecture architecture, ModelSpec model, GgufType type, int vocabulary) {
    this.architecture = architecture;
    this.model = model;
    this.type = type;
    program = Program.scoring(model, vocabulary, 1, 1);
    Counterparts collected = new Counterparts(program);
    architecture.tensors(model, collected);
    counterparts = collected.list();
  }

  /**
   * The form of a model.
   *
   * @param vocabulary V
   * @throws IllegalArgumentException if no architecture can hold it, with the requirements of each, or if the type's blocks
   *     fit into none of its matrices
   */
  public static GgufModel of(ModelSpec model, GgufType type, int vocabulary) {
    GgufArchitecture architecture = Stream.of(GgufArchitecture.values())
        .filter(one -> one.objections(model).isEmpty())
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("none of llama.cpp's architectures that Knowcap writes has"
                + " the shape of " + model.name() + ":"
                + Stream.of(GgufArchitecture.values())
                    .map(one -> "\n  " + one.key() + " wants " + String.join("; ", one.objections(model)))
                    .collect(Collectors.joining())));
    GgufModel form = new GgufModel(architecture, model, type, vocabulary);
    type.blocks().ifPresent(format -> new GgufBlocks(format).requireFit(form.program));
    return form;
  }

  /** Name of llama.cpp's architecture. */
  public String architecture() {
    return architecture.key();
  }

  /** The parameters [P] that the file's bytes stand for, given those that are written. */
  public float[] kept(float[] parameters) {
    float[] kept = new float[parameters.length];
    for (Counterpart one : counterparts) {
      Safetensors.Array array = one.gather(parameters);
      GgufType as = typeOf(one);
      one.scatter(new Safetensors.Array(array.shape(), as.decode(as.encode(array.flat())), 0), kept);
    }
    return kept;
  }

  /** The matrices that are kept in half precision because the type's blocks do not fit into their rows. */
  public List<String> halves() {
    return type.inBlocks()
        ? blockMatrices().filter(one -> type.ofRows(one.shape()[1]) != type).map(Counterpart::name).toList()
        : List.of();
  }

  private Stream<Counterpart> blockMatrices() {
    return counterparts.stream().filter(one -> one.name().startsWith("blk.") && one.shape().length == 2);
  }

  private GgufType typeOf(Counterpart one) {
    boolean vector = one.shape().length == 1 || one.name().equals("position_embd.weight");
    if (vector) {
      return GgufType.F32;
    }
    if (one.name().startsWith("blk.")) {
      return type.ofRows(one.shape()[1]);
    }
    // As 'knowcap quantise' rounds: embeddings and the head are kept.
    return type.inBlocks() ? GgufType.F32 : type;
  }

  /**
   * Writes the file.
   *
   * @param parameters [P]
   * @param name of the model
   * @param context tokens of the windows that it was trained on
   * @throws IllegalArgumentException if a number is beyond half precision
   */
  public void write(OutputStream out, float[] parameters, String name, int context, Tokens tokens)
      throws IOException {
    GgufFile file = new GgufFile();
    file.put("general.architecture", architecture.key())
        .put("general.name", name)
        .put("general.file_type", type.fileCode())
        .put("general.quantization_version", 2);
    Map<String, Object> settings = new LinkedHashMap<>();
    architecture.settings(model, ModelClass.epsilon(program), context, settings);
    settings.put("vocab_size", tokens.texts.size());
    settings.forEach((key, value) -> file.put(architecture.key() + "." + key, value));
    file.put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", "gpt-2")
        .put("tokenizer.ggml.tokens", tokens.texts.toArray(String[]::new))
        .put("tokenizer.ggml.token_type", kinds(tokens))
        .put("tokenizer.ggml.merges", tokens.merges.toArray(String[]::new))
        .put("tokenizer.ggml.bos_token_id", tokens.endOfText)
        .put("tokenizer.ggml.eos_token_id", tokens.endOfText)
        .put("tokenizer.ggml.add_bos_token", false)
        .put("tokenizer.ggml.add_eos_token", false);
    for (Counterpart one : counterparts) {
      Safetensors.Array array = one.gather(parameters);
      GgufType kept = typeOf(one);
      file.add(new GgufFile.Tensor(one.name(), array.shape(), kept.code(), kept.encode(array.flat())));
    }
    file.write(out);
  }

  private static int[] kinds(Tokens tokens) {
    int[] kinds = new int[tokens.texts.size()];
    for (int token = 0; token < kinds.length; token++) {
      kinds[token] = token == tokens.endOfText
          ? CONTROL
          : tokens.added.contains(token) ? USER_DEFINED : NORMAL;
    }
    return kinds;
  }
}
