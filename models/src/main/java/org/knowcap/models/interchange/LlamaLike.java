package org.knowcap.models.interchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Rotary;

/** RMSNorm, rotary positions of whole heads, a gated feed-forward: LLaMA and what is made like it. */
sealed interface LlamaLike extends ModelClass {
  /** LLaMA, of full attention, with biases or without. */
  record Llama() implements LlamaLike {
    @Override
    public String type() {
      return "llama";
    }

    @Override
    public String architecture() {
      return "LlamaForCausalLM";
    }

    @Override
    public List<String> objections(ModelSpec model) {
      List<String> objections = LlamaLike.super.objections(model);
      ModelClass.noWindow(model).ifPresent(objections::add);
      ModelClass.noExperts(model).ifPresent(objections::add);
      return objections;
    }

    @Override
    public int usualKeyHeads(ModelSpec model) {
      return model.heads();
    }

    @Override
    public List<Setting> settings(ModelSpec model, double epsilon, int context) {
      List<Setting> settings = LlamaLike.super.settings(model, epsilon, context);
      settings.add(Setting.of("attention_bias", model.biases()).orElse(false));
      settings.add(Setting.of("mlp_bias", model.biases()).orElse(false));
      return settings;
    }
  }

  /** Qwen3, with a norm of each head's queries and keys; it has biases in attention alone, so none here. */
  record Qwen3() implements LlamaLike {
    @Override
    public String type() {
      return "qwen3";
    }

    @Override
    public String architecture() {
      return "Qwen3ForCausalLM";
    }

    @Override
    public boolean hasQkNorm() {
      return true;
    }

    @Override
    public int usualKeyHeads(ModelSpec model) {
      return 32;
    }

    @Override
    public int usualHeadWidth(ModelSpec model) {
      return 128;
    }

    @Override
    public List<String> objections(ModelSpec model) {
      List<String> objections = LlamaLike.super.objections(model);
      ModelClass.noBiases(model).ifPresent(objections::add);
      ModelClass.noWindow(model).ifPresent(objections::add);
      ModelClass.noExperts(model).ifPresent(objections::add);
      return objections;
    }

    @Override
    public List<Setting> settings(ModelSpec model, double epsilon, int context) {
      List<Setting> settings = LlamaLike.super.settings(model, epsilon, context);
      settings.add(Setting.of("attention_bias", false).orElse(false));
      settings.add(Setting.of("use_sliding_window", false).orElse(false));
      return settings;
    }
  }

  /** Mistral, without biases; its window counts the token itself, as ours does. */
  record Mistral() implements LlamaLike {
    private static final int USUAL_WINDOW = 4096;

    @Override
    public String type() {
      return "mistral";
    }

    @Override
    public String architecture() {
      return "MistralForCausalLM";
    }

    @Override
    public List<String> objections(ModelSpec model) {
      List<String> objections = LlamaLike.super.objections(model);
      ModelClass.noBiases(model).ifPresent(objections::add);
      ModelClass.noExperts(model).ifPresent(objections::add);
      return objections;
    }

    @Override
    public List<Setting> settings(ModelSpec model, double epsilon, int context) {
      List<Setting> settings = LlamaLike.super.settings(model, epsilon, context);
      settings.add(ModelClass.window(model, context).orElse(USUAL_WINDOW));
      return settings;
    }
  }

  /** Mixtral: as Mistral, with experts of which each token is sent to some, and none turned away. */
  record Mixtral() implements LlamaLike {
    @Override
    public String type() {
      return "mixtral";
    }

    @Override
    public String architecture() {
      return "MixtralForCausalLM";
    }

    @Override
    public List<String> objections(ModelSpec model) {
      List<String> objections = LlamaLike.super.objections(model);
      ModelClass.noBiases(model).ifPresent(objections::add);
      model.feedForward().experts().ifPresentOrElse(experts -> {
        if (!experts.causal()) {
          objections.add("tokens that choose, found experts that do");
        }
        if (experts.topK() == 1) {
          // There the only expert's share is 1, here it is its probability.
          objections.add("at least two experts a token, found one");
        }
        experts.testCapacityFactor()
            .ifPresent(factor -> objections.add("no capacity at test, found a factor of " + factor));
        if (experts.every() != 1) {
          objections.add("experts in every block, found every " + experts.every());
        }
        if (experts.shared() != 0) {
          objections.add("no shared experts, found " + experts.shared());
        }
      }, () -> objections.add("a mixture of experts, found one feed-forward"));
      return objections;
    }

    @Override
    public List<Setting> settings(ModelSpec model, double epsilon, int context) {
      Experts experts = model.feedForward().experts().orElseThrow();
      List<Setting> settings = LlamaLike.super.settings(model, epsilon, context);
      settings.add(Setting.of("num_local_experts", experts.count()).orElse(8));
      settings.add(Setting.of("num_experts_per_tok", experts.topK()).orElse(2));
      settings.add(ModelClass.window(model, context).orElseNull());
      return settings;
    }

    @Override
    public double usualEpsilon() {
      return 1e-5;
    }

    @Override
    public double usualBase() {
      return 1e6;
    }

