package org.knowcap.models.interchange;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.files.ParserMessage;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.program.Program;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One of our models as transformers loads and saves it: {@code config.json} and {@code model.safetensors}. It is
 * written in fp32, and read in fp32, fp16 or bf16, from one file or several. The conversion only moves numbers, so
 * it loses no bit in either direction.
 */
public final class HuggingFaceModel {
  /** Name of the file with the settings of a model. */
  public static final String CONFIG = "config.json";
  /** Name of the file that says how it generates text. */
  public static final String GENERATION_CONFIG = "generation_config.json";
  /** Name of the file of its weights. */
  public static final String WEIGHTS = "model.safetensors";

  /** Name of the file that says which of several files a tensor is in. */
  private static final String INDEX = WEIGHTS + ".index.json";

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int MOST_NAMED = 3;

  private final ModelClass type;
  private final ModelSpec model;
  private final int vocabulary;
  /** Rows of the embedding and of the head, at least V; no token of the corpus has the last ones. */
  private final int rows;
  private final Program program;
  private final List<Counterpart> counterparts;

  private HuggingFaceModel(ModelClass type, ModelSpec model, int vocabulary, int rows) {
    this.type = type;
    this.model = model;
    this.vocabulary = vocabulary;
    this.rows = rows;
    program = Program.scoring(model, vocabulary, 1, 1);
    counterparts = type.counterparts(model, program);
  }

  /**
   * The form of a model: its family's own class if that can hold it, or else the first that can.
   *
   * @param vocabulary V
   * @throws IllegalArgumentException if no class can, with the requirements of each class
   */
  public static HuggingFaceModel of(ModelSpec model, int vocabulary) {
    List<ModelClass> able = ModelClass.ALL.stream().filter(type -> type.objections(model).isEmpty()).toList();
    ModelClass type = able.stream()
        .filter(one -> one.type().equals(model.family().prefix()))
        .findFirst()
        .or(() -> able.stream().findFirst())
        .orElseThrow(
            () -> new IllegalArgumentException("none of the model classes of transformers that Knowcap"
                + " writes has the shape of " + model.name() + ":"
                + ModelClass.ALL.stream()
                    .map(one -> "\n  " + one.type() + " wants " + String.join("; ", one.objections(model)))
                    .collect(Collectors.joining())));
    return new HuggingFaceModel(type, model, vocabulary, vocabulary);
  }

  /**
   * This model with more rows in the embedding and the head. The added rows are zero in {@link #weights}, so their
   * tokens have the logit 0.
   *
   * @param moreRows at least V
   */
  public HuggingFaceModel padded(int moreRows) {
    return new HuggingFaceModel(type, model, vocabulary, moreRows);
  }

  /** Rows of the embedding that no token of the corpus has. */
  public int padding() {
    return rows - vocabulary;
  }

  /** The {@code model_type} of its config.json. */
  public String type() {
    return type.type();
  }

  private List<Setting> settings(int context) {
    List<Setting> settings = new ArrayList<>();
    settings.add(Setting.of("vocab_size", rows));
    settings.addAll(type.settings(model, ModelClass.epsilon(program), context));
    return settings;
  }

  /**
   * What config.json holds.
   *
   * @param endOfText the token that separates texts
   * @param context tokens of the windows it was trained on
   */
  public String config(int endOfText, int context) {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add(type.architecture());
    config.put("model_type", type.type());
    settings(context).forEach(setting -> config.set(setting.key(), setting.written()));
    ModelClass.rotation(model)
        .ifPresent(rotary -> writeRotation(rotary, config.putObject("rope_parameters")));
    type.dropouts().forEach(dropout -> config.put(dropout, 0.0));
    if (!(model.positions() instanceof Positions.Learned)) {
      // Learned positions are a setting: there are as many as there are.
      config.put("max_position_embeddings", context);
    }
    config.put("bos_token_id", endOfText);
    config.put("eos_token_id", endOfText);
    config.put("torch_dtype", "float32");
    return pretty(config);
  }

  /** Writes the rotation as transformers 5 has it; earlier versions read the settings under their own names. */
  private void writeRotation(Rotary rotary, ObjectNode parameters) {
    parameters.put("rope_type", "default").put("rope_theta", rotary.base());
    if (rotary.fraction() != 1) {
      parameters.put("partial_rotary_factor", rotary.fraction());
    }
  }

