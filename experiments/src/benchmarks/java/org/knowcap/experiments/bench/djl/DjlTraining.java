package org.knowcap.experiments.bench.djl;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.GradientCollector;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.experiments.bench.Peer;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.architecture.ModelSpec;

/**
 * GPT-2 with rotary positions as one writes it in PyTorch without fused attention, which DJL does not have: softmax over
 * masked scores of the whole batch. Always in fp32: a mere cast to bfloat16 through DJL 0.35.1 ends the process ("terminate
 * called without an active exception").
 */
final class DjlTraining implements Peer.Training {
  private static final float EPSILON = 1e-5f;
  private static final float MASKED = -1e9f;

  private final NDManager manager;
  private final Engine engine = Engine.getEngine("PyTorch");
  private final TrainingShape shape;
  private final ModelSpec model;
  private final List<NDArray> parameters = new ArrayList<>();
  private final Optimizer optimiser;
  private final NDArray tokens;
  private final NDArray targets;
  private final NDArray mask;
  private final NDArray cosines;
  private final NDArray sines;
  private final NDArray table;
  private final List<NDArray[]> blocks = new ArrayList<>();
  private final NDArray[] lastNorm;

  DjlTraining(TrainingShape shape, int threads) {
    System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
    this.shape = shape;
    model = shape.model();
    manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
    optimiser = Optimizer.adamW().optLearningRateTracker(Tracker.fixed(1e-4f)).optBeta1(0.9f).optBeta2(0.98f)
        .optEpsilon(1e-6f).optWeightDecays(0.01f).build();
    int d = model.width();
    int length = shape.length();
    tokens = manager.create(shape.ids(1), new Shape(shape.windows(), length));
    targets = manager.create(shape.ids(2), new Shape(shape.tokens(), 1)).toType(DataType.INT64, false);
    float[] later = new float[length * length];
    for (int i = 0; i < later.length; i++) {
      later[i] = i % length > i / length ? MASKED : 0;
    }
    mask = manager.create(later, new Shape(length, length));
    int half = model.headWidth() / 2;
    float[] cosine = new float[length * half];
    float[] sine = new float[length * half];
    for (int i = 0; i < cosine.length; i++) {
      double angle = i / half * Math.pow(10_000, -(double) (i % half) / half);
      cosine[i] = (float) Math.cos(angle);
      sine[i] = (float) Math.sin(angle);
    }
    cosines = manager.create(cosine, new Shape(1, 1, length, half));
    sines = manager.create(sine, new Shape(1, 1, length, half));
    table = matrix(shape.vocabulary(), d);
    for (int layer = 0; layer < model.layers(); layer++) {
      blocks.add(new NDArray[]{ones(d), zeros(d), matrix(3 * d, d), zeros(3 * d), matrix(d, d), zeros(d), ones(d),
          zeros(d), matrix(4 * d, d), zeros(4 * d), matrix(d, 4 * d), zeros(d)});
    }
    lastNorm = new NDArray[]{ones(d), zeros(d)};
  }

  private NDArray parameter(NDArray array) {
    array.setRequiresGradient(true);
    parameters.add(array);
    return array;
  }

  private NDArray matrix(int rows, int columns) {
    return parameter(manager.randomNormal(0, 0.02f, new Shape(rows, columns), DataType.FLOAT32));
  }

  private NDArray ones(int size) {
    return parameter(manager.ones(new Shape(size)));
  }

  private NDArray zeros(int size) {
    return parameter(manager.zeros(new Shape(size)));
  }

  /** x weight^T + bias. */
  private NDArray linear(NDArray x, NDArray weight, NDArray bias) {
    return ai.djl.nn.core.Linear
        .linear(x, weight, bias).singletonOrThrow();
  }

  private static NDArray norm(NDArray x, NDArray gain, NDArray bias) {
    return LayerNorm.layerNorm(x, new Shape(x.getShape().getLastDimension()), gain, bias, EPSILON)
        .singletonOrThrow();
  }

  private NDArray heads(NDArray part) {
    return part.reshape(shape.windows(), shape.length(), model.heads(), model.headWidth()).transpose(0, 2, 1, 3);
  }

  private NDArray rotated(NDArray x) {
    NDList halves = x.split(2, 3);
    NDArray a = halves.get(0);
    NDArray b = halves.get(1);
    return a.mul(cosines).sub(b.mul(sines)).concat(b.mul(cosines).add(a.mul(sines)), 3);
  }

  private NDArray attention(NDArray x, NDArray[] p) {
    NDList parts = linear(x, p[2], p[3]).split(3, 2);
    NDArray q = rotated(heads(parts.get(0)));
    NDArray k = rotated(heads(parts.get(1)));
    NDArray v = heads(parts.get(2));
    NDArray scores = q.matMul(k.transpose(0, 1, 3, 2))
        .mul(1 / Math.sqrt(model.headWidth())).add(mask);
    NDArray mixed = scores.softmax(3).matMul(v).transpose(0, 2, 1, 3)
        .reshape(shape.windows(), shape.length(), model.width());
    return linear(mixed, p[4], p[5]);
  }

  private NDArray loss() {
    NDArray x = ai.djl.nn.core.Embedding.embedding(tokens, table, ai.djl.ndarray.types.SparseFormat.DENSE)
        .singletonOrThrow();
    for (NDArray[] p : blocks) {
      x = x.add(attention(norm(x, p[0], p[1]), p));
      NDArray inner = linear(norm(x, p[6], p[7]), p[8], p[9]);
      x = x.add(linear(ai.djl.nn.Activation.gelu(inner), p[10], p[11]));
    }
    NDArray logits = norm(x, lastNorm[0], lastNorm[1])
        .reshape(shape.tokens(), model.width())
        .matMul(table.transpose());
    return logits.logSoftmax(1).gather(targets, 1).neg().mean();
  }

  @Override
  public void step() {
    try (NDManager step = manager.newSubManager(); GradientCollector gradients = engine.newGradientCollector()) {
      for (NDArray parameter : parameters) {
        parameter.tempAttach(step);
      }
      NDArray loss = loss();
      gradients.backward(loss);
      loss.getFloat();
    }
    for (int i = 0; i < parameters.size(); i++) {
      try (NDArray gradient = parameters.get(i).getGradient()) {
        optimiser.update(Integer.toString(i), parameters.get(i), gradient);
        gradient.subi(gradient);
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
