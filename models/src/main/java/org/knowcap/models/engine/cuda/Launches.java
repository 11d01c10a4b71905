package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.engine.lowering.Step;
import org.knowcap.models.program.ForwardOperation.Attention;
import org.knowcap.models.program.ForwardOperation.Heads;
import org.knowcap.models.program.ForwardOperation.Scores;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Activation;

/** What is launched for each step of a program, in order, once for training or for scoring. */
final class Launches {
  private static final Numbers NONE = new Numbers(0, false);
  private static final int WARP = 32;
  private static final int NORM_WARPS = 4;
  private static final int COLUMN_THREADS = 256;
  private static final int SUM_THREADS = 1024;
  private static final int MEAN_THREADS = 256;
  /** Numbers that a thread of the mean reads at once. */
  private static final int MEAN_READ = 4;
  private static final int TURN_THREADS = 256;
  /** Bytes that a thread of the loss reads at a time, how many of them it keeps, and the most threads; see loss.cu. */
  private static final int CHUNK_BYTES = 16;
  private static final int CHUNKS_KEPT = 2;
  private static final int MOST_LOSS_THREADS = 416;
  private static final int EMBED_THREADS = 128;
  private static final int ATTENTION_THREADS = 128;
  /** Rows that a block of plain attention keeps, and rows of the tiles it walks along; see attention.cu. */
  private static final int ROWS = 16;
  private static final int TILE_ROWS = 32;
  /** The same on tensor cores; see tensor_attention.cu. */
  private static final int TENSOR_ROWS = 64;
  private static final int TENSOR_WALK = 32;

  private final Program program;
  private final Kernels kernels;
  private final Products products;
  private final Buffers buffers;
  private final KernelSource source;
  private final boolean learning;
  private final Mixtures mixtures;

  Launches(Program program, Kernels kernels, Products products, Buffers buffers, KernelSource source,
      boolean learning) {
    this.program = program;
    this.kernels = kernels;
    this.products = products;
    this.buffers = buffers;
    this.source = source;
    this.learning = learning;
    mixtures = new Mixtures(program, kernels, products, buffers, source, learning);
  }

  /** A batch's losses, and in training its gradients, which are added to those there are. */
  List<Launch> batch() {
    List<Launch> all = new ArrayList<>(documents());
    List<Step> steps = buffers.lowered(learning).steps();
    for (int i = 0; i < steps.size(); i++) {
      Optional<List<Launch>> both = i + 1 < steps.size()
          ? together(steps.get(i), steps.get(i + 1))
          : Optional.empty();
      all.addAll(both.isPresent() ? both.get() : of(steps.get(i)));
      i += both.isPresent() ? 1 : 0;
    }
    ColumnSums sums = buffers.sums();
    if (learning && sums.blocks() > 0) {
      all.add(
          kernels
              .launch("column_sums", new Grid(sums.blocks(), 1, SUM_THREADS, 0), buffers.address(Part.SUMS),
                  buffers.stretches(), buffers.address(Part.GRADIENTS))
              .moving(sums.bytes()));
    }
    return all;
  }