  /** What generation_config.json holds: tokens that no text of the corpus has are never chosen. */
  public String generationConfig(int endOfText) {
    ObjectNode config = JSON.createObjectNode()
        .put("bos_token_id", endOfText)
        .put("eos_token_id", endOfText)
        .put("pad_token_id", endOfText);
    if (padding() > 0) {
      ArrayNode never = config.putArray("suppress_tokens");
      IntStream.range(vocabulary, rows).forEach(never::add);
    }
    return pretty(config);
  }

  private static String pretty(JsonNode node) {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
  }

  /**
   * What model.safetensors holds.
   *
   * @param parameters [P]
   * @param origin free words about where they come from
   */
  public Safetensors weights(float[] parameters, Map<String, String> origin) {
    Map<String, String> metadata = new LinkedHashMap<>();
    // Older versions of transformers load no file that does not say this.
    metadata.put("format", "pt");
    metadata.putAll(origin);
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    counterparts.forEach(one -> tensors.put(one.name(),
        hasRows(one.name()) ? withRows(one.gather(parameters)) : one.gather(parameters)));
    return new Safetensors(metadata, tensors);
  }

  /** Whether a tensor has a row for each token. */
  private boolean hasRows(String name) {
    return name.equals(type.embedding()) || name.equals(type.head());
  }

  private Safetensors.Array withRows(Safetensors.Array array) {
    long[] shape = {rows, array.shape()[1]};
    return new Safetensors.Array(shape, Arrays.copyOf(array.flat(), Math.toIntExact(shape[0] * shape[1])), 0);
  }

  /**
   * Opens a folder that holds one of our models.
   *
   * @param vocabulary V
   * @param context tokens of the longest text that the model is given
   * @throws CheckpointException where config.json is missing, damaged, or of a model that computes something else
   */
  public static HuggingFaceModel in(Path folder, ModelSpec model, int vocabulary, int context)
      throws IOException {
    Path file = folder.resolve(CONFIG);
    JsonNode config = config(file);
    String found = config.path("model_type").asString("none");
    ModelClass type = ModelClass.ALL.stream()
        .filter(one -> one.type().equals(found))
        .findFirst()
        .orElseThrow(() -> new CheckpointException(file, "its model_type is " + found + "; only "
            + ModelClass.ALL.stream().map(ModelClass::type).collect(Collectors.joining(", ")) + " are read"));
    List<String> objections = type.objections(model);
    if (!objections.isEmpty()) {
      throw new CheckpointException(file,
          "it is not of " + model.name() + ": " + found + " wants " + String.join("; ", objections));
    }
    int rows = Math.max(vocabulary, config.path("vocab_size").asInt(vocabulary));
    HuggingFaceModel opened = new HuggingFaceModel(type, model, vocabulary, rows);
    opened.require(file, config, context);
    return opened;
  }

  private static JsonNode config(Path file) throws IOException {
    if (Files.notExists(file)) {
      throw new CheckpointException(file,
          "no such file; a folder that transformers saved a model to has one");
    }
    return json(file);
  }

  private static JsonNode json(Path file) throws IOException {
    try {
      JsonNode object = JSON.readTree(Files.readAllBytes(file));
      if (!object.isObject()) {
        throw new CheckpointException(file, "damaged: it holds no JSON object");
      }
      return object;
    } catch (JacksonException e) {
      throw new CheckpointException(file,
          "damaged: no JSON (" + ParserMessage.plain(e.getOriginalMessage()) + ")");
    }
  }

  private void require(Path file, JsonNode config, int context) throws CheckpointException {
    for (Setting setting : settings(context)) {
      Optional<JsonNode> found = setting.in(config);
      if (found.filter(setting::holds).isEmpty()) {
        throw new CheckpointException(file, "it is not of " + model.name() + ": " + setting.key()
            + " should be " + setting.written() + ", found " + found.map(JsonNode::toString).orElse("none"));
      }
    }
    for (String scaling : List.of("/rope_scaling", "/rope_parameters")) {
      JsonNode rope = config.at(scaling);
      String kind = rope.path("rope_type").asString(rope.path("type").asString("default"));
      if (!kind.equals("default")) {
        throw new CheckpointException(file,
            "its rotary positions are scaled (" + kind + "), which no model here does");
      }
    }
    for (JsonNode layer : config.path("layer_types")) {
      if (!layer.asString("").equals("full_attention") && !type.type().equals("mistral")) {
        throw new CheckpointException(file,
            "its layer_types has " + layer + "; only full_attention in every layer is read");
      }
    }
  }

