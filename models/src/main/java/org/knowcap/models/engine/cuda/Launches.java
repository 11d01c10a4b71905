package org.knowcap.models.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Heads;
import org.knowcap.models.engine.cuda.Buffers.Part;
import org.knowcap.models.engine.cuda.driver.Gpu.Grid;
import org.knowcap.models.engine.cuda.driver.Matrix;
import org.knowcap.models.engine.cuda.driver.Numbers;
import org.knowcap.models.program.Accumulate;
import org.knowcap.models.program.Activate;
import org.knowcap.models.program.Add;
import org.knowcap.models.program.Canon;
import org.knowcap.models.program.Combine;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.Embedding;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.FusedOperation.AddNorm;
import org.knowcap.models.program.FusedOperation.Copy;
import org.knowcap.models.program.FusedOperation.LossHead;
import org.knowcap.models.program.FusedOperation.NormBackward;
import org.knowcap.models.program.GatedActivation;
import org.knowcap.models.program.GatedNorm;
import org.knowcap.models.program.LearnedPositions;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.NgramLookup;
import org.knowcap.models.program.Normalisation;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Recurrence;
import org.knowcap.models.program.Rope;
import org.knowcap.models.program.Route;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.ScalarGate;
import org.knowcap.models.program.Scale;
import org.knowcap.models.program.Tensor;
import org.knowcap.models.architecture.Activation;

/** The launches of each operation of a program, in order, once for training or for scoring. */
final class Launches {
  private static final Numbers NONE = new Numbers(0, false);
  private static final int WARP = 32;
  private static final int NORM_WARPS = 4;
  private static final int COLUMN_THREADS = 256;
  private static final int SUM_THREADS = 1024;
  private static final int MEAN_THREADS = 256;
  /** Numbers that a thread of the mean reads at once. */
  private static final int MEAN_READ = 4;
  private static final int ROPE_THREADS = 256;
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
  private final KernelModule kernels;
  private final MatMuls matmuls;
  private final Buffers buffers;
  private final KernelSource source;
  private final boolean learning;
  private final ExpertLaunches experts;
  private final RecurrenceLaunches recurrences;

  Launches(Program program, KernelModule kernels, MatMuls matmuls, Buffers buffers, KernelSource source,
      boolean learning) {
    this.program = program;
    this.kernels = kernels;
    this.matmuls = matmuls;
    this.buffers = buffers;
    this.source = source;
    this.learning = learning;
    experts = new ExpertLaunches(program, kernels, matmuls, buffers, source, learning);
    recurrences = new RecurrenceLaunches(kernels, buffers, learning);
  }

  /** A batch's losses, and in training its gradients, which are added to those there are. */
  List<Launch> batch() {
    List<Launch> all = new ArrayList<>(documents());
    List<Operation> operations = buffers.lowered().operations(learning);
    for (int i = 0; i < operations.size(); i++) {
      Optional<List<Launch>> both = i + 1 < operations.size()
          ? together(operations.get(i), operations.get(i + 1))
          : Optional.empty();
      all.addAll(both.isPresent() ? both.get() : of(operations.get(i)));
      i += both.isPresent() ? 1 : 0;
    }
    return learning ? withSums(all) : all;
  }

  private List<Launch> withSums(List<Launch> all) {
    ColumnSums sums = buffers.sums();
    long stretches = buffers.stretches();
    for (int round = 0; round < sums.rounds(); round++) {
      all.add(
          kernels
              .launch("column_sums", new Grid(sums.blocks(round), 1, SUM_THREADS, 0),
                  buffers.address(Part.SUMS), stretches, buffers.address(Part.GRADIENTS))
              .moving(sums.bytes(round)));
      stretches += 4L * ColumnSums.STRETCH * sums.blocks(round);
    }
    return all;
  }