  /**
   * Two steps in a row that one launch may do: a product and GELU behind it, or GELU's slope; a norm's gradient and its copy.
   */
  private Optional<List<Launch>> together(Step first, Step second) {
    // In scoring, what goes into the product is read for the last time: GELU's result may lie there.
    if (learning && first instanceof Step.Linear l && second instanceof Step.Activate a
        && a.x().equals(l.out()) && a.activation() == Activation.GELU) {
      return Optional.of(products.activated(dense(l.x()), weight(l.weight(), l.transposed(), l.exact()),
          l.bias().map(buffers::operand), dense(l.out()), dense(a.out()), activate(a)));
    }
    if (first instanceof Step.LinearBackward l && second instanceof Step.ActivateBackward a
        && a.gradient().equals(l.dX()) && a.activation() == Activation.GELU) {
      List<Launch> all = new ArrayList<>(products.sloped(dense(l.dOut()),
          weight(l.weight(), !l.transposed(), l.exact()), dense(a.x()), dense(l.dX()), activateBackward(a)));
      all.addAll(weightGradient(l, dense(l.x()), dense(l.dOut()), 0));
      return Optional.of(all);
    }
    if (first instanceof Step.Turn t) {
      return ColumnSums.biasOf(t, List.of(second), source).map(bias -> {
        List<Launch> all = new ArrayList<>(List.of(turn(t, Optional.of(bias))));
        all.addAll(of(second));
        return all;
      });
    }
    if (first instanceof Step.NormBackward n) {
      return ColumnSums.copyOf(n, List.of(second)).map(copy -> List.of(normBackward(n, Optional.of(copy))));
    }
    return Optional.empty();
  }

  /** A step's batch that is not its last. */
  List<Launch> earlierBatch() {
    List<Launch> all = batch();
    all.add(mean(false));
    return all;
  }

  /** A step's last batch, or only one, and the update, which leaves gradients of zero for the next step. */
  List<Launch> lastBatch() {
    List<Launch> all = batch();
    all.add(mean(true));
    program.updateRule().ifPresent(how -> all.addAll(new Updates(program, how, kernels, buffers).all()));
    return all;
  }

  private Launch mean(boolean last) {
    long results = buffers.address(Part.LOSSES);
    int blocks = Math.clamp(Math.ceilDiv(program.rows(), MEAN_THREADS * MEAN_READ), 1, Buffers.MOST_BLOCKS);
    return kernels
        .launch("mean", new Grid(blocks, 1, MEAN_THREADS, 0), losses(), results + Buffers.TOTAL,
            results + Buffers.MEAN, results + Buffers.BLOCK_SUMS, results + Buffers.BLOCKS_DONE,
            buffers.address(Part.INPUTS), program.rows(), last ? 1 : 0)
        .moving(4L * program.rows() + 16L * blocks);
  }

  /** Bytes of shared memory that attention takes at most. */
  static int attentionBytes(KernelSource source) {
    return attentionBytes(source, 2);
  }

  /** @param kept matrices of which a block keeps its rows */
  private static int attentionBytes(KernelSource source, int kept) {
    int head = source.head();
    return source.tensorAttention()
        ? 2 * (head + 8) * (kept * TENSOR_ROWS + 4 * TENSOR_WALK) + 16 * TENSOR_WALK
        : 4 * (kept * ROWS * head + 2 * TILE_ROWS * (head + 1) + ATTENTION_THREADS);
  }