  /**
   * Reads a folder's weights.
   *
   * @return flat parameters, [P]
   * @throws CheckpointException where they are missing, damaged, of another shape, or not all finite numbers
   */
  public float[] parameters(Path folder) throws IOException {
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    Map<String, Path> files = new HashMap<>();
    for (Path file : files(folder)) {
      Safetensors.readForeign(file, name -> !ModelClass.BUFFERS.matcher(name).matches())
          .tensors()
          .forEach((name, array) -> {
            tensors.put(name, array);
            files.put(name, file);
          });
    }
    Path whole = folder.resolve(WEIGHTS);
    Set<String> unknown = new TreeSet<>(tensors.keySet());
    float[] parameters = new float[Math.toIntExact(program.parameterCount())];
    for (Counterpart one : counterparts) {
      long[] shape = hasRows(one.name()) ? new long[]{rows, one.shape()[1]} : one.shape();
      Safetensors.Array theirs = tensors.get(one.name());
      Path file = files.getOrDefault(one.name(), whole);
      if (theirs == null || !Arrays.equals(theirs.shape(), shape)) {
        throw new CheckpointException(file,
            "of another model: tensor '" + one.name() + "' should have shape " + Arrays.toString(shape)
                + ", found " + (theirs == null ? "none" : Arrays.toString(theirs.shape())));
      }
      requireFinite(file, one.name(), theirs);
      one.scatter(theirs, parameters);
      unknown.remove(one.name());
    }
    if (model.tied() && unknown.remove(type.head())) {
      requireTied(files.get(type.head()), tensors);
    }
    if (!unknown.isEmpty()) {
      throw new CheckpointException(files.get(unknown.iterator().next()),
          "of another model: " + unknown.size() + " of its tensors have no place in " + model.name()
              + ", such as " + unknown.stream().limit(MOST_NAMED).collect(Collectors.joining(", ")));
    }
    return parameters;
  }

  /** Refuses a file whose tied head differs from the embedding. */
  private void requireTied(Path file, Map<String, Safetensors.Array> tensors) throws CheckpointException {
    float[] head = tensors.get(type.head()).flat();
    float[] embedding = tensors.get(type.embedding()).flat();
    for (int i = 0; i < Math.max(head.length, embedding.length); i++) {
      if (i >= head.length || i >= embedding.length
          || Float.floatToRawIntBits(head[i]) != Float.floatToRawIntBits(embedding[i])) {
        throw new CheckpointException(file, "of another model: " + model.name() + " has tied embeddings, but"
            + " element " + i + " of '" + type.head() + "' is not that of '" + type.embedding() + "'");
      }
    }
  }

  /** The file of weights, or those of an index. */
  private static Set<Path> files(Path folder) throws IOException {
    Path whole = folder.resolve(WEIGHTS);
    Path index = folder.resolve(INDEX);
    if (Files.exists(whole)) {
      return Set.of(whole);
    }
    if (Files.notExists(index)) {
      throw new CheckpointException(whole, "no such file; only weights in safetensors are read");
    }
    Set<Path> files = new TreeSet<>();
    JsonNode map = json(index).path("weight_map");
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String name = entry.getValue().asString("");
      if (!name.endsWith(".safetensors") || name.contains("/") || name.contains("\\")) {
        throw new CheckpointException(index, "damaged: tensor '" + entry.getKey() + "' should be in a"
            + " .safetensors file beside it, found " + entry.getValue());
      }
      Path file = folder.resolve(name);
      if (Files.notExists(file)) {
        throw new CheckpointException(file,
            "no such file; " + INDEX + " says that it holds " + entry.getKey());
      }
      files.add(file);
    }
    if (files.isEmpty()) {
      throw new CheckpointException(index, "damaged: its weight_map names no file");
    }
    return files;
  }

  private static void requireFinite(Path file, String name, Safetensors.Array tensor)
      throws CheckpointException {
    for (int i = 0; i < tensor.size(); i++) {
      float value = tensor.flat()[tensor.offset() + i];
      if (!Float.isFinite(value)) {
        throw new CheckpointException(file, "element " + i + " of tensor '" + name + "' is " + value);
      }
    }
  }
}
