package org.knowcap.models.interchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Program;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.Mask;
import org.knowcap.models.architecture.Mixer;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;

/**
 * A class of models in transformers: which of our models it can hold, how its config.json says so, where tensors go.
 */
sealed interface ModelClass permits GptNeoX, Gpt2, LlamaLike {
  /** All of them. */
  List<ModelClass> ALL = List.of(new GptNeoX(), new Gpt2(), new LlamaLike.Llama(), new LlamaLike.Qwen3(),
      new LlamaLike.Mistral(), new LlamaLike.Mixtral());

  /** Its {@code model_type}. */
  String type();

  /** Its Python class with a head that predicts tokens. */
  String architecture();

  /** The requirements of the class that the model does not meet; empty if the class can hold the model. */
  List<String> objections(ModelSpec model);

  /**
   * The settings that determine what the model computes, except the size of the vocabulary, which all classes call
   * alike.
   *
   * @param epsilon of the norms
   * @param context tokens of the longest text that the model is given
   */
  List<Setting> settings(ModelSpec model, double epsilon, int context);

  /** The tensor of the tokens' vectors, [V, d]. */
  String embedding();

  /** The head, [V, d]; if it is tied, a file may have it beside the embedding, with equal content. */
  String head();

  /**
   * Tensors that files of some versions have although they hold no weights: masks, and angles that follow from
   * settings.
   */
  Pattern BUFFERS = Pattern
      .compile("(.*\\.)?(rotary_emb\\.inv_freq|attn\\.(bias|masked_bias)|attention\\.(bias|masked_bias))");

  /** The entries that say how much is dropped at random in training, where transformers' own value is not zero. */
  default List<String> dropouts() {
    return List.of();
  }

  /** Its tensors. */
  void tensors(ModelSpec model, Counterparts counterparts);

  /** Its tensors for a program of that model. */
  default List<Counterpart> counterparts(ModelSpec model, Program program) {
    Counterparts counterparts = new Counterparts(program);
    tensors(model, counterparts);
    return counterparts.list();
  }

  /** The entry of the feed-forward's activation. Our GELU is the one by tanh; "gelu" is the one by erf. */
  static Setting activation(String key, Activation activation) {
    return switch (activation) {
      case GELU -> Setting.of(key, "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_python_tanh");
      case SILU -> Setting.of(key, "silu", "swish");
      case RELU2 -> Setting.of(key, "relu2");
    };
  }

  /** What the model's norms add to a variance; all of them add as much. */
  static double epsilon(Program scoring) {
    return scoring.forward()
        .stream()
        .filter(Normalisation.class::isInstance)
        .map(Normalisation.class::cast)
        .findFirst()
        .orElseThrow()
        .epsilon();
  }

  /** The rotation of queries and keys, if there is one; the NTK-aware one is a rotation of another base. */
  static Optional<Rotary> rotation(ModelSpec model) {
    return switch (model.positions()) {
      case Rotary rotary -> Optional.of(rotary);
      case Positions.Ntk ntk -> Optional.of(ntk.scaled(model.headWidth()));
      case Positions.Rerope _,Positions.LeakyRerope _,Positions.Alibi _,Positions.Learned _,Positions.None _ ->
          Optional.empty();
    };
  }

  /** How many tokens a query sees; if it sees the whole of every text, any larger number means the same. */
  static Setting window(ModelSpec model, int context) {
    Setting window = Setting.of("sliding_window", model.attentionWindow());
    return model.attentionWindow().orElse(context) >= context
        ? window.orAtLeast(context).orNull(true)
        : window;
  }

  /** What GPT-2 and GPT-NeoX want but for positions. */
  static List<String> gptObjections(ModelSpec model) {
    List<String> objections = new ArrayList<>();
    if (model.norm() != Norm.LAYER) {
      objections.add("LayerNorm, found " + word(model.norm()));
    }
    if (model.feedForward().form() != FeedForward.Form.STANDARD) {
      objections.add("a standard feed-forward, found " + word(model.feedForward().form()));
    }
    if (!model.biases()) {
      objections.add("biases, found none");
    }
    if (model.keyHeads() != model.heads()) {
      objections
          .add("as many heads of keys as of queries, found " + model.keyHeads() + " and " + model.heads());
    }
    noWindow(model).ifPresent(objections::add);
    if (model.qkNorm()) {
      objections.add("no QK-norm, found one");
    }
    noDocuments(model).ifPresent(objections::add);
    noAdditions(model).ifPresent(objections::add);
    noRecurrence(model).ifPresent(objections::add);
    noExperts(model).ifPresent(objections::add);
    return objections;
  }

  /** What a class without attention windows says of a model that has one. */
  static Optional<String> noWindow(ModelSpec model) {
    return model.attentionWindow().map(tokens -> "full attention, found a window of " + tokens);
  }

  /** What a class without biases says of a model that has some. */
  static Optional<String> noBiases(ModelSpec model) {
    return model.biases() ? Optional.of("no biases, found some") : Optional.empty();
  }

  /** What every class says of a model whose tokens see their own document alone. */
  static Optional<String> noDocuments(ModelSpec model) {
    return model.mask() == Mask.DOCUMENT
        ? Optional.of("attention over all earlier tokens, found a mask by document")
        : Optional.empty();
  }

  /** What every class says of a model with Canon layers, loops, a memory, or adapters that are not merged. */
  static Optional<String> noAdditions(ModelSpec model) {
    if (model.lowRank().isPresent()) {
      return Optional.of("adapters merged into the weights, found them apart");
    }
    if (model.loops() > 1) {
      return Optional.of("each block once, found " + model.loops() + " loops");
    }
    if (model.ngrams().isPresent()) {
      return Optional.of("no memory of n-grams, found one");
    }
    return model.canon().isEmpty() ? Optional.empty() : Optional.of("no Canon layers, found some");
  }

  /** What every class says of a model with a recurrence in the place of attention. */
  static Optional<String> noRecurrence(ModelSpec model) {
    return model.recurrent()
        ? Optional.of("attention in every block, found "
            + model.mixers().stream().filter(Mixer::recurrent).map(Mixer::word).findFirst().orElseThrow())
        : Optional.empty();
  }

  /** What a class without experts says of a model that has them. */
  static Optional<String> noExperts(ModelSpec model) {
    return model.feedForward()
        .experts()
        .map(experts -> "one feed-forward, found a mixture of " + experts.count());
  }

  static String word(Norm norm) {
    return switch (norm) {
      case LAYER -> "LayerNorm";
      case RMS -> "RMSNorm";
    };
  }

  static String word(FeedForward.Form form) {
    return switch (form) {
      case NONE -> "none";
      case STANDARD -> "a standard one";
      case GATED -> "a gated one";
    };
  }
}
