package org.knowcap.models.interchange;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.quantisation.GgufFormat;

/** GGUF files, read back by a reader of the test's own, which follows the specification of the container. */
class GgufModelTest {
  private static final int VOCABULARY = 11;
  private static final GgufModel.Tokens TOKENS = new GgufModel.Tokens(
      IntStream.range(0, VOCABULARY).mapToObj(i -> i == 7 ? "<|endoftext|>" : "\u0120t" + i).toList(),
      List.of("\u0120 t", "a b"), 7, Set.of(9));

  private record Info(long[] dimensions, int type, long offset) {}

  /** What a file holds. */
  private static final class Reader {
    final Map<String, Object> metadata = new LinkedHashMap<>();
    final Map<String, Info> tensors = new LinkedHashMap<>();
    private final ByteBuffer in;
    private final int data;

    Reader(byte[] file) {
      in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
      assertEquals(0x46554747, in.getInt(), "GGUF");
      assertEquals(3, in.getInt());
      long count = in.getLong();
      long entries = in.getLong();
      for (int i = 0; i < entries; i++) {
        metadata.put(text(), value(in.getInt()));
      }
      for (int i = 0; i < count; i++) {
        String name = text();
        long[] dimensions = new long[in.getInt()];
        for (int d = 0; d < dimensions.length; d++) {
          dimensions[d] = in.getLong();
        }
        tensors.put(name, new Info(dimensions, in.getInt(), in.getLong()));
      }
      data = (in.position() + 31) / 32 * 32;
    }

    private String text() {
      byte[] bytes = new byte[(int) in.getLong()];
      in.get(bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }

    private Object value(int type) {
      return switch (type) {
        case 4 -> Integer.toUnsignedLong(in.getInt());
        case 5 -> (long) in.getInt();
        case 6 -> in.getFloat();
        case 7 -> in.get() == 1;
        case 8 -> text();
        case 9 -> {
          int of = in.getInt();
          List<Object> values = new ArrayList<>();
          for (long left = in.getLong(); left > 0; left--) {
            values.add(value(of));
          }
          yield values;
        }
        default -> throw new AssertionError("type " + type);
      };
    }

    /** A tensor's numbers, row after row. */
    float[] numbers(String name) {
      Info info = tensors.get(name);
      assertEquals(0, info.offset % 32, name);
      long size = 1;
      for (long dimension : info.dimensions) {
        size *= dimension;
      }
      float[] numbers = new float[(int) size];
      ByteBuffer bytes = in.duplicate().order(ByteOrder.LITTLE_ENDIAN).position(data + (int) info.offset);
      for (int i = 0; i < size; i++) {
        switch (info.type) {
          case 0 -> numbers[i] = bytes.getFloat();
          case 1 -> numbers[i] = Float.float16ToFloat(bytes.getShort());
          // A scale, then 32 signed bytes.
          case 8 -> {
            int block = data + (int) info.offset + i / 32 * 34;
            numbers[i] = Float.float16ToFloat(in.getShort(block)) * in.get(block + 2 + i % 32);
          }
          // A scale, then 16 bytes of two codes each.
          case 2 -> {
            int block = data + (int) info.offset + i / 32 * 18;
            int both = Byte.toUnsignedInt(in.get(block + 2 + i % 16));
            numbers[i] = Float.float16ToFloat(in.getShort(block))
                * ((i % 32 < 16 ? both & 15 : both >> 4) - 8);
          }
          default -> throw new AssertionError("type " + info.type);
        }
      }
      return numbers;
    }
  }

  private static float[] parameters(Program program) {
    return Batches.parameters(program, 0.3, RandomGeneratorFactory.of("L64X128MixRandom").create(3))
        .get(Session.PARAMETERS);
  }

  private static Reader written(String model, GgufType type, float[] parameters) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    GgufModel.of(ModelSpec.parse(model), type, VOCABULARY).write(out, parameters, "name", 48, TOKENS);
    return new Reader(out.toByteArray());
  }

