package org.knowcap.models.interchange;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.program.Program;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One of our models as transformers loads and saves it: {@code config.json} and {@code model.safetensors}, fp32. The
 * conversion only moves numbers, so that it loses no bit in either direction.
 */
public final class HuggingFaceModel {
  /** Name of the file that says what a model is. */
  public static final String CONFIG = "config.json";
  /** Name of the file that says how it generates text. */
  public static final String GENERATION_CONFIG = "generation_config.json";
  /** Name of the file of its weights. */
  public static final String WEIGHTS = "model.safetensors";

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int MOST_NAMED = 3;

  private final ModelClass type;
  private final ModelSpec model;
  private final int vocabulary;
  private final Program program;
  private final List<Counterpart> counterparts;

  private HuggingFaceModel(ModelClass type, ModelSpec model, int vocabulary) {
    this.type = type;
    this.model = model;
    this.vocabulary = vocabulary;
    program = Program.scoring(model, vocabulary, 1, 1);
    counterparts = type.counterparts(model, program);
  }

  /**
   * The form of a model: its family's own class if that can hold it, or else the first that can.
   *
   * @param vocabulary V
   * @throws IllegalArgumentException where none can, with what each of them wants
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
    return new HuggingFaceModel(type, model, vocabulary);
  }

  /** The {@code model_type} of its config.json. */
  public String type() {
    return type.type();
  }

  private List<Setting> settings() {
    double epsilon = program.forward()
        .stream()
        .filter(Normalisation.class::isInstance)
        .map(Normalisation.class::cast)
        .findFirst()
        .orElseThrow()
        .epsilon();
    List<Setting> settings = new ArrayList<>();
    settings.add(Setting.of("vocab_size", vocabulary));
    settings.addAll(type.settings(model, epsilon));
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
    settings().forEach(setting -> config.set(setting.key(), setting.written()));
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

  /** What generation_config.json holds. */
  public static String generationConfig(int endOfText) {
    return pretty(JSON.createObjectNode()
        .put("bos_token_id", endOfText)
        .put("eos_token_id", endOfText)
        .put("pad_token_id", endOfText));
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
    counterparts.forEach(one -> tensors.put(one.name(), one.gather(parameters)));
    return new Safetensors(metadata, tensors);
  }

  /**
   * Opens a folder that holds one of our models.
   *
   * @param vocabulary V
   * @throws CheckpointException where config.json is missing, damaged, or of a model that computes something else
   */
  public static HuggingFaceModel in(Path folder, ModelSpec model, int vocabulary) throws IOException {
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
    HuggingFaceModel opened = new HuggingFaceModel(type, model, vocabulary);
    opened.require(file, config);
    return opened;
  }

  private static JsonNode config(Path file) throws IOException {
    if (Files.notExists(file)) {
      throw new CheckpointException(file,
          "no such file; a folder that transformers saved a model to has one");
    }
    try {
      JsonNode config = JSON.readTree(Files.readAllBytes(file));
      if (!config.isObject()) {
        throw new CheckpointException(file, "damaged: it holds no JSON object");
      }
      return config;
    } catch (JacksonException e) {
      throw new CheckpointException(file,
          "damaged: no JSON (" + e.getOriginalMessage().lines().findFirst().orElse("") + ")");
    }
  }

  private void require(Path file, JsonNode config) throws CheckpointException {
    for (Setting setting : settings()) {
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
  }

  /**
   * Reads a folder's weights.
   *
   * @return flat parameters, [P]
   * @throws CheckpointException where they are missing, damaged, of another shape, or not all finite numbers
   */
  public float[] parameters(Path folder) throws IOException {
    Path file = folder.resolve(WEIGHTS);
    if (Files.notExists(file)) {
      throw new CheckpointException(file,
          Files.exists(folder.resolve(WEIGHTS + ".index.json"))
              ? "no such file: the weights are in several; save them in one, by save_pretrained with a larger"
                  + " max_shard_size"
              : "no such file; only weights in safetensors are read");
    }
    Map<String, Safetensors.Array> tensors = Safetensors.read(file).tensors();
    Set<String> unknown = new TreeSet<>(tensors.keySet());
    float[] parameters = new float[Math.toIntExact(program.parameterCount())];
    for (Counterpart one : counterparts) {
      Safetensors.Array theirs = tensors.get(one.name());
      if (theirs == null || !Arrays.equals(theirs.shape(), one.shape())) {
        throw new CheckpointException(file,
            "of another model: tensor '" + one.name() + "' should have shape " + Arrays.toString(one.shape())
                + ", found " + (theirs == null ? "none" : Arrays.toString(theirs.shape())));
      }
      requireFinite(file, one.name(), theirs);
      one.scatter(theirs, parameters);
      unknown.remove(one.name());
    }
    if (!unknown.isEmpty()) {
      throw new CheckpointException(file,
          "of another model: " + unknown.size() + " of its tensors have no place in " + model.name()
              + ", such as " + unknown.stream().limit(MOST_NAMED).collect(Collectors.joining(", ")));
    }
    return parameters;
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
