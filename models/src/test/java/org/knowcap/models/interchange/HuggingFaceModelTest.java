package org.knowcap.models.interchange;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;
import tools.jackson.databind.json.JsonMapper;

class HuggingFaceModelTest {
  private static final int VOCABULARY = 11;
  private static final int END = 9;
  private static final int LENGTH = 8;

  @TempDir
  private Path directory;

  /** A model, and the model_type that it becomes. */
  record Case(ModelSpec model, String type) {
    @Override
    public String toString() {
      return model.name() + " as " + type;
    }
  }

  static Stream<Case> cases() {
    return Stream.concat(
        Stream.of(new Case(Family.GPT2.model(2, 3, 8, new Rotary(0.25, 10_000)), "gpt_neox"),
            new Case(Family.GPT2.model(1, 2, 4, new Rotary(1, 100)), "gpt_neox")),
        Stream
            .of("gpt2-2-2-w8 gpt_neox", "gpt2-quarter-2-2-w8 gpt_neox", "gpt2-1-2-w8-silu-untied gpt_neox",
                "gpt2-1-2-w8-relu2 gpt_neox", "llama-2-3-w4 llama", "llama-1-2-w6-gelu-biased-tied llama",
                "llama-1-4-w4-k2 llama", "llama-2-4-w4-k2-tied-qknorm qwen3", "mistral-1-4-w6-qknorm qwen3",
                "llama-1-2-w4-a3 mistral", "mistral-2-4-w4 mistral", "mistral-1-2-w4-a1 mistral",
                "mistral-1-4-w4-k4-a3-gelu-tied mistral", "mistral-1-2-w4-biased llama",
                "mixtral-2-4-w4 mixtral", "mixtral3-1-2-w4-a3-gelu-tied mixtral",
                "gpt2-2-2-w8-learned10 gpt2", "gpt2-quarter-1-3-w4-silu-untied-learned8 gpt2",
                "gpt2-1-2-w8-rotary1-ntk4 gpt_neox", "llama-1-2-w8-rotary1b500-ntk2 llama")
            .map(line -> new Case(ModelSpec.parse(line.split(" ")[0]), line.split(" ")[1])));
  }