  private List<Launch> of(Step step) {
    return switch (step) {
      case Step.Gather s -> List.of(kernels
          .each("embed", s.out().size() / source.vector(), tokens(), buffers.parameter(s.table()).address(),
              at(s.out()), s.out().rows(), s.out().columns())
          .moving(4L * program.rows() + bytes(s.out())
              + 4L * Math.min(s.table().rows(), program.rows()) * s.table().columns()));
      case Step.Scatter s -> scatter(s);
      case Step.Place s -> List.of(kernels
          .each("place", s.x().size() / source.vector(), at(s.x()), buffers.parameter(s.table()).address(),
              s.length(), s.x().rows(), s.x().columns())
          .moving(2 * bytes(s.x()) + 4L * s.length() * s.x().columns()));
      case Step.PlaceBackward s -> List.of(kernels
          .launch("place_backward", new Grid(s.length(), 1, EMBED_THREADS, 0), at(s.dOut()),
              buffers.gradient(s.dTable()).address(), program.windows(), s.length(), s.dOut().columns())
          .moving(bytes(s.dOut()) + 8L * s.length() * s.dOut().columns()));
      case Step.Sum s -> List.of(elements("add", size(s.out()), at(s.a()), at(s.b()), at(s.out()))
          .moving(bytes(s.a()) + bytes(s.b()) + bytes(s.out())));
      case Step.Copy s -> List.of(kernels.each("copy", size(s.x()), at(s.x()), at(s.out()), size(s.x()))
          .moving(bytes(s.x()) + bytes(s.out())));
      case Step.Norm s -> List.of(norm(s));
      case Step.NormBackward s -> List.of(normBackward(s, Optional.empty()));
      case Step.Linear s -> List.of(linear(s, dense(s.x()), dense(s.out())));
      case Step.LinearBackward s -> linearBackward(s, dense(s.x()), dense(s.dOut()), dense(s.dX()), 0);
      case Step.Activate s -> List.of(activate(s));
      case Step.ActivateBackward s -> List.of(activateBackward(s));
      case Step.Gate s -> List
          .of(kernels
              .each("gate", size(s.out()) / source.vector(), number(s.activation()), at(s.x()), at(s.out()),
                  rows(s.out()), s.out().columns())
              .moving(bytes(s.x()) + bytes(s.out())));
      case Step.GateBackward s -> List.of(kernels
          .each("gate_backward", size(s.dOut()) / source.vector(), number(s.activation()), at(s.x()),
              at(s.dOut()), at(s.dX()), rows(s.dOut()), s.dOut().columns())
          .moving(bytes(s.x()) + bytes(s.dOut()) + bytes(s.dX())));
      case Step.Turn s -> List.of(turn(s, Optional.empty()));
      case Step.Attend s -> List.of(attend(s));
      case Step.AttendBackward s -> attendBackward(s);
      case Step.Head s -> head(s);
      case Step.Route s -> mixtures.route(s);
      case Step.RouteBackward s -> List.of(mixtures.routeBackward(s));
      case Step.Dispatch s -> List.of(mixtures.dispatch(s));
      case Step.DispatchBackward s -> List.of(mixtures.dispatchBackward(s));
      case Step.ExpertLinear s -> mixtures.linear(s);
      case Step.ExpertLinearBackward s -> mixtures.linearBackward(s);
      case Step.Combine s -> List.of(mixtures.combine(s));
      case Step.CombineBackward s -> List.of(mixtures.combineBackward(s));
    };
  }

  private Numbers at(Tensor tensor) {
    return buffers.activation(tensor, learning);
  }

  private int rows(Tensor tensor) {
    return buffers.rows(tensor, learning);
  }

  private long size(Tensor tensor) {
    return (long) rows(tensor) * tensor.columns();
  }

  private long bytes(Tensor tensor) {
    return size(tensor) * at(tensor).bytes();
  }

  private Matrix dense(Tensor tensor) {
    return Matrix.dense(at(tensor), tensor.rows(), tensor.columns());
  }

  private long tokens() {
    return buffers.address(Part.INPUTS) + Buffers.DIALS;
  }

  private long targets() {
    return tokens() + 4L * program.rows();
  }

  private long losses() {
    return buffers.address(Part.LOSSES) + Buffers.RESULTS;
  }

  private long predictions() {
    return losses() + 4L * program.rows();
  }

  private long work() {
    return buffers.address(Part.WORK);
  }

  private Launch elements(String kernel, long count, Object... arguments) {
    Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = count;
    return kernels.each(kernel, count / source.vector(), all);
  }

  private Launch activate(Step.Activate s) {
    return elements("activate", size(s.x()), number(s.activation()), at(s.x()), at(s.out()))
        .moving(bytes(s.x()) + bytes(s.out()));
  }

  private Launch activateBackward(Step.ActivateBackward s) {
    return elements("activate_backward", size(s.x()), number(s.activation()), at(s.x()), at(s.gradient()))
        .moving(bytes(s.x()) + 2 * bytes(s.gradient()));
  }

  /** As elementwise.cu counts them. */
  private static int number(Activation activation) {
    return switch (activation) {
      case GELU -> 0;
      case SILU -> 1;
    };
  }