    @Override
    public void feedForward(String theirs, String ours, ModelSpec model, Counterparts counterparts) {
      int inner = model.innerWidth();
      int experts = model.feedForward().experts().orElseThrow().count();
      String mixture = theirs + "block_sparse_moe.";
      counterparts.linear(mixture + "gate", ours + "mlp.router");
      for (int expert = 0; expert < experts; expert++) {
        String one = mixture + "experts." + expert + ".";
        String in = ours + "mlp.experts.in";
        counterparts.expert(one + "w1", in, expert, experts, inner, output -> output);
        counterparts.expert(one + "w2", ours + "mlp.experts.out", expert, experts, model.width(),
            output -> output);
        counterparts.expert(one + "w3", in, expert, experts, inner, output -> inner + output);
      }
    }
  }

  /** Whether its attention norms each head's queries and keys. */
  default boolean hasQkNorm() {
    return false;
  }

  /** Heads of keys where a config.json says none. */
  default int usualKeyHeads(ModelSpec model) {
    return 8;
  }

  /** The width of a head where a config.json says none. */
  default int usualHeadWidth(ModelSpec model) {
    return model.headWidth();
  }

  /** The norms' epsilon where a config.json says none. */
  default double usualEpsilon() {
    return 1e-6;
  }

  /** The base of the rotation where a config.json says none. */
  default double usualBase() {
    return 10_000;
  }

  /** The tensors of a block's feed-forward. */
  default void feedForward(String theirs, String ours, ModelSpec model, Counterparts counterparts) {
    int inner = model.innerWidth();
    counterparts.linear(theirs + "mlp.gate_proj", ours + "mlp.in", inner, output -> output);
    counterparts.linear(theirs + "mlp.up_proj", ours + "mlp.in", inner, output -> inner + output);
    counterparts.linear(theirs + "mlp.down_proj", ours + "mlp.out");
  }

  @Override
  default List<String> objections(ModelSpec model) {
    List<String> objections = new ArrayList<>();
    if (model.norm() != Norm.RMS) {
      objections.add("RMSNorm, found " + ModelClass.word(model.norm()));
    }
    if (model.feedForward().form() != FeedForward.Form.GATED) {
      objections.add("a gated feed-forward, found " + ModelClass.word(model.feedForward().form()));
    }
    Optional<Rotary> rotary = ModelClass.rotation(model);
    if (rotary.isEmpty()) {
      objections.add("rotary positions, found " + model.positions().kind());
    }
    ModelClass.noDocuments(model).ifPresent(objections::add);
    ModelClass.noAdditions(model).ifPresent(objections::add);
    ModelClass.noRecurrence(model).ifPresent(objections::add);
    if (model.qkNorm() != hasQkNorm()) {
      objections.add(hasQkNorm() ? "QK-norm, found none" : "no QK-norm, found one");
    }
    rotary.filter(found -> found.fraction() != 1)
        .ifPresent(found -> objections.add("whole heads rotated, found a share of " + found.fraction()));
    return objections;
  }

  @Override
  default List<Setting> settings(ModelSpec model, double epsilon, int context) {
    return new ArrayList<>(List.of(Setting.of("hidden_size", model.width()),
        Setting.of("num_hidden_layers", model.layers()), Setting.of("num_attention_heads", model.heads()),
        Setting.of("num_key_value_heads", model.keyHeads())
            .orElse(usualKeyHeads(model))
            .orNull(model.keyHeads() == model.heads()),
        Setting.of("head_dim", model.headWidth()).orElse(usualHeadWidth(model)).orNull(true),
        Setting.of("intermediate_size", model.innerWidth()),
        ModelClass.activation("hidden_act", model.feedForward().activation()).orElse("silu"),
        Setting.of("rms_norm_eps", epsilon).orElse(usualEpsilon()),
        Setting.of("rope_theta", ModelClass.rotation(model).orElseThrow().base())
            .orElse(usualBase())
            .orAt("/rope_parameters/rope_theta"),
        Setting.of("tie_word_embeddings", model.tied()).orElse(false)));
  }

  @Override
  default String embedding() {
    return "model.embed_tokens.weight";
  }

  @Override
  default String head() {
    return "lm_head.weight";
  }

  @Override
  default void tensors(ModelSpec model, Counterparts counterparts) {
    int queries = model.width();
    int keys = model.keyHeads() * model.headWidth();
    counterparts.same(embedding(), "embedding");
    for (int layer = 0; layer < model.layers(); layer++) {
      String theirs = "model.layers." + layer + ".";
      String ours = "block." + layer + ".";
      String qkv = ours + "attention.qkv";
      counterparts.same(theirs + "input_layernorm.weight", ours + "attention.norm.gain");
      counterparts.linear(theirs + "self_attn.q_proj", qkv, queries, output -> output);
      counterparts.linear(theirs + "self_attn.k_proj", qkv, keys, output -> queries + output);
      counterparts.linear(theirs + "self_attn.v_proj", qkv, keys, output -> queries + keys + output);
      counterparts.linear(theirs + "self_attn.o_proj", ours + "attention.out");
      if (model.qkNorm()) {
        String gains = ours + "attention.qk_norm.gain";
        counterparts.part(theirs + "self_attn.q_norm.weight", gains, 0, model.headWidth());
        counterparts.part(theirs + "self_attn.k_norm.weight", gains, model.headWidth(), model.headWidth());
      }
      counterparts.same(theirs + "post_attention_layernorm.weight", ours + "mlp.norm.gain");
      feedForward(theirs, ours, model, counterparts);
    }
    counterparts.same("model.norm.weight", "norm.gain");
    if (!model.tied()) {
      counterparts.transposed(head(), "head");
    }
  }
}
