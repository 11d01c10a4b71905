package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
  private static final int NORM_BACKWARD_WARPS = 8;
  /** Enough blocks to fill a chip, few enough that adding up their sums costs little. */
  private static final int MOST_BLOCKS = 132;
  private static final int COLUMN_THREADS = 256;
  private static final int LOSS_THREADS = 256;
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
    return all;
  }

  /** Two steps in a row that one product may do: one and GELU behind it, or GELU's slope. */
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
      all.addAll(weightGradient(l, dense(l.x()), dense(l.dOut())));
      return Optional.of(all);
    }
    return Optional.empty();
  }

  /** A step's batch that is not its last. */
  List<Launch> earlierBatch() {
    List<Launch> all = batch();
    all.add(mean(false));
    return all;
  }

  /** A step's last batch, or only one, the update, and gradients of zero for the next step. */
  List<Launch> lastBatch() {
    List<Launch> all = batch();
    all.add(mean(true));
    program.updateRule().ifPresent(how -> all.addAll(new Updates(program, how, kernels, buffers).all()));
    all.add(kernels.each("zero", program.parameterCount(), buffers.address(Part.GRADIENTS),
        program.parameterCount()));
    return all;
  }

  private Launch mean(boolean last) {
    long results = buffers.address(Part.LOSSES);
    return kernels.launch("mean", new Grid(1, 1, 256, 0), losses(), results + Buffers.TOTAL,
        results + Buffers.MEAN, program.rows(), program.stepRows(), last ? 1 : 0);
  }

  /** Blocks of a norm's backward kernel. */
  static int normBlocks(int rows) {
    return Math.min(MOST_BLOCKS, Math.ceilDiv(rows, NORM_BACKWARD_WARPS));
  }

  /** Stretches of rows that column sums are taken over. */
  static int columnParts(int rows) {
    return Math.ceilDiv(rows, stretch(rows));
  }

  private static int stretch(int rows) {
    return Math.max(64, Math.ceilDiv(rows, MOST_BLOCKS));
  }

  /** Bytes of shared memory that attention takes at most. */
  static int attentionBytes(KernelSource source) {
    int head = source.head();
    return source.tensorAttention()
        ? 2 * (head + 8) * (2 * TENSOR_ROWS + 2 * TENSOR_WALK)
        : 4 * (2 * ROWS * head + 2 * TILE_ROWS * (head + 1) + ATTENTION_THREADS);
  }

  private List<Launch> of(Step step) {
    return switch (step) {
      case Step.Gather s -> List.of(kernels.each("embed", s.out().size() / source.vector(), tokens(),
          buffers.parameter(s.table()).address(), at(s.out()), s.out().rows(), s.out().columns()));
      case Step.Scatter s -> scatter(s);
      case Step.Place s -> List.of(kernels.each("place", s.x().size() / source.vector(), at(s.x()),
          buffers.parameter(s.table()).address(), s.length(), s.x().rows(), s.x().columns()));
      case Step.PlaceBackward s ->
          List.of(kernels.launch("place_backward", new Grid(s.length(), 1, EMBED_THREADS, 0), at(s.dOut()),
              buffers.gradient(s.dTable()).address(), program.windows(), s.length(), s.dOut().columns()));
      case Step.Sum s -> List.of(elements("add", size(s.out()), at(s.a()), at(s.b()), at(s.out())));
      case Step.Copy s -> List.of(kernels.each("copy", size(s.x()), at(s.x()), at(s.out()), size(s.x())));
      case Step.Norm s -> List.of(norm(s));
      case Step.NormBackward s -> normBackward(s);
      case Step.Linear s -> List.of(linear(s, dense(s.x()), dense(s.out())));
      case Step.LinearBackward s -> linearBackward(s, dense(s.x()), dense(s.dOut()), dense(s.dX()));
      case Step.Activate s -> List.of(activate(s));
      case Step.ActivateBackward s -> List.of(activateBackward(s));
      case Step.Gate s -> List.of(kernels.each("gate", size(s.out()) / source.vector(),
          number(s.activation()), at(s.x()), at(s.out()), rows(s.out()), s.out().columns()));
      case Step.GateBackward s -> List.of(kernels.each("gate_backward", size(s.dOut()) / source.vector(),
          number(s.activation()), at(s.x()), at(s.dOut()), at(s.dX()), rows(s.dOut()), s.dOut().columns()));
      case Step.Turn s -> List.of(turn(s));
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

  private long work() {
    return buffers.address(Part.WORK);
  }

  private Launch elements(String kernel, long count, Object... arguments) {
    Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = count;
    return kernels.each(kernel, count / source.vector(), all);
  }

  private Launch activate(Step.Activate s) {
    return elements("activate", size(s.x()), number(s.activation()), at(s.x()), at(s.out()));
  }

  private Launch activateBackward(Step.ActivateBackward s) {
    return elements("activate_backward", size(s.x()), number(s.activation()), at(s.x()), at(s.gradient()));
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
    return List.of(
        kernels.launch("embed_segments", new Grid(most, 1, EMBED_THREADS, 0), order, segments, first,
            at(s.dOut()), work(), program.vocabulary(), width),
        kernels.launch("embed_backward", new Grid(program.vocabulary(), 1, EMBED_THREADS, 0), first, work(),
            buffers.gradient(s.dTable()).address(), width));
  }

  private Launch norm(Step.Norm s) {
    Numbers a = s.sum().map(sum -> at(sum.a())).orElseGet(() -> at(s.x()));
    Numbers b = s.sum().map(sum -> at(sum.b())).orElse(NONE);
    return kernels.launch("normalise",
        new Grid(Math.ceilDiv(s.x().rows(), NORM_WARPS), 1, NORM_WARPS * WARP, 0), a, b,
        s.sum().isPresent() ? 1 : 0, at(s.x()), buffers.parameter(s.gain()).address(),
        s.bias().map(bias -> buffers.parameter(bias).address()).orElse(0L), at(s.out()),
        at(s.moments()).address(), s.x().rows(), s.x().columns(), (float) s.epsilon());
  }

  private List<Launch> normBackward(Step.NormBackward s) {
    int blocks = normBlocks(s.x().rows());
    int width = s.x().columns();
    List<Launch> all = new ArrayList<>();
    all.add(kernels.launch("normalise_backward", new Grid(blocks, 1, NORM_BACKWARD_WARPS * WARP, 0),
        s.residual().map(this::at).orElse(NONE), s.residual().isPresent() ? 1 : 0, at(s.x()),
        buffers.parameter(s.gain()).address(), s.dBias().isPresent() ? 1 : 0, at(s.moments()).address(),
        at(s.dOut()), at(s.dX()), work(), s.x().rows(), width));
    all.add(columnSums(work(), blocks, 2 * width, s.dGain()));
    s.dBias().ifPresent(bias -> all.add(columnSums(work() + 4L * width, blocks, 2 * width, bias)));
    return all;
  }

  /** Adds sums of blocks up, onto a gradient. */
  private Launch columnSums(long parts, int count, int stride, Tensor gradient) {
    return kernels.launch("column_sums",
        new Grid(Math.ceilDiv(gradient.columns(), WARP), 1, COLUMN_THREADS, 0), parts, count, stride,
        buffers.gradient(gradient).address(), gradient.columns());
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

  private List<Launch> linearBackward(Step.LinearBackward s, Matrix x, Matrix dOut, Matrix dX) {
    List<Launch> all = new ArrayList<>();
    all.add(products.of(dOut, weight(s.weight(), !s.transposed(), s.exact()), Optional.empty(), dX, false));
    all.addAll(weightGradient(s, x, dOut));
    return all;
  }

  /** Gradients of the weight and of the bias. */
  private List<Launch> weightGradient(Step.LinearBackward s, Matrix x, Matrix dOut) {
    List<Launch> all = new ArrayList<>();
    Matrix dWeight = Matrix.dense(buffers.gradient(s.dWeight()), s.dWeight().rows(), s.dWeight().columns());
    all.add(s.transposed()
        ? products.of(dOut.transpose(), x, Optional.empty(), dWeight, true)
        : products.of(x.transpose(), dOut, Optional.empty(), dWeight, true));
    s.dBias().ifPresent(bias -> {
      int parts = columnParts(dOut.rows());
      all.add(kernels.launch("column_parts",
          new Grid(Math.ceilDiv(dOut.columns(), WARP * source.vector()), parts, COLUMN_THREADS, 0),
          dOut.numbers(), work(), dOut.rows(), dOut.columns(), dOut.stride(), stretch(dOut.rows())));
      all.add(columnSums(work(), parts, dOut.columns(), bias));
    });
    return all;
  }

  private Launch turn(Step.Turn s) {
    Heads heads = s.rotary().heads();
    int turned = heads.count() + heads.keyCount();
    int half = s.rotary().rotated() / 2;
    return kernels.each("turn", (long) program.rows() * turned * half, at(s.qkv()), buffers.turns(s.rotary()),
        buffers.keyTurns(s.rotary()), program.rows(), heads.length(), heads.qkvWidth(), heads.count(), turned,
        half, (float) s.direction());
  }

  /** Where the document of each token begins and ends, for all attention of a batch. */
  private List<Launch> documents() {
    return buffers.documents()
        .map(o -> kernels.each("documents", program.rows(), tokens(), o.separator(),
            buffers.address(Part.DOCUMENTS), program.rows(), program.length()))
        .stream()
        .toList();
  }

  private Launch attend(Step.Attend s) {
    Attention o = s.operation();
    return attend(o, o.heads().count(), "attend", from(o), o.heads().reach(), at(s.qkv()).address(),
        s.distant().map(this::address).orElse(0L), at(s.out()).address(), at(s.normalisers()).address());
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
    return kernels.launch(tensor ? "tensor_" + kernel : kernel,
        new Grid(heads.windows() * count, tiles, ATTENTION_THREADS, attentionBytes(source)), all.toArray());
  }

  private List<Launch> attendBackward(Step.AttendBackward s) {
    Attention o = s.operation();
    int count = Math.toIntExact(s.normalisers().size());
    List<Launch> all = new ArrayList<>();
    all.add(kernels.launch("attend_deltas",
        new Grid(Math.ceilDiv(count, ATTENTION_THREADS / WARP), 1, ATTENTION_THREADS, 0), address(s.out()),
        address(s.dOut()), work(), count));
    all.addAll(attendBackward(s, s.qkv(), s.dQkv(), 0, from(o)));
    s.distant()
        .ifPresent(distant -> all
            .addAll(attendBackward(s, distant, s.dDistant().orElseThrow(), from(o), o.heads().reach())));
    return all;
  }

  /** Of the pairs at least so many tokens apart and less than so many, whose queries and keys are in a tensor of their own. */
  private List<Launch> attendBackward(Step.AttendBackward s, Tensor band, Tensor dBand, int low, int high) {
    Heads heads = s.operation().heads();
    Object[] arguments = {address(band), address(s.qkv()), address(s.normalisers()), work(),
        address(s.dOut()), address(dBand), address(s.dQkv())};
    return List.of(attend(s.operation(), heads.count(), "attend_queries", low, high, arguments),
        attend(s.operation(), heads.keyCount(), "attend_keys", low, high, arguments));
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
      all.add(kernels.launch("loss", new Grid(count, 1, LOSS_THREADS, 0), logits.numbers().address(),
          targets() + 4L * from, losses() + 4L * from, program.vocabulary(), logits.stride(),
          s.backward().isPresent() ? 1f / program.stepRows() : 0f));
      s.backward()
          .ifPresent(backward -> all
              .addAll(linearBackward(backward, x, logits, dense(backward.dX()).rows(first, count))));
    }
    return all;
  }

  /** The bf16 copy of all parameters made anew, if there is one. */
  Launch renewCopy() {
    long count = program.parameterCount();
    return kernels.each("copy", count, new Numbers(buffers.address(Part.PARAMETERS), false),
        new Numbers(buffers.address(Part.BF16_COPY), true), count);
  }
}