  private List<Launch> scatter(Step.Scatter s) {
    int rows = program.rows();
    int most = TokenOrder.most(rows, program.vocabulary());
    long order = targets() + 4L * rows;
    long segments = order + 4L * rows;
    long first = segments + 4L * (most + 1);
    int width = s.dOut().columns();
    int warps = EMBED_THREADS / WARP;
    long parts = 4L * most * width;
    return List.of(
        kernels
            .launch("embed_segments", new Grid(Math.ceilDiv(most, warps), 1, EMBED_THREADS, 0), order,
                segments, first, at(s.dOut()), work(), program.vocabulary(), width)
            .moving(4L * rows + bytes(s.dOut()) + parts),
        kernels
            .launch("embed_backward",
                new Grid(Math.ceilDiv(program.vocabulary(), warps), 1, EMBED_THREADS, 0), first, work(),
                buffers.gradient(s.dTable()).address(), program.vocabulary(), width)
            .moving(parts + 8L * Math.min(program.vocabulary(), rows) * width));
  }

  private Launch headNorm(Step.Norm s, Heads heads) {
    long warps = (long) s.x().rows() * (heads.qkvWidth() / heads.width());
    return kernels
        .launch("head_norm",
            new Grid(Math.toIntExact(Math.ceilDiv(warps, NORM_WARPS)), 1, NORM_WARPS * WARP, 0), at(s.x()),
            buffers.parameter(s.gain()).address(), at(s.out()), at(s.moments()).address(), s.x().rows(),
            heads.count(), heads.keyCount(), (float) s.epsilon())
        .moving(bytes(s.x()) + bytes(s.out()) + bytes(s.moments()));
  }

  private Launch headNormBackward(Step.NormBackward s, Heads heads, long copy) {
    int blocks = ColumnSums.normBlocks(source, s.x().rows());
    return kernels
        .launch("head_norm_backward", new Grid(blocks, 1, source.normWarps() * WARP, 0), at(s.x()),
            buffers.parameter(s.gain()).address(), address(s.moments()), at(s.dOut()), address(s.dX()), copy,
            buffers.parts(s.dGain()), s.x().rows(), heads.count(), heads.keyCount())
        .moving(bytes(s.x()) + bytes(s.dOut()) + bytes(s.moments()) + bytes(s.dX())
            + (copy == 0 ? 0 : 2 * size(s.dX())) + 4L * blocks * s.dGain().columns());
  }

  private Launch norm(Step.Norm s) {
    if (s.heads().isPresent()) {
      return headNorm(s, s.heads().get());
    }
    Numbers a = s.sum().map(sum -> at(sum.a())).orElseGet(() -> at(s.x()));
    Numbers b = s.sum().map(sum -> at(sum.b())).orElse(NONE);
    return kernels
        .launch("normalise", new Grid(Math.ceilDiv(s.x().rows(), NORM_WARPS), 1, NORM_WARPS * WARP, 0), a, b,
            s.sum().isPresent() ? 1 : 0, at(s.x()), buffers.parameter(s.gain()).address(),
            s.bias().map(bias -> buffers.parameter(bias).address()).orElse(0L), at(s.out()),
            at(s.moments()).address(), s.x().rows(), s.x().columns(), (float) s.epsilon())
        .moving(s.sum().map(sum -> bytes(sum.a()) + bytes(sum.b())).orElse(0L) + bytes(s.x()) + bytes(s.out())
            + bytes(s.moments()));
  }

