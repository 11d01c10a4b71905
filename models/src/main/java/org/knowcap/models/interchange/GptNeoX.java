package org.knowcap.models.interchange;

import java.util.List;
import java.util.function.IntUnaryOperator;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Rotary;

/** GPT-NeoX with its two parts of a block one after the other: GPT2 with rotary positions. */
record GptNeoX() implements ModelClass {
  @Override
  public String type() {
    return "gpt_neox";
  }

  @Override
  public String architecture() {
    return "GPTNeoXForCausalLM";
  }

  @Override
  public List<String> objections(ModelSpec model) {
    List<String> objections = ModelClass.gptObjections(model);
    if (ModelClass.rotation(model).isEmpty()) {
      objections.add("rotary positions, found " + model.positions().kind());
    }
    return objections;
  }

  @Override
  public List<Setting> settings(ModelSpec model, double epsilon, int context) {
    Rotary rotary = ModelClass.rotation(model).orElseThrow();
    return List.of(Setting.of("hidden_size", model.width()), Setting.of("num_hidden_layers", model.layers()),
        Setting.of("num_attention_heads", model.heads()), Setting.of("intermediate_size", model.innerWidth()),
        ModelClass.activation("hidden_act", model.feedForward().activation()).orElse("gelu"),
        Setting.of("use_parallel_residual", false).orElse(true),
        Setting.of("attention_bias", true).orElse(true), Setting.of("layer_norm_eps", epsilon).orElse(1e-5),
        Setting.of("rotary_pct", rotary.fraction())
            .orElse(0.25)
            .orAt("/rope_parameters/partial_rotary_factor"),
        Setting.of("rotary_emb_base", rotary.base())
            .orElse(10_000)
            .orAt("/rope_parameters/rope_theta", "/rope_theta"),
        Setting.of("tie_word_embeddings", model.tied()).orElse(false));
  }

  @Override
  public String embedding() {
    return "gpt_neox.embed_in.weight";
  }

  @Override
  public String head() {
    return "embed_out.weight";
  }

  @Override
  public void tensors(ModelSpec model, Counterparts counterparts) {
    int d = model.width();
    int width = model.headWidth();
    // Theirs are head after head, each with its query, key and value; ours are queries, keys, values, each head after
    // head.
    IntUnaryOperator byHead = output -> output / width % 3 * d + output / (3 * width) * width
        + output % width;
    counterparts.same(embedding(), "embedding");
    for (int layer = 0; layer < model.layers(); layer++) {
      String theirs = "gpt_neox.layers." + layer + ".";
      String ours = "block." + layer + ".";
      counterparts.same(theirs + "input_layernorm.weight", ours + "attention.norm.gain");
      counterparts.same(theirs + "input_layernorm.bias", ours + "attention.norm.bias");
      counterparts.linear(theirs + "attention.query_key_value", ours + "attention.qkv", 3 * d, byHead);
      counterparts.linear(theirs + "attention.dense", ours + "attention.out");
      counterparts.same(theirs + "post_attention_layernorm.weight", ours + "mlp.norm.gain");
      counterparts.same(theirs + "post_attention_layernorm.bias", ours + "mlp.norm.bias");
      counterparts.linear(theirs + "mlp.dense_h_to_4h", ours + "mlp.in");
      counterparts.linear(theirs + "mlp.dense_4h_to_h", ours + "mlp.out");
    }
    counterparts.same("gpt_neox.final_layer_norm.weight", "norm.gain");
    counterparts.same("gpt_neox.final_layer_norm.bias", "norm.bias");
    if (!model.tied()) {
      counterparts.transposed(head(), "head");
    }
  }
}
