package org.knowcap.models.architecture;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The architecture of a model: blocks of attention and feed-forward on a residual stream of width d = heads * head
 * width.
 *
 * @param family the family that the model was made from; it has the family's properties except those that were changed
 * @param layers number of blocks l, at least 1
 * @param heads attention heads h, at least 1
 * @param headWidth components of a head; 64 in the paper
 * @param keyHeads heads of keys and of values, a divisor of h: each serves h / keyHeads heads of queries
 * @param attentionWindow number of tokens that a query sees, itself included, at least 1; absent if it sees all
 *        earlier tokens
 * @param mask which of those tokens it sees
 * @param positions how the model knows the positions of its tokens
 * @param biases whether matrices other than embedding and head have biases
 * @param tied whether the head is the embedding
 * @param qkNorm whether each head's queries and keys have an RMSNorm of their own, with a gain for queries and one
 *        for keys
 * @param canon where each block has Canon layers, in their order
 * @param mixers what lets the tokens of the first blocks see each other; later blocks repeat the list
 * @param loops how often a token goes through all blocks, from 1 to {@value #MOST_LOOPS}
 * @param lowRank the adapters, which alone are trained; absent if all parameters are trained
 * @param ngrams the memory that some blocks read by the last tokens
 */
public record ModelSpec(Family family, int layers, int heads, int headWidth, int keyHeads,
    Optional<Integer> attentionWindow, Mask mask, Positions positions, Norm norm, FeedForward feedForward,
    boolean biases, boolean tied, boolean qkNorm, List<CanonLayer> canon, List<Mixer> mixers, int loops,
    Optional<LowRank> lowRank, Optional<NgramMemory> ngrams) {
  /** The paper's head width. */
  public static final int PAPER_HEAD_WIDTH = 64;
  /** Most loops that a study can ask for. */
  public static final int MOST_LOOPS = 64;
  /** Widest head that a study can ask for. */
  public static final int WIDEST_HEAD = 1024;

  public ModelSpec {
    require(layers >= 1, "layers", layers);
    require(heads >= 1, "heads", heads);
    if (loops < 1 || loops > MOST_LOOPS) {
      throw new IllegalArgumentException("loops must be from 1 to " + MOST_LOOPS + ", found " + loops);
    }
    require(headWidth >= 1, "head width", headWidth);
    require(attentionWindow.orElse(1) >= 1, "attention window", attentionWindow.orElse(1));
    if (keyHeads < 1 || heads % keyHeads != 0) {
      throw new IllegalArgumentException(
          "key heads must divide the " + heads + " heads of queries, found " + keyHeads);
    }
    canon = List.copyOf(canon);
    mixers = Mixer.shortest(mixers);
    if (mixers.contains(Mixer.ATTENTION)) {
      positions.checkHead(headWidth);
    }
    checkMixers(layers, headWidth, attentionWindow, positions, qkNorm, mixers);
    if (feedForward.form() == FeedForward.Form.NONE
        && (canon.contains(CanonLayer.C) || canon.contains(CanonLayer.D))) {
      throw new IllegalArgumentException("Canon layers c and d need a feed-forward, which this model lacks");
    }
    if (feedForward.experts().isPresent() && canon.contains(CanonLayer.D)) {
      throw new IllegalArgumentException(
          "Canon layer d needs a feed-forward without experts, whose rows are not tokens in their order");
    }
    FeedForward ofBlock = feedForward;
    List<Mixer> ofBlocks = mixers;
    lowRank.ifPresent(adapters -> adapters.require(ofBlock, ofBlocks));
    ngrams.ifPresent(memory -> memory.require(layers));
  }

  private static void checkMixers(int layers, int headWidth, Optional<Integer> attentionWindow,
      Positions positions, boolean qkNorm, List<Mixer> mixers) {
    if (mixers.isEmpty() || mixers.size() > layers) {
      throw new IllegalArgumentException(
          "mixers must be of at least one block and at most as many as there are, " + layers + ", found "
              + Mixer.print(mixers));
    }
    if (mixers.stream().anyMatch(Mixer::recurrent) && headWidth % 2 != 0) {
      throw new IllegalArgumentException(
          "gla and gdn have keys half as wide as a head, so its width must be even, found " + headWidth);
    }
    if (!mixers.contains(Mixer.ATTENTION)) {
      boolean scores = switch (positions) {
        case Rotary _,Positions.Learned _,Positions.None _ -> false;
        case Positions.Ntk _,Positions.Rerope _,Positions.LeakyRerope _,Positions.Alibi _ -> true;
      };
      if (scores || qkNorm || attentionWindow.isPresent()) {
        throw new IllegalArgumentException(
            (scores ? "these positions" : qkNorm ? "QK-norm" : "an attention window")
                + " would change nothing: all blocks are " + Mixer.print(mixers)
                + ", and none has attention; leave it out");
      }
    }
  }

  private static void require(boolean holds, String what, int found) {
    if (!holds) {
      throw new IllegalArgumentException(what + " must be at least 1, found " + found);
    }
  }

  /**
   * Reads a short name, such as {@code gpt2-2-4-w16}: {@code FAMILY-LAYERS-HEADS}, then what differs from the
   * family, in the order of docs/architectures.md.
   *
   * @throws IllegalArgumentException where the name is none
   */
  public static ModelSpec parse(String name) {
    return ModelName.parse(name);
  }

  /**
   * Whether a part of the keys' bias cancels in every attention weight: it adds one number to all scores of a query,
   * unless the keys are rotated by their positions, normalised, or mixed by a Canon layer. The gradient of this part
   * is only rounding error.
   */
  public boolean hasKeyBiasWithoutGradient() {
    return biases && lowRank.isEmpty() && mixers.contains(Mixer.ATTENTION) && !qkNorm
        && !canon.contains(CanonLayer.B)
        && positions.rotary().map(rotary -> rotary.fraction() < 1).orElse(true);
  }

  /** The short name, as {@link #parse} reads it; it omits some settings of experts, see docs/architectures.md. */
  public String name() {
    return ModelName.of(this);
  }

  /** The values of a model while they change; they are checked when it is built. */
  public static final class Builder {
    Family family;
    int headWidth;
    int keyHeads;
    Optional<Integer> attentionWindow;
    Mask mask;
    Positions positions;
    Norm norm;
    FeedForward feedForward;
    boolean biases;
    boolean tied;
    boolean qkNorm;
    List<CanonLayer> canon;
    List<Mixer> mixers;
    int loops;
    Optional<LowRank> lowRank;
    Optional<NgramMemory> ngrams;
    private final int layers;
    private final int heads;

    private Builder(ModelSpec model) {
      family = model.family;
      layers = model.layers;
      heads = model.heads;
      headWidth = model.headWidth;
      keyHeads = model.keyHeads;
      attentionWindow = model.attentionWindow;
      mask = model.mask;
      positions = model.positions;
      norm = model.norm;
      feedForward = model.feedForward;
      biases = model.biases;
      tied = model.tied;
      qkNorm = model.qkNorm;
      canon = model.canon;
      mixers = model.mixers;
      loops = model.loops;
      lowRank = model.lowRank;
      ngrams = model.ngrams;
    }

    /**
     * The model.
     *
     * @throws IllegalArgumentException where there is none
     */
    public ModelSpec build() {
      return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, mask, positions, norm,
          feedForward, biases, tied, qkNorm, canon, mixers, loops, lowRank, ngrams);
    }
  }

  /** A builder with the values of this model. */
  public Builder builder() {
    return new Builder(this);
  }

  /** This model with another value of one option. */
  public <T> ModelSpec with(ModelOption<T> option, T value) {
    Builder builder = builder();
    option.set().accept(builder, value);
    return builder.build();
  }

  /** The model whose learnt parameters this one may start from: with one feed-forward for all experts, and without adapters. */
  public ModelSpec origin() {
    Builder builder = builder();
    builder.family = family.dense();
    builder.feedForward = feedForward.dense();
    builder.lowRank = Optional.empty();
    return builder.build();
  }

  /** Width d of the residual stream. */
  public int width() {
    return heads * headWidth;
  }

  /** Width of queries, keys and values together. */
  public int qkvWidth() {
    return (heads + 2 * keyHeads) * headWidth;
  }

  /** What lets the tokens of a block see each other. */
  public Mixer mixer(int layer) {
    return mixers.get(layer % mixers.size());
  }

  /** Whether some block has a recurrence in the place of attention. */
  public boolean recurrent() {
    return mixers.stream().anyMatch(Mixer::recurrent);
  }

  /** Width of queries, and of keys, of a head of a recurrence; its values have the width of a head. */
  public int recurrentKeyWidth() {
    return headWidth / 2;
  }

  /** Whether a token's loss depends on no later token. */
  public boolean causal() {
    return feedForward.experts().map(Experts::causal).orElse(true);
  }

  /** Width of the feed-forward's inner layer; 0 if there is no feed-forward. */
  public int innerWidth() {
    return feedForward.innerWidth(width());
  }

  /** Whether a block has a Canon layer at this place; a gated delta net has one on queries, keys and values. */
  public boolean hasCanon(CanonLayer place, int layer) {
    return canon.contains(place) || place == CanonLayer.B && mixer(layer) == Mixer.GDN;
  }

  /** Number of weights of a block's Canon layers, among {@code some}. */
  private long canonWeights(int layer, CanonLayer... some) {
    long columns = 0;
    for (CanonLayer place : some) {
      columns += !hasCanon(place, layer) ? 0 : switch (place) {
        case A, C -> width();
        case B -> mixer(layer).recurrent() ? 2L * width() : qkvWidth();
        case D -> (feedForward.form() == FeedForward.Form.GATED ? 2L : 1L) * innerWidth();
      };
    }
    return CanonLayer.WIDTH * columns;
  }

  /** Parameters of a block's mixer with its projections, but for gains. */
  private long mixing(int layer) {
    long d = width();
    long own = switch (mixer(layer)) {
      case ATTENTION -> d * qkvWidth() + d * d + (biases ? qkvWidth() + d : 0);
      case GLA -> 4 * d * d + (biases ? 4 * d : 0) + Mixer.RANK * (d + d / 2) + d / 2;
      case GDN -> 4 * d * d + (biases ? 4 * d : 0) + 2 * d * heads + 2L * heads;
    };
    return own + canonWeights(layer, CanonLayer.A, CanonLayer.B);
  }

  /** Gains of a block's mixer. */
  private long mixingGains(int layer) {
    return mixer(layer).recurrent() ? headWidth : qkNorm ? 2L * headWidth : 0;
  }

  /** Counts every parameter, by component, for a vocabulary of this many tokens. */
  public ParameterCount parameters(int vocabulary) {
    long d = width();
    long perNorm = norm == Norm.LAYER ? 2 * d : d;
    long norms = feedForward.form() == FeedForward.Form.NONE ? layers + 1 : 2L * layers + 1;
    long one = feedForward.parameters(width(), biases, 1);
    long mixtures = IntStream.range(0, layers).filter(feedForward::mixed).count();
    long experts = feedForward.experts().map(Experts::count).orElse(1);
    long shared = feedForward.experts()
        .map(e -> feedForward.parameters(width(), biases, e.shared()))
        .orElse(0L);
    long memories = ngrams.map(memory -> memory.layers().size()).orElse(0);
    double active = feedForward.experts().map(Experts::active).orElse(1.0);
    return new ParameterCount(vocabulary * d,
        positions instanceof Positions.Learned learned ? learned.length() * d : 0,
        IntStream.range(0, layers).mapToLong(this::mixing).sum(),
        (layers - mixtures) * one + mixtures * (experts * one + shared)
            + layers * canonWeights(0, CanonLayer.C, CanonLayer.D),
        mixtures * d * experts,
        norms * perNorm + IntStream.range(0, layers).mapToLong(this::mixingGains).sum() + memories * 2 * d,
        tied ? 0 : vocabulary * d,
        Math.round(mixtures * (experts - active) * one) + (lowRank.isPresent()
            ? 0
            : ngrams.map(memory -> memory.parameters() - memory.active()).orElse(0L)),
        ngrams.map(NgramMemory::parameters).orElse(0L),
        ngrams.map(memory -> memories * (2L * memory.rowWidth() * d + (biases ? 2 * d : 0))).orElse(0L),
        lowRank.map(adapters -> layers * adapters.parameters(width(), qkvWidth(), feedForward)).orElse(0L));
  }
}