  private Launch normBackward(Step.NormBackward s, Optional<Step.Copy> copy) {
    Numbers residual = s.residual().map(this::at).orElse(NONE);
    boolean stream = !residual.narrow() && !at(s.x()).narrow() && at(s.dOut()).narrow() == source.narrow();
    int rows = s.x().rows();
    int blocks = ColumnSums.normBlocks(source, rows);
    Grid grid = new Grid(blocks, 1, source.normWarps() * WARP, 0);
    long to = copy.map(Step.Copy::out).map(this::address).orElse(0L);
    if (s.heads().isPresent()) {
      return headNormBackward(s, s.heads().get(), to);
    }
    int adds = s.residual().isPresent() ? 1 : 0;
    int centred = s.dBias().isPresent() ? 1 : 0;
    long gain = buffers.parameter(s.gain()).address();
    long parts = buffers.parts(s.dGain());
    int width = s.x().columns();
    Launch launch = stream
        ? kernels.launch("normalise_backward", grid, residual.address(), adds, address(s.x()), gain, centred,
            address(s.moments()), address(s.dOut()), address(s.dX()), to, parts, rows, width)
        : kernels.launch("normalise_any_backward", grid, residual, adds, at(s.x()), gain, centred,
            address(s.moments()), at(s.dOut()), address(s.dX()), to, parts, rows, width);
    return launch
        .moving(s.residual().map(this::bytes).orElse(0L) + bytes(s.x()) + bytes(s.dOut()) + bytes(s.moments())
            + bytes(s.dX()) + copy.map(Step.Copy::out).map(this::bytes).orElse(0L) + 12L * blocks * width);
  }

  /** Of an exact product in fp32. */
  private Matrix weight(Tensor weight, boolean transposed, boolean exact) {
    Numbers numbers = exact ? buffers.parameter(weight) : buffers.operand(weight);
    Matrix stored = Matrix.dense(numbers, weight.rows(), weight.columns());
    return transposed ? stored.transpose() : stored;
  }

  private Launch linear(Step.Linear s, Matrix x, Matrix out) {
    return products.of(x, weight(s.weight(), s.transposed(), s.exact()),
        s.bias().map(s.exact() ? buffers::parameter : buffers::operand), out, false);
  }

  /** @param part the first of the bias's parts that these rows have, if they have any of their own */
  private List<Launch> linearBackward(Step.LinearBackward s, Matrix x, Matrix dOut, Matrix dX, int part) {
    List<Launch> all = new ArrayList<>();
    all.add(products.of(dOut, weight(s.weight(), !s.transposed(), s.exact()), Optional.empty(), dX, false));
    all.addAll(weightGradient(s, x, dOut, part));
    return all;
  }

  /** Gradients of the weight and of the bias. */
  private List<Launch> weightGradient(Step.LinearBackward s, Matrix x, Matrix dOut, int part) {
    List<Launch> all = new ArrayList<>();
    Matrix dWeight = Matrix.dense(buffers.gradient(s.dWeight()), s.dWeight().rows(), s.dWeight().columns());
    all.add(s.transposed()
        ? products.of(dOut.transpose(), x, Optional.empty(), dWeight, true)
        : products.of(x.transpose(), dOut, Optional.empty(), dWeight, true));
    s.dBias().filter(bias -> buffers.sums().isApart(bias)).ifPresent(bias -> {
      int parts = ColumnSums.parts(dOut.rows());
      all.add(kernels
          .launch("column_parts",
              new Grid(Math.ceilDiv(dOut.columns(), WARP * source.vector()), parts, COLUMN_THREADS, 0),
              dOut.numbers(), buffers.parts(bias) + 4L * part * dOut.columns(), dOut.rows(), dOut.columns(),
              dOut.stride(), ColumnSums.stretch(dOut.rows()))
          .moving(
              (long) dOut.rows() * dOut.columns() * dOut.numbers().bytes() + 4L * parts * dOut.columns()));
    });
    return all;
  }

