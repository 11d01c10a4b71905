package org.knowcap.models.interchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;

/**
 * A model architecture of llama.cpp. Each can hold what a class of transformers can hold. Its tensors are named as
 * llama.cpp names them; matrices are [outputs, inputs].
 */
enum GgufArchitecture {
  LLAMA("llama", new LlamaLike.Llama(), Activation.SILU) {
    /** llama.cpp rotates neighbours of a head; ours are half a head apart. */
    @Override
    IntUnaryOperator rotated(ModelSpec model, int from) {
      int width = model.headWidth();
      return output -> from + output / width * width + output % width % 2 * (width / 2) + output % width / 2;
    }

    @Override
    void tensors(ModelSpec model, Counterparts counterparts) {
      llamaLike(model, counterparts);
    }
  },
  QWEN3("qwen3", new LlamaLike.Qwen3(), Activation.SILU) {
    @Override
    void tensors(ModelSpec model, Counterparts counterparts) {
      llamaLike(model, counterparts);
    }
  },
  GPTNEOX("gptneox", new GptNeoX(), Activation.GELU) {
    @Override
    void tensors(ModelSpec model, Counterparts counterparts) {
      gpt(model, counterparts);
    }
  },
  GPT2("gpt2", new Gpt2(), Activation.GELU) {
    @Override
    void tensors(ModelSpec model, Counterparts counterparts) {
      counterparts.same("position_embd.weight", "positions");
      gpt(model, counterparts);
    }
  };

  private final String key;
  private final ModelClass twin;
  /** The only one that llama.cpp computes here; a class of transformers has a setting for it. */
  private final Activation activation;

  GgufArchitecture(String key, ModelClass twin, Activation activation) {
    this.key = key;
    this.twin = twin;
    this.activation = activation;
  }

  /** Its name in {@code general.architecture}. */
  String key() {
    return key;
  }

  /** The requirements that the model does not meet. */
  List<String> objections(ModelSpec model) {
    List<String> objections = new ArrayList<>(twin.objections(model));
    if (model.feedForward().activation() != activation) {
      objections.add("the activation " + activation + ", found " + model.feedForward().activation());
    }
    return objections;
  }

  /** Its tensors. A head that is tied is there again, since GPT-NeoX has no other. */
  abstract void tensors(ModelSpec model, Counterparts counterparts);

  /** Which of our outputs, counted from one, is each of theirs, of queries or keys. */
  IntUnaryOperator rotated(ModelSpec model, int from) {
    return output -> from + output;
  }

  /** The settings of a model, by their keys behind the architecture's name. */
  void settings(ModelSpec model, double epsilon, int context, Map<String, Object> settings) {
    // llama.cpp wants as many learned positions.
    settings.put("context_length",
        model.positions() instanceof Positions.Learned learned ? learned.length() : context);
    settings.put("embedding_length", model.width());
    settings.put("block_count", model.layers());
    settings.put("feed_forward_length", model.innerWidth());
    settings.put("attention.head_count", model.heads());
    settings.put("attention.head_count_kv", model.keyHeads());
    settings.put("attention.key_length", model.headWidth());
    settings.put("attention.value_length", model.headWidth());
    boolean rms = twin instanceof LlamaLike;
    settings.put(rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", (float) epsilon);
    ModelClass.rotation(model).ifPresent(rotary -> {
      settings.put("rope.dimension_count", (int) (model.headWidth() * rotary.fraction()));
      settings.put("rope.freq_base", (float) rotary.base());
    });
    if (this == GPTNEOX) {
      settings.put("use_parallel_residual", false);
    }
  }

  private static void ends(ModelSpec model, Counterparts counterparts) {
    counterparts.same("token_embd.weight", "embedding");
    if (model.tied()) {
      counterparts.same("output.weight", "embedding");
    } else {
      counterparts.transposed("output.weight", "head");
    }
  }

  void llamaLike(ModelSpec model, Counterparts counterparts) {
    int queries = model.width();
    int keys = model.keyHeads() * model.headWidth();
    int inner = model.innerWidth();
    ends(model, counterparts);
    for (int layer = 0; layer < model.layers(); layer++) {
      String theirs = "blk." + layer + ".";
      String ours = "block." + layer + ".";
      String qkv = ours + "attention.qkv";
      counterparts.same(theirs + "attn_norm.weight", ours + "attention.norm.gain");
      counterparts.linear(theirs + "attn_q", qkv, queries, rotated(model, 0));
      counterparts.linear(theirs + "attn_k", qkv, keys, rotated(model, queries));
      counterparts.linear(theirs + "attn_v", qkv, keys, output -> queries + keys + output);
      counterparts.linear(theirs + "attn_output", ours + "attention.out");
      if (model.qkNorm()) {
        String gains = ours + "attention.qk_norm.gain";
        counterparts.part(theirs + "attn_q_norm.weight", gains, 0, model.headWidth());
        counterparts.part(theirs + "attn_k_norm.weight", gains, model.headWidth(), model.headWidth());
      }
      counterparts.same(theirs + "ffn_norm.weight", ours + "mlp.norm.gain");
      counterparts.linear(theirs + "ffn_gate", ours + "mlp.in", inner, output -> output);
      counterparts.linear(theirs + "ffn_up", ours + "mlp.in", inner, output -> inner + output);
      counterparts.linear(theirs + "ffn_down", ours + "mlp.out");
    }
    counterparts.same("output_norm.weight", "norm.gain");
  }

  void gpt(ModelSpec model, Counterparts counterparts) {
    ends(model, counterparts);
    for (int layer = 0; layer < model.layers(); layer++) {
      String theirs = "blk." + layer + ".";
      String ours = "block." + layer + ".";
      norm(theirs + "attn_norm", ours + "attention.norm", counterparts);
      counterparts.linear(theirs + "attn_qkv", ours + "attention.qkv");
      counterparts.linear(theirs + "attn_output", ours + "attention.out");
      norm(theirs + "ffn_norm", ours + "mlp.norm", counterparts);
      counterparts.linear(theirs + "ffn_up", ours + "mlp.in");
      counterparts.linear(theirs + "ffn_down", ours + "mlp.out");
    }
    norm("output_norm", "norm", counterparts);
  }

  private static void norm(String theirs, String ours, Counterparts counterparts) {
    counterparts.same(theirs + ".weight", ours + ".gain");
    counterparts.same(theirs + ".bias", ours + ".bias");
  }
}
