package org.knowcap.models.interchange;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.knowcap.models.checkpoint.Safetensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What GPT2LMHeadModel, GPTNeoXForCausalLM, LlamaForCausalLM, Qwen3ForCausalLM, MistralForCausalLM and MixtralForCausalLM of
 * transformers compute, from config.json and named tensors alone, in double precision and written after their definitions; it knows nothing of our layout.
 */
final class TransformersModel {
  private final JsonNode config;
  private final Map<String, Safetensors.Array> tensors;
  private final int d;
  private final int heads;
  private final int keyHeads;
  private final int width;

  TransformersModel(String config, Map<String, Safetensors.Array> tensors) {
    this.config = JsonMapper.builder().build().readTree(config);
    this.tensors = new HashMap<>(tensors);
    boolean gpt2 = type().equals("gpt2");
    d = integer(gpt2 ? "n_embd" : "hidden_size");
    heads = integer(gpt2 ? "n_head" : "num_attention_heads");
    keyHeads = this.config.path("num_key_value_heads").asInt(heads);
    width = this.config.path("head_dim").asInt(d / heads);
  }

  private int integer(String key) {
    return config.required(key).asInt();
  }

  /** Parameters by the shapes that the config implies in transformers, counted without looking at a tensor. */
  long parameters() {
    long embedding = (long) integer("vocab_size") * d;
    long head = config.required("tie_word_embeddings").asBoolean() ? 0 : embedding;
    long q = (long) heads * width;
    long kv = (long) keyHeads * width;
    return embedding + head + switch (type()) {
      case "gpt2" -> {
        long inner = integer("n_inner");
        yield (long) integer("n_positions") * d + 2 * d + integer("n_layer")
            * (4L * d + (d + 1) * 3L * d + (d + 1L) * d + (d + 1) * inner + (inner + 1) * d);
      }
      case "gpt_neox" -> {
        long inner = integer("intermediate_size");
        yield 2 * d + integer("num_hidden_layers")
            * (4L * d + (d + 1) * 3L * d + (d + 1L) * d + (d + 1) * inner + (inner + 1) * d);
      }
      default -> {
        long inner = integer("intermediate_size");
        long experts = config.path("num_local_experts").asLong(0);
        long feedForward = experts == 0 ? 3 * d * inner : experts * (3 * d * inner + d);
        yield d + integer("num_hidden_layers") * (2L * d + d * (q + 2 * kv) + q * d + feedForward
            + (config.path("attention_bias").asBoolean(false) ? q + 2 * kv + d : 0)
            + (type().equals("qwen3") ? 2 * width : 0)
            + (config.path("mlp_bias").asBoolean(false) ? 2 * inner + d : 0));
      }
    };
  }

  private String type() {
    return config.required("model_type").asString();
  }

  /** Logits after each token of one prompt: [T][V]. */
  double[][] logits(int[] tokens) {
    return switch (type()) {
      case "gpt2" -> gpt2(tokens);
      case "gpt_neox" -> neoX(tokens);
      default -> llama(tokens);
    };
  }

  private double[][] gpt2(int[] tokens) {
    double epsilon = config.required("layer_norm_epsilon").asDouble();
    double[][] x = embed("transformer.wte.weight", tokens);
    for (int t = 0; t < tokens.length; t++) {
      for (int i = 0; i < d; i++) {
        x[t][i] += value("transformer.wpe.weight", t * d + i);
      }
    }
    for (int layer = 0; layer < integer("n_layer"); layer++) {
      String name = "transformer.h." + layer + ".";
      double[][] qkv = conv1d(name + "attn.c_attn", layerNorm(name + "ln_1", x, epsilon));
      // split(split_size, dim=2), then heads.
      double[][][] q = heads(columns(qkv, 0), heads);
      double[][][] k = heads(columns(qkv, 1), heads);
      double[][][] v = heads(columns(qkv, 2), heads);
      x = add(x, conv1d(name + "attn.c_proj", attention(q, k, v, 0, 1)));
      double[][] inner = conv1d(name + "mlp.c_fc", layerNorm(name + "ln_2", x, epsilon));
      x = add(x, conv1d(name + "mlp.c_proj",
          each(inner, activation(config.required("activation_function").asString()))));
    }
    return head(layerNorm("transformer.ln_f", x, epsilon), "lm_head.weight", "transformer.wte.weight");
  }