  /** @param bias the gradient that the sums of what is turned back are, if a product comes next that wants it */
  private Launch turn(Step.Turn s, Optional<Tensor> bias) {
    Numbers qkv = at(s.qkv());
    if (qkv.narrow() != source.narrow()) {
      throw new IllegalArgumentException("only what a product made is turned, found " + s);
    }
    Heads heads = s.rotary().heads();
    int turned = heads.count() + heads.keyCount();
    int half = s.rotary().rotated() / 2;
    int rows = program.rows();
    Object[] common = {qkv.address(), buffers.turns(s.rotary()), buffers.keyTurns(s.rotary())};
    Object[] shape = {rows, heads.length(), heads.qkvWidth(), heads.count(), turned, half};
    long moved = 4L * rows * turned * half * qkv.bytes() + 8L * heads.length() * half;
    if (bias.isPresent()) {
      ColumnSums.TurnGrid grid = ColumnSums.turnGrid(s, source);
      return kernels
          .launch("turn_back", new Grid(grid.blocks(), grid.high(), grid.threads(), 0),
              joined(common, new Object[]{buffers.parts(bias.orElseThrow())}, shape,
                  new Object[]{grid.across()}))
          .moving(moved + (long) rows * (heads.qkvWidth() - 2 * turned * half) * qkv.bytes()
              + 4L * grid.blocks() * heads.qkvWidth());
    }
    return kernels
        .launch(ColumnSums.isWhole(s, source) ? "turn" : "turn_odd",
            new Grid(Math.ceilDiv(rows, TURN_THREADS / WARP), 1, TURN_THREADS, 0),
            joined(common, shape, new Object[]{(float) s.direction()}))
        .moving(moved);
  }

  private static Object[] joined(Object[]... parts) {
    return Stream.of(parts).flatMap(Stream::of).toArray();
  }

  /** Where the document of each token begins and ends, for all attention of a batch. */
  private List<Launch> documents() {
    return buffers.documents()
        .map(
            o -> kernels
                .each("documents", program.rows(), tokens(), o.separator(), buffers.address(Part.DOCUMENTS),
                    program.rows(), program.length())
                .moving(12L * program.rows()))
        .stream()
        .toList();
  }

  private Launch attend(Step.Attend s) {
    Attention o = s.operation();
    return attend(o, o.heads().count(), "attend", from(o), o.heads().reach(), at(s.qkv()).address(),
        s.distant().map(this::address).orElse(0L), at(s.out()).address(), at(s.normalisers()).address())
        .costing(bytes(s.qkv()) + s.distant().map(this::bytes).orElse(0L) + bytes(s.out())
            + bytes(s.normalisers()), productFlops(o.heads(), 2, 0, o.heads().reach()));
  }

  /** Floating-point operations of so many products over the pairs at least so many tokens apart and less than so many. */
  private static double productFlops(Heads heads, int products, int low, int high) {
    double pairs = 0;
    for (int query = 0; query < heads.length(); query++) {
      pairs += Math.max(0, Math.min(query + 1, high) - low);
    }
    return 2.0 * products * heads.windows() * heads.count() * heads.width() * pairs;
  }

  private long address(Tensor tensor) {
    return at(tensor).address();
  }

  /** Pairs that are so many tokens apart have their own queries and keys; no pair is where none has. */
  private static int from(Attention o) {
    return o.scores() instanceof Scores.Distant distant
        ? Math.min(distant.from(), o.heads().reach())
        : o.heads().reach();
  }

  /** A kernel of attention over every window, and every one of so many heads of it. */
  private Launch attend(Attention o, int count, String kernel, int low, int high, Object... first) {
    Heads heads = o.heads();
    List<Object> all = new ArrayList<>(List.of(first));
    all.addAll(List.of(o.documents().isPresent() ? buffers.address(Part.DOCUMENTS) : 0L, buffers.slopes(o),
        heads.length(), heads.count(), heads.keyCount(), low, high, (float) (1 / Math.sqrt(heads.width()))));
    boolean tensor = source.tensorAttention();
    int tiles = Math.ceilDiv(heads.length(), tensor ? TENSOR_ROWS : ROWS);
    return kernels.launch(tensor ? "tensor_" + kernel : kernel, new Grid(heads.windows() * count, tiles,
        ATTENTION_THREADS, attentionBytes(source, kernel.equals("attend") ? 1 : 2)), all.toArray());
  }

