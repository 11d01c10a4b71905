package org.knowcap.experiments.bench.djl;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.GradientCollector;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.knowcap.experiments.bench.PeerTask;

/**
 * GPT-2 with rotary positions on a quarter of each head, as one writes it in PyTorch without fused attention, which DJL does not
 * have: softmax over masked scores of the whole batch. GELU is the exact one, which DJL has as one operation. Always in fp32: DJL
 * 0.35.1 has no bfloat16 (trying to have it ended the process).
 */
final class DjlTraining implements AutoCloseable {
  private static final float EPSILON = 1e-5f;
  private static final float MASKED = -1e9f;

  private final NDManager manager;
  private final Engine engine = Engine.getEngine("PyTorch");
  private final PeerTask task;
  private final int width;
  /** Pairs of components that turn, of a head: those of its first quarter. */
  private final int half;
  private final Map<String, NDArray> parameters = new LinkedHashMap<>();
  private final Optimizer optimiser;
  private final Optimizer withoutDecay;
  private final NDArray tokens;
  private final NDArray targets;
  private final NDArray mask;
  private final NDArray cosines;
  private final NDArray sines;

  DjlTraining(PeerTask task, Path folder) throws IOException {
    this.task = task;
    width = task.heads() * task.headWidth();
    manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
    optimiser = optimiser((float) task.weightDecay());
    withoutDecay = optimiser(0);
    int length = task.length();
    tokens = manager.create(read(folder, "tokens.i32").asIntBuffer(), new Shape(task.windows(), length), DataType.INT32);
    targets = manager
        .create(read(folder, "targets.i32").asIntBuffer(), new Shape((long) task.windows() * length, 1), DataType.INT32)
        .toType(DataType.INT64, false);
    float[] later = new float[length * length];
    for (int i = 0; i < later.length; i++) {
      later[i] = i % length > i / length ? MASKED : 0;
    }
    mask = manager.create(later, new Shape(length, length));
    half = task.headWidth() / 8;
    float[] cosine = new float[length * half];
    float[] sine = new float[length * half];
    for (int i = 0; i < cosine.length; i++) {
      double angle = i / half * Math.pow(10_000, -(double) (i % half) / half);
      cosine[i] = (float) Math.cos(angle);
      sine[i] = (float) Math.sin(angle);
    }
    cosines = manager.create(cosine, new Shape(1, 1, length, half));
    sines = manager.create(sine, new Shape(1, 1, length, half));
    FloatBuffer flat = read(folder, "parameters.f32").asFloatBuffer();
    for (PeerTask.Named each : task.parameters()) {
      float[] values = new float[each.rows() * each.columns()];
      flat.get(values);
      NDArray array = manager.create(values, each.rows() == 1
          ? new Shape(each.columns())
          : new Shape(each.rows(), each.columns()));
      // Ours are [inputs, outputs], PyTorch's linear layers [outputs, inputs].
      NDArray parameter = each.name().endsWith(".weight") ? array.transpose().duplicate() : array;
      parameter.setRequiresGradient(true);
      parameters.put(each.name(), parameter);
    }
  }

  private Optimizer optimiser(float decay) {
    return Optimizer.adamW().optLearningRateTracker(Tracker.fixed((float) task.learningRate()))
        .optBeta1((float) task.beta1()).optBeta2((float) task.beta2()).optEpsilon((float) task.epsilon())
        .optWeightDecays(decay).build();
  }

  private static ByteBuffer read(Path folder, String name) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name))).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** x weight^T + bias. */
  private NDArray linear(NDArray x, String name) {
    return Linear.linear(x, parameters.get(name + ".weight"), parameters.get(name + ".bias")).singletonOrThrow();
  }

  private NDArray norm(NDArray x, String name) {
    return LayerNorm
        .layerNorm(x, new Shape(width), parameters.get(name + ".gain"), parameters.get(name + ".bias"), EPSILON)
        .singletonOrThrow();
  }

  private NDArray heads(NDArray part) {
    return part.reshape(task.windows(), task.length(), task.heads(), task.headWidth()).transpose(0, 2, 1, 3);
  }

  private NDArray rotated(NDArray x) {
    NDList parts = x.split(new long[]{half, 2 * half}, 3);
    NDArray a = parts.get(0);
    NDArray b = parts.get(1);
    return NDArrays.concat(
        new NDList(a.mul(cosines).sub(b.mul(sines)), b.mul(cosines).add(a.mul(sines)), parts.get(2)), 3);
  }

  private NDArray attention(NDArray x, String name) {
    NDList parts = linear(x, name + "qkv").split(3, 2);
    NDArray q = rotated(heads(parts.get(0)));
    NDArray k = rotated(heads(parts.get(1)));
    NDArray v = heads(parts.get(2));
    NDArray scores = q.matMul(k.transpose(0, 1, 3, 2)).mul(1 / Math.sqrt(task.headWidth())).add(mask);
    NDArray mixed = scores.softmax(3).matMul(v).transpose(0, 2, 1, 3)
        .reshape(task.windows(), task.length(), width);
    return linear(mixed, name + "out");
  }

  private NDArray loss() {
    NDArray table = parameters.get("embedding");
    NDArray x = Embedding.embedding(tokens, table, SparseFormat.DENSE).singletonOrThrow();
    for (int layer = 0; layer < task.layers(); layer++) {
      String block = "block." + layer + ".";
      x = x.add(attention(norm(x, block + "attention.norm"), block + "attention."));
      NDArray inner = linear(norm(x, block + "mlp.norm"), block + "mlp.in");
      x = x.add(linear(Activation.gelu(inner), block + "mlp.out"));
    }
    NDArray logits = norm(x, "norm").reshape((long) task.windows() * task.length(), width).matMul(table.transpose());
    return logits.logSoftmax(1).gather(targets, 1).neg().mean();
  }

  /** One whole step: forwards, backwards, update. Returns the loss before the update. */
  float step() {
    float found;
    try (NDManager step = manager.newSubManager(); GradientCollector gradients = engine.newGradientCollector()) {
      // An operation's result belongs to the manager of its first operand: whatever a step reads must be the step's, or
      // its activations would stay.
      Stream.concat(parameters.values().stream(), Stream.of(tokens, targets, mask, cosines, sines))
          .forEach(each -> each.tempAttach(step));
      NDArray loss = loss();
      gradients.backward(loss);
      found = loss.getFloat();
    }
    parameters.forEach((name, parameter) -> {
      try (NDArray gradient = parameter.getGradient()) {
        // Sets the gradient to zero afterwards.
        (parameter.getShape().dimension() == 1 ? withoutDecay : optimiser).update(name, parameter, gradient);
      }
    });
    return found;
  }

  @Override
  public void close() {
    manager.close();
  }
}