  /** Two operations in a row that one launch may do: a matmul and GELU behind it, or GELU's slope; RoPE's gradient and a bias's. */
  private Optional<List<Launch>> together(Operation first, Operation second) {
    // In scoring, what goes into the matmul is read for the last time: GELU's result may lie there.
    if (learning && first instanceof Linear l && second instanceof Activate a && a.x().equals(l.out())
        && a.activation() == Activation.GELU) {
      return Optional.of(matmuls.activated(dense(l.x()), weight(l), l.bias().map(buffers::operand),
          dense(l.out()), dense(a.out()), activate(a)));
    }
    if (first instanceof Linear.Backward l && second instanceof Activate.Backward a && a.dX().equals(l.dX())
        && a.forward().activation() == Activation.GELU) {
      List<Launch> all = new ArrayList<>(matmuls.sloped(dense(l.dOut()), weight(l.forward()).transpose(),
          dense(a.forward().x()), dense(l.dX()), activateBackward(a)));
      all.addAll(weightGradient(l, readByWeight(l), dense(l.dOut()), 0));
      return Optional.of(all);
    }
    if (first instanceof Rope.Backward rope) {
      return ColumnSums.biasOf(rope, Optional.of(second), source).map(_ -> {
        List<Launch> all = new ArrayList<>(
            List.of(rope(rope.forward(), rope.dX(), Optional.of(ropeSums(rope)), -1)));
        all.addAll(of(second));
        return all;
      });
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
    program.updateRule()
        .ifPresent(how -> all.addAll(new Updates(program, how, kernels, matmuls, buffers).all()));
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

  /** Numbers of work space that the launches of an operation need beside its tensors. */
  static long work(Program program, Operation operation) {
    return switch (operation) {
      case Embedding.Backward o ->
          (long) TokenOrder.most(program.rows(), program.vocabulary()) * o.dOut().columns();
      case NgramLookup.Backward o ->
          (long) TokenOrder.most(NgramInputs.count(o.forward()), o.dTable().rows()) * o.dTable().columns();
      case Attention.Backward o -> o.forward().logSumExp().size();
      case Canon.Backward o -> ColumnSums.parts(o.dX().rows()) * o.dWeight().size();
      case Recurrence.Backward o -> RecurrenceLaunches.work(o);
      case GatedNorm.Backward o -> RecurrenceLaunches.work(o);
      default -> 0;
    };
  }

  private List<Launch> of(Operation operation) {
    return switch (operation) {
      case Embedding o -> List.of(kernels
          .each("embed", o.out().size() / source.vector(), tokens(), buffers.parameter(o.table()).address(),
              at(o.out()), o.out().rows(), o.out().columns())
          .moving(4L * program.rows() + bytes(o.out())
              + 4L * Math.min(o.table().rows(), program.rows()) * o.table().columns()));
      case Embedding.Backward o ->
          tableBackward(o, targets() + 4L * program.rows(), program.rows(), o.dOut(), o.dTable());
      case LearnedPositions o -> List.of(kernels
          .each("add_positions", o.x().size() / source.vector(), at(o.x()),
              buffers.parameter(o.table()).address(), o.length(), o.x().rows(), o.x().columns())
          .moving(2 * bytes(o.x()) + 4L * o.length() * o.x().columns()));
      case LearnedPositions.Backward o ->
          List.of(kernels
              .launch("add_positions_backward", new Grid(o.forward().length(), 1, EMBED_THREADS, 0),
                  at(o.dOut()), buffers.gradient(o.dTable()).address(), program.windows(),
                  o.forward().length(), o.dOut().columns())
              .moving(bytes(o.dOut()) + 8L * o.forward().length() * o.dOut().columns()));
      case Add o -> List.of(add(o.a(), o.b(), o.out()));
      case Scale o -> List.of(scale(o.factor(), o.x(), o.out()));
      case Scale.Backward o -> List.of(scale(o.forward().factor(), o.dOut(), o.dX()));
      case Accumulate o -> List.of(add(o.a(), o.b(), o.out()));
      case Copy o -> List.of(kernels.each("copy", size(o.x()), at(o.x()), at(o.out()), size(o.x()))
          .moving(bytes(o.x()) + bytes(o.out())));
      case Normalisation o -> List.of(norm(o, Optional.empty()));
      case AddNorm o -> List.of(norm(o.norm(), Optional.of(o.sum())));
      case NormBackward o -> List.of(normBackward(o));
      case Linear o -> List.of(linear(o, dense(o.x()), dense(o.out())));
      case Linear.Backward o -> linearBackward(o, readByWeight(o), dense(o.dOut()), dense(o.dX()), 0);
      case Activate o -> List.of(activate(o));
      case Activate.Backward o -> List.of(activateBackward(o));
      case GatedActivation o -> List
          .of(kernels
              .each("gated_activation", size(o.out()) / source.vector(), number(o.activation()), at(o.x()),
                  at(o.out()), rows(o.out()), o.out().columns())
              .moving(bytes(o.x()) + bytes(o.out())));
      case GatedActivation.Backward o ->
          List.of(kernels
              .each("gated_activation_backward", size(o.dOut()) / source.vector(),
                  number(o.forward().activation()), at(o.forward().x()), at(o.dOut()), at(o.dX()),
                  rows(o.dOut()), o.dOut().columns())
              .moving(bytes(o.forward().x()) + bytes(o.dOut()) + bytes(o.dX())));
      case Canon o -> List.of(kernels
          .each("canon", size(o.out()) / source.vector(), at(o.x()), buffers.parameter(o.weight()).address(),
              starts(o), at(o.out()), o.length(), rows(o.out()), o.out().columns())
          .moving(bytes(o.x()) + bytes(o.out()) + 4 * o.weight().size()));
      case Canon.Backward o -> canonBackward(o);
      case Rope o -> List.of(rope(o, o.out(), Optional.empty(), 1));
      case Rope.Backward o -> List.of(rope(o.forward(), o.dX(), Optional.empty(), -1));
      case Attention o -> List.of(attention(o));
      case Attention.Backward o -> attentionBackward(o);
      case Recurrence o -> List.of(recurrences.recurrence(o));
      case Recurrence.Backward o -> recurrences.recurrenceBackward(o, work(o));
      case GatedNorm o -> List.of(recurrences.gatedNorm(o));
      case GatedNorm.Backward o -> recurrences.gatedNormBackward(o, work(o));
      case NgramLookup o -> List.of(kernels
          .each("embed", o.out().size() / source.vector(), inputs() + buffers.ngrams().rows(o),
              buffers.parameter(o.table()).address(), at(o.out()), NgramInputs.count(o), o.width())
          .moving(4L * NgramInputs.count(o) + bytes(o.out()) + 4 * o.out().size()));
      case NgramLookup.Backward o -> tableBackward(o, inputs() + buffers.ngrams().order(o.forward()),
          NgramInputs.count(o.forward()), o.dOut(), o.dTable());
      case ScalarGate o -> List.of(scalarGate(o));
      case ScalarGate.Backward o -> List.of(scalarGateBackward(o));
      case LossHead o -> lossHead(o);
      case Route o -> experts.route(o);
      case Route.Backward o -> List.of(experts.routeBackward(o));
      case Dispatch o -> List.of(experts.dispatch(o));
      case Dispatch.Backward o -> List.of(experts.dispatchBackward(o));
      case ExpertLinear o -> experts.linear(o);
      case ExpertLinear.Backward o -> experts.linearBackward(o);
      case Combine o -> List.of(experts.combine(o));
      case Combine.Backward o -> List.of(experts.combineBackward(o));
      case Normalisation.Backward _,CrossEntropy _,CrossEntropy.Backward _ ->
          throw new IllegalStateException("lowering fuses it: " + operation);
    };
  }

  private Launch add(Tensor a, Tensor b, Tensor out) {
    return elements("add", size(out), at(a), at(b), at(out)).moving(bytes(a) + bytes(b) + bytes(out));
  }

  private Launch scale(double factor, Tensor x, Tensor out) {
    return elements("scale", size(out), (float) factor, at(x), at(out)).moving(bytes(x) + bytes(out));
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

  private long inputs() {
    return buffers.address(Part.INPUTS);
  }

  private long tokens() {
    return inputs() + Buffers.STEP_SCALARS;
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

  /** Address of the work space that an operation has in {@link #work(Program, Operation)}. */
  private long work(Operation operation) {
    if (work(program, operation) == 0) {
      throw new IllegalStateException("no work space was planned for " + operation);
    }
    return buffers.address(Part.WORK);
  }

  private Launch elements(String kernel, long count, Object... arguments) {
    Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = count;
    return kernels.each(kernel, count / source.vector(), all);
  }

  private Launch activate(Activate o) {
    return elements("activate", size(o.x()), number(o.activation()), at(o.x()), at(o.out()))
        .moving(bytes(o.x()) + bytes(o.out()));
  }

  private Launch activateBackward(Activate.Backward o) {
    Tensor x = o.forward().x();
    return elements("activate_backward", size(x), number(o.forward().activation()), at(x), at(o.dX()))
        .moving(bytes(x) + 2 * bytes(o.dX()));
  }

  /** As elementwise.cu counts them. */
  private static int number(Activation activation) {
    return switch (activation) {
      case GELU -> 0;
      case SILU -> 1;
      case RELU2 -> 2;
    };
  }

  /**
   * The gradient of a table whose rows are looked up.
   *
   * @param order address of the {@link TokenOrder} of what is looked up
   * @param rows how many are looked up
   */
  private List<Launch> tableBackward(Operation o, long order, int rows, Tensor dOut, Tensor dTable) {
    int vocabulary = dTable.rows();
    int most = TokenOrder.most(rows, vocabulary);
    long segments = order + 4L * rows;
    long first = segments + 4L * (most + 1);
    int width = dTable.columns();
    int warps = EMBED_THREADS / WARP;
    long parts = 4L * most * width;
    return List.of(
        kernels
            .launch("embed_segments", new Grid(Math.ceilDiv(most, warps), 1, EMBED_THREADS, 0), order,
                segments, first, at(dOut), work(o), vocabulary, width)
            .moving(4L * rows + bytes(dOut) + parts),
        kernels
            .launch("embed_backward", new Grid(Math.ceilDiv(vocabulary, warps), 1, EMBED_THREADS, 0), first,
                work(o), buffers.gradient(dTable).address(), vocabulary, width)
            .moving(parts + 8L * Math.min(vocabulary, rows) * width));
  }

  private Grid warpARow(Tensor tensor) {
    return new Grid(Math.ceilDiv(tensor.rows(), NORM_WARPS), 1, NORM_WARPS * WARP, 0);
  }

  private Launch scalarGate(ScalarGate o) {
    return kernels
        .launch("scalar_gate", warpARow(o.out()), at(o.query()), at(o.key()), at(o.value()), at(o.out()),
            o.out().rows(), o.out().columns(), (float) o.scale())
        .moving(bytes(o.query()) + bytes(o.key()) + bytes(o.value()) + bytes(o.out()));
  }

  private Launch scalarGateBackward(ScalarGate.Backward o) {
    ScalarGate forward = o.forward();
    return kernels
        .launch("scalar_gate_backward", warpARow(o.dOut()), at(forward.query()), at(forward.key()),
            at(forward.value()), at(o.dOut()), at(o.dQuery()), at(o.dKey()), at(o.dValue()), o.dOut().rows(),
            o.dOut().columns(), (float) forward.scale())
        .moving(bytes(forward.query()) + bytes(forward.key()) + bytes(forward.value()) + bytes(o.dOut())
            + bytes(o.dQuery()) + bytes(o.dKey()) + bytes(o.dValue()));
  }

  private Launch headNorm(Normalisation o, Heads heads) {
    long warps = (long) o.x().rows() * (heads.qkvWidth() / heads.width());
    return kernels
        .launch("head_norm",
            new Grid(Math.toIntExact(Math.ceilDiv(warps, NORM_WARPS)), 1, NORM_WARPS * WARP, 0), at(o.x()),
            buffers.parameter(o.gain()).address(), at(o.out()), address(o.statistics()), o.x().rows(),
            heads.count(), heads.keyCount(), (float) o.epsilon())
        .moving(bytes(o.x()) + bytes(o.out()) + bytes(o.statistics()));
  }

  private Launch headNormBackward(NormBackward o, Heads heads) {
    Normalisation forward = o.norm().forward();
    Tensor x = forward.x();
    Tensor dX = o.norm().dX();
    Tensor dGain = o.norm().dGain();
    int blocks = ColumnSums.normBlocks(source, x.rows());
    return kernels
        .launch("head_norm_backward", new Grid(blocks, 1, source.normWarps() * WARP, 0), at(x),
            buffers.parameter(forward.gain()).address(), address(forward.statistics()), at(o.norm().dOut()),
            address(dX), o.copy().map(this::address).orElse(0L), buffers.parts(o), x.rows(), heads.count(),
            heads.keyCount())
        .moving(bytes(x) + bytes(o.norm().dOut()) + bytes(forward.statistics()) + bytes(dX)
            + o.copy().map(this::bytes).orElse(0L) + 4L * blocks * dGain.columns());
  }

  private Launch norm(Normalisation o, Optional<Add> sum) {
    if (o.heads().isPresent()) {
      return headNorm(o, o.heads().get());
    }
    Numbers a = at(sum.map(Add::a).orElse(o.x()));
    Numbers b = sum.map(each -> at(each.b())).orElse(NONE);
    return kernels
        .launch("normalise", new Grid(Math.ceilDiv(o.x().rows(), NORM_WARPS), 1, NORM_WARPS * WARP, 0), a, b,
            sum.isPresent() ? 1 : 0, at(o.x()), buffers.parameter(o.gain()).address(),
            o.bias().map(bias -> buffers.parameter(bias).address()).orElse(0L), at(o.out()),
            address(o.statistics()), o.x().rows(), o.x().columns(), (float) o.epsilon())
        .moving(sum.map(each -> bytes(each.a()) + bytes(each.b())).orElse(0L) + bytes(o.x()) + bytes(o.out())
            + bytes(o.statistics()));
  }

  private Launch normBackward(NormBackward o) {
    Normalisation forward = o.norm().forward();
    if (forward.heads().isPresent()) {
      return headNormBackward(o, forward.heads().get());
    }
    Tensor x = forward.x();
    Tensor dOut = o.norm().dOut();
    Tensor dX = o.norm().dX();
    Numbers residual = o.residual().map(this::at).orElse(NONE);
    boolean stream = !residual.bf16() && !at(x).bf16() && at(dOut).bf16() == source.bf16();
    int rows = x.rows();
    int blocks = ColumnSums.normBlocks(source, rows);
    Grid grid = new Grid(blocks, 1, source.normWarps() * WARP, 0);
    long copy = o.copy().map(this::address).orElse(0L);
    int adds = o.residual().isPresent() ? 1 : 0;
    int centred = forward.bias().isPresent() ? 1 : 0;
    long gain = buffers.parameter(forward.gain()).address();
    long statistics = address(forward.statistics());
    long parts = buffers.parts(o);
    int width = x.columns();
    Launch launch = stream
        ? kernels.launch("normalise_backward", grid, residual.address(), adds, address(x), gain, centred,
            statistics, address(dOut), address(dX), copy, parts, rows, width)
        : kernels.launch("normalise_any_backward", grid, residual, adds, at(x), gain, centred, statistics,
            at(dOut), address(dX), copy, parts, rows, width);
    return launch.moving(
        o.residual().map(this::bytes).orElse(0L) + bytes(x) + bytes(dOut) + bytes(forward.statistics())
            + bytes(dX) + o.copy().map(this::bytes).orElse(0L) + 12L * blocks * width);
  }

  /** A weight as its matmul reads it. */
  private Matrix weight(Linear o) {
    Numbers numbers = o.exact() ? buffers.parameter(o.weight()) : buffers.operand(o.weight());
    Matrix stored = Matrix.dense(numbers, o.weight().rows(), o.weight().columns());
    return o.transposed() ? stored.transpose() : stored;
  }

  private Launch linear(Linear o, Matrix x, Matrix out) {
    return matmuls.of(x, weight(o), o.bias().map(o.exact() ? buffers::parameter : buffers::operand), out,
        false);
  }

  /** @param part the first of the bias's parts that these rows have, if they have any of their own */
  private List<Launch> linearBackward(Linear.Backward o, Optional<Matrix> x, Matrix dOut, Matrix dX,
      int part) {
    List<Launch> all = new ArrayList<>();
    all.add(matmuls.of(dOut, weight(o.forward()).transpose(), Optional.empty(), dX, false));
    all.addAll(weightGradient(o, x, dOut, part));
    return all;
  }

  /** What the gradient of the weight reads of the forward part, if the weight is trained. */
  private Optional<Matrix> readByWeight(Linear.Backward o) {
    return o.dWeight().map(_ -> dense(o.forward().x()));
  }

  /** Gradients of the weight and of the bias, as far as they are trained. */
  private List<Launch> weightGradient(Linear.Backward s, Optional<Matrix> read, Matrix dOut, int part) {
    List<Launch> all = new ArrayList<>();
    s.dWeight().ifPresent(gradient -> {
      Matrix x = read.orElseThrow();
      Matrix dWeight = Matrix.dense(buffers.gradient(gradient), gradient.rows(), gradient.columns());
      all.add(s.forward().transposed()
          ? matmuls.of(dOut.transpose(), x, Optional.empty(), dWeight, true)
          : matmuls.of(x.transpose(), dOut, Optional.empty(), dWeight, true));
    });
    buffers.sums().of(s).ifPresent(_ -> {
      int parts = ColumnSums.parts(dOut.rows());
      all.add(kernels
          .launch("column_parts",
              new Grid(Math.ceilDiv(dOut.columns(), WARP * source.vector()), parts, COLUMN_THREADS, 0),
              dOut.numbers(), buffers.parts(s) + 4L * part * dOut.columns(), dOut.rows(), dOut.columns(),
              dOut.stride(), ColumnSums.stretch(dOut.rows()))
          .moving(
              (long) dOut.rows() * dOut.columns() * dOut.numbers().bytes() + 4L * parts * dOut.columns()));
    });
    return all;
  }

  /** Address of where documents begin and end; 0 where a window is one document. */
  private long starts(Canon o) {
    return o.documents().isPresent() ? buffers.address(Part.DOCUMENTS) : 0L;
  }

  private List<Launch> canonBackward(Canon.Backward o) {
    Canon forward = o.forward();
    int rows = rows(o.dX());
    int columns = o.dX().columns();
    int blocks = ColumnSums.parts(rows);
    return List.of(
        kernels
            .each("canon_backward", size(o.dX()) / source.vector(), at(o.dOut()),
                buffers.parameter(forward.weight()).address(), starts(forward), at(o.dX()), forward.length(),
                rows, columns)
            .moving(bytes(o.dOut()) + bytes(o.dX()) + 4 * forward.weight().size()),
        kernels
            .launch("canon_weights", new Grid(Math.ceilDiv(columns, WARP), blocks, COLUMN_THREADS, 0),
                at(forward.x()), at(o.dOut()), starts(forward), work(o), forward.length(), rows, columns,
                ColumnSums.stretch(rows))
            .moving(bytes(forward.x()) + bytes(o.dOut()) + 4L * blocks * forward.weight().size()),
        kernels
            .each("sum_parts", forward.weight().size(), work(o), buffers.gradient(o.dWeight()).address(),
                blocks, Math.toIntExact(forward.weight().size()))
            .moving(4L * (blocks + 2) * forward.weight().size()));
  }

  /** Where the sums of rotated columns go: the gradient of the bias of the matmul before RoPE. */
  private record RopeSums(ColumnSums.RopeGrid grid, long parts) {}

  private RopeSums ropeSums(Rope.Backward o) {
    return new RopeSums(ColumnSums.ropeGrid(o, source), buffers.parts(o));
  }

  /** @param sums if they are wanted too */
  private Launch rope(Rope o, Tensor stored, Optional<RopeSums> sums, int direction) {
    Numbers qkv = at(stored);
    if (qkv.bf16() != source.bf16()) {
      throw new IllegalArgumentException("RoPE needs what a matmul computed, found " + o);
    }
    Heads heads = o.heads();
    int rotated = heads.count() + heads.keyCount();
    int pairs = o.rotated() / 2;
    int rows = program.rows();
    Object[] common = {qkv.address(), buffers.ropeOfQueries(o), buffers.ropeOfKeys(o)};
    Object[] shape = {rows, heads.length(), heads.qkvWidth(), heads.count(), rotated, pairs};
    long moved = 4L * rows * rotated * pairs * qkv.bytes() + 8L * heads.length() * pairs;
    if (sums.isPresent()) {
      ColumnSums.RopeGrid grid = sums.get().grid;
      return kernels
          .launch("rope_back", new Grid(grid.blocks(), grid.high(), grid.threads(), 0),
              joined(common, new Object[]{sums.get().parts}, shape, new Object[]{grid.across()}))
          .moving(moved + (long) rows * (heads.qkvWidth() - 2 * rotated * pairs) * qkv.bytes()
              + 4L * grid.blocks() * heads.qkvWidth());
    }
    return kernels
        .launch(ColumnSums.isWhole(o, source) ? "rope" : "rope_odd",
            new Grid(Math.ceilDiv(rows, ROPE_THREADS / WARP), 1, ROPE_THREADS, 0),
            joined(common, shape, new Object[]{(float) direction}))
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

  private Launch attention(Attention o) {
    return attend(o, o.heads().count(), "attend", from(o), o.heads().reach(), address(o.qkv()),
        o.distant().map(this::address).orElse(0L), address(o.out()), address(o.logSumExp())).costing(
            bytes(o.qkv()) + o.distant().map(this::bytes).orElse(0L) + bytes(o.out()) + bytes(o.logSumExp()),
            matmulFlops(o.heads(), 2, 0, o.heads().reach()));
  }

  /** Floating-point operations of a number of matmuls over the pairs from {@code low} to less than {@code high} tokens apart. */
  private static double matmulFlops(Heads heads, int matmuls, int low, int high) {
    double pairs = 0;
    for (int query = 0; query < heads.length(); query++) {
      pairs += Math.max(0, Math.min(query + 1, high) - low);
    }
    return 2.0 * matmuls * heads.windows() * heads.count() * heads.width() * pairs;
  }

  private long address(Tensor tensor) {
    return at(tensor).address();
  }

  /** Query-key pairs at least this many tokens apart use the distant queries and keys; none if there are none. */
  private static int from(Attention o) {
    return o.scores() instanceof Attention.Scores.Rerope rerope
        ? Math.min(rerope.window(), o.heads().reach())
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

  private List<Launch> attentionBackward(Attention.Backward o) {
    Attention forward = o.forward();
    List<Launch> all = new ArrayList<>();
    all.addAll(attentionBackward(o, forward.qkv(), o.dQkv(), 0, from(forward)));
    forward.distant()
        .ifPresent(distant -> all.addAll(attentionBackward(o, distant, o.dDistant().orElseThrow(),
            from(forward), forward.heads().reach())));
    return all;
  }

  /** Of the pairs from {@code low} to less than {@code high} tokens apart, whose queries and keys are in a tensor of their own. */
  private List<Launch> attentionBackward(Attention.Backward o, Tensor band, Tensor dBand, int low, int high) {
    Attention forward = o.forward();
    Heads heads = forward.heads();
    Object[] inputs = {address(band), address(forward.qkv())};
    Object[] others = {address(forward.logSumExp()), work(o), address(o.dOut()), address(dBand),
        address(o.dQkv())};
    long read = bytes(band) + bytes(o.dOut()) + 2 * bytes(forward.logSumExp())
        + (band.equals(forward.qkv()) ? 0 : bytes(forward.qkv()));
    long queries = bytes(dBand) / heads.qkvWidth() * heads.count() * heads.width();
    return List.of(
        attend(forward, heads.count(), "attend_queries", low, high,
            joined(inputs, new Object[]{address(forward.out())}, others))
            .costing(read + bytes(forward.out()) + queries, matmulFlops(heads, 3, low, high)),
        attend(forward, heads.keyCount(), "attend_keys", low, high, joined(inputs, others))
            .costing(read + bytes(dBand) - queries, matmulFlops(heads, 4, low, high)));
  }

  /** A number of rows at a time, whose logits have room. */
  private List<Launch> lossHead(LossHead s) {
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
          .ifPresent(backward -> all.addAll(linearBackward(backward, Optional.of(x), logits,
              dense(backward.dX()).rows(first, count), buffers.sums().partsBefore(first))));
    }
    return all;
  }

  /** Enough for a row to be kept, if there may be. */
  private int lossThreads() {
    int chunks = Math.ceilDiv(program.vocabulary(), CHUNK_BYTES / (source.bf16() ? 2 : 4));
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