  private List<Launch> attendBackward(Step.AttendBackward s) {
    Attention o = s.operation();
    List<Launch> all = new ArrayList<>();
    all.addAll(attendBackward(s, s.qkv(), s.dQkv(), 0, from(o)));
    s.distant()
        .ifPresent(distant -> all
            .addAll(attendBackward(s, distant, s.dDistant().orElseThrow(), from(o), o.heads().reach())));
    return all;
  }

  /** Of the pairs at least so many tokens apart and less than so many, whose queries and keys are in a tensor of their own. */
  private List<Launch> attendBackward(Step.AttendBackward s, Tensor band, Tensor dBand, int low, int high) {
    Heads heads = s.operation().heads();
    Object[] inputs = {address(band), address(s.qkv())};
    Object[] others = {address(s.normalisers()), work(), address(s.dOut()), address(dBand),
        address(s.dQkv())};
    long read = bytes(band) + bytes(s.dOut()) + 2 * bytes(s.normalisers())
        + (band.equals(s.qkv()) ? 0 : bytes(s.qkv()));
    long queries = bytes(dBand) / heads.qkvWidth() * heads.count() * heads.width();
    return List.of(
        attend(s.operation(), heads.count(), "attend_queries", low, high,
            joined(inputs, new Object[]{address(s.out())}, others))
            .costing(read + bytes(s.out()) + queries, productFlops(heads, 3, low, high)),
        attend(s.operation(), heads.keyCount(), "attend_keys", low, high, joined(inputs, others))
            .costing(read + bytes(dBand) - queries, productFlops(heads, 4, low, high)));
  }

  /** So many rows at a time that their logits have room. */
  private List<Launch> head(Step.Head s) {
    List<Launch> all = new ArrayList<>();
    int rows = program.rows();
    for (int from = 0; from < rows; from += buffers.logitRows()) {
      int count = Math.min(buffers.logitRows(), rows - from);
      int first = from;
      Matrix x = dense(s.linear().x()).rows(from, count);
      Matrix logits = buffers.logits(count);
      all.add(linear(s.linear(), x, logits));
      all.add(kernels
          .launch("loss", new Grid(count, 1, lossThreads(), 0), logits.numbers().address(),
              targets() + 4L * from, losses() + 4L * from, program.vocabulary(), logits.stride(),
              buffers.address(Part.INPUTS), s.backward().isPresent() ? 1 : 0)
          .moving(count * (8L
              + (s.backward().isPresent() ? 2L : 1L) * program.vocabulary() * logits.numbers().bytes())));
      if (s.backward().isEmpty()) {
        all.add(kernels
            .launch("predict", new Grid(count, 1, WARP, 0), logits.numbers().address(),
                predictions() + 4L * from, program.vocabulary(), logits.stride())
            .moving(count * (4L + (long) program.vocabulary() * logits.numbers().bytes())));
      }
      s.backward()
          .ifPresent(backward -> all.addAll(linearBackward(backward, x, logits,
              dense(backward.dX()).rows(first, count), buffers.sums().partsBefore(first))));
    }
    return all;
  }

  /** Enough for a row to be kept, if there may be. */
  private int lossThreads() {
    int chunks = Math.ceilDiv(program.vocabulary(), CHUNK_BYTES / (source.narrow() ? 2 : 4));
    return Math.min(MOST_LOSS_THREADS, Math.ceilDiv(Math.ceilDiv(chunks, CHUNKS_KEPT), WARP) * WARP);
  }

  /** The bf16 copy of all parameters made anew, if there is one. */
  Launch renewCopy() {
    long count = program.parameterCount();
    return kernels
        .each("copy", count, new Numbers(buffers.address(Part.PARAMETERS), false),
            new Numbers(buffers.address(Part.BF16_COPY), true), count)
        .moving(6 * count);
  }
}
