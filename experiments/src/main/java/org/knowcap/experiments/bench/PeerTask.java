package org.knowcap.experiments.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.InitialParameters;

/**
 * The training that a peer must do, as the files of a folder: this record in task.json, the parameters to begin with
 * in parameters.f32, the batch in tokens.i32 and targets.i32 (little-endian). The model is a GPT2 with rotary
 * positions on a quarter of each head.
 *
 * @param headWidth components of a head
 * @param vocabulary V
 * @param length tokens of a window, T
 * @param windows of a step
 * @param threads of a step
 * @param precision fp32 or bf16
 * @param learningRate of AdamW, like the next four parameters; vectors have no weight decay
 * @param checkedSteps number of steps whose losses are compared with Knowcap's
 * @param parameters in flat order
 */
public record PeerTask(int layers, int heads, int headWidth, int vocabulary, int length, int windows,
    int threads, String precision, double learningRate, double beta1, double beta2, double epsilon,
    double weightDecay, int checkedSteps, List<Named> parameters) {
  /**
   * Three losses check the loss and gradient of the first step, its update, and that gradients do not add up over
   * steps.
   */
  static final int CHECKED_STEPS = 3;

  /** A parameter, [rows, columns]; matrices are [inputs, outputs]. */
  public record Named(String name, int rows, int columns) {}

  static PeerTask of(TrainingShape shape, Execution execution) {
    Program program = shape.program();
    Optimiser.AdamW adamW = (Optimiser.AdamW) program.optimiser().orElseThrow();
    return new PeerTask(shape.model().layers(), shape.model().heads(), shape.model().headWidth(),
        shape.vocabulary(), shape.length(), shape.windows(), execution.threads(),
        execution.precision().name().toLowerCase(Locale.ROOT), CpuSpeed.LEARNING_RATE, adamW.beta1(),
        adamW.beta2(), adamW.epsilon(), adamW.weightDecay(), CHECKED_STEPS,
        program.parameters()
            .stream()
            .map(each -> new Named(each.tensor().name(), each.tensor().rows(), each.tensor().columns()))
            .toList());
  }

  void write(Path folder, TrainingShape shape) throws IOException {
    Files.writeString(folder.resolve("task.json"), Json.MAPPER.writeValueAsString(this));
    float[] parameters = InitialParameters.of(shape.program(), CpuSpeed.SEED);
    int[] bits = new int[parameters.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(parameters[i]);
    }
    write(folder.resolve("parameters.f32"), bits);
    write(folder.resolve("tokens.i32"), shape.ids(CpuSpeed.TOKENS));
    write(folder.resolve("targets.i32"), shape.ids(CpuSpeed.TARGETS));
  }

  private static void write(Path file, int[] numbers) throws IOException {
    ByteBuffer four = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
      for (int number : numbers) {
        out.write(four.putInt(0, number).array());
      }
    }
  }

  /** Reads what {@link #write} wrote. */
  public static PeerTask read(Path folder) throws IOException {
    return Json.MAPPER.readValue(folder.resolve("task.json").toFile(), PeerTask.class);
  }
}
