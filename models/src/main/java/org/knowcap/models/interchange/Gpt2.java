package org.knowcap.models.interchange;

import java.util.List;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;

/** GPT-2 itself, with learned positions. */
record Gpt2() implements ModelClass {
  @Override
  public String type() {
    return "gpt2";
  }

  @Override
  public String architecture() {
    return "GPT2LMHeadModel";
  }

  @Override
  public List<String> objections(ModelSpec model) {
    List<String> objections = ModelClass.gptObjections(model);
    if (!(model.positions() instanceof Positions.Learned)) {
      objections.add("learned positions, found " + model.positions().kind());
    }
    return objections;
  }

  @Override
  public List<Setting> settings(ModelSpec model, double epsilon, int context) {
    Positions.Learned positions = (Positions.Learned) model.positions();
    return List.of(Setting.of("n_embd", model.width()), Setting.of("n_layer", model.layers()),
        Setting.of("n_head", model.heads()),
        Setting.of("n_inner", model.innerWidth())
            .orElse(4 * model.width())
            .orNull(model.innerWidth() == 4 * model.width()),
        Setting.of("n_positions", positions.length()),
        ModelClass.activation("activation_function", model.feedForward().activation()).orElse("gelu_new"),
        Setting.of("layer_norm_epsilon", epsilon).orElse(1e-5),
        Setting.of("scale_attn_weights", true).orElse(true),
        Setting.of("scale_attn_by_inverse_layer_idx", false).orElse(false),
        Setting.of("tie_word_embeddings", model.tied()).orElse(true));
  }

  @Override
  public String embedding() {
    return "transformer.wte.weight";
  }

  @Override
  public String head() {
    return "lm_head.weight";
  }

  @Override
  public List<String> dropouts() {
    return List.of("resid_pdrop", "embd_pdrop", "attn_pdrop");
  }

  @Override
  public void tensors(ModelSpec model, Counterparts counterparts) {
    counterparts.same(embedding(), "embedding");
    counterparts.same("transformer.wpe.weight", "positions");
    for (int layer = 0; layer < model.layers(); layer++) {
      String theirs = "transformer.h." + layer + ".";
      String ours = "block." + layer + ".";
      counterparts.same(theirs + "ln_1.weight", ours + "attention.norm.gain");
      counterparts.same(theirs + "ln_1.bias", ours + "attention.norm.bias");
      counterparts.convolution(theirs + "attn.c_attn", ours + "attention.qkv");
      counterparts.convolution(theirs + "attn.c_proj", ours + "attention.out");
      counterparts.same(theirs + "ln_2.weight", ours + "mlp.norm.gain");
      counterparts.same(theirs + "ln_2.bias", ours + "mlp.norm.bias");
      counterparts.convolution(theirs + "mlp.c_fc", ours + "mlp.in");
      counterparts.convolution(theirs + "mlp.c_proj", ours + "mlp.out");
    }
    counterparts.same("transformer.ln_f.weight", "norm.gain");
    counterparts.same("transformer.ln_f.bias", "norm.bias");
    if (!model.tied()) {
      counterparts.transposed(head(), "head");
    }
  }
}