  private double[][] columns(double[][] x, int part) {
    double[][] out = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      out[t] = Arrays.copyOfRange(x[t], part * d, (part + 1) * d);
    }
    return out;
  }

  /** transformers.pytorch_utils.Conv1D: x weight + bias. */
  private double[][] conv1d(String name, double[][] x) {
    int outputs = (int) tensors.get(name + ".weight").shape()[1];
    double[][] out = new double[x.length][outputs];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < outputs; o++) {
        out[t][o] = value(name + ".bias", o);
        for (int i = 0; i < x[t].length; i++) {
          out[t][o] += x[t][i] * value(name + ".weight", i * outputs + o);
        }
      }
    }
    return out;
  }

  private double[][] neoX(int[] tokens) {
    double[][] x = embed("gpt_neox.embed_in.weight", tokens);
    for (int layer = 0; layer < integer("num_hidden_layers"); layer++) {
      String name = "gpt_neox.layers." + layer + ".";
      double[][] qkv = linear(name + "attention.query_key_value", layerNorm(name + "input_layernorm", x));
      // view(..., heads, 3 * head size), then chunk(3, dim=-1).
      double[][][] q = new double[heads][tokens.length][width];
      double[][][] k = new double[heads][tokens.length][width];
      double[][][] v = new double[heads][tokens.length][width];
      for (int t = 0; t < tokens.length; t++) {
        for (int h = 0; h < heads; h++) {
          System.arraycopy(qkv[t], h * 3 * width, q[h][t], 0, width);
          System.arraycopy(qkv[t], h * 3 * width + width, k[h][t], 0, width);
          System.arraycopy(qkv[t], h * 3 * width + 2 * width, v[h][t], 0, width);
        }
      }
      int rotated = (int) (width * config.required("rotary_pct").asDouble());
      double base = config.required("rotary_emb_base").asDouble();
      double[][] a = linear(name + "attention.dense", attention(q, k, v, rotated, base));
      if (config.required("use_parallel_residual").asBoolean()) {
        throw new IllegalArgumentException("none of ours is parallel");
      }
      x = add(x, a);
      double[][] inner = linear(name + "mlp.dense_h_to_4h", layerNorm(name + "post_attention_layernorm", x));
      x = add(x, linear(name + "mlp.dense_4h_to_h", each(inner, activation())));
    }
    return head(layerNorm("gpt_neox.final_layer_norm", x), "embed_out.weight", "gpt_neox.embed_in.weight");
  }

  private double[][] llama(int[] tokens) {
    double[][] x = embed("model.embed_tokens.weight", tokens);
    for (int layer = 0; layer < integer("num_hidden_layers"); layer++) {
      String name = "model.layers." + layer + ".";
      double[][] normed = rmsNorm(name + "input_layernorm.weight", x);
      double[][][] q = normed(name + "self_attn.q_norm.weight",
          heads(linear(name + "self_attn.q_proj", normed), heads));
      double[][][] k = repeat(normed(name + "self_attn.k_norm.weight",
          heads(linear(name + "self_attn.k_proj", normed), keyHeads)));
      double[][][] v = repeat(heads(linear(name + "self_attn.v_proj", normed), keyHeads));
      x = add(x, linear(name + "self_attn.o_proj",
          attention(q, k, v, width, config.required("rope_theta").asDouble())));
      normed = rmsNorm(name + "post_attention_layernorm.weight", x);
      x = add(x,
          type().equals("mixtral")
              ? mixture(name + "block_sparse_moe.", normed)
              : gated(name + "mlp.gate_proj", name + "mlp.up_proj", name + "mlp.down_proj", normed));
    }
    return head(rmsNorm("model.norm.weight", x), "lm_head.weight", "model.embed_tokens.weight");
  }

  private double[][] gated(String gate, String up, String down, double[][] x) {
    double[][] left = each(linear(gate, x), activation());
    double[][] right = linear(up, x);
    for (int t = 0; t < left.length; t++) {
      for (int i = 0; i < left[t].length; i++) {
        left[t][i] *= right[t][i];
      }
    }
    return linear(down, left);
  }

  /** softmax over all experts, the largest few of it over their sum, and those experts' outputs added up with it. */
  private double[][] mixture(String name, double[][] x) {
    double[][] router = linear(name + "gate", x);
    double[][] out = new double[x.length][d];
    for (int t = 0; t < x.length; t++) {
      double[] p = Arrays.stream(router[t]).map(Math::exp).toArray();
      double least = Arrays.stream(p).sorted().toArray()[p.length - integer("num_experts_per_tok")];
      double sum = Arrays.stream(p).filter(value -> value >= least).sum();
      for (int e = 0; e < integer("num_local_experts"); e++) {
        if (p[e] >= least) {
          String one = name + "experts." + e + ".";
          double[] made = gated(one + "w1", one + "w3", one + "w2", new double[][]{x[t]})[0];
          for (int i = 0; i < d; i++) {
            out[t][i] += p[e] / sum * made[i];
          }
        }
      }
    }
    return out;
  }

  private DoubleUnaryOperator activation() {
    return activation(config.required("hidden_act").asString());
  }

  private DoubleUnaryOperator activation(String name) {
    return switch (name) {
      case "gelu_pytorch_tanh" ->
          x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * Math.pow(x, 3))));
      case "silu" -> x -> x / (1 + Math.exp(-x));
      case "relu2" -> x -> Math.pow(Math.max(0, x), 2);
      default -> throw new IllegalArgumentException(config.toString());
    };
  }

  private double value(String name, int index) {
    Safetensors.Array tensor = tensors.get(name);
    return tensor.flat()[tensor.offset() + index];
  }

  private double[][] embed(String name, int[] tokens) {
    double[][] x = new double[tokens.length][d];
    for (int t = 0; t < tokens.length; t++) {
      for (int i = 0; i < d; i++) {
        x[t][i] = value(name, tokens[t] * d + i);
      }
    }
    return x;
  }

  /** torch.nn.Linear: x weight^T + bias. */
  private double[][] linear(String name, double[][] x) {
    int outputs = (int) tensors.get(name + ".weight").shape()[0];
    double[][] out = new double[x.length][outputs];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < outputs; o++) {
        out[t][o] = tensors.containsKey(name + ".bias") ? value(name + ".bias", o) : 0;
        for (int i = 0; i < x[t].length; i++) {
          out[t][o] += x[t][i] * value(name + ".weight", o * x[t].length + i);
        }
      }
    }
    return out;
  }

  private double[][] head(double[][] x, String own, String tied) {
    String name = config.required("tie_word_embeddings").asBoolean() ? tied : own;
    double[][] out = new double[x.length][integer("vocab_size")];
    for (int t = 0; t < x.length; t++) {
      for (int v = 0; v < out[t].length; v++) {
        for (int i = 0; i < d; i++) {
          out[t][v] += x[t][i] * value(name, v * d + i);
        }
      }
    }
    return out;
  }

  private double[][] layerNorm(String name, double[][] x) {
    return layerNorm(name, x, config.required("layer_norm_eps").asDouble());
  }

  private double[][] layerNorm(String name, double[][] x, double epsilon) {
    double[][] out = new double[x.length][d];
    for (int t = 0; t < x.length; t++) {
      double mean = 0;
      for (double e : x[t]) {
        mean += e / d;
      }
      double variance = 0;
      for (double e : x[t]) {
        variance += (e - mean) * (e - mean) / d;
      }
      for (int i = 0; i < d; i++) {
        out[t][i] = (x[t][i] - mean) / Math.sqrt(variance + epsilon) * value(name + ".weight", i)
            + value(name + ".bias", i);
      }
    }
    return out;
  }

  /** Qwen3Attention's norms over the head size; others have none. */
  private double[][][] normed(String name, double[][][] heads) {
    return type().equals("qwen3")
        ? Arrays.stream(heads).map(head -> rmsNorm(name, head)).toArray(double[][][]::new)
        : heads;
  }

  private double[][] rmsNorm(String name, double[][] x) {
    int n = x[0].length;
    double[][] out = new double[x.length][n];
    for (int t = 0; t < x.length; t++) {
      double square = 0;
      for (double e : x[t]) {
        square += e * e / n;
      }
      for (int i = 0; i < n; i++) {
        out[t][i] = value(name, i) * x[t][i] / Math.sqrt(square + config.required("rms_norm_eps").asDouble());
      }
    }
    return out;
  }

  private double[][][] heads(double[][] x, int count) {
    double[][][] out = new double[count][x.length][width];
    for (int h = 0; h < count; h++) {
      for (int t = 0; t < x.length; t++) {
        System.arraycopy(x[t], h * width, out[h][t], 0, width);
      }
    }
    return out;
  }

  /** repeat_kv: each head of keys, as often as there are heads of queries to one of them, one behind the other. */
  private double[][][] repeat(double[][][] x) {
    double[][][] out = new double[heads][][];
    for (int h = 0; h < heads; h++) {
      out[h] = x[h / (heads / keyHeads)];
    }
    return out;
  }

  /** x * cos + rotate_half(x) * sin over the first components. */
  private double[] rotate(double[] x, int position, int rotated, double base) {
    double[] out = x.clone();
    for (int i = 0; i < rotated; i++) {
      double angle = position * (1 / Math.pow(base, 2.0 * (i % (rotated / 2)) / rotated));
      double half = i < rotated / 2 ? -x[i + rotated / 2] : x[i - rotated / 2];
      out[i] = x[i] * Math.cos(angle) + half * Math.sin(angle);
    }
    return out;
  }

  private double[][] attention(double[][][] q, double[][][] k, double[][][] v, int rotated, double base) {
    int length = q[0].length;
    int window = config.path("sliding_window").asInt(length);
    double[][] out = new double[length][heads * width];
    for (int h = 0; h < heads; h++) {
      for (int i = 0; i < length; i++) {
        double[] weights = new double[length];
        double sum = 0;
        for (int j = 0; j <= i; j++) {
          // The mask's own words: kv_idx > q_idx - sliding_window.
          if (j > i - window) {
            double[] query = rotate(q[h][i], i, rotated, base);
            double[] key = rotate(k[h][j], j, rotated, base);
            double score = 0;
            for (int c = 0; c < width; c++) {
              score += query[c] * key[c];
            }
            weights[j] = Math.exp(score * Math.pow(width, -0.5));
            sum += weights[j];
          }
        }
        for (int j = 0; j <= i; j++) {
          for (int c = 0; c < width; c++) {
            out[i][h * width + c] += weights[j] / sum * v[h][j][c];
          }
        }
      }
    }
    return out;
  }

  private static double[][] add(double[][] a, double[][] b) {
    double[][] out = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        out[t][i] = a[t][i] + b[t][i];
      }
    }
    return out;
  }

  private static double[][] each(double[][] x, DoubleUnaryOperator f) {
    double[][] out = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        out[t][i] = f.applyAsDouble(x[t][i]);
      }
    }
    return out;
  }
}
