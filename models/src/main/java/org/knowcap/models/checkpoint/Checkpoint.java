package org.knowcap.models.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * All that a run needs to go on, in one safetensors file: parameters under their own names, the optimiser's state under
 * {@code state/name}, and in the metadata the step, the data position and the run's fingerprint.
 *
 * @param fingerprint of the run, see {@link org.knowcap.models.training.TrainingSpec}
 * @param step finished steps
 * @param position of the batches, see {@link org.knowcap.models.training.Batch#after}
 * @param state flat buffers by name, as {@link Session#state} gives them, each [P]
 */
public record Checkpoint(String fingerprint, long step, long[] position, Map<String, float[]> state) {
  private static final String FORMAT = "knowcap-checkpoint-1";

  /** Writes it whole or not at all, over any earlier one. */
  public void write(Path file, Program program) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("fingerprint", fingerprint);
    metadata.put("step", Long.toString(step));
    metadata.put("position",
        LongStream.of(position).mapToObj(Long::toString).collect(Collectors.joining(" ")));
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    state.forEach((name, flat) -> {
      for (Parameter parameter : program.parameters()) {
        tensors.put(tensorName(name, parameter),
            new Safetensors.Array(shape(parameter), flat, (int) parameter.offset()));
      }
    });
    new Safetensors(metadata, tensors).write(file);
  }

  /**
   * Reads a checkpoint of a program.
   *
   * @throws CheckpointException where it is damaged, or of another program
   */
  public static Checkpoint read(Path file, Program program) throws IOException {
    Safetensors content = Safetensors.read(file);
    Map<String, String> metadata = content.metadata();
    if (!FORMAT.equals(metadata.get("format"))) {
      throw new CheckpointException(file,
          "not a checkpoint of this version: format " + metadata.get("format") + ", expected " + FORMAT);
    }
    Map<String, float[]> state = new LinkedHashMap<>();
    content.tensors().forEach((tensorName, array) -> {
      int slash = tensorName.indexOf('/');
      state.computeIfAbsent(slash < 0 ? Session.PARAMETERS : tensorName.substring(0, slash),
          name -> new float[Math.toIntExact(program.parameterCount())]);
    });
    for (Map.Entry<String, float[]> entry : state.entrySet()) {
      for (Parameter parameter : program.parameters()) {
        String tensorName = tensorName(entry.getKey(), parameter);
        Safetensors.Array array = content.tensors().get(tensorName);
        if (array == null || !Arrays.equals(array.shape(), shape(parameter))) {
          throw new CheckpointException(file,
              "of another model: tensor '" + tensorName + "' should have shape "
                  + Arrays.toString(shape(parameter)) + ", found "
                  + (array == null ? "none" : Arrays.toString(array.shape())));
        }
        System.arraycopy(array.flat(), array.offset(), entry.getValue(), (int) parameter.offset(),
            array.size());
      }
    }
    if (content.tensors().size() != state.size() * program.parameters().size()) {
      throw new CheckpointException(file, "of another model: it holds " + content.tensors().size()
          + " tensors, this model has " + program.parameters().size() + " in each of " + state.keySet());
    }
    String step = metadata.getOrDefault("step", "");
    String position = metadata.getOrDefault("position", "");
    try {
      return new Checkpoint(metadata.getOrDefault("fingerprint", ""), Long.parseLong(step),
          Pattern.compile(" ").splitAsStream(position).filter(s -> !s.isEmpty()).mapToLong(Long::parseLong)
              .toArray(),
          state);
    } catch (NumberFormatException e) {
      throw new CheckpointException(file,
          "damaged: step '" + step + "' or position '" + position + "' is no number");
    }
  }

  private static long[] shape(Parameter parameter) {
    return parameter.tensor().rows() == 1
        ? new long[]{parameter.tensor().columns()}
        : new long[]{parameter.tensor().rows(), parameter.tensor().columns()};
  }

  private static String tensorName(String state, Parameter parameter) {
    return state.equals(Session.PARAMETERS)
        ? parameter.tensor().name()
        : state + "/" + parameter.tensor().name();
  }
}