  private static float[] parameter(Program program, float[] parameters, String name) {
    return program.parameters()
        .stream()
        .filter(parameter -> parameter.tensor().name().equals(name))
        .map(parameter -> java.util.Arrays.copyOfRange(parameters, (int) parameter.offset(),
            (int) (parameter.offset() + parameter.tensor().size())))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aLlamaHasItsSettingsTokensAndRotatedHeads() throws IOException {
    Program program = Program.scoring(ModelSpec.parse("llama-2-4-w8-k2"), VOCABULARY, 1, 1);
    float[] parameters = parameters(program);
    Reader file = written("llama-2-4-w8-k2", GgufType.F32, parameters);
    assertEquals("llama", file.metadata.get("general.architecture"));
    Map.of("context_length", 48L, "embedding_length", 32L, "block_count", 2L, "attention.head_count", 4L,
        "attention.head_count_kv", 2L, "rope.dimension_count", 8L, "vocab_size", 11L)
        .forEach((key, value) -> assertEquals(value, file.metadata.get("llama." + key), key));
    assertEquals(10_000f, file.metadata.get("llama.rope.freq_base"));
    assertEquals(TOKENS.texts(), file.metadata.get("tokenizer.ggml.tokens"));
    assertEquals(TOKENS.merges(), file.metadata.get("tokenizer.ggml.merges"));
    assertEquals(List.of(1L, 1L, 1L, 1L, 1L, 1L, 1L, 3L, 1L, 4L, 1L),
        file.metadata.get("tokenizer.ggml.token_type"));
    assertEquals(7L, file.metadata.get("tokenizer.ggml.eos_token_id"));

    assertArrayEquals(new long[]{32, 11}, file.tensors.get("token_embd.weight").dimensions(),
        "innermost first");
    assertArrayEquals(parameter(program, parameters, "embedding"), file.numbers("token_embd.weight"));
    // Queries: theirs are ours, in each head the pairs (i, i + 4) as neighbours; ours has a column for each output.
    float[] qkv = parameter(program, parameters, "block.1.attention.qkv.weight");
    float[] queries = file.numbers("blk.1.attn_q.weight");
    float[] values = file.numbers("blk.1.attn_v.weight");
    for (int head = 0; head < 4; head++) {
      for (int pair = 0; pair < 4; pair++) {
        for (int half = 0; half < 2; half++) {
          for (int input = 0; input < 32; input++) {
            assertEquals(qkv[input * 64 + head * 8 + half * 4 + pair],
                queries[(head * 8 + 2 * pair + half) * 32 + input]);
            assertEquals(qkv[input * 64 + 48 + pair], values[pair * 32 + input]);
          }
        }
      }
    }
    assertEquals(3 + 2 * 9, file.tensors.size());
  }

  /** What the reader finds is what {@link GgufModel#kept} says, which scatters it into our parameters. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-4-w8, gptneox, F32", "gpt2-1-4-w8-untied, gptneox, F16",
      "gpt2-1-2-w16-learned64, gpt2, Q8_0", "gpt2-1-4-w8, gptneox, Q4_0", "llama-1-4-w8-tied, llama, Q8_0",
      "mistral-1-4-w8, llama, F16", "llama-1-2-w16-qknorm, qwen3, Q4_0"})
  void everyArchitectureKeepsItsNumbers(String model, String architecture, GgufType type) throws IOException {
    ModelSpec spec = ModelSpec.parse(model);
    Program program = Program.scoring(spec, VOCABULARY, 1, 1);
    float[] parameters = parameters(program);
    GgufModel form = GgufModel.of(spec, type, VOCABULARY);
    assertEquals(architecture, form.architecture());
    Reader file = written(model, type, parameters);
    float[] kept = form.kept(parameters);
    long numbers = 0;
    for (String name : file.tensors.keySet()) {
      if (!name.equals("output.weight") || !spec.tied()) {
        numbers += file.numbers(name).length;
      }
    }
    assertEquals(program.parameterCount(), numbers, "every parameter once, but for a tied head");
    float[] down = parameter(program, kept, "block.0.mlp.out.weight");
    float[] theirs = file.numbers("blk.0.ffn_down.weight");
    int inner = spec.innerWidth();
    boolean halves = type == GgufType.F16 || type != GgufType.F32 && inner % 32 != 0;
    assertEquals(halves ? 1 : type.code(), file.tensors.get("blk.0.ffn_down.weight").type());
    for (int output = 0; output < spec.width(); output++) {
      for (int input = 0; input < inner; input++) {
        assertEquals(down[input * spec.width() + output], theirs[output * inner + input]);
      }
    }
    assertArrayEquals(parameter(program, parameters, "norm.gain"), file.numbers("output_norm.weight"));
    assertTrue(file.tensors.containsKey("output.weight"));
    assertEquals(model.contains("learned") ? 64L : 48L, file.metadata.get(architecture + ".context_length"));
    if (type == GgufType.F32) {
      assertArrayEquals(parameters, kept);
    }
  }

  @Test
  void whatLlamaCppHasNoPlaceForIsRefused() {
    assertTrue(refusal("mistral-1-2-w8-a16", GgufType.F32)
        .contains("llama wants full attention, found a window of 16"));
    assertTrue(refusal("gpt2-1-2-w8-alibi", GgufType.F32).contains("gptneox wants rotary positions"));
    assertTrue(refusal("llama-1-2-w8", GgufType.Q8_0).contains(
        "q8_0 has blocks of 32 weights, and no matrix of the model has rows of a multiple of that"));
    assertTrue(assertThrows(IllegalArgumentException.class, () -> GgufType.named("q5")).getMessage()
        .contains("must be F32, F16, Q8_0, Q4_0, Q4_K, found 'q5'"));
  }

  private static String refusal(String model, GgufType type) {
    return assertThrows(IllegalArgumentException.class,
        () -> GgufModel.of(ModelSpec.parse(model), type, VOCABULARY)).getMessage();
  }

  @ParameterizedTest
  @EnumSource(GgufFormat.class)
  void everyBlockFormatHasAType(GgufFormat format) {
    assertEquals(format.name(), GgufType.named(format.name()).name());
  }
}