  private static RandomGenerator random(Object seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed.toString().hashCode());
  }

  private static float[] parameters(ModelSpec model, RandomGenerator random) {
    return Batches.parameters(Program.scoring(model, VOCABULARY, 1, 1), 0.5, random).get(Session.PARAMETERS);
  }

  /** From the files alone, by transformers' own definitions, come the losses that the model has here. */
  @ParameterizedTest
  @MethodSource("cases")
  void computesTheSameThere(Case c) {
    RandomGenerator random = random(c);
    float[] parameters = parameters(c.model, random);
    HuggingFaceModel form = HuggingFaceModel.of(c.model, VOCABULARY);
    assertEquals(c.type, form.type());
    TransformersModel theirs = new TransformersModel(form.config(END, LENGTH),
        form.weights(parameters, Map.of()).tensors());
    Program program = Program.scoring(c.model, VOCABULARY, 1, LENGTH);
    ReferenceSession ours = new ReferenceSession(program);
    ours.load(Map.of(Session.PARAMETERS, parameters));
    int[] tokens = random.ints(LENGTH, 0, VOCABULARY).toArray();
    double[][] logits = theirs.logits(tokens);
    for (int target = 0; target < VOCABULARY; target++) {
      float[] losses = new float[LENGTH];
      int[] targets = new int[LENGTH];
      Arrays.fill(targets, target);
      ours.losses(tokens, targets, losses);
      for (int t = 0; t < LENGTH; t++) {
        double sum = Arrays.stream(logits[t]).map(Math::exp).sum();
        assertEquals(Math.log(sum) - logits[t][target], losses[t], 1e-5 * (1 + losses[t]),
            "token " + t + ", target " + target);
      }
    }
  }

  /** P here is what the config implies there, and what the file holds. */
  @ParameterizedTest
  @MethodSource("cases")
  void hasAsManyParametersThere(Case c) {
    HuggingFaceModel form = HuggingFaceModel.of(c.model, VOCABULARY);
    Map<String, Safetensors.Array> tensors = form.weights(parameters(c.model, random(c)), Map.of()).tensors();
    long expected = c.model.parameters(VOCABULARY).total();
    assertEquals(expected, new TransformersModel(form.config(END, LENGTH), tensors).parameters());
    assertEquals(expected, tensors.values().stream().mapToLong(Safetensors.Array::size).sum());
  }

  @ParameterizedTest
  @CsvSource({"gpt2-12-12,3275", "gpt2-quarter-4-8,3275", "llama-6-8,3275", "llama-4-3,500",
      "mistral-6-8,3275", "mistral-3-6,500", "mixtral-4-4,500", "mixtral4-2-3-top3,500",
      "gpt2-12-12-learned512,3275", "mistral-2-3,500", "llama-2-8-k2-a64,500"})
  void hasAsManyParametersThereAtThePapersSizes(String name, int vocabulary) {
    ModelSpec model = ModelSpec.parse(name);
    String config = HuggingFaceModel.of(model, vocabulary).config(END, 512);
    assertEquals(model.parameters(vocabulary).total(), new TransformersModel(config, Map.of()).parameters());
  }

  /** Every bit comes back, NaN's payload aside: random bits of finite floats, denormals and negative zeros too. */
  @ParameterizedTest
  @MethodSource("cases")
  void comesBackToTheBit(Case c) throws IOException {
    RandomGenerator random = random(c);
    float[] parameters = parameters(c.model, random);
    for (int i = 0; i < parameters.length; i++) {
      float any = Float.intBitsToFloat(random.nextInt());
      parameters[i] = Float.isFinite(any) ? any : -0f;
    }
    write(c.model, parameters);
    float[] read = HuggingFaceModel.in(directory, c.model, VOCABULARY, LENGTH).parameters(directory);
    for (int i = 0; i < parameters.length; i++) {
      assertEquals(Float.floatToRawIntBits(parameters[i]), Float.floatToRawIntBits(read[i]), "element " + i);
    }
  }

  /** Each of our parameters has one place there. */
  @ParameterizedTest
  @MethodSource("cases")
  void everyParameterHasOnePlace(Case c) {
    float[] numbered = parameters(c.model, random(c));
    for (int i = 0; i < numbered.length; i++) {
      numbered[i] = i;
    }
    Set<Float> seen = new HashSet<>();
    HuggingFaceModel.of(c.model, VOCABULARY)
        .weights(numbered, Map.of())
        .tensors()
        .values()
        .forEach(tensor -> {
          for (float value : tensor.flat()) {
            assertTrue(seen.add(value), "twice: " + value);
          }
        });
    assertEquals(numbered.length, seen.size());
  }

  private void write(ModelSpec model, float[] parameters) throws IOException {
    HuggingFaceModel form = HuggingFaceModel.of(model, VOCABULARY);
    Files.writeString(directory.resolve(HuggingFaceModel.CONFIG), form.config(END, LENGTH));
    form.weights(parameters, Map.of()).write(directory.resolve(HuggingFaceModel.WEIGHTS));
  }

  /** One layer of width 2, all of it: bytes as the format's and transformers' definitions say them. */
  @Test
  void writesTheFiles() throws IOException {
    ModelSpec model = Family.GPT2.model(1, 1, 2, Rotary.WHOLE);
    float[] parameters = new float[Math.toIntExact(model.parameters(3).total())];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = i;
    }
    HuggingFaceModel form = HuggingFaceModel.of(model, 3);
    assertEquals("""
        {
          "architectures" : [ "GPTNeoXForCausalLM" ],
          "model_type" : "gpt_neox",
          "vocab_size" : 3,
          "hidden_size" : 2,
          "num_hidden_layers" : 1,
          "num_attention_heads" : 1,
          "intermediate_size" : 8,
          "hidden_act" : "gelu_pytorch_tanh",
          "use_parallel_residual" : false,
          "attention_bias" : true,
          "layer_norm_eps" : 1.0E-5,
          "rotary_pct" : 1.0,
          "rotary_emb_base" : 10000.0,
          "tie_word_embeddings" : true,
          "rope_parameters" : {
            "rope_type" : "default",
            "rope_theta" : 10000.0
          },
          "max_position_embeddings" : 64,
          "bos_token_id" : 2,
          "eos_token_id" : 2,
          "torch_dtype" : "float32"
        }
        """, form.config(2, 64));
    Path file = directory.resolve("x.safetensors");
    form.weights(parameters, Map.of("knowcap_run", "r")).write(file);
    String[] tensors = {"gpt_neox.embed_in.weight [3,2]", "layers.0.input_layernorm.weight [2]",
        "layers.0.input_layernorm.bias [2]", "layers.0.attention.query_key_value.weight [6,2]",
        "layers.0.attention.query_key_value.bias [6]", "layers.0.attention.dense.weight [2,2]",
        "layers.0.attention.dense.bias [2]", "layers.0.post_attention_layernorm.weight [2]",
        "layers.0.post_attention_layernorm.bias [2]", "layers.0.mlp.dense_h_to_4h.weight [8,2]",
        "layers.0.mlp.dense_h_to_4h.bias [8]", "layers.0.mlp.dense_4h_to_h.weight [2,8]",
        "layers.0.mlp.dense_4h_to_h.bias [2]", "final_layer_norm.weight [2]", "final_layer_norm.bias [2]"};
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\",\"knowcap_run\":\"r\"}");
    int end = 0;
    for (String tensor : tensors) {
      String[] parts = tensor.split(" ");
      int size = 4 * Stream.of(parts[1].replaceAll("[\\[\\]]", "").split(","))
          .mapToInt(Integer::parseInt)
          .reduce(1, (a, b) -> a * b);
      header.append(",\"")
          .append(parts[0].startsWith("gpt_neox.") ? "" : "gpt_neox.")
          .append(parts[0])
          .append("\":{\"dtype\":\"F32\",\"shape\":")
          .append(parts[1])
          .append(",\"data_offsets\":[")
          .append(end)
          .append(',')
          .append(end + size)
          .append("]}");
      end += size;
    }
    header.append('}');
    while (header.length() % 8 != 0) {
      header.append(' ');
    }
    // Ours, flat: embedding [3, 2], qkv [2, 6], out [2, 2], in [2, 8], out [8, 2]; from 54 on biases and norms.
    float[] expected = {0, 1, 2, 3, 4, 5, 54, 55, 56, 57, 6, 12, 7, 13, 8, 14, 9, 15, 10, 16, 11, 17, 58, 59,
        60, 61, 62, 63, 18, 20, 19, 21, 64, 65, 66, 67, 68, 69, 22, 30, 23, 31, 24, 32, 25, 33, 26, 34, 27,
        35, 28, 36, 29, 37, 70, 71, 72, 73, 74, 75, 76, 77, 38, 40, 42, 44, 46, 48, 50, 52, 39, 41, 43, 45,
        47, 49, 51, 53, 78, 79, 80, 81, 82, 83};
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(header.length(), bytes.getLong());
    byte[] text = new byte[header.length()];
    bytes.get(text);
    assertEquals(header.toString(), new String(text, StandardCharsets.UTF_8));
    float[] found = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(found);
    assertArrayEquals(expected, found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"gpt2-nomlp-1-2 | gpt_neox wants a standard feed-forward, found none",
          "llama-1-2-layernorm | llama wants RMSNorm, found LayerNorm",
          "llama-1-2-standard | llama wants a gated feed-forward, found a standard one",
          "gpt2-1-2-unbiased | gpt_neox wants biases, found none",
          "gpt2-1-2-a7 | gpt_neox wants full attention, found a window of 7",
          "gpt2-1-2-k1 | gpt_neox wants as many heads of keys as of queries, found 1 and 2",
          "gpt2-moe4-1-2 | gpt_neox wants one feed-forward, found a mixture of 4",
          "mixtral8-1-2-top1 | mixtral wants at least two experts a token, found one",
          "llama-1-2-standard | mixtral wants a gated feed-forward, found a standard one; a mixture of experts, found one",
          "gpt2-1-2-alibi | gpt_neox wants rotary positions, found alibi",
          "gpt2-1-2-rerope8 | gpt_neox wants rotary positions, found rerope",
          "llama-1-2-document | llama wants attention over all earlier tokens, found a mask by document",
          "gpt2-1-2-nopos | gpt2 wants learned positions, found none",
          "llama-1-2-learned64 | llama wants rotary positions, found learned",
          "gpt2-1-2-qknorm | gpt_neox wants no QK-norm, found one",
          "llama-1-2-canonac | llama wants no Canon layers, found some",
          "llama-1-2-loops3 | llama wants each block once, found 3 loops",
          "gpt2-1-2-lora4 | gpt_neox wants adapters merged into the weights, found them apart",
          "gpt2-1-2-ngram8 | gpt_neox wants no memory of n-grams, found one",
          "llama-1-2-ngram8 | llama wants no memory of n-grams, found one",
          "gpt2-1-2-canond | gpt_neox wants no Canon layers, found some",
          "llama-2-2-glaattention | llama wants attention in every block, found gla",
          "gpt2-1-2-gdn | gpt_neox wants attention in every block, found gdn",
          "llama-1-2-a7-qknorm | qwen3 wants full attention, found a window of 7",
          "llama-1-2-a7-biased | mistral wants no biases, found some"})
  void saysWhyThereIsNoClass(String name, String expected) {
    String message = assertThrows(IllegalArgumentException.class,
        () -> HuggingFaceModel.of(ModelSpec.parse(name), 10)).getMessage();
    assertTrue(message.contains(expected) && message.contains(name), message);
  }

  private static final ModelSpec LLAMA = ModelSpec.parse("llama-1-2-w4");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"\"hidden_size\" : 8 | \"hidden_size\" : 16 | hidden_size should be 8, found 16",
          "\"vocab_size\" : 11 | \"vocab_size\" : 10 | vocab_size should be 11, found 10",
          "\"num_key_value_heads\" : 2 | \"num_key_value_heads\" : 1 | num_key_value_heads should be 2, found 1",
          "\"head_dim\" : 4 | \"head_dim\" : 8 | head_dim should be 4, found 8",
          "\"silu\" | \"gelu\" | hidden_act should be \"silu\", found \"gelu\"",
          "\"rms_norm_eps\" : 1.0E-5, | '' | rms_norm_eps should be 1.0E-5, found 1.0E-6",
          "\"num_hidden_layers\" : 1 | \"num_hidden_layers\" : \"1\" | num_hidden_layers should be 1, found \"1\"",
          "\"rope_theta\" : 10000.0 | \"rope_theta\": 500000 | rope_theta should be 10000.0, found 500000",
          "\"rope_type\" : \"default\" | \"rope_type\": \"linear\", \"factor\": 2 | positions are scaled (linear)",
          "\"mlp_bias\" : false | \"mlp_bias\" : false, \"rope_scaling\" : {\"type\": \"linear\", \"factor\": 2} | positions are scaled (linear)",
          "\"mlp_bias\" : false | \"mlp_bias\" : false, \"layer_types\" : [\"sliding_attention\"] | its layer_types has \"sliding_attention\"",
          "\"llama\" | \"gemma\" | its model_type is gemma; only gpt_neox, gpt2, llama, qwen3, mistral, mixtral",
          "\"llama\" | \"gpt_neox\" | gpt_neox wants LayerNorm, found RMSNorm",
          "\"tie_word_embeddings\" : false | \"tie_word_embeddings\" : true | tie_word_embeddings should be false, found true",
          "{ | '' | no JSON", "} | '' | no JSON"})
  void refusesTheConfigOfAnotherModel(String from, String to, String expected) throws IOException {
    String config = HuggingFaceModel.of(LLAMA, VOCABULARY).config(END, LENGTH);
    assertTrue(config.contains(from), config);
    write(LLAMA, parameters(LLAMA, random("llama")));
    Path file = directory.resolve(HuggingFaceModel.CONFIG);
    Files.writeString(file, config.replace(from, to));
    String message = assertThrows(CheckpointException.class,
        () -> HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH)).getMessage();
    assertTrue(message.startsWith(file.toString()), message);
    assertTrue(message.contains(expected), message);
  }

  /** What transformers 5 writes of the same model. */
  @Test
  void readsTheConfigAsOtherVersionsWriteIt() throws IOException {
    float[] parameters = parameters(LLAMA, random("llama"));
    write(LLAMA, parameters);
    Path file = directory.resolve(HuggingFaceModel.CONFIG);
    Files.writeString(file,
        Files.readString(file)
            .replaceFirst("\"rope_theta\" : 10000.0,", "")
            .replace("\"rope_theta\" : 10000.0", "\"rope_theta\" : 10000")
            .replace("\"num_key_value_heads\" : 2,", "")
            .replace("\"head_dim\" : 4,", "\"head_dim\" : null,")
            .replace("\"mlp_bias\" : false,", "")
            .replace("\"silu\"", "\"swish\""));
    assertArrayEquals(parameters,
        HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH).parameters(directory));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void refusesWeightsThatAreNoNumbers(float broken) throws IOException {
    float[] parameters = parameters(LLAMA, random("llama"));
    parameters[5] = broken;
    write(LLAMA, parameters);
    String message = assertThrows(CheckpointException.class,
        () -> HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH).parameters(directory)).getMessage();
    assertTrue(message.endsWith("element 5 of tensor 'model.embed_tokens.weight' is " + broken), message);
  }

  @Test
  void refusesMissingFilesAndForeignTensors() throws IOException {
    Path config = directory.resolve(HuggingFaceModel.CONFIG);
    assertTrue(assertThrows(CheckpointException.class,
        () -> HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH)).getMessage()
        .contains(config + ": no such file"));
    float[] parameters = parameters(LLAMA, random("llama"));
    write(LLAMA, parameters);
    HuggingFaceModel form = HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH);
    Path weights = directory.resolve(HuggingFaceModel.WEIGHTS);
    Safetensors sound = form.weights(parameters, Map.of());

    Map<String, Safetensors.Array> more = new LinkedHashMap<>(sound.tensors());
    more.put("score.weight", new Safetensors.Array(new long[]{1}, new float[1], 0));
    new Safetensors(Map.of(), more).write(weights);
    assertTrue(assertThrows(CheckpointException.class, () -> form.parameters(directory)).getMessage()
        .contains("1 of its tensors have no place in llama-1-2-w4, such as score.weight"));

    for (String name : List.copyOf(sound.tensors().keySet())) {
      Map<String, Safetensors.Array> fewer = new LinkedHashMap<>(sound.tensors());
      Safetensors.Array one = fewer.remove(name);
      new Safetensors(Map.of(), fewer).write(weights);
      String message = assertThrows(CheckpointException.class, () -> form.parameters(directory)).getMessage();
      assertTrue(message.contains(
          "'" + name + "' should have shape " + Arrays.toString(one.shape()) + ", found none"), message);
    }
    Files.delete(weights);
    assertTrue(assertThrows(CheckpointException.class, () -> form.parameters(directory)).getMessage()
        .contains("no such file; only weights in safetensors"));
  }

  /** A window that no text reaches is none; one that texts reach is. */
  @ParameterizedTest
  @CsvSource({"mistral-1-2-w4, null, 4096", "mistral-1-2-w4, null, 8", "mistral-1-2-w4-a9, 9, null",
      "mistral-1-2-w4-a9, 9, 8", "mixtral-1-2-w4, null, 8"})
  void aWindowThatNoTextReachesIsNone(String name, String written, String found) throws IOException {
    assertTrue(windowAccepted(name, written, found));
  }

  @ParameterizedTest
  @CsvSource({"mistral-1-2-w4, null, 7", "mistral-1-2-w4-a9, 9, 7", "mistral-1-2-w4-a5, 5, null",
      "mistral-1-2-w4-a5, 5, 6", "mixtral-1-2-w4, null, 1"})
  void aWindowThatTextsReachIsCompared(String name, String written, String found) throws IOException {
    assertFalse(windowAccepted(name, written, found));
  }

  private boolean windowAccepted(String name, String written, String found) throws IOException {
    ModelSpec model = ModelSpec.parse(name);
    write(model, parameters(model, random(name)));
    Path file = directory.resolve(HuggingFaceModel.CONFIG);
    String config = Files.readString(file);
    String entry = "\"sliding_window\" : ";
    assertTrue(config.contains(entry + written), config);
    Files.writeString(file, config.replace(entry + written, entry + found));
    try {
      HuggingFaceModel.in(directory, model, VOCABULARY, LENGTH);
      return true;
    } catch (CheckpointException e) {
      assertTrue(e.getMessage().contains("sliding_window should be " + written + ", found " + found),
          e.getMessage());
      return false;
    }
  }

  @Test
  void theWindowOfTransformersIsTakenWhereNoneIsWritten() throws IOException {
    ModelSpec model = ModelSpec.parse("mistral-1-2-w4");
    write(model, parameters(model, random("window")));
    Path file = directory.resolve(HuggingFaceModel.CONFIG);
    Files.writeString(file, Files.readString(file).replace("\"sliding_window\" : null,", ""));
    HuggingFaceModel.in(directory, model, VOCABULARY, 4096);
    assertTrue(
        assertThrows(CheckpointException.class, () -> HuggingFaceModel.in(directory, model, VOCABULARY, 4097))
            .getMessage()
            .contains("sliding_window should be null, found 4096"));
  }

  /** A tensor as bytes, of any type. */
  private record Raw(String type, long[] shape, byte[] bytes) {
    static Raw of(Safetensors.Array array, String type) {
      ByteBuffer bytes = ByteBuffer.allocate(array.size() * (type.equals("F32") ? 4 : 2))
          .order(ByteOrder.LITTLE_ENDIAN);
      for (float value : array.flat()) {
        switch (type) {
          case "F32" -> bytes.putFloat(value);
          case "F16" -> bytes.putShort(Float.floatToFloat16(value));
          default -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        }
      }
      return new Raw(type, array.shape(), bytes.array());
    }
  }

  private static void writeRaw(Path file, Map<String, Raw> tensors) throws IOException {
    StringBuilder header = new StringBuilder();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    tensors.forEach((name, raw) -> {
      header.append(header.isEmpty() ? "{" : ",")
          .append("\"" + name + "\":{\"dtype\":\"" + raw.type + "\",\"shape\":" + Arrays.toString(raw.shape)
              + ",\"data_offsets\":[" + data.size() + "," + (data.size() + raw.bytes.length) + "]}");
      data.writeBytes(raw.bytes);
    });
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, all.putLong(text.length).put(text).put(data.toByteArray()).array());
  }

  /** fp16 and bf16, in several files; every number comes over exactly, subnormal ones too. */
  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16", "BF16"})
  void readsHalfPrecisionInSeveralFiles(String type) throws IOException {
    float[] parameters = parameters(LLAMA, random(type));
    for (int i = 0; i < parameters.length; i++) {
      float value = i % 7 == 0 ? parameters[i] * 1e-6f : parameters[i];
      parameters[i] = switch (type) {
        case "F16" -> Float.float16ToFloat(Float.floatToFloat16(value));
        case "BF16" -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
        default -> value;
      };
    }
    write(LLAMA, parameters);
    Files.delete(directory.resolve(HuggingFaceModel.WEIGHTS));
    List<Map<String, Raw>> parts = List.of(new LinkedHashMap<>(), new LinkedHashMap<>(),
        new LinkedHashMap<>());
    Map<String, String> index = new LinkedHashMap<>();
    HuggingFaceModel form = HuggingFaceModel.in(directory, LLAMA, VOCABULARY, LENGTH);
    form.weights(parameters, Map.of()).tensors().forEach((name, array) -> {
      int part = index.size() % parts.size();
      parts.get(part).put(name, Raw.of(array, type));
      index.put(name, "model-0000" + (part + 1) + "-of-00003.safetensors");
    });
    for (int part = 0; part < parts.size(); part++) {
      writeRaw(directory.resolve("model-0000" + (part + 1) + "-of-00003.safetensors"), parts.get(part));
    }
    Path file = directory.resolve(HuggingFaceModel.WEIGHTS + ".index.json");
    String map = JsonMapper.shared().writeValueAsString(Map.of("weight_map", index));
    Files.writeString(file, map);
    assertArrayEquals(parameters, form.parameters(directory));

    for (String damaged : List.of("{}", "[]", "{", map.replace("model-00002-of-00003", "../model"),
        map.replace("model-00002-of-00003", "model-7"), "{\"weight_map\":{\"a\":3}}")) {
      Files.writeString(file, damaged);
      CheckpointException refused = assertThrows(CheckpointException.class, () -> form.parameters(directory));
      assertTrue(refused.getMessage().startsWith(directory + "/model"), refused.getMessage());
    }
  }

  /** Masks and angles compute nothing; a tied head beside its embedding has its bits. */
  @Test
  void leavesOutWhatComputesNothing() throws IOException {
    for (String name : List.of("gpt2-1-2-w8", "gpt2-1-2-w8-learned8", "llama-1-2-w4-tied")) {
      ModelSpec model = ModelSpec.parse(name);
      float[] parameters = parameters(model, random(name));
      write(model, parameters);
      HuggingFaceModel form = HuggingFaceModel.in(directory, model, VOCABULARY, LENGTH);
      Map<String, Raw> tensors = new LinkedHashMap<>();
      form.weights(parameters, Map.of())
          .tensors()
          .forEach((tensor, array) -> tensors.put(tensor, Raw.of(array, "F32")));
      tensors.put("gpt_neox.layers.0.attention.bias", new Raw("BOOL", new long[]{1, 1, 2, 2}, new byte[4]));
      tensors.put("gpt_neox.layers.0.attention.masked_bias", new Raw("F32", new long[0], new byte[4]));
      tensors.put("transformer.h.0.attn.bias", new Raw("U8", new long[]{2}, new byte[2]));
      tensors.put("transformer.h.0.attn.masked_bias", new Raw("F64", new long[]{1}, new byte[8]));
      tensors.put("model.layers.0.self_attn.rotary_emb.inv_freq",
          new Raw("BF16", new long[]{2}, new byte[4]));
      String head = name.startsWith("gpt2-1-2-w8-l") || name.startsWith("llama")
          ? "lm_head.weight"
          : "embed_out.weight";
      Raw embedding = tensors.values().iterator().next();
      tensors.put(head, embedding);
      Path weights = directory.resolve(HuggingFaceModel.WEIGHTS);
      writeRaw(weights, tensors);
      assertArrayEquals(parameters, form.parameters(directory), name);

      byte[] other = embedding.bytes.clone();
      other[9] ^= 1;
      tensors.put(head, new Raw("F32", embedding.shape, other));
      writeRaw(weights, tensors);
      assertTrue(assertThrows(CheckpointException.class, () -> form.parameters(directory)).getMessage()
          .contains("element 2 of '" + head + "' is not that of"));
      tensors.put(head, embedding);
      tensors.put("transformer.h.0.attn.c_attn.mask", new Raw("I64", new long[]{1}, new byte[8]));
      writeRaw(weights, tensors);
      assertTrue(assertThrows(CheckpointException.class, () -> form.parameters(directory)).getMessage()
          .contains("'transformer.h.0.attn.c_attn.mask' is of type I64; only F32, BF16, F16"));
    }
  }

  /** Rows beyond V are zeros on the way out and are left out on the way in. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-1-2-w8", "gpt2-1-2-w8-learned8", "llama-1-2-w4", "mixtral-1-2-w4-tied"})
  void aPaddedVocabularyComesBackToTheBit(String name) throws IOException {
    ModelSpec model = ModelSpec.parse(name);
    float[] parameters = parameters(model, random(name));
    HuggingFaceModel form = HuggingFaceModel.of(model, VOCABULARY).padded(VOCABULARY + 5);
    Files.writeString(directory.resolve(HuggingFaceModel.CONFIG), form.config(END, LENGTH));
    Safetensors written = form.weights(parameters, Map.of());
    written.write(directory.resolve(HuggingFaceModel.WEIGHTS));
    HuggingFaceModel read = HuggingFaceModel.in(directory, model, VOCABULARY, LENGTH);
    assertEquals(5, read.padding());
    assertArrayEquals(parameters, read.parameters(directory));
    Safetensors.Array embedding = written.tensors().values().iterator().next();
    assertArrayEquals(new long[]{VOCABULARY + 5, model.width()}, embedding.shape());
    for (int i = VOCABULARY * model.width(); i < embedding.size(); i++) {
      assertEquals(0, embedding.flat()[i]);
    }
    assertEquals("[11,12,13,14,15]",
        JsonMapper.shared().readTree(form.generationConfig(END)).path("suppress_tokens").toString());
    assertTrue(assertThrows(CheckpointException.class,
        () -> HuggingFaceModel.in(directory, model, VOCABULARY + 6, LENGTH)).getMessage()
        .contains("vocab_size should be 17, found 16"));
  }
}
